//! `repo-permissions check`, by claims and by flags.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::cases::EXPECTATIONS;
use super::pairs::{Group, Pair, name_of};
use crate::reference::{Base, Job, Outcome, key};

/// The program, and the directory that it is started in.
pub struct Program<'a> {
    pub binary: &'a Path,
    pub directory: &'a Path,
}

impl Program<'_> {
    /// Writes a file into the directory.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.directory.join(name), text).unwrap();
    }

    pub fn start(&self, arguments: &[&str]) -> Output {
        Command::new(self.binary)
            .current_dir(self.directory)
            .env_clear()
            .args(arguments)
            .output()
            .unwrap()
    }

    /// By the claims of the job's token and the payload of its event.
    pub fn with_claims(&self, group: &Group, pair: &Pair) -> Outcome {
        self.write("claims.json", &pair.claims().to_string());
        self.write("event.json", &pair.payload().to_string());
        let files = ["--claims", "claims.json", "--payload", "event.json"];
        self.check(group, pair, &files)
    }

    /// By one flag for each value of the context.
    pub fn with_flags(&self, group: &Group, pair: &Pair) -> Outcome {
        let job = pair.run.job(group.year);
        let mut arguments = Vec::new();
        for (flag, value) in values(&job) {
            arguments.extend(value.map(|value| [flag.to_owned(), value.to_owned()]));
        }
        let ids = [
            ("repository_id", &job.repository_id),
            ("repository_owner_id", &job.owner_id),
        ];
        let ids = ids.map(|(name, id)| (name, id.clone().unwrap()));
        let claims = job
            .claims
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()));
        for (name, value) in ids.into_iter().chain(claims) {
            arguments.push(["--claim".to_owned(), format!("{name}={value}")]);
        }
        match &job.base {
            Base::Branch(branch) => {
                arguments.push(["--base".to_owned(), name_of(branch).to_owned()])
            }
            Base::Absent => arguments.push(["--base".to_owned(), String::new()]),
            Base::None | Base::Assumed => {}
        }
        let default_branch = job.default_branch.as_deref().map(name_of);
        arguments.extend(
            default_branch.map(|branch| ["--default-branch".to_owned(), branch.to_owned()]),
        );
        let arguments = arguments.as_flattened();
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        self.check(group, pair, &arguments)
    }

    fn check(&self, group: &Group, pair: &Pair, context: &[&str]) -> Outcome {
        let mut arguments = vec!["check", "--format=json", "--policy", group.file.name()];
        if group.own.is_some() {
            arguments.extend(["--own-policy", "own.yml"]);
        }
        arguments.extend(["--permission", &pair.permission]);
        arguments.extend(context);
        let output = self.start(&arguments);
        let json: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {output:?}\n{arguments:?}"));
        let outcome = outcome(&json, group, &pair.permission);
        assert_eq!(output.status.code(), Some(code(&outcome)), "{output:?}");
        assert_eq!(output.stderr, b"");
        assert_context(&json, &pair.run.job(group.year));
        outcome
    }
}

/// The exit code that goes with it.
pub fn code(outcome: &Outcome) -> i32 {
    match outcome.decision {
        "allowed" => 0,
        "denied" => 1,
        _ => 2,
    }
}

/// The values of a context that have a flag of their own, by the flag.
pub fn values(job: &Job) -> [(&'static str, Option<&str>); 5] {
    [
        ("--repository", Some(&job.repository)),
        ("--workflow", job.workflow.as_deref()),
        ("--branch", job.branch.as_deref()),
        ("--environment", job.environment.as_deref()),
        ("--event", Some(&job.event)),
    ]
}

/// The context in an outcome's JSON is the job's.
pub fn assert_context(json: &Value, job: &Job) {
    for (flag, value) in values(job) {
        let name = flag.trim_start_matches('-');
        assert_eq!(json["context"][name].as_str(), value, "{name} of {json}");
    }
    let base = match &job.base {
        Base::Branch(branch) => Some(branch.as_str()),
        Base::None | Base::Absent | Base::Assumed => None,
    };
    assert_eq!(json["context"]["base"].as_str(), base, "base of {json}");
    let id = json["context"]["repository_id"].as_str();
    assert_eq!(id, job.repository_id.as_deref());
}

/// The outcome in JSON, in the terms of the reference.
pub fn outcome(json: &Value, group: &Group, permission: &str) -> Outcome {
    let known = |text: &Value| {
        let text = text.as_str().unwrap();
        let mut known = EXPECTATIONS.into_iter().chain(["error"]);
        known
            .find(|one| *one == text)
            .unwrap_or_else(|| panic!("{json}"))
    };
    let index =
        |rule: &Value| group.number(rule["line"].as_u64().unwrap(), rule["own_policy"] == true);
    let texts = |list: &Value| -> Vec<String> {
        let list = list.as_array().unwrap().iter();
        list.map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let mut outcome = Outcome {
        decision: known(&json["decision"]),
        reason: known(&json["reason"]),
        ..Outcome::invalid()
    };
    let permissions = json["permissions"].as_array().unwrap();
    assert_eq!(
        permissions.is_empty(),
        outcome.decision == "error",
        "{json}"
    );
    if let Some(one) = permissions.first() {
        assert_eq!(permissions.len(), 1);
        assert_eq!(one["permission"], key(permission));
        assert_eq!(
            (&one["decision"], &one["reason"]),
            (&json["decision"], &json["reason"])
        );
        outcome.granting = one["rule"].as_object().map(|_| index(&one["rule"]));
        let nearest = &one["nearest"];
        outcome.nearest = nearest
            .as_object()
            .map(|_| (index(nearest), texts(&nearest["failed"])));
        let trace = one["trace"].as_array().unwrap().iter();
        outcome.trace = trace.map(|rule| (index(rule), failed(rule))).collect();
    }
    outcome
}

/// The dimensions that do not match.
fn failed(rule: &Value) -> Vec<String> {
    let dimensions = rule["dimensions"].as_array().unwrap().iter();
    let failed = dimensions.filter(|dimension| dimension["matched"] == false);
    let failed: Vec<_> = failed
        .map(|dimension| dimension["dimension"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(rule["matched"], failed.is_empty());
    failed
}
