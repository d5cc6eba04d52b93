//! What the policy cannot enforce because of the workflow files.

use crate::lint::Finding;
use crate::matrix::{AccessMatrix, Row};
use crate::report::Phrase;

/// Maximum number of places in a sentence.
const MAX_PLACES: usize = 10;

/// A finding, and all places that have it.
#[derive(Debug)]
pub struct SharedFinding<'m> {
    /// The finding at the first place.
    pub finding: &'m Finding,
    /// Files and lines.
    pub places: Vec<(&'m str, u32)>,
}

impl<'m> SharedFinding<'m> {
    /// Returns the findings of the matrix in its order, each once.
    pub fn all(matrix: &'m AccessMatrix<'_>) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for (file, finding) in &matrix.findings {
            let place = (*file, finding.position.line);
            let text = |finding: &'m Finding| (finding.code, &finding.message, &finding.help);
            match all
                .iter_mut()
                .find(|known| text(known.finding) == text(finding))
            {
                Some(known) => known.places.push(place),
                None => all.push(Self {
                    finding,
                    places: vec![place],
                }),
            }
        }
        all
    }

    /// Lists the places, or the first of many.
    pub fn places(&self) -> Phrase<'m> {
        let mut phrase = Phrase::default();
        let places = self.places.iter().take(MAX_PLACES);
        phrase.list(places.map(|(file, line)| format!("{file}:{line}")), ", ");
        if let Some(more @ 1..) = self.places.len().checked_sub(MAX_PLACES) {
            phrase.words(format!(" and {more} more"));
        }
        phrase
    }

    /// Whether the finding is about a job of the row's file, or of a file that it calls.
    pub fn concerns(&self, row: &Row<'_>) -> bool {
        self.places.iter().any(|(file, _)| row.has_jobs_of(file))
    }
}
