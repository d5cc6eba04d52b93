//! The lints and their codes. The codes are stable, because other programs may rely on them.

use serde::Serialize;

/// Level of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The policy or a part of it is invalid, so that checks that need it end in an error.
    Error,
    /// Valid, but a likely mistake or dangerous.
    Warning,
    /// A suggestion or information.
    Note,
}

impl Level {
    /// Returns the name in JSON and SARIF.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// A kind of finding.
#[derive(Debug)]
pub struct Lint {
    /// The stable code.
    pub code: &'static str,
    /// The level of its findings.
    pub level: Level,
    /// One sentence about its findings.
    pub summary: &'static str,
}

macro_rules! catalogue {
    ($($name:ident $code:literal $level:ident $summary:literal;)*) => {
        $(
            #[doc = $summary]
            pub const $name: Lint = Lint { code: $code, level: Level::$level, summary: $summary };
        )*
        /// All lints.
        pub const ALL: &[Lint] = &[$($name),*];
    };
}

catalogue! {
    INVALID "invalid" Error "The policy is not valid, so every check ends in an error.";
    PATTERN_INVALID "pattern-invalid" Error "A pattern does not compile, so every check that needs it ends in an error.";
    GLOB_LIKE "glob-like" Warning "A regex whose text looks like a glob.";
    DOUBLE_BACKSLASH "double-backslash" Warning "A regex that requires a backslash, which names do not have.";
    NOT_ITSELF "not-itself" Warning "A regex that looks like a plain name and does not match itself.";
    HALF_ANCHORED "half-anchored" Warning "A regex with one anchor, which looks like a prefix or a suffix but matches the whole value.";
    UNESCAPED_DOT "unescaped-dot" Warning "A dot of a regex that matches any character, where the author probably meant a dot.";
    REDUNDANT_ANCHOR "redundant-anchor" Note "Anchors around a pattern, which always matches the whole value.";
    REDUNDANT_PATTERN "redundant-pattern" Note "A pattern of a list that another pattern of the list covers.";
    NEVER_MATCHES "never-matches" Warning "A pattern that no value can match.";
    TRAILING_DASH_ENVIRONMENT "trailing-dash-environment" Warning "An environment whose name ends with a dash, the result of an empty variable.";
    EXTENSION "extension" Warning "A workflow file that exists only with the other extension, .yml or .yaml.";
    UNKNOWN_WORKFLOW "unknown-workflow" Note "A workflow file that does not exist in this repository.";
    UNREACHABLE "unreachable" Warning "A rule that grants nothing beyond the earlier rules of the same list.";
    DUPLICATE "duplicate" Warning "A rule that is the same as an earlier one.";
    NOT_COMPARED "not-compared" Note "The list of rules is too long to compare all of them with each other.";
    BROAD_WRITE "broad-write" Warning "A write permission for every workflow, branch and environment.";
    UNKNOWN_PERMISSION "unknown-permission" Note "A permission key that is not a known one.";
    REPEATED_PERMISSION "repeated-permission" Note "A permission that a rule names twice.";
    UNKNOWN_EVENT "unknown-event" Warning "An event that GitHub does not have.";
    UNTRUSTED_EVENT "untrusted-event" Note "A rule for an event that people without write access can start, or whose content they control.";
    IMPOSSIBLE_EVENT "impossible-event" Warning "An event for which no job meets the rule's conditions.";
    MISSING_BASE "missing-base" Warning "A rule for pull requests that matches few or none, because its branch must also match their base.";
    ANY_BASE "any-base" Warning "A rule for some branches that trusts every base, even an unreviewed one.";
    UNUSED_BASE "unused-base" Warning "A base in a rule for events without pull requests.";
    UNKNOWN_CLAIM "unknown-claim" Warning "A claim whose name is similar to a known one.";
    IMPOSSIBLE_CLAIM "impossible-claim" Warning "A pattern for a claim that no value of the claim matches.";
    WEAK_CLAIM "weak-claim" Warning "A claim that proves less than it seems to.";
    EXPIRED "expired" Warning "A rule that has expired.";
    UNPINNED_REPOSITORY "unpinned-repository" Note "An entry that names a repository without its id.";
    TOP_LEVEL_IGNORED "top-level-ignored" Note "Rules at the top beside repositories, which apply only to the repository of the file.";
    GATE_CONTINUES "gate-continues" Warning "A step with this action whose job, or one that needs it, goes on after a denial.";
    GATE_LEFT_OUT "gate-left-out" Warning "A step with this action that its condition can leave out, while a later step does its work.";
    GATE_LATE "gate-late" Warning "A step with this action after a step that already does the work.";
    GATE_CONCURRENT "gate-concurrent" Warning "A step with this action that runs beside other steps.";
    GATE_IGNORED "gate-ignored" Warning "A step or a job that does its work after a denial too, because of its condition.";
    DISPATCHED_REF "dispatched-ref" Warning "A job that checks out another commit than its token names.";
    UNUSED_IGNORE "unused-ignore" Warning "A comment that ignores a finding that does not exist, or does not say why.";
    GRANTS_NOTHING "grants-nothing" Note "A list without rules.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_has_every_code() {
        let documented = include_str!("../../../../docs/lint.md");
        for lint in ALL {
            let level = format!("{:?}", lint.level).to_lowercase();
            let row = format!("| `{}` | {level} | {} |", lint.code, lint.summary);
            assert!(documented.lines().any(|line| line == row), "{row}");
        }
    }

    #[test]
    fn codes_are_unique_and_in_kebab_case() {
        let mut codes: Vec<_> = ALL.iter().map(|lint| lint.code).collect();
        assert!(codes.iter().all(|code| {
            code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') && !code.ends_with('-')
        }));
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ALL.len());
    }
}
