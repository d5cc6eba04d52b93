//! `schema`: prints the JSON Schemas of policies, files of cases and audit records.

use clap::{Args, ValueEnum};

use super::output::print;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Document that the schema describes
    #[arg(value_enum, default_value_t)]
    of: Kind,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A policy.
    #[default]
    Policy,
    /// A file of cases for `test`.
    Tests,
    /// An audit record.
    Audit,
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    // These are the committed files, so that the command and the files cannot differ.
    print(match arguments.of {
        Kind::Policy => include_str!("../../../schema/repo-permissions.schema.json"),
        Kind::Tests => include_str!("../../../schema/repo-permissions-tests.schema.json"),
        Kind::Audit => include_str!("../../../schema/repo-permissions-audit.schema.json"),
    });
    0
}
