//! Proposes a first policy for a repository from its own workflow files, with test cases for it.
//!
//! Pure: the caller passes the files, the default branch and the repository. A rule is never wider than its
//! files: each combination of its values is one in which a job asks for its permissions. What no rule can
//! say that narrowly becomes a comment with its reason.

mod ask;
mod atmos;
mod cases;
mod combine;
mod notes;
mod place;
mod rule;
mod text;
mod yaml;

pub use notes::Note;
pub use rule::{Filter, ProposedRule};

use self::ask::Asks;
use self::combine::combine;
use self::notes::Notes;
use crate::workflows::{RunOptions, Workflows};
use engine::RepositoryName;

/// Inputs of a proposal besides the workflow files.
#[derive(Clone, Debug)]
pub struct Options<'o> {
    /// Name of this action in `uses:`, without its owner.
    pub action: &'o str,
    /// Default branch of the repository.
    pub default_branch: &'o str,
}

/// Proposed rules, and what the author must decide.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    /// Rules in the order of their files.
    pub rules: Vec<ProposedRule>,
    /// Rules that lack a value which only a run knows.
    pub incomplete: Vec<Incomplete>,
    /// What the rules leave out.
    pub notes: Vec<Note>,
}

/// Rules that lack a value, for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incomplete {
    /// One sentence about what is missing.
    pub reason: String,
    /// The rules without it.
    pub rules: Vec<ProposedRule>,
}

/// Repository that a proposed policy applies to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The repository that contains the policy: `permissions:` at the top.
    Own,
    /// An entry of `repositories:`.
    Entry {
        /// Name of the repository.
        repository: RepositoryName,
        /// Ids of the repository and its owner, or why they are unknown.
        ids: Result<Ids, String>,
    },
}

/// Ids that pin a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    /// Id of the repository.
    pub repository: u64,
    /// Id of its owner.
    pub owner: u64,
}

/// Proposes rules. If workflows already use this action, the rules grant exactly the permissions that
/// they request; otherwise the rules grant what the jobs seem to need.
pub fn propose(workflows: &Workflows, options: &Options<'_>) -> Proposal {
    let run = RunOptions {
        action: options.action,
        default_branch: Some(options.default_branch),
    };
    let started = workflows.files.iter().filter(|file| !file.is_only_called());
    let files: Vec<_> = started
        .map(|file| (file, workflows.jobs_of(file, run)))
        .collect();
    let uses_action = files
        .iter()
        .any(|(_, jobs)| jobs.iter().any(|job| !job.gates.is_empty()));
    let mut notes = Notes::default();
    let mut known = Vec::new();
    let mut unknown = Vec::new();
    for (file, jobs) in &files {
        let mut asks = Asks::new(file, &mut notes);
        match uses_action {
            true => asks.requested(jobs),
            false => asks.guessed(jobs),
        }
        let asks = asks.list;
        let starts = jobs.first().map(|job| &*job.starts).unwrap_or_default();
        place::rules(
            file,
            starts,
            &asks,
            options.default_branch,
            &mut notes,
            &mut known,
            &mut unknown,
        );
    }
    for file in &workflows.unreadable {
        let at = file
            .position
            .map(|at| format!("{at}: "))
            .unwrap_or_default();
        notes.add(
            &file.file,
            format!("it cannot be read ({at}{})", file.message),
        );
    }
    let mut incomplete: Vec<Incomplete> = Vec::new();
    for (reason, rule) in unknown {
        match incomplete.iter_mut().find(|known| known.reason == reason) {
            Some(known) => known.rules.push(rule),
            None => incomplete.push(Incomplete {
                reason,
                rules: vec![rule],
            }),
        }
    }
    for incomplete in &mut incomplete {
        incomplete.rules = combine(std::mem::take(&mut incomplete.rules));
        rule::name(&mut incomplete.rules);
    }
    let mut rules = combine(known);
    rule::name(&mut rules);
    rules.retain(|rule| match rule.problem() {
        None => true,
        Some(why) => {
            rule.workflows
                .iter()
                .for_each(|file| notes.add(file, why.clone()));
            false
        }
    });
    Proposal {
        rules,
        incomplete,
        notes: notes.list,
    }
}

#[cfg(test)]
#[path = "proposal_tests.rs"]
mod tests;
