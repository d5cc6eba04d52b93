//! One whole step: the optimised binary, started as the runner starts it, against the simulator.
//!
//! `cargo bench --bench step` builds it, runs it with and without TLS and with a round trip of 50 ms,
//! and prints the wall time of the process (median, minimum, maximum) and the peak memory of the
//! largest run. Beside each stands the same for a process that does nothing, since starting one costs
//! something too.

#![expect(clippy::print_stdout, reason = "it prints a table")]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use nix::sys::resource::{UsageWho, getrusage};
use simulator::github::Repository;
use simulator::{GitHub, Job, Runner};

const POLICY: &str =
    "version: 1\npermissions:\n  - permission: ws:deployments:create\n    branch: main\n";

fn main() -> anyhow::Result<()> {
    let binary = env!("CARGO_BIN_EXE_repo-permissions");
    let action = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/action.yml"));
    let runner = Runner::new(binary).with_action_file(action)?;
    let mut empty = Vec::new();
    for _ in 0..50 {
        let started = Instant::now();
        Command::new("true").status()?;
        empty.push(started.elapsed());
    }
    show("an empty process", &mut empty)?;
    for (name, tls, round_trip, runs) in [
        ("no latency, HTTP", false, 0, 50),
        ("no latency, TLS", true, 0, 50),
        ("round trip 50 ms, TLS", true, 50, 15),
    ] {
        let github = GitHub::builder()
            .tls(tls)
            .round_trip(Duration::from_millis(round_trip))
            .start()?;
        let repository = Repository::new("acme-org/infra", 123, 4567).with_file(
            "main",
            ".github/repo-permissions.yml",
            POLICY,
        );
        github.add_repository(repository.clone());
        let runner = runner.clone().trusting(&github);
        let job = Job::push(&repository, "main");
        let mut times = Vec::new();
        for run in 0..=runs {
            let step = runner.run(&github, &job, &[("permission", "ws:deployments:create")])?;
            anyhow::ensure!(step.output("reason") == "granted", "{}", step.stdout);
            github.clear_records();
            // The first warms the file cache.
            if run > 0 {
                times.push(step.duration);
            }
        }
        show(name, &mut times)?;
    }
    let peak = getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss();
    println!(
        "peak memory of the largest process: {:.1} MB",
        peak as f64 / 1024.0
    );
    Ok(())
}

fn show(name: &str, times: &mut [Duration]) -> anyhow::Result<()> {
    times.sort();
    let ms = |time: &Duration| time.as_secs_f64() * 1000.0;
    let median = times.get(times.len() / 2).context("no run")?;
    let (first, last) = times.first().zip(times.last()).context("no run")?;
    println!(
        "{name:<24} median {:>6.1} ms   min {:>6.1}   max {:>6.1}",
        ms(median),
        ms(first),
        ms(last)
    );
    Ok(())
}
