//! `cargo run --bin simulator`: the whole action against a GitHub on loopback.

use std::io::stdout;
use std::process::ExitCode;

fn main() -> anyhow::Result<ExitCode> {
    let directory = std::env::current_dir()?;
    let code = simulator::command::run(std::env::args_os(), &directory, &mut stdout().lock())?;
    Ok(ExitCode::from(code))
}
