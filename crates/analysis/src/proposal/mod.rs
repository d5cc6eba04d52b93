//! Proposes a first policy for a repository from its own workflow files, with test cases for it.
//!
//! Pure: the caller passes the files, the default branch and the repository. Every rule names one
//! workflow file, its branches and its trusted events. A comment lists what no narrow rule can express.

mod cases;
mod needs;
mod rule;
mod starts;
mod text;
mod yaml;

pub use rule::{Filter, ProposedRule};

use self::starts::Start;
use crate::workflows::{Environment, Workflows};
use engine::RepositoryName;

/// Inputs of a proposal besides the workflow files.
#[derive(Clone, Debug)]
pub struct Options<'o> {
    /// Name of this action in `uses:`, without its owner.
    pub action: &'o str,
    /// Default branch of the repository.
    pub default_branch: &'o str,
}

/// Proposed rules, and notes on what the author must decide.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    /// Rules in the order of their files.
    pub rules: Vec<ProposedRule>,
    /// Notes on what the rules leave out, one sentence each.
    pub left_out: Vec<String>,
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
    let mut proposal = Proposal::default();
    let files = workflows.files.iter().filter(|file| !file.is_only_called());
    let files: Vec<_> = files
        .map(|file| (file, workflows.jobs_of(file, options.action)))
        .collect();
    let uses_action = files
        .iter()
        .any(|(_, jobs)| jobs.iter().any(|job| !job.gates.is_empty()));
    for (file, jobs) in &files {
        let needs = if uses_action {
            needs::requested(file, jobs, &mut proposal.left_out)
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
                "{}: it deploys code that is not merged yet; add a rule if this is intended",
                file.file
            ));
        }
        proposal.left_out.extend(starts.left_out);
    }
    let unreadable = workflows.unreadable.iter().map(|file| {
        let position = file
            .position
            .map(|at| format!("{at}: "))
            .unwrap_or_default();
        format!("{}: cannot be read ({position}{})", file.file, file.message)
    });
    proposal.left_out.extend(unreadable);
    rule::name(&mut proposal.rules);
    proposal
}

#[cfg(test)]
#[path = "proposal_tests.rs"]
mod tests;
