//! What the repositories of an owner come to: which of their workflows ask this gate, whether the jobs
//! may, and what a central policy says of them.
//!
//! Pure: one repository after the other is looked at ([`Survey::look_at`]) and becomes a [`RepositoryRow`],
//! or nothing if there is nothing to say.

mod asks;
mod entries;
mod finding;
mod policy;
mod row;
mod summary;

pub use entries::Asked;
pub use finding::{Code, Finding};
pub use policy::SurveyPolicy;
pub use row::{Ask, EntryRow, RepositoryRow, WorkflowRow};
pub use summary::Summary;

use std::collections::HashSet;

use crate::workflows::{ID_TOKEN, Unreadable, Workflows};

/// A repository, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repository {
    /// `OWNER/NAME`.
    pub name: String,
    /// Its id, where it is known.
    pub id: Option<u64>,
    /// Its owner's id, likewise.
    pub owner_id: Option<u64>,
    /// Private or internal.
    pub is_private: bool,
    /// No workflow of it runs.
    pub is_archived: bool,
    /// It was forked from another one.
    pub is_fork: bool,
}

/// A survey in progress.
#[derive(Debug)]
pub struct Survey<'p> {
    /// The name that this action has in `uses:`, without its owner.
    action: String,
    policy: Option<SurveyPolicy<'p>>,
    /// Everything so far.
    pub summary: Summary,
}

impl<'p> Survey<'p> {
    /// A survey that has seen nothing, of those that use `action`.
    pub fn new(action: &str, policy: Option<SurveyPolicy<'p>>) -> Self {
        Self {
            action: action.to_owned(),
            policy,
            summary: Summary::default(),
        }
    }

    /// The name that this action has in `uses:`.
    pub fn action(&self) -> &str {
        &self.action
    }

    /// The policy that the repositories are held against.
    pub fn policy(&mut self) -> Option<&mut SurveyPolicy<'p>> {
        self.policy.as_mut()
    }

    /// Looks at a repository with its workflow files; an error is why they are not known.
    pub fn look_at(
        &mut self,
        repository: &Repository,
        workflows: Result<&Workflows, &str>,
    ) -> Option<RepositoryRow> {
        let spoken = self.policy.as_mut().map(|policy| policy.see(repository));
        let spoken = spoken.unwrap_or_default();
        let mut row = RepositoryRow {
            repository: repository.name.clone(),
            id: repository.id,
            private: repository.is_private,
            archived: repository.is_archived,
            fork: repository.is_fork,
            entries: self
                .policy
                .as_ref()
                .map_or_else(Vec::new, |policy| policy.lines(&spoken)),
            workflows: Vec::new(),
            findings: Vec::new(),
        };
        match workflows {
            // Nothing runs there.
            _ if repository.is_archived => {}
            Ok(workflows) => {
                let found = asks::of(workflows, &self.action, repository.is_private);
                row.workflows = found.workflows;
                row.findings = found.findings;
                if let Some(policy) = &self.policy {
                    row.findings
                        .extend(policy.findings(&spoken, &row.workflows));
                }
                let untrusted = asks::untrusted(&row.workflows, |permission, event| {
                    let policy = self.policy.as_ref();
                    policy.is_some_and(|policy| policy.names_event(&spoken, permission, event))
                });
                row.findings.extend(untrusted);
            }
            Err(why) => row.findings.push(Finding::new(Code::NotRead, why)),
        }
        let mut seen = HashSet::new();
        row.findings.retain(|finding| seen.insert(finding.clone()));
        row.findings.sort_by_key(|finding| finding.code);
        self.summary.add(repository, &row);
        row.is_of_interest().then_some(row)
    }

    /// What is wrong with the policy's entries, when every repository was seen; counted once.
    pub fn close(&mut self) -> Vec<EntryRow> {
        let rows = self
            .policy
            .as_ref()
            .map(SurveyPolicy::rows)
            .unwrap_or_default();
        rows.iter()
            .for_each(|row| self.summary.count(&row.findings));
        rows
    }
}

/// Reads those workflow files of a repository that matter here: none where no file speaks of the action
/// or of what it needs, and then no other either that is not understood. An error is why there is no text.
pub fn read(files: Vec<(String, Result<String, String>)>, action: &str) -> Workflows {
    let speaks = |text: &str| {
        [action, ID_TOKEN, "write-all"]
            .iter()
            .any(|word| text.contains(word))
    };
    let mut silent = HashSet::new();
    for (file, text) in &files {
        if text.as_ref().is_ok_and(|text| !speaks(text)) {
            silent.insert(file.clone());
        }
    }
    if silent.len() == files.len() {
        return Workflows::default();
    }
    let mut workflows = Workflows::of_texts(files);
    let matters = |unreadable: &Unreadable| !silent.contains(&unreadable.file);
    workflows.unreadable.retain(matters);
    workflows
}

#[cfg(test)]
#[path = "survey_tests.rs"]
mod tests;
