//! Pauses of the machine: when its host took a core away.
//!
//! A virtual machine's host stops its cores for milliseconds, and no program of the machine can be on time then. A thread
//! on each core with a real-time priority, which no other program of the machine can delay, sees these pauses.

use std::ops::RangeInclusive;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// Time between two looks at the clock.
const STEP: Duration = Duration::from_micros(200);
/// A look that is so late saw a pause. Without one, it is late by some microseconds.
const LATE: Duration = Duration::from_micros(300);
/// A request that was due so shortly before a pause may still have been on its way.
const MARGIN: Duration = Duration::from_millis(1);

/// A time in which a core did nothing.
#[derive(Clone, Copy, Debug)]
struct Pause {
    start: Instant,
    end: Instant,
}

/// The threads that look.
pub(crate) struct Witness {
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Vec<Pause>>>,
}

/// Times in which requests were late by the machine, one after the other.
pub(crate) struct Delays(Vec<RangeInclusive<Instant>>);

impl Witness {
    /// Starts a thread on each core.
    ///
    /// # Errors
    /// The system allows no real-time priority.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let is_over = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::new();
        for core in 0..cores()? {
            let (started, starting) = std::sync::mpsc::channel();
            let is_over = Arc::clone(&is_over);
            threads.push(std::thread::spawn(move || {
                let is_placed = place(core);
                let is_usable = is_placed.is_ok();
                // The other end waits for it.
                let _ = started.send(is_placed);
                match is_usable {
                    true => look(&is_over),
                    false => Vec::new(),
                }
            }));
            starting.recv()??;
        }
        Ok(Self { is_over, threads })
    }

    /// Ends the threads, and returns what they saw.
    pub(crate) fn end(self) -> anyhow::Result<Delays> {
        self.is_over.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for thread in self.threads {
            all.extend(
                thread
                    .join()
                    .ok()
                    .context("a thread that looks ended early")?,
            );
        }
        Ok(Delays::of(all))
    }
}

impl Delays {
    /// After a pause, a server at half load needs as long as it took for the requests that had to wait. This allows twice
    /// that time, for each pause after those of the ones before.
    fn of(mut pauses: Vec<Pause>) -> Self {
        pauses.sort_by_key(|pause| pause.start);
        let mut delays: Vec<RangeInclusive<Instant>> = Vec::new();
        for Pause { start, end } in pauses {
            let work = 3 * end.duration_since(start);
            let start = start.checked_sub(MARGIN).unwrap_or(start);
            match delays.last_mut() {
                Some(last) if start <= *last.end() => *last = *last.start()..=*last.end() + work,
                _ => delays.push(start..=start + MARGIN + work),
            }
        }
        Self(delays)
    }

    /// Returns whether a request that was due then can have been late by the machine.
    pub(crate) fn include(&self, due: Instant) -> bool {
        let next = self.0.partition_point(|delay| *delay.end() < due);
        self.0.get(next).is_some_and(|delay| delay.contains(&due))
    }
}

fn cores() -> anyhow::Result<usize> {
    let text = Command::new("nproc").arg("--all").output()?.stdout;
    Ok(String::from_utf8(text)?.trim().parse()?)
}

/// Puts this thread on a core, before all others.
fn place(core: usize) -> anyhow::Result<()> {
    let thread = nix::unistd::gettid().to_string();
    let core = core.to_string();
    for words in [
        ["taskset", "--cpu-list", "--pid", &core, &thread].as_slice(),
        &["chrt", "--fifo", "--pid", "50", &thread],
    ] {
        let (program, words) = words.split_first().context("no program")?;
        let ended = Command::new(program).args(words).output()?;
        anyhow::ensure!(
            ended.status.success(),
            "{program}: {}",
            String::from_utf8_lossy(&ended.stderr)
        );
    }
    Ok(())
}

fn look(is_over: &AtomicBool) -> Vec<Pause> {
    let mut pauses = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        let start = Instant::now();
        std::thread::sleep(STEP);
        let end = Instant::now();
        if end.duration_since(start) > STEP + LATE {
            pauses.push(Pause { start, end });
        }
    }
    pauses
}
