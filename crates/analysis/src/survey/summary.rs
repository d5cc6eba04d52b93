//! Counters of a survey.

use std::collections::BTreeMap;

use serde::Serialize;

use super::finding::{Code, SurveyFinding};
use super::repository::Repository;
use super::row::RepositoryRow;
use crate::lint::Level;

/// Counters of a survey.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Surveyed repositories.
    pub repositories: u64,
    /// Archived ones among them.
    pub archived: u64,
    /// Repositories that the token cannot see.
    pub unseen: u64,
    /// Why the token cannot see the first of these.
    pub unseen_because: Option<String>,
    /// Repositories that use this action.
    pub with_action: u64,
    /// Repositories that do not use it but request `id-token: write`.
    pub with_id_token_only: u64,
    /// Repositories that an entry of the policy applies to.
    pub with_entry: u64,
    /// Steps that use this action.
    pub steps: u64,
    /// Steps among them that read a policy of their own repository.
    pub steps_with_own_policy: u64,
    /// Numbers of findings by code.
    pub findings: BTreeMap<Code, u64>,
}

impl Summary {
    pub(super) fn add(&mut self, repository: &Repository, row: &RepositoryRow) {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        self.repositories += 1;
        self.archived += u64::from(repository.is_archived);
        let uses_action = row.steps().next().is_some();
        self.with_action += u64::from(uses_action);
        let id_token = row.workflows.iter().any(|workflow| workflow.id_token);
        self.with_id_token_only += u64::from(id_token && !uses_action);
        self.with_entry += u64::from(!row.entries.is_empty());
        self.steps += count(row.steps().count());
        self.steps_with_own_policy += count(row.steps().filter(|step| step.own_policy).count());
        self.count(&row.findings);
    }

    pub(super) fn count(&mut self, findings: &[SurveyFinding]) {
        for finding in findings {
            *self.findings.entry(finding.code).or_default() += 1;
        }
    }

    /// Counts a repository that the token cannot see.
    pub fn count_unseen(&mut self, why: &str) {
        self.unseen += 1;
        self.unseen_because.get_or_insert_with(|| why.to_owned());
    }

    /// Returns the number of findings of a level.
    pub fn of_level(&self, level: Level) -> u64 {
        let findings = self.findings.iter();
        let of_level = findings.filter(|(code, _)| code.level() == level);
        of_level.map(|(_, count)| count).sum()
    }

    /// Whether there are problems, that is, more than notes.
    pub fn has_problems(&self) -> bool {
        self.unseen > 0 || self.of_level(Level::Error) + self.of_level(Level::Warning) > 0
    }
}
