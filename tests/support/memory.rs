//! What a process needs, as the kernel says.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// What a process printed, and what it took.
pub struct Measured {
    pub output: Output,
    pub time: Duration,
    /// The peak memory.
    pub kilobytes: u64,
}

/// Runs a process to its end.
pub fn measure(command: &mut Command) -> Measured {
    let started = Instant::now();
    let piped = command.stdin(Stdio::null()).stdout(Stdio::piped());
    let child = piped.stderr(Stdio::piped()).spawn().unwrap();
    let id = child.id();
    let watch = std::thread::spawn(move || peak_memory(id));
    let output = child.wait_with_output().unwrap();
    Measured {
        output,
        time: started.elapsed(),
        kilobytes: watch.join().unwrap(),
    }
}

/// The peak memory of a process in kilobytes, once it has ended: the kernel's own high-water mark, read until
/// it is gone. `getrusage` is of no use here: it counts what this process had when it started the other.
pub fn peak_memory(id: u32) -> u64 {
    let status = format!("/proc/{id}/status");
    let mut peak = 0;
    // A process that has ended has a status, without memory, until it is waited for.
    while let Some(now) = std::fs::read_to_string(&status)
        .ok()
        .and_then(|status| high_water_mark(&status))
    {
        peak = now;
        std::thread::sleep(Duration::from_millis(1));
    }
    peak
}

fn high_water_mark(status: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
