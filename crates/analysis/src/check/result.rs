//! A check and its result.

use super::policy::{CheckError, GivenPolicy};
use super::scenario::Scenario;
use crate::Inputs;
use crate::report::{Detail, Failure, Outcome};
use engine::decision::{PermissionDecision, Reason};

/// A check and its result.
#[derive(Debug)]
pub struct CheckResult<'a> {
    /// The scenario, unless it is not valid.
    pub scenario: Option<&'a Scenario>,
    /// The policy.
    pub policy: &'a GivenPolicy,
    /// The repository's own policy, if somebody gives one.
    pub own: Option<&'a GivenPolicy>,
    /// Why there is no decision.
    pub error: Option<CheckError>,
    /// The decision, or the error.
    pub outcome: Outcome<'a>,
}

impl<'a> CheckResult<'a> {
    /// Decides a scenario, unless it is not valid.
    pub fn of(
        scenario: Result<&'a Scenario, &Failure>,
        policy: &'a GivenPolicy,
        own: Option<&'a GivenPolicy>,
    ) -> Self {
        let decided = match scenario {
            Ok(scenario) => scenario.decide(policy, own),
            Err(failure) => Err(CheckError::Failure(failure.clone())),
        };
        let scenario = scenario.ok();
        let (outcome, error) = outcome(decided, scenario, policy, own);
        Self {
            scenario,
            policy,
            own,
            error,
            outcome,
        }
    }

    /// Returns the policies, the main one first.
    pub fn policies(&self) -> impl Iterator<Item = &GivenPolicy> {
        std::iter::once(self.policy).chain(self.own)
    }

    /// Returns how messages name the values.
    pub(super) fn inputs(&self) -> Inputs {
        self.scenario
            .map_or(Inputs::Flags, |scenario| scenario.inputs)
    }

    /// Returns the number of problems in a policy.
    pub(super) fn problems(&self, policy: &GivenPolicy) -> usize {
        match &self.error {
            Some(CheckError::Policy(name, invalid)) if *name == policy.name => {
                invalid.iter().count()
            }
            _ => 0,
        }
    }
}

fn outcome<'a>(
    decided: Result<Vec<PermissionDecision>, CheckError>,
    scenario: Option<&'a Scenario>,
    policy: &GivenPolicy,
    own: Option<&GivenPolicy>,
) -> (Outcome<'a>, Option<CheckError>) {
    let context = scenario.map(|scenario| &scenario.context);
    match (decided, context, policy.record()) {
        (Ok(permissions), Some(context), Some(record)) => {
            let outcome = Outcome::decided(permissions, context, record, Detail::Full);
            let own_policy = own.and_then(GivenPolicy::record);
            let left_out = scenario.and_then(|scenario| scenario.leaves_out(policy));
            let outcome = Outcome {
                own_policy,
                ..outcome.naming_entry(policy.policy()).leaving_out(left_out)
            };
            (outcome, None)
        }
        (decided, context, record) => {
            let error = decided.err();
            let unknown = || Failure::new(Reason::Internal, "the check did not reach a decision");
            let failure = error.as_ref().map_or_else(unknown, CheckError::failure);
            let outcome = Outcome::failed(&failure, context, record, Detail::Full);
            (outcome, error)
        }
    }
}
