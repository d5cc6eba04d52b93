//! Number of findings of a run.

use super::file::Linted;
use analysis::lint::Level;
use engine::plural::count;

/// Number of findings of each level.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub(super) struct Summary {
    pub(super) errors: usize,
    pub(super) warnings: usize,
    pub(super) notes: usize,
    /// Number of applied fixes, with `--fix`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fixed: Option<usize>,
}

impl Summary {
    pub(super) fn of(files: &[Linted], is_fix: bool) -> Self {
        let fixed = files.iter().filter_map(|file| file.fixed.as_ref());
        let fixed = fixed.map(|before| before.count).sum();
        let count = |level| {
            let findings = files.iter().flat_map(|file| &file.findings);
            findings.filter(|finding| finding.level == level).count()
        };
        Self {
            errors: count(Level::Error),
            warnings: count(Level::Warning),
            notes: count(Level::Note),
            fixed: is_fix.then_some(fixed),
        }
    }

    /// Returns the last line for people.
    pub(super) fn sentence(self, files: usize) -> String {
        let fixed = self.fixed.map(|fixed| format!("; {fixed} fixed"));
        format!(
            "{}, {}, {} in {}{}\n",
            count(self.errors, "error"),
            count(self.warnings, "warning"),
            count(self.notes, "note"),
            count(files, "file"),
            fixed.unwrap_or_default()
        )
    }
}
