//! Replaces a pattern by one that its author probably intended.

use super::dimension::Dimension;
use super::findings::Findings;
use super::fix::Fix;
use crate::pattern_text::without_position;
use engine::policy::{Kind, Pattern, written};

/// Creates a fix that replaces the pattern's text and keeps its kind, if the file allows it.
pub(super) fn replace(pattern: &Pattern, text: &str, findings: &Findings<'_>) -> Option<Fix> {
    let range = findings.whole(pattern)?;
    let written = findings.source.quote_as(pattern.position, text);
    Some(Fix::new(range, written))
}

/// A replacement for a pattern.
pub(super) struct Replacement {
    /// The replacement in the syntax of the file.
    pub(super) written: String,
    /// The fix, if possible.
    pub(super) fix: Option<Fix>,
}

/// Returns the first pattern that has no findings itself.
pub(super) fn propose<'t>(
    dimension: Dimension<'_>,
    pattern: &Pattern,
    instead: impl IntoIterator<Item = (&'t str, Kind)>,
    findings: &Findings<'_>,
) -> Option<Replacement> {
    let repository = findings.repository.as_deref();
    let mut instead = instead.into_iter();
    let (text, kind) = instead.find(|(text, kind)| {
        (findings.accepts)(dimension, &without_position(text, *kind), repository)
    })?;
    let written = written::pattern(text, kind, findings.source.format);
    let is_value = |kind| matches!(kind, Kind::Literal | Kind::Exact);
    let is_same = kind == pattern.kind || (is_value(kind) && is_value(pattern.kind));
    let fix = match (findings.is_explicit(pattern), is_same) {
        (true, false) => None,
        (true, true) => replace(pattern, text, findings),
        (false, _) if Kind::of(text) == kind => replace(pattern, text, findings),
        (false, _) => findings
            .whole(pattern)
            .map(|range| Fix::new(range, written.clone())),
    };
    Some(Replacement { written, fix })
}
