//! `cargo run -p simulator`: the whole action against a GitHub on loopback.

mod arguments;
mod product;
mod scenario;

use std::io::{Write as _, stdout};
use std::process::ExitCode;

use clap::Parser as _;
use simulator::StepResult;

use self::arguments::Arguments;
use self::scenario::Scenario;

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let binary = product::binary(arguments.binary.as_deref())?;
    if arguments.is_a_scenario() {
        let scenario = Scenario::from_arguments(&arguments)?;
        let result = run(&scenario, &arguments, &binary)?;
        let code = result.exit_code().and_then(|code| u8::try_from(code).ok());
        return Ok(ExitCode::from(code.unwrap_or(u8::MAX)));
    }
    for scenario in scenario::showcase() {
        run(&scenario, &arguments, &binary)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn run(
    scenario: &Scenario,
    arguments: &Arguments,
    binary: &std::path::Path,
) -> anyhow::Result<StepResult> {
    let mut out = stdout().lock();
    writeln!(out, "\n{}\n{}", "═".repeat(100), scenario.title)?;
    let (github, result) = scenario.run(arguments, binary)?;
    simulator::show::step(&mut out, &github, &result)?;
    Ok(result)
}
