//! Lints a policy: finds errors and likely mistakes.
//!
//! The lint is pure: it takes the time and the names of the workflow files as arguments. It uses the action's
//! parser, so both accept the same policies. Each file has a group of lints; [`catalogue`] has all codes.

mod anchors;
mod backslashes;
mod base;
pub mod catalogue;
mod claims;
mod combinations;
mod cover;
mod dots;
mod edit;
mod entries;
mod events;
mod expiry;
mod fix;
mod forms;
mod globs;
mod keys;

mod names;
mod pattern_index;

mod patterns;
mod plain;
mod rules;
mod scan;
mod source;
mod workflow_files;

use std::collections::BTreeSet;
use std::ops::Range;

use jiff::Timestamp;
use serde::Serialize;

pub use catalogue::Lint;
pub(crate) use events::is_event;
pub use fix::{Fix, apply_safe};
pub use source::Source;
pub use workflow_files::lint_workflows;

use forms::Forms;

use crate::compare::Section;

use engine::policy::{
    Entry, Format, Invalid, Kind, Pattern, Patterns, Policy, Position, Problem, Rule, quoted,
};

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

/// A finding of the lint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The stable code, one of [`catalogue::ALL`].
    pub code: &'static str,
    /// Level.
    pub level: Level,
    /// Message: lower-case, user text in back quotes, no full stop.
    pub message: String,
    /// Advice.
    pub help: Option<String>,
    /// Position in the file.
    pub position: Position,
    /// Number of affected characters, 0 for a point.
    pub length: u32,
    /// Edit that fixes it.
    pub fix: Option<Fix>,
}

/// Facts about the policy's repository.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Current time, for `expires:`. Without it, no rule counts as expired.
    pub now: Option<Timestamp>,
    /// File names in `.github/workflows` of the policy's repository, if known.
    pub workflows: Option<BTreeSet<String>>,
    /// `OWNER/NAME` of the policy's repository, if known.
    pub repository: Option<String>,
}

/// Returns all findings of a policy, in file order.
pub fn lint(text: &str, format: Format, options: &Options) -> Vec<Finding> {
    let mut findings = Findings {
        source: Source::new(text, format),
        repository: None,
        list: Vec::new(),
    };
    let (document, invalid) = Policy::parse_partly(text, format);
    for problem in invalid.iter().flat_map(Invalid::iter) {
        findings.push(findings.problem(&catalogue::INVALID, problem));
    }
    if let Some(document) = &document {
        check(document, invalid.is_none(), options, &mut findings);
    }
    let mut list = findings.list;
    list.sort_by_key(|finding| (finding.position, finding.code));
    list
}

/// Returns whether a pattern of a dimension, by its name in a trace, has no findings. Proposals must pass the
/// user's next run of the lint. `repository` is the rule's.
pub(crate) fn accepts(dimension: &str, pattern: &Pattern, repository: Option<&str>) -> bool {
    let dimension = match dimension {
        "repository" => Dimension::Repository,
        "workflow" => Dimension::Workflow,
        "branch" | "base" => Dimension::Branch,
        "environment" => Dimension::Environment,
        claim => Dimension::Claim(claim.strip_prefix("claims.").unwrap_or(claim)),
    };
    is_clean(dimension, pattern, repository)
}

fn is_clean(dimension: Dimension<'_>, pattern: &Pattern, repository: Option<&str>) -> bool {
    let mut findings = Findings {
        source: Source::new("", Format::Yaml),
        repository: repository.map(str::to_owned),
        list: Vec::new(),
    };
    let patterns = Patterns {
        position: Position::START,
        list: Box::new([pattern.clone()]),
    };
    patterns::Checker::default().check(dimension, &patterns, &mut findings);
    names::check(dimension, &patterns, &mut findings);
    findings.list.is_empty() && claims::may_match(dimension, pattern, &mut Forms::default())
}

/// Checks a policy. `is_whole` means that the policy is complete, so that its lists can be checked and not only
/// their elements.
fn check(document: &Policy, is_whole: bool, options: &Options, findings: &mut Findings<'_>) {
    if is_whole {
        entries::check(document, findings);
    }
    let mut patterns = patterns::Checker::default();
    let mut rules = rules::Checker::default();
    let mut forms = Forms::default();
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
        }
        findings.repository = repository(entry, options).map(str::to_owned);
        for rule in list {
            for (dimension, values) in dimensions(rule) {
                patterns.check(dimension, values, findings);
                names::check(dimension, values, findings);
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
fn repository<'o>(entry: Option<&'o Entry>, options: &'o Options) -> Option<&'o str> {
    let Some(entry) = entry else {
        return options.repository.as_deref();
    };
    let mut names = entry.repository.names()?;
    let name = names.next().filter(|_| names.next().is_none())?;
    Some(name)
}

/// Dimension of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dimension<'d> {
    Repository,
    Workflow,
    Branch,
    Environment,
    Claim(&'d str),
}

impl Dimension<'_> {
    /// Returns whether the engine ignores case for ASCII values.
    fn ignores_case(self) -> bool {
        matches!(self, Self::Repository | Self::Environment)
    }
}

/// Returns the dimensions in a rule.
fn dimensions<'r>(rule: &'r Rule) -> impl Iterator<Item = (Dimension<'r>, &'r Patterns)> {
    let named = [
        (Dimension::Workflow, &rule.workflow),
        (Dimension::Branch, &rule.branch),
        // A base is a branch.
        (Dimension::Branch, &rule.base),
        (Dimension::Environment, &rule.environment),
    ];
    let claims = rule.claims.iter();
    named
        .into_iter()
        .filter_map(|(dimension, patterns)| Some((dimension, patterns.as_ref()?)))
        .chain(claims.map(|(name, patterns)| (Dimension::Claim(name), patterns)))
}

/// Collects the findings of the checks.
struct Findings<'a> {
    source: Source<'a>,
    /// Repository of the current rules, if known.
    repository: Option<String>,
    list: Vec<Finding>,
}

impl Findings<'_> {
    /// Creates a finding about a value; `text` is the value without quotes.
    fn value(&self, lint: &Lint, at: Position, text: &str, message: String) -> Finding {
        Finding::new(lint, at, self.source.extent(at, text).length, message)
    }

    /// Creates a finding about a problem that makes the policy or a part of it invalid.
    fn problem(&self, lint: &Lint, problem: &Problem) -> Finding {
        let length = self.source.marked(problem.position, problem.length);
        Finding {
            help: problem.help.clone(),
            ..Finding::new(lint, problem.position, length, problem.message.clone())
        }
    }

    /// Creates a finding about a pattern.
    fn pattern(&self, lint: &Lint, pattern: &Pattern, message: String) -> Finding {
        self.value(lint, pattern.position, &pattern.text, message)
    }

    /// Returns whether a pattern names its kind, so that another kind cannot replace it.
    fn is_explicit(&self, pattern: &Pattern) -> bool {
        match pattern.kind {
            Kind::Any | Kind::Literal => false,
            Kind::Regex => self.source.is_explicit(pattern.position),
            Kind::Exact | Kind::Glob => true,
        }
    }

    /// Returns the range of a pattern with its quotes, if it can be replaced.
    fn whole(&self, pattern: &Pattern) -> Option<Range<Position>> {
        let start = pattern.position;
        let extent = self.source.extent(start, &pattern.text);
        let column = start.column.checked_add(extent.length)?;
        extent
            .is_whole
            .then_some(start..Position { column, ..start })
    }

    /// Creates the removal of an element of a list.
    fn removal(&self, at: Position, length: u32) -> Option<Fix> {
        self.source.removal(at, length).map(Fix::removal)
    }

    /// Creates a finding about a rule, which marks its first line.
    fn rule(&self, lint: &Lint, rule: &Rule, message: String) -> Finding {
        let length = self.source.rest_of_line(rule.position);
        Finding::new(lint, rule.position, length, message)
    }

    /// Creates a finding about a value of a rule whose position is not in the policy.
    fn member(&self, lint: &Lint, rule: &Rule, key: &str, value: &str, message: String) -> Finding {
        match self.source.find(rule.position, key, value) {
            Some(at) => self.value(lint, at, value, message),
            None => self.rule(lint, rule, message),
        }
    }

    fn push(&mut self, finding: Finding) {
        self.list.push(finding);
    }
}

impl Finding {
    /// Creates the finding of a text that is not a policy.
    pub fn invalid(position: Position, message: String) -> Self {
        Self::new(&catalogue::INVALID, position, 0, message)
    }

    /// Returns the column after the last marked character; at least one is marked.
    pub fn end_column(&self) -> u32 {
        self.position.column.saturating_add(self.length.max(1))
    }

    /// Returns the replacement of the finding's own range. Returns `None` if the fix changes more than that.
    pub fn replacement(&self) -> Option<&str> {
        let end = Position {
            column: self.end_column(),
            ..self.position
        };
        let fix = self.fix.as_ref();
        let fix = fix.filter(|fix| fix.range == (self.position..end))?;
        Some(&fix.replacement)
    }

    fn new(lint: &Lint, position: Position, length: u32, message: String) -> Self {
        Self {
            code: lint.code,
            level: lint.level,
            message,
            help: None,
            position,
            length,
            fix: None,
        }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn fix(mut self, fix: Option<Fix>) -> Self {
        self.fix = fix;
        self
    }
}

#[cfg(test)]
#[path = "lint_tests.rs"]
mod tests;
