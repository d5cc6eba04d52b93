//! Random pairs of a policy and a job with what `check` prints about them, for the playground in a browser:
//! `.ci/outside/playground` asks its page the same.
//!
//! `PLAYGROUND_PAIRS` says how many, `PLAYGROUND_PAIRS_FILE` where they go, `PLAYGROUND_SEED` which run.

use serde_json::{Value, json};

use crate::programs::check::{Program, values};
use crate::programs::pairs::{Group, PAIRS_OF_A_POLICY, Pair, groups, name_of};
use crate::programs::setting;
use crate::reference::Base;
use crate::support::directory::Directory;
use crate::support::program::binary;

/// Pairs of a run that does not say how many.
const PAIRS: usize = 200;

const FIELDS: [&str; 12] = [
    "own_policy",
    "permission",
    "repository",
    "workflow",
    "branch",
    "base",
    "default_branch",
    "policy_repository",
    "environment",
    "event",
    "claims",
    "payload",
];

#[test]
#[ignore = "writes a file for .ci/outside/playground"]
fn writes_pairs_and_what_check_prints() {
    let count: usize = setting("PLAYGROUND_PAIRS").unwrap_or(PAIRS);
    let file: String = setting("PLAYGROUND_PAIRS_FILE").unwrap();
    let now = jiff::Timestamp::now().to_string();
    let year = now.split('-').next().unwrap().parse().unwrap();
    let groups = groups(
        count.div_ceil(PAIRS_OF_A_POLICY),
        setting("PLAYGROUND_SEED").unwrap_or(1),
        year,
    );
    let directory = Directory::new();
    let program = Program {
        binary: &binary("PROGRAMS_BINARY"),
        directory: &directory.0,
    };
    let mut pairs = Vec::new();
    for group in &groups {
        program.write(group.file.name(), &group.file.text);
        if let Some(own) = &group.own {
            program.write("own.yml", &own.text);
        }
        for (index, pair) in group.pairs.iter().enumerate() {
            // A field has no way to say that a token names no base.
            let is_by_fields = index % 2 == 1 && pair.run.job(year).base != Base::Absent;
            let (question, arguments) = match is_by_fields {
                true => by_fields(group, pair),
                false => by_claims(&program, pair),
            };
            let outcome = check(&program, group, pair, &arguments, &now);
            pairs.push(
                json!({ "question": whole(question, group, pair, &now), "outcome": outcome }),
            );
        }
    }
    pairs.truncate(count);
    std::fs::write(file, Value::from(pairs).to_string()).unwrap();
}

/// The question with all its fields.
fn whole(mut question: Value, group: &Group, pair: &Pair, now: &str) -> Value {
    question["ask"] = json!("decide");
    question["now"] = json!(now);
    question["policy"] = json!(group.file.text);
    question["permission"] = json!(pair.permission);
    if let Some(own) = &group.own {
        question["own_policy"] = json!(own.text);
    }
    for field in FIELDS {
        if question[field].is_null() {
            question[field] = json!("");
        }
    }
    question
}

/// What `check` prints.
fn check(program: &Program<'_>, group: &Group, pair: &Pair, job: &[String], now: &str) -> Value {
    let (policy, permission) = (group.file.name(), &pair.permission);
    let mut arguments = vec!["check", "--format=json", "--now", now, "--policy", policy];
    if group.own.is_some() {
        arguments.extend(["--own-policy", "own.yml"]);
    }
    arguments.extend(["--permission", permission]);
    arguments.extend(job.iter().map(String::as_str));
    let output = program.start(&arguments);
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {output:?}\n{arguments:?}"))
}

/// The job by its token's claims and its event's payload.
fn by_claims(program: &Program<'_>, pair: &Pair) -> (Value, Vec<String>) {
    let (claims, payload) = (pair.claims().to_string(), pair.payload().to_string());
    program.write("claims.json", &claims);
    program.write("event.json", &payload);
    let arguments = ["--claims", "claims.json", "--payload", "event.json"];
    let question = json!({ "claims": claims, "payload": payload });
    (question, arguments.map(str::to_owned).to_vec())
}

/// The job by one field for each value.
fn by_fields(group: &Group, pair: &Pair) -> (Value, Vec<String>) {
    let job = pair.run.job(group.year);
    let mut question = json!({});
    let mut arguments = Vec::new();
    let base = match &job.base {
        Base::Branch(branch) => Some(name_of(branch)),
        _ => None,
    };
    let branches = [
        ("--base", base),
        (
            "--default-branch",
            job.default_branch.as_deref().map(name_of),
        ),
    ];
    for (flag, value) in values(&job).into_iter().chain(branches) {
        if let Some(value) = value {
            let field = flag.trim_start_matches('-').replace('-', "_");
            question[field] = json!(value);
            arguments.extend([flag.to_owned(), value.to_owned()]);
        }
    }
    let ids = [
        ("repository_id", job.repository_id.clone()),
        ("repository_owner_id", job.owner_id.clone()),
    ];
    let ids = ids.map(|(name, id)| (name.to_owned(), id.unwrap()));
    let claims: Vec<_> = ids
        .into_iter()
        .chain(job.claims.clone())
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    arguments.extend(
        claims
            .iter()
            .flat_map(|claim| ["--claim".to_owned(), claim.clone()]),
    );
    question["claims"] = json!(claims.join("\n"));
    (question, arguments)
}
