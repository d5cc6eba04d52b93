//! Surveys the repositories of an owner: which workflows use this action, what their jobs lack for it,
//! and what a central policy grants them.
//!
//! Pure: the caller adds one repository after the other ([`Survey::add`]) and gets a [`RepositoryRow`]
//! for each that uses the action, has an entry or has a finding.

mod finding;
mod lookup;
mod policy;
mod repository;
mod row;
mod steps;
mod summary;

pub use finding::{Code, SurveyFinding};
pub use lookup::CurrentName;
pub use policy::SurveyPolicy;
pub use repository::Repository;
pub use row::{ActionStep, EntryRow, RepositoryRow, WorkflowRow};
pub use summary::Summary;

use std::collections::HashSet;

use crate::workflows::{ID_TOKEN, Unreadable, Workflows};

/// A survey in progress.
#[derive(Debug)]
pub struct Survey<'p> {
    /// Name of this action in `uses:`, without its owner.
    action: String,
    policy: Option<SurveyPolicy<'p>>,
    /// Counters of the repositories so far.
    pub summary: Summary,
}

impl<'p> Survey<'p> {
    /// Starts a survey of the repositories that use `action`.
    pub fn new(action: &str, policy: Option<SurveyPolicy<'p>>) -> Self {
        Self {
            action: action.to_owned(),
            policy,
            summary: Summary::default(),
        }
    }

    /// Returns the name of this action in `uses:`.
    pub fn action(&self) -> &str {
        &self.action
    }

    /// Returns the central policy, if the survey has one.
    pub fn policy(&mut self) -> Option<&mut SurveyPolicy<'p>> {
        self.policy.as_mut()
    }

    /// Adds a repository with its workflow files, or with the reason why they are unknown.
    pub fn add(
        &mut self,
        repository: &Repository,
        workflows: Result<&Workflows, &str>,
    ) -> Option<RepositoryRow> {
        let matching = self.policy.as_mut();
        let matching = matching
            .map(|policy| policy.match_repository(repository))
            .unwrap_or_default();
        let mut row = RepositoryRow {
            repository: repository.name.clone(),
            id: repository.id,
            private: repository.is_private,
            archived: repository.is_archived,
            fork: repository.is_fork,
            entries: self
                .policy
                .as_ref()
                .map_or_else(Vec::new, |policy| policy.lines(&matching)),
            workflows: Vec::new(),
            findings: Vec::new(),
        };
        match workflows {
            // No workflow runs in an archived repository.
            _ if repository.is_archived => {}
            Ok(workflows) => {
                let found = steps::of(workflows, &self.action, repository.is_private);
                row.workflows = found.workflows;
                row.findings = found.findings;
                if let Some(policy) = &self.policy {
                    row.findings
                        .extend(policy.findings(&matching, &row.workflows));
                }
                let untrusted = steps::untrusted(&row.workflows, |permission, event| {
                    let policy = self.policy.as_ref();
                    policy.is_some_and(|policy| policy.names_event(&matching, permission, event))
                });
                row.findings.extend(untrusted);
            }
            Err(why) => row.findings.push(SurveyFinding::new(Code::NotRead, why)),
        }
        let mut seen = HashSet::new();
        row.findings.retain(|finding| seen.insert(finding.clone()));
        row.findings.sort_by_key(|finding| finding.code);
        self.summary.add(repository, &row);
        row.is_relevant().then_some(row)
    }

    /// Returns the findings about the policy's entries, and counts them. Call it once, after the last
    /// repository.
    pub fn finish(&mut self) -> Vec<EntryRow> {
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

/// Parses the workflow files of a repository; an error says why a file has no text. If no file contains
/// the name of the action or a permission that it needs, nothing is parsed. A file that contains neither
/// is not reported if it cannot be parsed.
pub fn read(files: Vec<(String, Result<String, String>)>, action: &str) -> Workflows {
    let is_relevant = |text: &str| {
        [action, ID_TOKEN, "write-all"]
            .iter()
            .any(|word| text.contains(word))
    };
    let mut irrelevant = HashSet::new();
    for (file, text) in &files {
        if text.as_ref().is_ok_and(|text| !is_relevant(text)) {
            irrelevant.insert(file.clone());
        }
    }
    if irrelevant.len() == files.len() {
        return Workflows::default();
    }
    let mut workflows = Workflows::of_texts(files);
    let is_relevant = |unreadable: &Unreadable| !irrelevant.contains(&unreadable.file);
    workflows.unreadable.retain(is_relevant);
    workflows
}

#[cfg(test)]
#[path = "survey_tests.rs"]
mod tests;
