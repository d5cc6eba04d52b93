//! Compiles every pattern as a decision does, and checks its form.

use std::collections::HashSet;

use super::catalogue::PATTERN_INVALID;
use super::dimension::{Dimension, dimensions};
use super::finding::Finding;
use super::findings::Findings;
use super::fix::Fix;
use super::replacement::propose;
use super::{anchors, backslashes, dots, globs, plain};
use engine::policy::{CaseSensitivity, Kind, Pattern, Patterns, Rule};

/// Caches which patterns compile, because policies repeat them.
#[derive(Default)]
pub(super) struct Checker {
    valid: HashSet<(String, Kind, bool)>,
}

impl Checker {
    pub(super) fn check(
        &mut self,
        dimension: Dimension<'_>,
        patterns: &Patterns,
        findings: &mut Findings<'_>,
    ) {
        if patterns.list.is_empty()
            && let Err(problem) = patterns.compile(CaseSensitivity::Sensitive)
        {
            findings.push(findings.problem(&PATTERN_INVALID, &problem));
        }
        for pattern in &patterns.list {
            if self.compiles(pattern, dimension, findings) && pattern.kind == Kind::Regex {
                advise(dimension, pattern, findings);
            }
        }
    }

    /// Returns whether every pattern of a checked rule compiles.
    pub(super) fn all_compile(&self, rule: &Rule) -> bool {
        dimensions(rule).all(|(dimension, patterns)| {
            let mut list = patterns.list.iter();
            !patterns.list.is_empty()
                && list.all(|pattern| self.valid.contains(&key(pattern, dimension)))
        })
    }

    fn compiles(
        &mut self,
        pattern: &Pattern,
        dimension: Dimension<'_>,
        findings: &mut Findings<'_>,
    ) -> bool {
        let ignores_case = dimension.ignores_case();
        let key = key(pattern, dimension);
        if self.valid.contains(&key) {
            return true;
        }
        // Values that are not ASCII are always case-sensitive.
        let cases = [CaseSensitivity::Sensitive, CaseSensitivity::Insensitive];
        let wanted = cases
            .iter()
            .take(if ignores_case { cases.len() } else { 1 });
        for case in wanted {
            let Err(problem) = pattern.compile(*case) else {
                continue;
            };
            let fix = valid_fix(dimension, pattern, findings);
            let length = findings
                .source
                .extent(pattern.position, &pattern.text)
                .length;
            let finding = findings.problem(&PATTERN_INVALID, &problem);
            findings.push(Finding { length, ..finding }.fix(fix));
            return false;
        }
        self.valid.insert(key);
        true
    }
}

/// Returns the probably intended pattern instead of an invalid one, such as a glob or an App's login.
fn valid_fix(dimension: Dimension<'_>, pattern: &Pattern, findings: &Findings<'_>) -> Option<Fix> {
    let glob = globs::as_glob(&pattern.text).filter(|_| pattern.text.starts_with('*'));
    let login = pattern.text.replace("[bot]", r"\[bot\]");
    let of_login = [(&*login, pattern.kind)].into_iter();
    let of_login = of_login.filter(|(text, _)| *text != &*pattern.text);
    let of_glob = glob.as_deref().map(|glob| (glob, Kind::Glob));
    let instead = of_glob.into_iter().filter(|_| pattern.kind == Kind::Regex);
    propose(dimension, pattern, instead.chain(of_login), findings)?.fix
}

fn key(pattern: &Pattern, dimension: Dimension<'_>) -> (String, Kind, bool) {
    (
        pattern.text.to_string(),
        pattern.kind,
        dimension.ignores_case(),
    )
}

/// Finds likely mistakes in a regex. Only the first finding keeps its fix, because two fixes would replace the same
/// text.
fn advise(dimension: Dimension<'_>, pattern: &Pattern, findings: &mut Findings<'_>) {
    if backslashes::check(dimension, pattern, findings)
        || plain::check(dimension, pattern, findings)
    {
        return;
    }
    let before = findings.list.len();
    globs::check(dimension, pattern, findings);
    if findings.list.len() == before {
        dots::check(dimension, pattern, findings);
    }
    anchors::check(dimension, pattern, findings);
    for finding in findings.list.iter_mut().skip(before + 1) {
        finding.fix = None;
    }
}

#[cfg(test)]
#[path = "patterns_tests.rs"]
mod tests;
