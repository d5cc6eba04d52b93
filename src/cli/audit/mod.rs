//! `audit`: reading the records of checks.

mod filter;
mod log;
mod policies;
mod show;
mod verify;

use clap::{Args, Subcommand};

pub(super) use log::each_record;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List records: who asked for what, and what was decided
    ///
    /// Exit code: 0 done, 2 a file cannot be read.
    Show(show::Arguments),
    /// Check that records are whole, and decide them again by the policies that decided them
    ///
    /// Exit code: 0 all hold, 1 some do not, 2 a file cannot be read.
    Verify(verify::Arguments),
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    match &arguments.command {
        Command::Show(arguments) => show::run(arguments),
        Command::Verify(arguments) => verify::run(arguments),
    }
}
