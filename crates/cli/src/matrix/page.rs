//! What a format prints.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::findings::SharedFinding;
use super::fold::{Block, Folded};
use analysis::matrix::AccessMatrix;

/// The content to print.
pub(super) struct Page<'m, 'a> {
    /// The policy's path on the command line.
    pub(super) policy: String,
    /// The repository, unless the policy has rules for its own only.
    pub(super) repository: Option<String>,
    /// The directory of the workflow files.
    pub(super) workflows: String,
    /// The number of workflow files.
    pub(super) files: usize,
    /// The number of rules for the repository.
    pub(super) rules: usize,
    pub(super) now: Timestamp,
    pub(super) matrix: &'m AccessMatrix<'a>,
    /// The rows of the matrix.
    pub(super) folded: Folded<'m, 'a>,
    /// What the policy cannot enforce.
    pub(super) findings: Vec<SharedFinding<'m>>,
    /// Notes, sentences without full stops.
    pub(super) notes: Vec<String>,
}

impl<'m> Page<'m, '_> {
    /// Returns the findings about the files of a block, each with its index.
    pub(super) fn findings_of(
        &self,
        block: &Block<'_, '_>,
    ) -> impl Iterator<Item = (usize, &SharedFinding<'m>)> {
        let indices = block.findings.iter();
        indices.filter_map(|index| Some((*index, self.findings.get(*index)?)))
    }

    /// Returns the distinct codes of these findings.
    pub(super) fn codes(&self, block: &Block<'_, '_>) -> BTreeSet<&'static str> {
        let findings = self.findings_of(block);
        findings.map(|(_, shared)| shared.finding.code).collect()
    }
}
