//! The policy that `init` proposes, compared with the runs of the files.

use std::collections::{BTreeMap, BTreeSet};

use super::policy::{self, Rule, branch};
use super::product::{OTHER_ENVIRONMENT, TRUSTED, is_trusted};
use super::reference::{Environment, Reference, Repository, Run, Runs, Universe, candidates};

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
            let exactly = |run: &Run| run.event == *event && run.reference == reference;
            if !rule.is_for_ref(&reference, &universe.default_branch)
                || (is_merged && !runs.all.iter().any(exactly))
            {
                continue;
            }
            // A rule cannot tell it from a pull request whose head has the name of the base.
            let is_head = |run: &Run| is_merged && matches!(run.reference, Reference::Pull { .. });
            let here = |run: &&Run| exactly(run) || (run.event == *event && is_head(run));
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
