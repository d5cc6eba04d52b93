//! `completions` and `man`: what shells and `man` know about the program.

use anyhow::Context as _;
use clap::{Args, Command};
use clap_complete::Shell;

use super::output::print;
use engine::policy::quoted;

#[derive(Debug, Args)]
pub(super) struct CompletionsArguments {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct ManArguments {
    /// Command, such as `check` or `audit verify` [default: the program]
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
}

pub(super) fn completions(arguments: &CompletionsArguments, mut program: Command) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut program,
        "repo-permissions",
        &mut script,
    );
    print(&String::from_utf8_lossy(&script));
    0
}

pub(super) fn man(arguments: &ManArguments, program: Command) -> anyhow::Result<u8> {
    let mut command = program.disable_help_subcommand(true);
    // Gives each command the names of those above it.
    command.build();
    for name in &arguments.command {
        let found = command.find_subcommand(name).cloned();
        command = found.with_context(|| {
            format!(
                "{} is not a command: `repo-permissions help` lists them",
                quoted(name)
            )
        })?;
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    print(&String::from_utf8_lossy(&page));
    Ok(0)
}
