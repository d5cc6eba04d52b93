//! A check and its result, for all output formats.

use super::policy::{CheckError, GivenPolicy};
use super::scenario::Scenario;
use analysis::report::{Detail, Failure, Outcome};
use engine::decision::{PermissionDecision, Reason};

/// A check and its result.
pub(super) struct CheckResult<'a> {
    /// `None` if the arguments are not valid.
    pub(super) scenario: Option<&'a Scenario>,
    pub(super) policy: &'a GivenPolicy,
    /// The repository's own policy, if the arguments name one.
    pub(super) own: Option<&'a GivenPolicy>,
    /// Why there is no decision.
    pub(super) error: Option<CheckError>,
    pub(super) outcome: Outcome<'a>,
}

impl<'a> CheckResult<'a> {
    /// Decides a scenario, unless the arguments are not valid.
    pub(super) fn of(
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

    pub(super) fn policies(&self) -> impl Iterator<Item = &GivenPolicy> {
        std::iter::once(self.policy).chain(self.own)
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
            let outcome = Outcome {
                own_policy,
                ..outcome
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
