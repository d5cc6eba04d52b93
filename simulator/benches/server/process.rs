//! Processes on cores of their own, and what they cost.

use std::io::Read as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use simulator::gateway::{Message, ServerProcess};

/// Core of what is measured. `benches/server` keeps this program, which sends and reads, on the others.
const CORE: &str = "0";

/// Returns a command that runs a program on [`CORE`].
pub(crate) fn on_core(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", CORE]).arg(program);
    command
}

/// Processor time of a process so far: of its own code and of the kernel for it.
pub(crate) fn processor_time(id: u32) -> anyhow::Result<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    let (_, fields) = text.rsplit_once(')').context("a process without a name")?;
    let times = fields.split_whitespace().skip(11).take(2);
    let ticks: Vec<u64> = times.map(str::parse).collect::<Result<_, _>>()?;
    // The kernel's tick is 10 ms for every program of Linux.
    Ok(Duration::from_millis(10 * ticks.iter().sum::<u64>()))
}

/// A line of a process's status in MB, such as its peak, `VmHWM`.
pub(crate) fn megabytes(id: u32, line: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let found = status.lines().find_map(|other| other.strip_prefix(line));
    let text = found.and_then(|text| text.strip_prefix(':')?.strip_suffix("kB"));
    let kilobytes: f64 = text.context("no such line")?.trim().parse()?;
    Ok(kilobytes / 1024.0)
}

/// The server on [`CORE`], and somebody who reads its records.
pub(crate) struct Server {
    pub(crate) process: ServerProcess,
    records: Arc<AtomicU64>,
}

impl Server {
    /// Starts it with a configuration, and waits until it is ready.
    pub(crate) fn start(binary: &Path, config: &Path) -> anyhow::Result<Self> {
        let mut process = ServerProcess::start_by(on_core(binary), config)?;
        let mut stream = process.take_records().context("its records")?.into_inner();
        let records = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&records);
        std::thread::spawn(move || {
            let mut buffer = vec![0; 64 << 10];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                let lines = buffer.iter().take(count).filter(|byte| **byte == b'\n');
                counted.fetch_add(lines.count() as u64, Ordering::Relaxed);
            }
        });
        Ok(Self { process, records })
    }

    /// Number of records so far.
    pub(crate) fn records(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }

    pub(crate) fn processor_time(&self) -> anyhow::Result<Duration> {
        processor_time(self.process.id())
    }

    pub(crate) fn megabytes(&self, line: &str) -> anyhow::Result<f64> {
        megabytes(self.process.id(), line)
    }

    /// The value of a metric, with its labels as in the text; 0 if there is none.
    pub(crate) fn metric(&self, name: &str) -> anyhow::Result<f64> {
        let text = Message::new("GET /metrics HTTP/1.1")
            .with("host", "admin")
            .exchange(&self.process.admin)?
            .body;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(line.unwrap_or("0").parse()?)
    }
}
