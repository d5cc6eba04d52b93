//! `repo-permissions test`: one file with a case for each pair, and one whose cases expect what is
//! not so.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::check::Program;
use super::pairs::{Group, Pair, name_of};
use crate::reference::{Base, Outcome, Source};

/// What a case can expect.
pub const EXPECTATIONS: [&str; 10] = [
    "allowed",
    "denied",
    "granted",
    "repository_not_found",
    "repository_id_mismatch",
    "permission_not_granted",
    "untrusted_event",
    "expired",
    "no_rule_matches",
    "policy_invalid",
];

fn has_passed(expectation: &str, outcome: &Outcome) -> bool {
    expectation == outcome.decision || expectation == outcome.reason
}

/// What the reference says of a pair in a file of cases.
fn expected(group: &Group, pair: &Pair) -> Outcome {
    let source = match group.repository {
        None => Source::Offline,
        Some(own) if own.eq_ignore_ascii_case(&pair.run.repository) => Source::Own,
        Some(_) => Source::Other,
    };
    group.expected(source, pair)
}

/// Runs both files.
pub fn run<'g>(program: &Program<'_>, group: &'g Group) -> Result<(), (&'g Pair, String)> {
    let outcomes: Vec<_> = group
        .pairs
        .iter()
        .map(|pair| expected(group, pair))
        .collect();
    for right in [true, false] {
        let cases = group.pairs.iter().zip(&outcomes).enumerate();
        let cases: Vec<_> = cases
            .map(|(index, (pair, outcome))| {
                let fitting = EXPECTATIONS
                    .into_iter()
                    .filter(|one| has_passed(one, outcome) == right);
                let fitting: Vec<_> = fitting.collect();
                let expectation = fitting[(index + group.file.text.len()) % fitting.len()];
                case(program, index, group, pair, expectation)
            })
            .collect();
        let mut suite = json!({ "policy": group.file.name(), "tests": cases });
        if let Some(repository) = group.repository {
            suite["policy_repository"] = json!(repository);
        }
        if group.own.is_some() {
            suite["own_policy"] = json!("own.yml");
        }
        program.write("cases.json", &suite.to_string());
        let output = program.start(&["test", "--format=json", "cases.json"]);
        let results: Value = serde_json::from_slice(&output.stdout).unwrap();
        let code = output.status.code().unwrap();
        compare(group, &outcomes, right, code, &results).map_err(|(index, why)| {
            (&group.pairs[index], format!("{why}\nin {suite}\n{results}"))
        })?;
    }
    Ok(())
}

/// A case in one of three ways: by files, by claims, by the context.
fn case(program: &Program<'_>, index: usize, group: &Group, pair: &Pair, expect: &str) -> Value {
    let mut case = json!({
        "name": format!("case {index}"),
        "permission": pair.permission,
        "expect": expect,
    });
    let payload = format!("event-{index}.json");
    program.write(&payload, &pair.payload().to_string());
    let job = pair.run.job(group.year);
    // A context has no word for a base that the token does not name.
    let way = match job.base {
        Base::Absent => 0,
        _ => index % 3,
    };
    match way {
        0 => {
            let claims = format!("claims-{index}.json");
            program.write(&claims, &pair.claims().to_string());
            case["claims_file"] = json!(claims);
            case["payload_file"] = json!(payload);
        }
        1 => {
            // What is absent is left out.
            let claims = pair.job().claims().into_iter();
            let claims: Map<_, _> = claims.filter(|(_, value)| *value != "").collect();
            case["claims"] = json!(claims);
            case["payload_file"] = json!(payload);
        }
        _ => {
            let claims: Map<_, _> = job
                .claims
                .iter()
                .map(|(name, value)| (name.clone(), json!(value)))
                .collect();
            let mut context = json!({
                "repository": job.repository,
                "repository_id": pair.run.repository_id,
                "owner_id": pair.run.owner_id,
                "event": job.event,
                "claims": claims,
            });
            for (name, value) in [
                ("workflow", &job.workflow),
                ("branch", &job.branch),
                ("environment", &job.environment),
            ] {
                if let Some(value) = value {
                    context[name] = json!(value);
                }
            }
            context["base"] = match &job.base {
                Base::Branch(branch) => json!(name_of(branch)),
                Base::None | Base::Absent | Base::Assumed => Value::Null,
            };
            context["default_branch"] = json!(job.default_branch.as_deref().map(name_of));
            context
                .as_object_mut()
                .unwrap()
                .retain(|_, value| !value.is_null());
            case["context"] = context;
        }
    }
    case
}

/// The results are what the reference says, for every pair and for the rules as a whole.
fn compare(
    group: &Group,
    outcomes: &[Outcome],
    right: bool,
    code: i32,
    results: &Value,
) -> Result<(), (usize, String)> {
    let cases = results["cases"].as_array().unwrap();
    let is_run = group.file.is_valid || right;
    let undecided = outcomes.iter().any(|outcome| outcome.decision == "error");
    let expected_code = match (right, is_run && !undecided) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => 2,
    };
    if code != expected_code {
        return Err((0, format!("exit code {code}, expected {expected_code}")));
    }
    if results["errors"].as_array().unwrap().is_empty() != is_run {
        return Err((0, "errors".to_owned()));
    }
    if !is_run {
        return Ok(());
    }
    for (index, outcome) in outcomes.iter().enumerate() {
        let case = &cases[index];
        let seen = (&case["decision"], &case["reason"], &case["passed"]);
        if seen
            != (
                &json!(outcome.decision),
                &json!(outcome.reason),
                &json!(right),
            )
        {
            return Err((index, format!("expected {outcome:#?}, right: {right}")));
        }
        let nearest = outcome.nearest.as_ref().map(|(rule, _)| *rule);
        if let Some(rule) = outcome.granting.or(nearest) {
            let message = case["message"].as_str().unwrap();
            let line = match group.place_of(rule) {
                (false, line) => format!("line {line})"),
                (true, line) => format!("line {line} of the repository's own policy)"),
            };
            if !message.contains(&line) {
                return Err((index, format!("expected {line} in {message}")));
            }
        }
    }
    let uncovered = results["uncovered"].as_array().unwrap().iter();
    let uncovered: BTreeSet<_> = uncovered
        .map(|rule| rule["line"].as_u64().unwrap())
        .collect();
    let traces = outcomes.iter().flat_map(|outcome| &outcome.trace);
    let matched: BTreeSet<_> = traces
        .filter(|(_, failed)| failed.is_empty())
        .filter_map(|(rule, _)| group.file.lines.get(*rule))
        .collect();
    let all = group.file.lines.iter().filter(|_| group.file.is_valid);
    let expected = all.filter(|line| !matched.contains(line));
    let expected: BTreeSet<_> = expected.map(|line| u64::from(*line)).collect();
    if uncovered != expected {
        return Err((0, format!("uncovered {uncovered:?}, expected {expected:?}")));
    }
    Ok(())
}
