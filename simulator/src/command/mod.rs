//! The command line: runs the caller's own step, or the showcase of three steps.

mod arguments;
mod product;
mod scenario;
mod server;

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Parser as _;

use self::arguments::{Arguments, Command};
use self::scenario::Scenario;
use crate::show::{self, Part};

/// Runs the program with these arguments, the first of which is its name. Relative paths in them start from a
/// directory. Returns the exit code: the step's, or 0 for the showcase.
///
/// # Errors
///
/// Invalid arguments, a binary that cannot be built or started, or an `out` that cannot be written.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    directory: &Path,
    out: &mut impl Write,
) -> anyhow::Result<u8> {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(help) if !help.use_stderr() => {
            write!(out, "{help}")?;
            return Ok(0);
        }
        Err(error) => return Err(error.into()),
    };
    let given = |binary: &Option<PathBuf>| binary.as_ref().map(|path| directory.join(path));
    if let Some(Command::Server(arguments)) = &arguments.command {
        let binary = product::binary("repo-permissions-server", given(&arguments.binary))?;
        return server::show(&binary, out);
    }
    let binary = product::binary("repo-permissions", given(&arguments.binary))?;
    if !arguments.is_a_scenario() {
        for scenario in scenario::showcase() {
            one(&scenario, &arguments, &binary, out)?;
        }
        return Ok(0);
    }
    let scenario = Scenario::from_arguments(&arguments, directory)?;
    one(&scenario, &arguments, &binary, out)
}

fn one(
    scenario: &Scenario,
    arguments: &Arguments,
    binary: &Path,
    out: &mut impl Write,
) -> anyhow::Result<u8> {
    let parts = match arguments.show.as_slice() {
        [] => &Part::ALL,
        chosen => chosen,
    };
    if parts == Part::ALL {
        writeln!(out, "\n{}\n{}", "═".repeat(show::WIDTH), scenario.title)?;
    }
    let (github, result) = scenario.run(arguments, binary)?;
    show::step(out, &github, &result, parts)?;
    let code = result.exit_code().and_then(|code| u8::try_from(code).ok());
    Ok(code.unwrap_or(u8::MAX))
}
