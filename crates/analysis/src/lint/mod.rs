//! Lints a policy: finds errors and likely mistakes.
//!
//! The lint is pure: it takes the time and the names of the workflow files as arguments. It uses the action's
//! parser, so both accept the same policies. Each file has a group of lints; [`catalogue`] has all codes.

mod anchors;
mod apply;
mod backslashes;
mod base;
pub mod catalogue;
mod claims;
mod combinations;
mod cover;
mod dimension;
mod dots;
mod edit;
mod entries;
mod events;
mod expiry;
mod finding;
mod findings;
mod fix;
mod forms;
mod globs;
mod ignore;
mod keys;
mod names;
mod pattern_index;
mod patterns;
mod plain;
mod replacement;
mod row;
mod rules;
mod scan;
mod source;
mod workflow_files;

use std::collections::BTreeSet;

use jiff::Timestamp;

pub use apply::apply_safe;
pub use catalogue::{Level, Lint};
pub(crate) use events::is_event;
pub use finding::Finding;
pub use fix::Fix;
pub use ignore::without_ignored;
pub use row::FindingRow;
pub use source::Source;
pub use workflow_files::lint_workflows;

use dimension::{Dimension, dimensions};
use findings::Findings;
use forms::Forms;

use crate::compare::Section;
use engine::policy::{Entry, Format, Invalid, Pattern, Patterns, Policy, Position};

/// Facts about the policy's repository.
#[derive(Clone, Debug, Default)]
pub struct LintOptions {
    /// Current time, for `expires:`. Without it, no rule counts as expired.
    pub now: Option<Timestamp>,
    /// File names in `.github/workflows` of the policy's repository, if known.
    pub workflows: Option<BTreeSet<String>>,
    /// `OWNER/NAME` of the policy's repository, if known.
    pub repository: Option<String>,
}

/// Returns all findings of a policy, in file order.
pub fn lint(text: &str, format: Format, options: &LintOptions) -> Vec<Finding> {
    let mut findings = Findings::new(Source::new(text, format), is_clean);
    let (document, invalid) = Policy::parse_partly(text, format);
    for problem in invalid.iter().flat_map(Invalid::iter) {
        findings.push(findings.problem(&catalogue::INVALID, problem));
    }
    if let Some(document) = &document {
        check(document, invalid.is_none(), options, &mut findings);
    }
    let mut list = match format {
        Format::Yaml => without_ignored(text, findings.list),
        // JSON has no comments.
        Format::Json => findings.list,
    };
    list.sort_by_key(|finding| (finding.position, finding.code));
    list
}

/// Returns whether a pattern of a dimension, by its name in a trace, has no findings. Proposals must pass the
/// user's next run of the lint. `repository` is the rule's.
pub(crate) fn accepts(dimension: &str, pattern: &Pattern, repository: Option<&str>) -> bool {
    let dimension = match dimension {
        "repository" => Dimension::Repository,
        "workflow" => Dimension::Workflow,
        "branch" => Dimension::Branch,
        "base" => Dimension::Base,
        "environment" => Dimension::Environment,
        claim => Dimension::Claim(claim.strip_prefix("claims.").unwrap_or(claim)),
    };
    is_clean(dimension, pattern, repository)
}

fn is_clean(dimension: Dimension<'_>, pattern: &Pattern, repository: Option<&str>) -> bool {
    let mut findings = Findings::new(Source::new("", Format::Yaml), is_clean);
    findings.repository = repository.map(str::to_owned);
    let patterns = Patterns {
        position: Position::START,
        list: Box::new([pattern.clone()]),
    };
    patterns::Checker::default().check(dimension, &patterns, &mut findings);
    names::check(dimension, &patterns, &mut findings);
    let mut forms = Forms::default();
    findings.list.is_empty()
        && forms.matches_any(dimension, pattern)
        && claims::may_match(dimension, pattern, &mut forms)
}

/// Checks a policy. `is_whole` means that the policy is complete, so that its lists can be checked and not only
/// their elements.
fn check(document: &Policy, is_whole: bool, options: &LintOptions, findings: &mut Findings<'_>) {
    if is_whole {
        entries::check(document, findings);
    }
    let mut patterns = patterns::Checker::default();
    let mut rules = rules::Checker::default();
    let mut forms = Forms::default();
    // Any regex can match nothing, so these must not use up the budget of the claims and events.
    let mut all = Forms::of_all_patterns();
    let top = document.permissions.as_deref().map(|list| (None, list));
    let of_entries = document
        .repositories
        .iter()
        .flat_map(|(_, entries)| entries)
        .map(|entry| (Some(entry), &*entry.permissions));
    for (entry, list) in top.into_iter().chain(of_entries) {
        if let Some(Entry { repository, .. }) = entry {
            patterns.check(Dimension::Repository, repository, findings);
            names::check(Dimension::Repository, repository, findings);
            names::check_possible(Dimension::Repository, repository, &mut all, findings);
        }
        findings.repository = repository(entry, options).map(str::to_owned);
        for rule in list {
            for (dimension, values) in dimensions(rule) {
                patterns.check(dimension, values, findings);
                names::check(dimension, values, findings);
                names::check_possible(dimension, values, &mut all, findings);
                claims::check(dimension, values, &mut forms, findings);
            }
            if let Some(files) = &options.workflows {
                names::check_files(rule, entry.is_none(), files, findings);
            }
            keys::check(rule, findings);
            events::check(rule, &mut forms, findings);
            base::check(rule, findings);
            expiry::check(rule, options.now, findings);
        }
        if is_whole {
            let of = entry.map_or(Section::Top, Section::Entry);
            let now = options.now.unwrap_or(Timestamp::MIN);
            rules.check((of, now), list, &patterns, findings);
        }
    }
}

/// Returns the repository of a list of rules, if it is a single one with a known name.
fn repository<'o>(entry: Option<&'o Entry>, options: &'o LintOptions) -> Option<&'o str> {
    let Some(entry) = entry else {
        return options.repository.as_deref();
    };
    let mut names = entry.repository.names()?;
    let name = names.next().filter(|_| names.next().is_none())?;
    Some(name)
}

#[cfg(test)]
#[path = "lint_tests.rs"]
mod tests;
