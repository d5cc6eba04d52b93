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
        if let Some(condition) = about_the_branch(ask) {
            let reason = format!(
                "Only a run knows whether {} holds for its branch or tag. Name those for which it does with `branch:`.",
                quoted(condition)
            );
            if let Environment::Named(name) = &ask.environment {
                rule.environments.push(name.clone());
            }
            self.add_incomplete(reason, rule);
            return;
        }
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
                self.add_incomplete(reason, rule);
            }
        }
    }

    fn add_incomplete(&mut self, reason: String, rule: ProposedRule) {
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

    /// Returns the rules, put together and named, and those that lack a value. A rule that is not clean is left
    /// out before it is put together, so it takes no other value with it.
    pub(super) fn finish(
        mut self,
        mut is_clean: impl FnMut(&ProposedRule) -> bool,
    ) -> (Vec<ProposedRule>, Vec<Incomplete>) {
        let mut finished = |mut rules: Vec<ProposedRule>| {
            rules.retain(&mut is_clean);
            let mut rules = combine(rules);
            name(&mut rules);
            rules
        };
        let complete = finished(self.complete);
        for incomplete in &mut self.incomplete {
            incomplete.rules = finished(std::mem::take(&mut incomplete.rules));
        }
        self.incomplete
            .retain(|incomplete| !incomplete.rules.is_empty());
        (complete, self.incomplete)
    }
}

/// Returns a condition of the job that the names of its branches or tags decide, if the rule does not name them.
fn about_the_branch(ask: &Ask) -> Option<&str> {
    let contexts: &[&str] = match &ask.start.reference {
        Reference::PullRequest(_) => &["github.head_ref", "github.event.pull_request.head.ref"],
        Reference::Branch(name) | Reference::Tag(name) if name.as_named().is_none() => &[
            "github.ref",
            "github.event.ref",
            "github.event.release.tag_name",
        ],
        _ => return None,
    };
    let is_about = |condition: &&String| {
        let condition = condition.to_ascii_lowercase();
        contexts.iter().any(|context| condition.contains(context))
    };
    ask.conditions
        .iter()
        .find(is_about)
        .map(|condition| condition.trim())
}

fn remarks(ask: &Ask) -> Vec<String> {
    let mut remarks = Vec::new();
    let is_named = matches!(ask.environment, Environment::Named(_));
    let is_pull_request = matches!(ask.start.reference, Reference::PullRequest(_));
    if is_pull_request && ask.environment != Environment::None {
        remarks.push("A pull request brings its own version of this file: everyone who can push a branch can use this rule.".to_owned());
    }
    let about_the_branch = about_the_branch(ask);
    let conditions = ask.conditions.iter().map(|condition| condition.trim());
    for condition in conditions.filter(|condition| Some(*condition) != about_the_branch) {
        let condition = quoted(condition);
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
