//! What an output format shows.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::findings::SharedFinding;
use super::fold::{Block, Folded};
use crate::matrix::AccessMatrix;

/// The content to show.
pub struct Page<'m, 'a> {
    /// The policy's name.
    pub policy: String,
    /// The repository, unless the policy has rules for its own only.
    pub repository: Option<String>,
    /// The directory of the workflow files.
    pub workflows: String,
    /// The number of workflow files.
    pub files: usize,
    /// The number of rules for the repository.
    pub rules: usize,
    /// The time at which rules count as expired.
    pub now: Timestamp,
    /// Who can do what.
    pub matrix: &'m AccessMatrix<'a>,
    /// The rows of the matrix.
    pub folded: Folded<'m, 'a>,
    /// What the policy cannot enforce.
    pub findings: Vec<SharedFinding<'m>>,
    /// Notes, sentences without full stops.
    pub notes: Vec<String>,
}

impl<'m> Page<'m, '_> {
    /// Returns the findings about the files of a block, each with its index.
    pub fn findings_of(
        &self,
        block: &Block<'_, '_>,
    ) -> impl Iterator<Item = (usize, &SharedFinding<'m>)> {
        let indices = block.findings.iter();
        indices.filter_map(|index| Some((*index, self.findings.get(*index)?)))
    }

    /// Returns the distinct codes of these findings.
    pub fn codes(&self, block: &Block<'_, '_>) -> BTreeSet<&'static str> {
        let findings = self.findings_of(block);
        findings.map(|(_, shared)| shared.finding.code).collect()
    }
}
