//! The command line: the same engine, offline. Nothing here is verified and nothing is granted.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::allow_attributes,
        reason = "a test that fails may panic"
    )
)]

mod api;
mod audit;
mod cases;
mod check;
mod diagnostic;
mod diff;
mod git;
mod help;
mod init;
mod instant;
mod lint;
mod matrix;
mod progress;
mod review;
mod schema;
mod style;
mod survey;
mod workflows;

use std::io::Write;

use clap::{Parser, Subcommand, ValueEnum};

#[doc(hidden)]
pub use self::lint::lint_text;
use self::style::Colours;
use analysis::report::text::visible;

/// A permission gate for GitHub Actions.
///
/// Without arguments, inside a GitHub Actions job, it is the action: it decides whether the job may use
/// a permission. With a subcommand it is a tool for those who write and review a policy.
#[derive(Debug, Parser)]
#[command(name = "repo-permissions", version, arg_required_else_help = false, after_help = help::PROGRAM)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a first policy from the repository's workflow files, and its cases
    ///
    /// A proposal, and a narrow one: each rule is for one workflow file, its branches, environments and
    /// events. Nothing is overwritten.
    #[command(after_long_help = help::INIT)]
    Init(init::Arguments),
    /// Decide as the action would, for a context that you give
    ///
    /// Nothing is verified and nothing is granted. Says which rules were tried, which was nearest, and what
    /// to change.
    #[command(after_long_help = help::CHECK)]
    Check(Box<check::Arguments>),
    /// Find what is wrong with policies, and what their authors will hardly have meant
    #[command(after_long_help = help::LINT)]
    Lint(lint::Arguments),
    /// Run files of cases: what a policy should allow and deny
    ///
    /// With the rules that no case has matched.
    #[command(after_long_help = help::TEST)]
    Test(cases::Arguments),
    /// Say what access a change of a policy adds and removes
    ///
    /// Compares what the two policies grant, exactly, and not their text.
    #[command(after_long_help = help::DIFF)]
    Diff(Box<diff::Arguments>),
    /// Read audit records: list them, or check that they hold
    #[command(after_help = help::AUDIT)]
    Audit(audit::Arguments),
    /// Show who can do what: the workflow files of a repository against a policy
    #[command(after_long_help = help::MATRIX)]
    Matrix(Box<matrix::Arguments>),
    /// Go through the repositories of an organisation: who asks this gate, and may they
    ///
    /// Do their jobs have the permissions that the step needs, and does a central policy speak for them?
    /// Asks GitHub with the token in GITHUB_TOKEN, else in GH_TOKEN, and changes nothing.
    #[command(after_long_help = help::SURVEY)]
    Survey(survey::Arguments),
    /// Print the JSON Schema of the policy, of the file of cases, or of an audit record
    #[command(after_long_help = help::SCHEMA)]
    Schema(schema::Arguments),
    /// Review a change of a policy, as JSON from standard input: the action starts it for itself
    #[command(name = analysis::review::COMMAND, hide = true)]
    Review,
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
            Some(Command::Test(arguments)) => cases::run(&arguments),
            Some(Command::Diff(arguments)) => diff::run(&arguments),
            Some(Command::Audit(arguments)) => audit::run(&arguments),
            Some(Command::Matrix(arguments)) => matrix::run(&arguments),
            Some(Command::Survey(arguments)) => survey::run(&arguments),
            Some(Command::Schema(arguments)) => schema::run(&arguments),
            Some(Command::Review) => review::run(),
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
