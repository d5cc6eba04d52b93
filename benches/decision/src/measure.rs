//! One measure in a process of its own, so that no run finds what another has left behind.

use std::hint::black_box;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::engine::Engine;
use crate::policy::Policy;
use crate::request::{first_request, requests};

/// How long decisions are repeated.
const WARM: Duration = Duration::from_millis(100);
/// How many requests are asked in turn: the same twice in a row would measure a cache of answers.
pub const REQUESTS: usize = 300;

/// What a process measures.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Nothing: what a process costs that only starts.
    Nothing,
    /// Load and decide once.
    Cold,
    /// Decide again.
    Warm,
}

/// What it found.
#[derive(Clone, Copy)]
pub struct Measured {
    pub time: Duration,
    /// The most memory that the process had, in bytes.
    pub peak: u64,
}

/// In this process. The policy's text comes from the standard input.
pub fn here(task: Task, engine: Engine, policy: Policy) -> Result<Measured> {
    if task == Task::Nothing {
        return Ok(Measured {
            time: Duration::ZERO,
            peak: peak()?,
        });
    }
    // Exactly as large as the file: a buffer that grew would count twice.
    let length: usize = std::env::args().next_back().context("no length")?.parse()?;
    let mut text = String::with_capacity(length);
    std::io::stdin().read_to_string(&mut text)?;
    ensure!(text.len() == length, "a text of another length");
    let text: &'static str = text.leak();
    let request = Box::leak(Box::new(first_request(policy)));
    if task == Task::Cold {
        let started = Instant::now();
        let allowed = engine.once(text, request)?;
        let time = started.elapsed();
        ensure!(allowed, "{} denies the first request", engine.name());
        return Ok(Measured {
            time,
            peak: peak()?,
        });
    }
    let mut decide = engine.load(text)?;
    let requests = requests(policy, REQUESTS);
    for request in requests.iter().take(10) {
        decide(request)?;
    }
    let (started, mut count) = (Instant::now(), 0);
    while count < 10 || started.elapsed() < WARM {
        for request in requests
            .iter()
            .cycle()
            .skip(count as usize % REQUESTS)
            .take(10)
        {
            black_box(decide(request)?);
        }
        count += 10;
    }
    let time = started.elapsed() / count;
    Ok(Measured {
        time,
        peak: peak()?,
    })
}

/// In a process of its own.
pub fn apart(task: Task, engine: Engine, policy: Policy, text: &str) -> Result<Measured> {
    let task = match task {
        Task::Nothing => "nothing",
        Task::Cold => "cold",
        Task::Warm => "warm",
    };
    let number = Engine::ALL.iter().position(|other| *other == engine);
    let mut child = Command::new(std::env::current_exe()?)
        .args([task, &number.unwrap_or_default().to_string()])
        .args([policy.rules.to_string(), text.len().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().context("no pipe")?;
    // A child that does nothing does not read either.
    _ = std::io::Write::write_all(&mut stdin, text.as_bytes());
    drop(stdin);
    let output = child.wait_with_output()?;
    let what = format!("{} of {} with {} rules", task, engine.name(), policy.rules);
    ensure!(output.status.success(), "{what} failed");
    let answer = String::from_utf8(output.stdout)?;
    let (nanoseconds, peak) = answer.trim().split_once(' ').context(what)?;
    Ok(Measured {
        time: Duration::from_nanos(nanoseconds.parse()?),
        peak: peak.parse()?,
    })
}

/// The kernel's high-water mark of this process.
fn peak() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kilobytes.context("no VmHWM")?.parse::<u64>()? * 1024)
}
