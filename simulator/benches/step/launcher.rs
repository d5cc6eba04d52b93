//! Starts one program and measures it, as a process of its own.
//!
//! The kernel counts for a process also what the process that started it had in memory. So the program
//! is not started by the benchmark, in which the simulator runs, but by this small one.

use std::ffi::OsString;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use nix::time::{ClockId, clock_gettime};

/// The first argument that makes the benchmark a launcher of the rest of them.
pub(crate) const LAUNCH: &str = "--launch";
const MARK: &str = "measured: ";

/// What one run of a program cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// When it was started, by [`now`].
    pub(crate) started: Duration,
    /// From there to its end.
    pub(crate) wall: Duration,
    /// User and system time.
    pub(crate) cpu: Duration,
    /// Its largest resident set in KiB.
    pub(crate) peak: u64,
}

/// The machine's monotonic clock: the same in all processes.
pub(crate) fn now() -> anyhow::Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_MONOTONIC)?.into())
}

/// Runs the program, and writes what it cost as the last line. Gives the program's exit code.
pub(crate) fn launch(mut arguments: impl Iterator<Item = OsString>) -> anyhow::Result<ExitCode> {
    let program = arguments.next().context("no program to launch")?;
    let mut command = Command::new(&program);
    command.args(arguments);
    let started = now()?;
    let status = command
        .status()
        .with_context(|| format!("start {}", program.display()))?;
    let wall = now()?.saturating_sub(started);
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = micros(usage.user_time()) + micros(usage.system_time());
    println!(
        "{MARK}{} {} {cpu} {}",
        started.as_nanos(),
        wall.as_nanos(),
        usage.max_rss()
    );
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(ExitCode::from(code.unwrap_or(u8::MAX)))
}

fn micros(time: TimeVal) -> i64 {
    time.tv_sec() * 1_000_000 + time.tv_usec()
}

impl Measured {
    /// Reads the last line of a launcher's output.
    pub(crate) fn read(output: &str) -> anyhow::Result<Self> {
        let line = output.lines().next_back().unwrap_or_default();
        let numbers = line
            .strip_prefix(MARK)
            .with_context(|| format!("a launcher that says: {output}"))?;
        let mut numbers = numbers.split(' ').map(str::parse::<u64>);
        let mut next = || numbers.next().context("a number is missing");
        Ok(Self {
            started: Duration::from_nanos(next()??),
            wall: Duration::from_nanos(next()??),
            cpu: Duration::from_micros(next()??),
            peak: next()??,
        })
    }
}
