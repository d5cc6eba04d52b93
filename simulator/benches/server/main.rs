//! The server under load: the release binary on one core, beside what ring and a peer do on that core.
//!
//! `benches/server` builds all of it, runs this on the other cores, and says what it needs.

#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "it prints a table, and before it each row as it is measured"
)]

mod cerbos;
mod load;
mod nginx;
mod pauses;
mod process;
mod ring;
mod rows;
mod stage;
#[path = "../step/table.rs"]
#[allow(
    clippy::allow_attributes,
    dead_code,
    reason = "the other benchmark uses all of it"
)]
mod table;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use self::load::Answers;
use self::rows::Rows;

/// Measures the server.
#[derive(Parser)]
struct Arguments {
    /// The server.
    #[arg(long)]
    binary: PathBuf,
    /// Cerbos, to compare with.
    #[arg(long)]
    cerbos: Option<PathBuf>,
    /// Measure for three minutes instead of 40.
    #[arg(long)]
    small: bool,
    /// How long the server runs at half load, in minutes.
    #[arg(long)]
    minutes: Option<u64>,
    /// What to measure; everything by default.
    rows: Vec<Row>,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Row {
    Throughput,
    Latency,
    Memory,
    Limits,
    Swaps,
    Keys,
    Replicas,
    Long,
}

/// How much of it is measured.
struct Sizes {
    rounds: usize,
    round: Duration,
    latency: Duration,
    swaps: usize,
    unknown: usize,
    /// Time in which the tokens of unknown keys arrive.
    unknown_in: Duration,
    minutes: u64,
}

/// What one of many costs.
#[derive(Clone, Copy, Debug)]
struct Cost {
    /// How many in a second.
    rate: f64,
    /// Microseconds of processor time of one.
    micros: f64,
}

impl Cost {
    /// Returns the cost of an answer, of so many in this processor time.
    fn of(answers: &Answers, used: Duration) -> anyhow::Result<Self> {
        anyhow::ensure!(answers.count() > 0, "no answer came");
        Ok(Self {
            rate: answers.rate(),
            micros: used.as_secs_f64() * 1e6 / answers.count() as f64,
        })
    }
}

fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1).peekable();
    if words.next_if(|first| first == ring::RING).is_some() {
        return ring::run(words);
    }
    let arguments = Arguments::parse();
    let mut sizes = match arguments.small {
        false => Sizes {
            rounds: 5,
            round: Duration::from_secs(10),
            latency: Duration::from_secs(60),
            swaps: 100,
            unknown: 10_000,
            unknown_in: Duration::from_secs(60),
            minutes: 30,
        },
        true => Sizes {
            rounds: 3,
            round: Duration::from_secs(2),
            latency: Duration::from_secs(10),
            swaps: 5,
            unknown: 1_000,
            unknown_in: Duration::from_secs(6),
            minutes: 1,
        },
    };
    sizes.minutes = arguments.minutes.unwrap_or(sizes.minutes);
    let is_asked = |row| arguments.rows.is_empty() || arguments.rows.contains(&row);
    let mut rows = Rows::new(&arguments.binary, sizes)?;
    if is_asked(Row::Throughput) {
        rows.throughput(arguments.cerbos.as_deref())?;
    }
    if is_asked(Row::Latency) {
        rows.latency()?;
    }
    if is_asked(Row::Memory) {
        rows.memory()?;
    }
    if is_asked(Row::Limits) {
        rows.limits()?;
    }
    if is_asked(Row::Swaps) {
        rows.swaps()?;
    }
    if is_asked(Row::Keys) {
        rows.unknown_keys()?;
    }
    if is_asked(Row::Replicas) {
        rows.replicas()?;
    }
    if is_asked(Row::Long) {
        rows.long()?;
    }
    println!("{}.\n", table::machine());
    table::print(&["", "goal", "measured"], &rows.table);
    Ok(())
}
