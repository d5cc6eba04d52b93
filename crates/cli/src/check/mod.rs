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
use super::work_tree::policy_or_default;
use analysis::check::{CheckResult, GivenPolicy};
use analysis::report::Failure;
use engine::decision::{Decision, Reason};

pub(super) fn run(arguments: &Arguments) -> u8 {
    let given = GivenScenario::of(arguments);
    let policy = policy_or_own(arguments.policy.as_deref());
    let own = arguments.own_policy.as_deref().map(read);
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
fn policy_or_own(given: Option<&Path>) -> GivenPolicy {
    match policy_or_default(given, "--policy FILE") {
        Ok(path) => read(&path),
        Err(error) => {
            let failure = Failure::new(Reason::PolicyNotFound, format!("{error:#}"));
            GivenPolicy::new(String::new(), Err(failure))
        }
    }
}

fn read(path: &Path) -> GivenPolicy {
    let name = path.display().to_string();
    let text = read_policy(path, &name);
    GivenPolicy::new(name, text)
}
