//! `audit`: reading the records of checks.

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
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List records: who asked for what, and what was decided
    #[command(after_long_help = help::AUDIT_SHOW)]
    Show(show::Arguments),
    /// Check that records are whole, and decide them again by the policies that decided them
    #[command(after_long_help = help::AUDIT_VERIFY)]
    Verify(verify::Arguments),
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    match &arguments.command {
        Command::Show(arguments) => show::run(arguments),
        Command::Verify(arguments) => verify::run(arguments),
    }
}
