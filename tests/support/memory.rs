//! What a process needs, as the kernel says.

use std::time::Duration;

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
