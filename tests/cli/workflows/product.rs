//! What the program makes of a repository, compared with the runs that are possible there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use super::policy::branch;
use super::reference::{Environment, Reference, Repository, Runs, Universe};
use crate::support::directory::Directory;

pub const DEFAULT_BRANCH: &str = "main";
/// The events that a rule without `events:` accepts.
pub const TRUSTED: [&str; 20] = [
    "push",
    "pull_request",
    "merge_group",
    "workflow_dispatch",
    "repository_dispatch",
    "schedule",
    "release",
    "create",
    "delete",
    "deployment",
    "registry_package",
    "page_build",
    "public",
    "label",
    "milestone",
    "project",
    "project_card",
    "project_column",
    "branch_protection_rule",
    "image_version",
];
/// No file names it.
pub const OTHER_ENVIRONMENT: &str = "zz-environment";
pub const POLICY: &str = "policy.yml";
const OWN_POLICY: &str = ".github/repo-permissions.yml";

pub fn is_trusted(event: &str) -> bool {
    TRUSTED.contains(&event)
}

/// The runs of each file that can be started.
pub fn all_runs(repository: &Repository, extra: &[String]) -> BTreeMap<String, (Universe, Runs)> {
    all_runs_of(repository, DEFAULT_BRANCH, extra)
}

/// The same for another default branch.
pub fn all_runs_of(
    repository: &Repository,
    default_branch: &str,
    extra: &[String],
) -> BTreeMap<String, (Universe, Runs)> {
    let files = repository.workflows.iter().map(|workflow| &workflow.file);
    files
        .map(|file| {
            let universe = repository.universe(file, default_branch, extra);
            let runs = repository.runs(file, &universe);
            (file.clone(), (universe, runs))
        })
        .collect()
}

/// A policy with a rule for each thing that some run is: exactly it, or something wider.
pub fn usable_rules(runs: &BTreeMap<String, (Universe, Runs)>) -> (String, Vec<String>) {
    let (mut policy, mut rules) = (String::from("version: 1\npermissions:\n"), Vec::new());
    let mut add = |rule: String| {
        if !rules.contains(&rule) {
            writeln!(policy, "  - {{permission: a:b, {rule}}}").unwrap();
            rules.push(rule);
        }
    };
    for (file, (_, runs)) in runs {
        for run in runs.all.iter().filter(|run| run.outcome.id_token) {
            let branch = branch(&run.reference);
            let environment = match &run.outcome.environment {
                Environment::None => String::new(),
                Environment::Named(name) => format!(", environment: {{exact: \"{name}\"}}"),
                Environment::Unknown => format!(", environment: {OTHER_ENVIRONMENT}"),
            };
            let base = match &run.reference {
                Reference::Pull { base, .. } | Reference::Target { base, .. } => {
                    format!(", base: {{exact: \"{base}\"}}")
                }
                _ => String::new(),
            };
            let event = &run.event;
            let file = format!("workflow: {file}");
            let at = format!("branch: {{exact: \"{branch}\"}}{base}");
            add(format!("{file}, events: [{event}], {at}{environment}"));
            add(format!("{file}, events: [{event}]{environment}"));
            add(format!("events: [{event}, push], {at}"));
            if is_trusted(event) {
                add(format!("{file}{environment}"));
            }
        }
    }
    (policy, rules)
}

/// The program in a repository.
pub struct Product<'d> {
    pub directory: &'d Directory,
}

impl Product<'_> {
    /// `matrix` for a policy.
    pub fn matrix(&self, policy: &str) -> Value {
        self.directory.write(POLICY, policy);
        let arguments = ["matrix", POLICY, "--workflows", ".", "--format", "json"];
        let run = self.directory.run(&arguments);
        assert_eq!(run.code, Some(0), "{}\n{policy}", run.err);
        run.json()
    }

    /// Files and codes that `lint` reports of workflow files.
    pub fn findings(&self) -> BTreeSet<(String, String)> {
        self.directory
            .write(OWN_POLICY, "version: 1\npermissions: []\n");
        let run = self
            .directory
            .run(&["lint", OWN_POLICY, "--format", "json"]);
        std::fs::remove_file(self.directory.path(OWN_POLICY)).unwrap();
        let json = run.json();
        let findings = json["findings"].as_array().unwrap().iter();
        let of_workflows = findings.filter_map(|finding| {
            let file = finding["file"]
                .as_str()?
                .strip_prefix(".github/workflows/")?;
            Some((file.to_owned(), finding["code"].as_str()?.to_owned()))
        });
        of_workflows.collect()
    }

    /// The policy that `init` proposes.
    pub fn proposal(&self) -> String {
        let run = self
            .directory
            .run(&["init", "--stdout", "--default-branch", DEFAULT_BRANCH]);
        assert_eq!(run.code, Some(0), "{}", run.err);
        run.out
    }
}

/// Rules that `matrix` calls unusable although a run can use them.
pub fn wrongly_unused(matrix: &Value, rules: &[String]) -> Vec<String> {
    let unused = matrix["unused"].as_array().unwrap().iter();
    unused
        .map(|unused| {
            let number = unused["rule"]["number"].as_u64().unwrap() as usize;
            let (rule, why) = (&rules[number - 1], &unused["message"]);
            format!("`{rule}` is called unusable: {why}")
        })
        .collect()
}
