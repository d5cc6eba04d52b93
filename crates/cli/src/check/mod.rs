//! `check`: decides for a context from the arguments, and explains the decision.

mod arguments;
mod explain;
mod human;
mod policy;
mod repository;
mod result;
mod scenario;
mod steps;

pub(super) use arguments::Arguments;
pub(super) use explain::explain;

use self::policy::GivenPolicy;
use self::result::CheckResult;
use self::scenario::Scenario;
use super::output::{OutputFormat, print, print_error};
use super::style::Colours;
use engine::decision::Decision;

pub(super) fn run(arguments: &Arguments) -> u8 {
    let scenario = Scenario::of(arguments);
    let policy = GivenPolicy::read_or_default(arguments.policy.as_deref());
    let own = arguments.own_policy.as_deref().map(GivenPolicy::read);
    let check = CheckResult::of(scenario.as_ref(), &policy, own.as_ref());
    let decision = check.outcome.decision;
    match arguments.format {
        OutputFormat::Json => print(&(check.outcome.to_json() + "\n")),
        OutputFormat::Human if decision == Decision::Error => {
            print_error(&human::render(&check, Colours::stderr()));
        }
        OutputFormat::Human => print(&human::render(&check, Colours::stdout())),
    }
    match decision {
        Decision::Allowed => 0,
        Decision::Denied => 1,
        Decision::Error => 2,
    }
}
