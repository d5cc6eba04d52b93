//! The decision beside cedar-policy, regorus and casbin: the same policy, the same answers, then time
//! and memory. `benches/decision/run` builds and starts it; docs/performance.md has its tables.

mod engine;
mod growth;
mod measure;
mod patterns;
mod policy;
mod request;
mod table;
mod yaml;

use anyhow::{Context as _, Result, bail};

use engine::Engine;
use measure::Task;
use policy::Policy;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (task, engine, rules) = match arguments[..] {
        [] => return table::print(&[10, 100, 1_000, 10_000, 100_000], &Engine::ALL),
        ["growth"] => return growth::print(),
        ["patterns"] => return patterns::print(),
        // For profiling: one engine and one size.
        ["text", engine, rules] => {
            let engine = Engine::ALL[engine.parse::<usize>()?];
            print!(
                "{}",
                engine.text(Policy {
                    rules: rules.parse()?
                })?
            );
            return Ok(());
        }
        ["nothing", engine, rules, _] => (Task::Nothing, engine, rules),
        ["cold", engine, rules, _] => (Task::Cold, engine, rules),
        ["warm", engine, rules, _] => (Task::Warm, engine, rules),
        _ => bail!("usage: decision-bench [growth | patterns]"),
    };
    let engine = Engine::ALL
        .get(engine.parse::<usize>()?)
        .context("no such engine")?;
    let policy = Policy {
        rules: rules.parse()?,
    };
    let measured = measure::here(task, *engine, policy)?;
    println!("{} {}", measured.time.as_nanos(), measured.peak);
    Ok(())
}
