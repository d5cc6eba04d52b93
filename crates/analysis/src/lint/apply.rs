//! Applies fixes to the text of a policy.

use super::finding::Finding;
use super::source::Source;
use engine::policy::Format;

/// Applies all safe fixes, and returns the text and their number. Of overlapping fixes it applies only the first;
/// the next pass finds the others again, or they are obsolete.
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
        // Also `None` if two fixes overlap, because the last one ends after this start.
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
