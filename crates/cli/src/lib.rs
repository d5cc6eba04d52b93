//! The command line tools: the same engine, offline. They verify nothing and grant nothing.

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
mod manual;
mod matrix;
mod output;
mod policy_text;
mod progress;
mod review;
mod revision;
mod schema;
mod style;
mod survey;
mod work_tree;
mod workflows;

use clap::{CommandFactory as _, Parser, Subcommand};

#[doc(hidden)]
pub use self::lint::lint_text;
use self::output::{print_error, report_error};
use self::policy_text::InvalidPolicy;

/// A permission gate for GitHub Actions.
///
/// Without arguments, inside a GitHub Actions job, it is the action: it decides whether the job may use
/// a permission. With a subcommand, it is a tool for authors and reviewers of policies.
#[derive(Debug, Parser)]
#[command(name = "repo-permissions", version, arg_required_else_help = false, after_help = help::PROGRAM)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a first policy and its cases from the repository's workflow files
    ///
    /// The proposal is narrow: each rule covers one workflow file with its branches, environments and
    /// events. It never overwrites a file.
    #[command(after_long_help = help::INIT)]
    Init(init::Arguments),
    /// Decide as the action would, for a context that you describe
    ///
    /// It verifies nothing and grants nothing. It shows the rules that it tried, the nearest one, and what to
    /// change.
    #[command(after_long_help = help::CHECK)]
    Check(Box<check::Arguments>),
    /// Find errors and likely mistakes in policies
    #[command(after_long_help = help::LINT)]
    Lint(lint::Arguments),
    /// Run files of cases: what a policy must allow and deny
    ///
    /// It also lists the rules that no case matched.
    #[command(after_long_help = help::TEST)]
    Test(cases::Arguments),
    /// Show the access that a change of a policy adds and removes
    ///
    /// It compares exactly what the two policies grant, not their text.
    #[command(after_long_help = help::DIFF)]
    Diff(Box<diff::Arguments>),
    /// List audit records, or verify them
    #[command(after_help = help::AUDIT)]
    Audit(audit::Arguments),
    /// Show who can do what: the permissions of each workflow under a policy
    #[command(after_long_help = help::MATRIX)]
    Matrix(Box<matrix::Arguments>),
    /// Survey the repositories of an organisation: which use this gate, and with which access
    ///
    /// It checks whether their jobs have the permissions that the step needs, and whether a central policy has
    /// entries for them. It asks GitHub with the token in GITHUB_TOKEN or GH_TOKEN, and changes nothing.
    #[command(after_long_help = help::SURVEY)]
    Survey(survey::Arguments),
    /// Print the JSON Schema of a policy, a file of cases, or an audit record
    #[command(after_long_help = help::SCHEMA)]
    Schema(schema::Arguments),
    /// Print a script that completes commands and options in a shell
    #[command(after_long_help = help::COMPLETIONS)]
    Completions(manual::CompletionsArguments),
    /// Print the man page of the program or of a command
    #[command(after_long_help = help::MAN)]
    Man(manual::ManArguments),
    /// Review a change of a policy, as JSON on standard input; the action starts this command
    #[command(name = analysis::review::COMMAND, hide = true)]
    Review,
}

/// Prints the help of the program to standard error.
pub fn print_help() {
    let help = Cli::command().render_help();
    print_error(&help.to_string());
}

impl Cli {
    /// Returns whether there is no subcommand, so that the program is the action.
    pub fn is_action(&self) -> bool {
        self.command.is_none()
    }

    /// Runs the subcommand and returns the exit code: the command's own, or 2 after an error.
    pub fn run(self) -> u8 {
        let code = match self.command {
            Some(Command::Init(arguments)) => init::run(&arguments),
            Some(Command::Check(arguments)) => Ok(check::run(&arguments)),
            Some(Command::Lint(arguments)) => lint::run(&arguments),
            Some(Command::Test(arguments)) => Ok(cases::run(&arguments)),
            Some(Command::Diff(arguments)) => diff::run(&arguments),
            Some(Command::Audit(arguments)) => audit::run(&arguments),
            Some(Command::Matrix(arguments)) => matrix::run(&arguments),
            Some(Command::Survey(arguments)) => survey::run(&arguments),
            Some(Command::Schema(arguments)) => Ok(schema::run(&arguments)),
            Some(Command::Completions(arguments)) => {
                Ok(manual::completions(&arguments, Self::command()))
            }
            Some(Command::Man(arguments)) => manual::man(&arguments, Self::command()),
            Some(Command::Review) => review::run(),
            None => Ok(2),
        };
        let code = code.and_then(|code| match output::not_printed() {
            None => Ok(code),
            Some(why) => anyhow::bail!("standard output cannot be written: {why}"),
        });
        code.unwrap_or_else(|error| {
            match error.downcast_ref::<InvalidPolicy>() {
                Some(InvalidPolicy(problems)) => print_error(problems),
                None => report_error(&error),
            }
            2
        })
    }
}
