//! Rules with one value for each key, as the jobs ask for them.

use super::ask::Ask;
use super::combine::combine;
use super::model::Incomplete;
use super::place::Place;
use super::rule::{ProposedRule, name};
use crate::workflows::{Environment, Reference};
use engine::policy::quoted;

/// Drafts of rules.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    complete: Vec<ProposedRule>,
    incomplete: Vec<Incomplete>,
}

impl Drafts {
    /// Adds the rule for what a job of `file` asks for in one place.
    pub(super) fn add(&mut self, file: &str, ask: &Ask, (branch, base): Place) {
        let mut rule = ProposedRule {
            name: String::new(),
            permissions: vec![ask.key.clone()],
            workflows: vec![file.to_owned()],
            branches: vec![branch],
            bases: base.into_iter().collect(),
            environments: Vec::new(),
            events: ask.start.event.iter().cloned().collect(),
            remarks: remarks(ask),
            evidence: vec![ask.evidence.clone()],
        };
        match &ask.environment {
            Environment::None => self.complete.push(rule),
            Environment::Named(name) => {
                rule.environments.push(name.clone());
                self.complete.push(rule);
            }
            Environment::Dynamic(text) => {
                let reason = format!(
                    "Only a run knows the environment {}. Name the intended ones with `environment:`.",
                    quoted(text)
                );
                match self
                    .incomplete
                    .iter_mut()
                    .find(|known| known.reason == reason)
                {
                    Some(known) => known.rules.push(rule),
                    None => self.incomplete.push(Incomplete {
                        reason,
                        rules: vec![rule],
                    }),
                }
            }
        }
    }

    /// Returns the rules, put together and named, and those that lack a value.
    pub(super) fn finish(mut self) -> (Vec<ProposedRule>, Vec<Incomplete>) {
        let mut complete = combine(self.complete);
        name(&mut complete);
        for incomplete in &mut self.incomplete {
            incomplete.rules = combine(std::mem::take(&mut incomplete.rules));
            name(&mut incomplete.rules);
        }
        (complete, self.incomplete)
    }
}

fn remarks(ask: &Ask) -> Vec<String> {
    let mut remarks = Vec::new();
    let is_named = matches!(ask.environment, Environment::Named(_));
    let is_pull_request = matches!(ask.start.reference, Reference::PullRequest(_));
    if is_pull_request && ask.environment != Environment::None {
        remarks.push("A pull request brings its own version of this file: everyone who can push a branch can use this rule.".to_owned());
    }
    for condition in &ask.conditions {
        let condition = quoted(condition.trim());
        remarks.push(format!(
            "The job runs only if {condition}; the rule does not require that."
        ));
    }
    if !ask.chosen_by.is_empty() {
        let chosen: Vec<_> = ask.chosen_by.iter().map(|name| quoted(name)).collect();
        let chosen = chosen.join(" or ");
        remarks.push(format!("{chosen} chooses the commit that this job runs: its branch says nothing about that code."));
    }
    if ask.is_optional && is_named {
        remarks.push(
            "In some runs the job has no environment; this rule does not grant in these."
                .to_owned(),
        );
    }
    remarks
}
