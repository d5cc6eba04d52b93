//! `check`: decides for a context from the arguments, and explains the decision.

mod arguments;
mod explain;
mod human;
mod scenario;

pub(super) use arguments::Arguments;
pub(super) use explain::explain;

use std::path::Path;

use self::scenario::GivenScenario;
use super::output::{OutputFormat, print, print_error};
use super::policy_text::read_policy;
use super::style::Colours;
use super::work_tree::{policy_at, policy_or_default, policy_repository};
use analysis::check::{CheckResult, GivenPolicy};
use analysis::report::Failure;
use engine::decision::{Decision, Reason};
use platform::Variables;

pub(super) fn run(arguments: &Arguments) -> u8 {
    let given = GivenScenario::of(arguments);
    let policy = policy_or_own(arguments);
    let own = arguments
        .own_policy
        .as_deref()
        .map(|own| match policy_at(own) {
            Ok(path) => read(&path),
            Err(error) => not_found(Some(own), &error),
        });
    let scenario = given.as_ref().map(|given| &given.scenario);
    let check = CheckResult::of(scenario, &policy, own.as_ref());
    let of_work_tree = given.as_ref().ok().map(|given| &given.of_work_tree);
    let decision = check.outcome.decision;
    match arguments.format {
        OutputFormat::Json => print(&(check.outcome.to_json() + "\n")),
        OutputFormat::Human if decision == Decision::Error => {
            print_error(&human::render(&check, of_work_tree, Colours::stderr()));
        }
        OutputFormat::Human => print(&human::render(&check, of_work_tree, Colours::stdout())),
    }
    match decision {
        Decision::Allowed => 0,
        Decision::Denied => 1,
        Decision::Error => 2,
    }
}

/// Reads the policy of `--policy`, or the work tree's own.
fn policy_or_own(arguments: &Arguments) -> GivenPolicy {
    match policy_or_default(arguments.policy.as_deref(), "--policy FILE") {
        Ok(path) => {
            let variables = Variables::new(std::env::vars_os());
            let named = arguments.policy_repository.as_ref();
            read(&path).in_repository(policy_repository(named, &path, &variables))
        }
        Err(error) => not_found(arguments.policy.as_deref(), &error),
    }
}

fn not_found(path: Option<&Path>, error: &anyhow::Error) -> GivenPolicy {
    let failure = Failure::new(Reason::PolicyNotFound, format!("{error:#}"));
    let name = path.map(|path| path.display().to_string());
    GivenPolicy::new(name.unwrap_or_default(), Err(failure))
}

fn read(path: &Path) -> GivenPolicy {
    let name = path.display().to_string();
    let text = read_policy(path, &name);
    GivenPolicy::new(name, text)
}
