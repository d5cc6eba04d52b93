//! Every pattern, compiled as a decision would, and how it is written.

use std::collections::HashSet;

use super::super::{Case, Kind, Pattern, Patterns, Rule};
use super::catalogue::PATTERN_INVALID;
use super::{Dimension, Finding, Findings, Fix, anchors, backslashes, dimensions, dots, globs};

/// Remembers what compiles, since a policy repeats its patterns.
#[derive(Default)]
pub(super) struct Checker {
    valid: HashSet<(String, Kind, bool)>,
}

impl Checker {
    pub(super) fn check(
        &mut self,
        dimension: Dimension<'_>,
        patterns: &Patterns<'_>,
        findings: &mut Findings<'_>,
    ) {
        if patterns.list.is_empty()
            && let Err(problem) = patterns.compile(Case::Sensitive)
        {
            findings.push(findings.problem(&PATTERN_INVALID, &problem));
        }
        for pattern in &patterns.list {
            if self.compiles(pattern, dimension, findings) && pattern.kind == Kind::Regex {
                advise(pattern, findings);
            }
        }
    }

    /// Whether every pattern of a rule that was checked compiles.
    pub(super) fn all_compile(&self, rule: &Rule<'_>) -> bool {
        dimensions(rule).all(|(dimension, patterns)| {
            let mut list = patterns.list.iter();
            !patterns.list.is_empty()
                && list.all(|pattern| self.valid.contains(&key(pattern, dimension)))
        })
    }

    fn compiles(
        &mut self,
        pattern: &Pattern<'_>,
        dimension: Dimension<'_>,
        findings: &mut Findings<'_>,
    ) -> bool {
        let ignores_case = dimension.ignores_case();
        let key = key(pattern, dimension);
        if self.valid.contains(&key) {
            return true;
        }
        // A value with other than ASCII characters is compared with case everywhere.
        let cases = [Case::Sensitive, Case::Insensitive];
        let wanted = cases
            .iter()
            .take(if ignores_case { cases.len() } else { 1 });
        for case in wanted {
            let Err(problem) = pattern.compile(*case) else {
                continue;
            };
            let glob = (pattern.kind == Kind::Regex && pattern.text.starts_with('*'))
                .then(|| globs::as_glob(&pattern.text))
                .flatten();
            let fix = glob.and_then(|glob| globs::fix(pattern, &glob, findings));
            let length = findings.source.span(pattern.position, &pattern.text).length;
            let finding = findings.problem(&PATTERN_INVALID, &problem);
            findings.push(Finding { length, ..finding }.fix(fix));
            return false;
        }
        self.valid.insert(key);
        true
    }
}

fn key(pattern: &Pattern<'_>, dimension: Dimension<'_>) -> (String, Kind, bool) {
    (
        pattern.text.to_string(),
        pattern.kind,
        dimension.ignores_case(),
    )
}

/// What an author of this regex will hardly have meant. Only the first finding keeps its fix: two
/// would replace the same text.
fn advise(pattern: &Pattern<'_>, findings: &mut Findings<'_>) {
    if backslashes::check(pattern, findings) {
        return;
    }
    let before = findings.list.len();
    globs::check(pattern, findings);
    if findings.list.len() == before {
        dots::check(pattern, findings);
    }
    anchors::check(pattern, findings);
    for finding in findings.list.iter_mut().skip(before + 1) {
        finding.fix = None;
    }
}

/// A fix that writes the pattern as another text, if the file allows to replace it.
pub(super) fn replace(pattern: &Pattern<'_>, text: &str, findings: &Findings<'_>) -> Option<Fix> {
    let range = findings.whole(pattern)?;
    let written = findings.source.quote_as(pattern.position, text);
    Some(Fix::new(range, written))
}

#[cfg(test)]
#[path = "patterns_tests.rs"]
mod tests;
