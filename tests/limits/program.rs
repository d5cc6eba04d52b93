//! The program in a process, and what it takes.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What a process printed, how long it took, and its peak memory in kilobytes.
pub struct Measured {
    pub output: Output,
    pub time: Duration,
    pub kilobytes: u64,
}

pub fn run(binary: &Path, arguments: &[&str], directory: &Path) -> Measured {
    let started = Instant::now();
    let mut command = Command::new(binary);
    let command = command.args(arguments).current_dir(directory).env_clear();
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let watch = watch_memory(&child);
    let output = child.wait_with_output().unwrap();
    Measured {
        output,
        time: started.elapsed(),
        kilobytes: watch.join().unwrap(),
    }
}

/// The kernel's own high-water mark, read until the process is gone. `getrusage` would count what this
/// process had when it started the other.
fn watch_memory(child: &Child) -> JoinHandle<u64> {
    let status = format!("/proc/{}/status", child.id());
    std::thread::spawn(move || {
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
    })
}

fn high_water_mark(status: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
