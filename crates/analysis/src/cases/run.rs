//! Runs the cases of a file with the action's engine.

use std::fmt::Display;

use jiff::Timestamp;

use super::contents::TestCase;
use super::context::context;
use super::coverage::Coverage;
use super::expect::Expect;
use super::own::OwnPolicy;
use super::result::{CaseResult, Explained, Failed, FileError};
use super::suite::Suite;
use crate::PolicyRepository;
use crate::report::{Detail, Failure, Outcome, PolicyRecord};
use engine::context::Context;
use engine::decision::{DecisionError, Engine, HasTime, Policies, Question, decide};
use engine::policy::{Format, Invalid, Policy};

/// The policy of a suite, from the caller.
#[derive(Clone, Debug)]
pub struct PolicyFile<'a> {
    /// Name in messages and in the coverage; the same policy must have the same name.
    pub name: &'a str,
    /// Its text, or why it is unreadable.
    pub text: Result<&'a str, Failure>,
    /// The repository that contains it. `policy_repository:` of a suite wins.
    pub repository: PolicyRepository,
}

/// Runs all cases. `read` returns the files in [`Suite::files`]. `now` is the time of cases that do not set their
/// own. When `has_time` returns false, the remaining cases count as undecided. `to_explain` is the number of failed
/// cases that may still have an explanation, and counts down.
///
/// # Errors
/// A case has no context, or the policy is invalid or unreadable and no case expects that. Then no case has run.
pub fn run<B: AsRef<[u8]>, E: Display>(
    suite: &Suite<'_>,
    policy: &PolicyFile<'_>,
    read: impl Fn(&str) -> Result<B, E>,
    now: Timestamp,
    has_time: HasTime<'_>,
    coverage: &mut Coverage,
    to_explain: &mut usize,
) -> Result<Vec<CaseResult>, Vec<FileError>> {
    // Check the cases before the policy, because their errors are in this file.
    check_contexts(suite, &read)?;
    let own = OwnPolicy::read(suite, &read);
    let own = own.map_err(|problem| FileError::each(suite.file, [&problem]))?;
    let engine = parse(suite, policy)?.map(Engine::new);
    let own_engine = own.as_ref().map(OwnPolicy::engine);
    let wrong = |undecided| match (undecided, &own) {
        (DecisionError::OwnPolicy(invalid), Some(own)) => own.invalid(&invalid),
        (DecisionError::Policy(invalid) | DecisionError::OwnPolicy(invalid), _) => {
            Failure::invalid_policy(policy.name, &invalid)
        }
        (DecisionError::OwnPolicyUnavailable(failure), _) => Failure::clone(failure),
    };
    let named = suite.contents.policy_repository.as_deref();
    let named = named.map(|name| PolicyRepository::Named(name.to_owned()));
    let repository = named.as_ref().unwrap_or(&policy.repository);
    if let Ok(engine) = &engine {
        coverage.add(policy.name, engine.policy());
    }
    // Build one context at a time, because the claims of a case can be a file of megabytes.
    let results = suite.contents.cases.iter().map(|case| {
        let context =
            context(case, &read).map_err(|problem| FileError::each(suite.file, [&problem]))?;
        let decided = engine.as_ref().map_err(Clone::clone).and_then(|engine| {
            let policies = Policies {
                policy: engine,
                provenance: repository.provenance(context.repository.as_deref()),
                own: own_engine.as_ref().map(Result::as_ref),
            };
            let question = Question {
                permissions: &case.permissions,
                context: &context,
                now: case.now.unwrap_or(now),
                has_time,
            };
            decide(policies, question).map_err(wrong)
        });
        let outcome = match decided {
            Ok(permissions) => {
                coverage.cover(policy.name, &permissions);
                let outcome =
                    Outcome::decided(permissions, &context, PolicyRecord::default(), Detail::Full);
                let parsed = engine.as_ref().ok().map(Engine::policy);
                let left_out = parsed.and_then(|parsed| {
                    repository.leaves_out(parsed, context.repository.as_deref())
                });
                outcome.naming_entry(parsed).leaving_out(left_out)
            }
            Err(failure) => Outcome::failed(&failure, Some(&context), None, Detail::Full),
        };
        Ok(result(case, outcome, &context, to_explain))
    });
    results.collect()
}

/// Checks that each case has a context.
fn check_contexts<B: AsRef<[u8]>, E: Display>(
    suite: &Suite<'_>,
    read: impl Fn(&str) -> Result<B, E>,
) -> Result<(), Vec<FileError>> {
    let cases = suite.contents.cases.iter();
    let problems = cases.filter_map(|case| context(case, &read).err());
    let problems: Vec<_> = problems.collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(FileError::each(suite.file, &problems))
    }
}

/// Returns the policy, or the error if a case expects it.
fn parse(
    suite: &Suite<'_>,
    policy: &PolicyFile<'_>,
) -> Result<Result<Policy, Failure>, Vec<FileError>> {
    let expected = |failure: &Failure| {
        let mut cases = suite.contents.cases.iter();
        cases.any(|case| case.expect == Expect::Reason(failure.reason))
    };
    let parsed = |text| {
        Policy::parse(text, Format::of_path(policy.name)).map_err(|invalid: Invalid| {
            let errors = FileError::each(policy.name, invalid.iter());
            (Failure::invalid_policy(policy.name, &invalid), errors)
        })
    };
    let unreadable = |failure: Failure| {
        let errors = vec![FileError::new(policy.name, &*failure.message)];
        (failure, errors)
    };
    match policy.text.clone().map_err(unreadable).and_then(parsed) {
        Ok(policy) => Ok(Ok(policy)),
        Err((failure, _)) if expected(&failure) => Ok(Err(failure)),
        Err((_, errors)) => Err(errors),
    }
}

fn result(
    case: &TestCase<'_>,
    outcome: Outcome<'_>,
    context: &Context,
    to_explain: &mut usize,
) -> CaseResult {
    let has_passed = case.expect.is_met(outcome.decision, outcome.reason);
    let is_explained = !has_passed && *to_explain > 0;
    *to_explain -= usize::from(is_explained);
    let permissions = outcome.permissions.into_iter().map(Explained::of);
    CaseResult {
        position: case.position,
        name: case.name.to_string(),
        expected: case.expect,
        decision: outcome.decision,
        reason: outcome.reason,
        message: outcome.message,
        assumed: outcome.assumed,
        failed: is_explained.then(|| Failed {
            context: context.clone(),
            permissions: permissions.collect(),
        }),
        has_passed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::decision::Reason;
    use engine::policy::Position;

    const POLICY: &str = "
version: 1
permissions:
  - { permission: a:b, branch: main }
  - { name: never, permission: a:b, branch: release }
";
    const CASES: &str = "
policy: policy.yml
tests:
  - name: main
    permission: a:b
    context: { repository: o/r, branch: main }
    expect: allowed
  - name: a branch of its own
    permission: a:b
    claims_file: claims.json
    expect: granted
";

    fn run_with(
        claims: Result<&str, &str>,
        policy: Result<&str, Failure>,
        has_time: HasTime<'_>,
    ) -> (Result<Vec<CaseResult>, Vec<FileError>>, Coverage) {
        let suite = Suite::parse("cases.yml", CASES).unwrap();
        let policy = PolicyFile {
            name: "policy.yml",
            text: policy,
            repository: PolicyRepository::Unknown,
        };
        let read = |name: &str| {
            assert_eq!(name, "claims.json");
            claims
        };
        let now = Timestamp::UNIX_EPOCH;
        let mut coverage = Coverage::default();
        let results = run(&suite, &policy, read, now, has_time, &mut coverage, &mut 1);
        (results, coverage)
    }

    #[test]
    fn a_case_that_does_not_hold_says_where_and_how() {
        let claims = r#"{"repository": "o/r", "ref": "refs/heads/x"}"#;
        let (results, coverage) = run_with(Ok(claims), Ok(POLICY), &|| true);
        let [has_passed, fails] = &results.unwrap()[..] else {
            panic!("two cases");
        };
        assert!(has_passed.has_passed() && !fails.has_passed());
        assert_eq!(fails.position, Position { line: 8, column: 5 });
        assert_eq!(fails.got(), "denied (no_rule_matches)");
        let failed = fails.failed.as_ref().unwrap();
        assert_eq!(failed.context.branch.as_deref(), Some("x"));
        let [permission] = &failed.permissions[..] else {
            panic!("one permission");
        };
        let trace = permission.decision.trace.iter();
        let lines: Vec<_> = trace.map(|rule| rule.rule.line).collect();
        assert_eq!(lines, [4, 5]);
        let [never] = coverage.uncovered().collect::<Vec<_>>()[..] else {
            panic!("one rule");
        };
        assert_eq!(
            (never.policy, never.line, never.name),
            ("policy.yml", 5, Some("never"))
        );
        assert_eq!(coverage.rules(), 2);
    }

    #[test]
    fn errors_name_the_file_that_is_at_fault() {
        let text = |(results, _): (Result<_, Vec<FileError>>, _)| {
            let errors = results.map(|_: Vec<CaseResult>| ()).unwrap_err();
            errors.iter().map(FileError::text).collect::<Vec<_>>()
        };
        assert_eq!(
            text(run_with(Err("gone"), Ok("version: 2"), &|| true)),
            ["cases.yml:10:18: `claims_file` `claims.json` cannot be read: gone"]
        );
        assert_eq!(
            text(run_with(Ok("{}"), Ok("version: 2"), &|| true)),
            [
                "policy.yml:1:10: `version` is `2`, expected 1 (write `version: 1`, or use a later release)"
            ]
        );
        let missing = Failure::new(Reason::PolicyNotFound, "no such policy");
        assert_eq!(
            text(run_with(Ok("{}"), Err(missing), &|| true)),
            ["policy.yml: no such policy"]
        );
    }

    #[test]
    fn what_is_not_decided_in_time_does_not_hold() {
        let (results, _) = run_with(Ok("{}"), Ok(POLICY), &|| false);
        assert!(results.unwrap().iter().all(CaseResult::is_error));
    }
}
