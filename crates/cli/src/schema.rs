//! `schema`: the JSON Schemas of what people write and what is recorded, for editors and other programs.

use clap::{Args, ValueEnum};

use super::print;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Which file's schema
    #[arg(value_enum, default_value_t)]
    of: Of,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Of {
    /// The policy.
    #[default]
    Policy,
    /// The file of cases that `test` runs.
    Tests,
    /// An audit record.
    Audit,
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    // The committed files themselves, so that command and file cannot differ.
    print(match arguments.of {
        Of::Policy => include_str!("../../../schema/repo-permissions.schema.json"),
        Of::Tests => include_str!("../../../schema/repo-permissions-tests.schema.json"),
        Of::Audit => include_str!("../../../schema/repo-permissions-audit.schema.json"),
    });
    0
}
