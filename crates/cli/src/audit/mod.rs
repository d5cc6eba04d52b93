//! `audit`: reads the records of checks.

mod filter;
mod log;
mod policies;
mod show;
mod verify;

use clap::{Args, Subcommand};

use super::help;

pub(super) use log::each_record;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// List records: who asked for which permission, and the decision
    #[command(after_long_help = help::AUDIT_SHOW)]
    Show(show::Arguments),
    /// Verify that records are well-formed, and that their policies lead to the same decisions
    #[command(after_long_help = help::AUDIT_VERIFY)]
    Verify(verify::Arguments),
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    match &arguments.command {
        AuditCommand::Show(arguments) => Ok(show::run(arguments)),
        AuditCommand::Verify(arguments) => verify::run(arguments),
    }
}
