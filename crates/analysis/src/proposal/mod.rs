//! A first policy for a repository, from its own workflow files, and the cases that go with it.
//!
//! Pure: the files, the default branch and the repository are passed in. Every rule is for one
//! workflow file, its branches and its trusted events; what cannot be said narrowly is left to people,
//! in a comment.

mod cases;
mod needs;
mod rule;
mod starts;
mod text;
mod yaml;

pub use rule::{Filter, Rule};

use self::starts::Start;
use crate::workflows::{Environment, Workflows};
use engine::RepositoryName;

/// What a proposal is made from, beside the workflow files.
#[derive(Clone, Debug)]
pub struct Options<'o> {
    /// The name of this action in `uses:`, without its owner.
    pub action: &'o str,
    /// The default branch.
    pub default_branch: &'o str,
}

/// Rules, and what is left to people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    /// By file.
    pub rules: Vec<Rule>,
    /// One sentence each.
    pub left_out: Vec<String>,
}

/// Whom the policy speaks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The repository that it lies in: `permissions:` at the top.
    Own,
    /// An entry of `repositories:`.
    Entry {
        /// Its name.
        repository: RepositoryName,
        /// Its id and its owner's, or why they are not known.
        ids: Result<Ids, String>,
    },
}

/// What pins a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    /// Of the repository.
    pub repository: u64,
    /// Of its owner.
    pub owner: u64,
}

/// Proposes rules. Where workflows ask this gate, they are for exactly what is asked; otherwise for
/// what the jobs look like.
pub fn propose(workflows: &Workflows, options: &Options<'_>) -> Proposal {
    let mut proposal = Proposal::default();
    let files = workflows.files.iter().filter(|file| !file.is_only_called());
    let files: Vec<_> = files
        .map(|file| (file, workflows.jobs_of(file, options.action)))
        .collect();
    let asked = files
        .iter()
        .any(|(_, jobs)| jobs.iter().any(|job| !job.gates.is_empty()));
    for (file, jobs) in &files {
        let needs = if asked {
            needs::asked(file, jobs, &mut proposal.left_out)
        } else {
            needs::guessed(file, jobs, &mut proposal.left_out)
        };
        if needs.is_empty() {
            continue;
        }
        let starts = starts::of(file, options.default_branch);
        let before = proposal.rules.len();
        for rule in rule::combine(file, &needs, &starts.list) {
            match rule.problem() {
                None => proposal.rules.push(rule),
                Some(why) => proposal.left_out.push(format!("{}: {why}", rule.workflow)),
            }
        }
        let deploys = needs
            .iter()
            .any(|need| need.environment != Environment::None);
        let is_proposed = |start: &Start| start.kind.is_proposed();
        if deploys
            && proposal.rules.len() == before
            && !starts.list.is_empty()
            && starts.list.iter().all(is_proposed)
        {
            proposal.left_out.push(format!(
                "{}: it deploys what nobody has merged; write a rule if that is meant",
                file.file
            ));
        }
        proposal.left_out.extend(starts.left_out);
    }
    let unreadable = workflows.unreadable.iter().map(|file| {
        let place = file
            .position
            .map(|at| format!("{at}: "))
            .unwrap_or_default();
        format!(
            "{}: it is not understood ({place}{})",
            file.file, file.message
        )
    });
    proposal.left_out.extend(unreadable);
    rule::name(&mut proposal.rules);
    proposal
}

#[cfg(test)]
#[path = "proposal_tests.rs"]
mod tests;
