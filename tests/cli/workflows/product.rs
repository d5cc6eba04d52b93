//! What the program makes of a repository, compared with the runs that are possible there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use super::policy::{self, Rule, branch};
use super::reference::{Environment, Reference, Repository, Run, Runs, Universe, candidates};
use crate::support::directory::Directory;

pub const DEFAULT_BRANCH: &str = "main";
/// The events that a rule without `events:` accepts.
const TRUSTED: [&str; 20] = [
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
const OTHER_ENVIRONMENT: &str = "zz-environment";
const POLICY: &str = "policy.yml";
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

/// Where the rows of `matrix` are not the environments, jobs and tokens of the runs.
pub fn wrong_rows(matrix: &Value, runs: &BTreeMap<String, (Universe, Runs)>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (file, (_, runs)) in runs {
        let rows = matrix["rows"].as_array().unwrap().iter();
        let rows: Vec<_> = rows.filter(|row| row["workflow"] == **file).collect();
        let is_dynamic = |row: &Value| row["environment"]["kind"] == "dynamic";
        for row in &rows {
            let environment = match row["environment"]["kind"].as_str().unwrap() {
                "none" => Environment::None,
                "named" => {
                    let name = row["environment"]["name"].as_str().unwrap();
                    Environment::Named(name.to_lowercase())
                }
                _ => Environment::Unknown,
            };
            let events = row["events"].as_array().into_iter().flatten();
            for event in events.filter_map(Value::as_str) {
                let is_known = runs.all.iter().any(|run| {
                    run.event == event
                        && (run.outcome.environment == environment
                            || run.outcome.environment == Environment::Unknown)
                });
                if !is_known {
                    wrong.push(format!(
                        "{file}: matrix has {environment:?} on {event}, which no run has"
                    ));
                }
            }
        }
        for run in &runs.all {
            let fits = |row: &&&Value| match &run.outcome.environment {
                Environment::None => row["environment"]["kind"] == "none",
                Environment::Named(name) => {
                    let shown = row["environment"]["name"].as_str();
                    shown.is_some_and(|shown| shown.to_lowercase() == *name)
                }
                Environment::Unknown => false,
            };
            let fits = |row: &&&Value| {
                let events = row["events"].as_array();
                (is_dynamic(row) || fits(row))
                    && events.is_none_or(|events| events.iter().any(|event| *event == *run.event))
                    && (!run.outcome.id_token || row["id_token"] == true)
            };
            if !rows.iter().any(|row| fits(&row)) {
                let text = format!(
                    "{file}: matrix has no row for {} {:?} on {}",
                    run.job, run.outcome.environment, run.event
                );
                if !wrong.contains(&text) {
                    wrong.push(text);
                }
            }
        }
    }
    wrong
}

/// What a proposed policy names and no run of the files is.
pub fn wider_rules(
    policy: &str,
    repository: &Repository,
    runs: &BTreeMap<String, (Universe, Runs)>,
) -> Vec<String> {
    let mut wider = BTreeSet::new();
    for rule in policy::rules(policy) {
        let files: Vec<_> = runs.iter().filter(|(file, _)| rule.is_for(file)).collect();
        if files.is_empty() || rule.workflow.is_none() {
            wider.insert(format!("{}: for files that cannot be started", rule.name));
        }
        for (file, (universe, runs)) in files {
            if runs.undecided.is_empty() {
                wider.extend(wider_in(
                    &rule,
                    file,
                    universe,
                    runs,
                    repository.uses_gates(),
                ));
            }
        }
    }
    wider.into_iter().collect()
}

fn wider_in(
    rule: &Rule,
    file: &str,
    universe: &Universe,
    runs: &Runs,
    uses_gates: bool,
) -> BTreeSet<String> {
    let mut wider = BTreeSet::new();
    let mut environments = vec![OTHER_ENVIRONMENT.to_owned()];
    environments.extend(
        runs.all
            .iter()
            .filter_map(|run| match &run.outcome.environment {
                Environment::Named(name) => Some(name.clone()),
                _ => None,
            }),
    );
    let events = match &rule.events {
        Some(events) => events.clone(),
        None => TRUSTED.map(str::to_owned).to_vec(),
    };
    for event in &events {
        for reference in candidates(event, universe) {
            // A pull request that is merged is a run of its own kind, only of files that ask for it.
            let is_merged = event == "pull_request" && matches!(reference, Reference::Branch(_));
            let here = |run: &&Run| run.event == *event && run.reference == reference;
            if !rule.is_for_ref(&reference, &universe.default_branch)
                || (is_merged && !runs.all.iter().any(|run| here(&run)))
            {
                continue;
            }
            for environment in rule.environments(&environments) {
                for permission in &rule.permissions {
                    let found = runs.all.iter().filter(here).any(|run| {
                        let asks = !uses_gates || run.outcome.gates.contains(permission);
                        run.outcome.environment == environment && asks
                    });
                    if !found {
                        let at = branch(&reference);
                        wider.insert(format!(
                            "{file}: {permission} on {event} at {at}, {environment:?} ({})",
                            rule.name
                        ));
                    }
                }
            }
        }
    }
    wider
}

/// What gates ask for on trusted events, and the proposed policy neither grants nor mentions.
pub fn missing_rules(policy: &str, runs: &BTreeMap<String, (Universe, Runs)>) -> Vec<String> {
    let rules = policy::rules(policy);
    let mut missing = BTreeSet::new();
    for (file, (universe, runs)) in runs {
        let is_mentioned = |run: &Run| {
            let is_none = run.outcome.environment == Environment::None;
            policy.split("\n\n").any(|block| {
                let mut comments = block
                    .lines()
                    .filter(|line| line.trim_start().starts_with('#'));
                // A comment at a rule can say that the rule leaves jobs without environment out.
                block.contains(file.as_str())
                    && comments.any(|line| {
                        line.contains(file.as_str()) || (is_none && line.contains("no environment"))
                    })
            })
        };
        let is_usual = |run: &&Run| {
            run.outcome.id_token
                && is_trusted(&run.event)
                && matches!(&run.reference, Reference::Branch(name) if *name == universe.default_branch)
        };
        for run in runs.all.iter().filter(is_usual) {
            for permission in &run.outcome.gates {
                let grants = |rule: &Rule| {
                    rule.is_for(file)
                        && rule.permissions.contains(permission)
                        && rule
                            .events
                            .as_ref()
                            .is_none_or(|events| events.contains(&run.event))
                        && rule.is_for_ref(&run.reference, &universe.default_branch)
                        && match &run.outcome.environment {
                            // A rule without `environment:` is for each.
                            _ if rule.environment.is_none() => true,
                            Environment::Named(name) => rule
                                .environments(std::slice::from_ref(name))
                                .contains(&run.outcome.environment),
                            _ => false,
                        }
                };
                if !is_mentioned(run) && !rules.iter().any(grants) {
                    missing.insert(format!(
                        "{file}: {permission} on {} of {:?}",
                        run.event, run.outcome.environment
                    ));
                }
            }
        }
    }
    missing.into_iter().collect()
}
