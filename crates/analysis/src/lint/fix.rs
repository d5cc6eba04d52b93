//! How a finding is mended: a change of a few characters, and whether it is safe.

use std::ops::Range;

use super::{Finding, Source};
use engine::policy::{Format, Position};

/// A change of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// The characters that go, the end exclusive.
    pub range: Range<Position>,
    /// What stands there then, in the syntax of the file, with its quotes.
    pub replacement: String,
    /// Whether the policy grants the same afterwards. Any other fix needs a decision of its author.
    pub is_safe: bool,
}

impl Fix {
    /// A change that needs a decision.
    pub(super) fn new(range: Range<Position>, replacement: String) -> Self {
        Self {
            range,
            replacement,
            is_safe: false,
        }
    }

    /// The removal of an element that adds nothing to its list.
    pub(super) fn removal(range: Range<Position>) -> Self {
        Self::new(range, String::new()).safe()
    }

    pub(super) fn safe(self) -> Self {
        Self {
            is_safe: true,
            ..self
        }
    }
}

/// The text with every safe fix put in place, and how many that were. Of fixes that meet only the
/// first is taken; the others are found again in the new text, or are gone.
pub fn apply_safe(text: &str, format: Format, findings: &[Finding]) -> (String, usize) {
    let source = Source::new(text, format);
    let fixes = findings.iter().filter_map(|finding| finding.fix.as_ref());
    let safe = fixes.filter(|fix| fix.is_safe);
    let mut edits: Vec<_> = safe
        .filter_map(|fix| {
            let (start, end) = (
                source.offset(fix.range.start)?,
                source.offset(fix.range.end)?,
            );
            Some((start, end, &*fix.replacement))
        })
        .collect();
    edits.sort_unstable();
    let mut fixed = String::with_capacity(text.len());
    let (mut done, mut count) = (0, 0);
    for (start, end, replacement) in edits {
        // Also `None` where two of them meet: the end of the last is after this start.
        let Some(between) = text.get(done..start) else {
            continue;
        };
        fixed.push_str(between);
        fixed.push_str(replacement);
        (done, count) = (end, count + 1);
    }
    fixed.push_str(text.get(done..).unwrap_or_default());
    (fixed, count)
}
