//! The command line: the same engine, offline. Nothing here is verified and nothing is granted.

mod audit;
mod check;
mod diagnostic;
mod diff;
mod git;
mod init;
mod lint;
mod matrix;
mod progress;
mod schema;
mod style;
mod survey;
mod test;

use std::io::Write;

use clap::{Parser, Subcommand, ValueEnum};

use self::style::Colours;
use crate::report::text::visible;

/// A permission gate for GitHub Actions.
///
/// Without arguments, inside a GitHub Actions job, it is the action. With a subcommand it is a tool
/// for those who write and review a policy.
#[derive(Debug, Parser)]
#[command(name = "repo-permissions", version, arg_required_else_help = false)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a first policy from the repository's workflow files, and its cases
    ///
    /// Nothing is overwritten. Exit code: 0 written, 2 not.
    Init(init::Arguments),
    /// Decide as the action would, for a context that you give
    ///
    /// Exit code: 0 allowed, 1 denied, 2 error.
    Check(Box<check::Arguments>),
    /// Find what is wrong with policies, and what their authors will hardly have meant
    ///
    /// Exit code: 0 clean, 1 findings of level error, 2 a file cannot be read.
    Lint(lint::Arguments),
    /// Run files of cases: what a policy should allow and deny
    ///
    /// Exit code: 0 all hold, 1 some do not, 2 something is invalid.
    Test(test::Arguments),
    /// Say what access a change of a policy adds and removes
    ///
    /// Exit code: 0 done, 1 access widens and --fail-on widen is given, 2 something cannot be read or
    /// is invalid.
    Diff(Box<diff::Arguments>),
    /// Read audit records: list them, or check that they hold
    Audit(audit::Arguments),
    /// Show who can do what: the workflow files of a repository against a policy
    ///
    /// Exit code: 0 printed, 2 something cannot be read or is invalid.
    Matrix(Box<matrix::Arguments>),
    /// Survey the repositories of an organisation: do those that ask this gate ask as they have to, and
    /// does a central policy speak for them
    ///
    /// Asks GitHub with the token in GITHUB_TOKEN or GH_TOKEN. Exit code: 0 nothing is wrong, 1 problems,
    /// 2 it is not done.
    Survey(survey::Arguments),
    /// Print the JSON Schema of the policy, of the file of cases, or of an audit record
    Schema(schema::Arguments),
}

/// How a result is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
}

impl Cli {
    /// Whether there is no subcommand: then the program is the action.
    pub fn is_action(&self) -> bool {
        self.command.is_none()
    }

    /// Runs the subcommand and gives the exit code.
    pub fn run(self) -> u8 {
        match self.command {
            Some(Command::Init(arguments)) => init::run(&arguments),
            Some(Command::Check(arguments)) => check::run(&arguments),
            Some(Command::Lint(arguments)) => lint::run(&arguments),
            Some(Command::Test(arguments)) => test::run(&arguments),
            Some(Command::Diff(arguments)) => diff::run(&arguments),
            Some(Command::Audit(arguments)) => audit::run(&arguments),
            Some(Command::Matrix(arguments)) => matrix::run(&arguments),
            Some(Command::Survey(arguments)) => survey::run(&arguments),
            Some(Command::Schema(arguments)) => schema::run(&arguments),
            None => 2,
        }
    }
}

/// Prints a result. A reader that went away (`| head`) is no error.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    _ = out.write_all(text.as_bytes());
    _ = out.flush();
}

/// Prints an error.
fn print_error(text: &str) {
    _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Prints what stopped the program from doing what it was asked for, in one line.
fn complain(message: &str) {
    let word = Colours::stderr().error("error:").to_string();
    print_error(&format!("{word} {}\n", visible(message)));
}

/// Prints what somebody should look at, in one line; it stops nothing.
fn warn(message: &str) {
    let word = Colours::stderr().warning("warning:").to_string();
    print_error(&format!("{word} {}\n", visible(message)));
}
