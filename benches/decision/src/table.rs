//! The tables of docs/performance.md, in Markdown.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::engine::{Decide, Engine};
use crate::growth;
use crate::measure::{Measured, REQUESTS, Task, apart};
use crate::policy::Policy;
use crate::request::requests;

/// How often each measure is taken; the median counts. The slow ones less often.
fn rounds(rules: usize) -> usize {
    match rules {
        0..10_000 => 15,
        10_000..100_000 => 7,
        _ => 5,
    }
}

/// The medians of one engine at one size.
struct Cell {
    engine: Engine,
    file: usize,
    cold: Duration,
    warm: Duration,
    /// Above what a process needs that only starts.
    peak: u64,
}

pub fn print(sizes: &[usize], engines: &[Engine]) -> Result<()> {
    let mut cells = Vec::new();
    for rules in sizes {
        let policy = Policy { rules: *rules };
        let mut texts = Vec::new();
        for engine in engines {
            texts.push((*engine, &*engine.text(policy)?.leak()));
        }
        let allowed = same_answers(policy, &texts)?;
        eprintln!("{rules} rules: the same answers to {REQUESTS} requests, {allowed} allowed");
        cells.push((*rules, measure(policy, &texts)?));
    }
    println!("Load and decide once (cold), median:\n");
    table(&cells, |cell| cell.cold.as_secs_f64(), &time);
    println!("\nDecide again (warm), median of a decision:\n");
    table(&cells, |cell| cell.warm.as_secs_f64(), &time);
    println!(
        "\nPeak memory of load and decide once, the file included, without what an empty process has:\n"
    );
    table(&cells, |cell| cell.peak as f64, &memory);
    println!("\nThe same over the size of the file:\n");
    table(
        &cells,
        |cell| cell.peak as f64 / cell.file as f64,
        &|ratio| format!("{ratio:.2}"),
    );
    println!("\nThe files:\n");
    table(&cells, |cell| cell.file as f64, &memory);
    println!("\nThe fastest peer over ours, the same kind of file where there is one:\n");
    ratios(&cells);
    println!("\nHow the cost of ours grows, YAML:\n");
    growth::print()
}

/// Every engine gives the same answers, and some of either kind.
fn same_answers(policy: Policy, texts: &[(Engine, &'static str)]) -> Result<usize> {
    let requests = requests(policy, REQUESTS);
    let mut expected: Option<Vec<bool>> = None;
    for (engine, text) in texts {
        let mut decide: Decide = engine.load(text)?;
        let answers = requests
            .iter()
            .map(&mut *decide)
            .collect::<Result<Vec<_>>>()?;
        let expected = expected.get_or_insert_with(|| answers.clone());
        for ((request, answer), expected) in requests.iter().zip(&answers).zip(expected) {
            ensure!(
                answer == expected,
                "{} says {answer} to {request:?}",
                engine.name()
            );
        }
    }
    let allowed = expected.iter().flatten().filter(|answer| **answer).count();
    ensure!(
        (30..REQUESTS - 30).contains(&allowed),
        "{allowed} are allowed"
    );
    Ok(allowed)
}

/// One after the other in each round, so that what else the machine does meets all of them.
fn measure(policy: Policy, texts: &[(Engine, &'static str)]) -> Result<Vec<Cell>> {
    let mut taken: Vec<[Vec<Measured>; 3]> = texts.iter().map(|_| Default::default()).collect();
    for _ in 0..rounds(policy.rules) {
        for ((engine, text), taken) in texts.iter().zip(&mut taken) {
            for (task, taken) in [Task::Nothing, Task::Cold, Task::Warm]
                .into_iter()
                .zip(taken)
            {
                taken.push(apart(task, *engine, policy, text)?);
            }
        }
    }
    let cells = texts
        .iter()
        .zip(taken)
        .map(|((engine, text), [nothing, cold, warm])| {
            let time = |measured: &[Measured]| median(measured.iter().map(|one| one.time));
            let peak = |measured: &[Measured]| median(measured.iter().map(|one| one.peak));
            Cell {
                engine: *engine,
                file: text.len(),
                cold: time(&cold),
                warm: time(&warm),
                peak: peak(&cold).saturating_sub(peak(&nothing)),
            }
        });
    Ok(cells.collect())
}

pub fn median<T: Ord + Default + Copy>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<_> = values.collect();
    values.sort();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn table(sizes: &[(usize, Vec<Cell>)], value: impl Fn(&Cell) -> f64, show: &dyn Fn(f64) -> String) {
    header(sizes);
    let engines = sizes.first().map_or(0, |(_, cells)| cells.len());
    for row in 0..engines {
        let cells: Vec<_> = sizes.iter().map(|(_, cells)| &cells[row]).collect();
        let shown: Vec<_> = cells.iter().map(|cell| show(value(cell))).collect();
        println!("| {} | {} |", cells[0].engine.name(), shown.join(" | "));
    }
}

fn header(sizes: &[(usize, Vec<Cell>)]) {
    let names: Vec<_> = sizes
        .iter()
        .map(|(rules, _)| format!("{rules} rules"))
        .collect();
    println!("| | {} |", names.join(" | "));
    println!("|---|{}", "---|".repeat(sizes.len()));
}

/// Compares JSON with JSON, and YAML with everything except JSON.
fn ratios(sizes: &[(usize, Vec<Cell>)]) {
    header(sizes);
    for ours in [Engine::OursYaml, Engine::OursJson] {
        for (name, value) in [
            ("cold", (|cell: &Cell| cell.cold) as fn(&Cell) -> Duration),
            ("warm", |cell| cell.warm),
        ] {
            let shown = sizes.iter().map(|(_, cells)| {
                let of_ours = cells.iter().find(|cell| cell.engine == ours).map(value);
                let is_peer = |cell: &&Cell| match (ours, cell.engine) {
                    (_, engine) if engine.is_ours() => false,
                    (Engine::OursYaml, Engine::RegorusJson) => false,
                    _ => true,
                };
                let best = cells.iter().filter(is_peer).min_by_key(|cell| value(cell));
                match (of_ours, best) {
                    (Some(of_ours), Some(best)) => {
                        let ratio = value(best).as_secs_f64() / of_ours.as_secs_f64();
                        format!("{ratio:.1} ({})", best.engine.name())
                    }
                    _ => String::new(),
                }
            });
            println!(
                "| {}, {name} | {} |",
                ours.name(),
                shown.collect::<Vec<_>>().join(" | ")
            );
        }
    }
}

pub fn time(seconds: f64) -> String {
    match seconds {
        s if s >= 0.1 => format!("{:.0} ms", s * 1e3),
        s if s >= 1e-3 => format!("{:.1} ms", s * 1e3),
        s if s >= 1e-4 => format!("{:.0} µs", s * 1e6),
        s => format!("{:.1} µs", s * 1e6),
    }
}

fn memory(bytes: f64) -> String {
    match bytes {
        b if b >= 1e6 => format!("{:.1} MB", b / 1e6),
        b => format!("{:.1} KB", b / 1e3),
    }
}
