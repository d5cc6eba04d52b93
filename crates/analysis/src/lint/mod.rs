//! The lint: what is wrong with a policy, and what its author will hardly have meant.
//!
//! Pure: the clock and the names of the workflow files are passed in. The reader is the one of the
//! run, so what is valid here is valid there. Each file holds one group of checks and says what it
//! looks for; [`catalogue`] has all of their codes.

mod anchors;
mod backslashes;
mod base;
pub mod catalogue;
mod claims;
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
mod meetings;
mod names;
mod others;
mod patterns;
mod plain;
mod rules;
mod scan;
mod source;

use std::collections::BTreeSet;
use std::ops::Range;

use jiff::Timestamp;
use serde::Serialize;

pub use catalogue::Lint;
pub(crate) use events::is_event;
pub use fix::{Fix, apply_safe};
pub use source::Source;

use forms::Forms;

use crate::compare::Section;

use engine::policy::{
    Document, Entry, Format, Invalid, Kind, Pattern, Patterns, Position, Problem, Rule, quoted,
};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The policy, or a part of it, is invalid: checks that need it end in an error.
    Error,
    /// Valid, but hardly what was meant, or dangerous.
    Warning,
    /// Could be said better, or is good to know.
    Note,
}

impl Level {
    /// The name, as in JSON and SARIF.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The stable code, one of [`catalogue::ALL`].
    pub code: &'static str,
    /// How much it matters.
    pub level: Level,
    /// What was seen; lower-case, user text in back quotes, no full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Where it stands.
    pub position: Position,
    /// How many characters of the file it is about, 0 for a point.
    pub length: u32,
    /// How to change the file.
    pub fix: Option<Fix>,
}

/// What the lint is told about the world.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The time, for `expires:`; without it nothing has expired.
    pub now: Option<Timestamp>,
    /// The file names in `.github/workflows` of the repository that the policy is in, if it is in one.
    pub workflows: Option<BTreeSet<String>>,
    /// `OWNER/NAME` of the repository that the policy is in, where it is known.
    pub repository: Option<String>,
}

/// Everything that is to be said of a policy, in file order.
pub fn lint(text: &str, format: Format, options: &Options) -> Vec<Finding> {
    let mut findings = Findings {
        source: Source::new(text, format),
        repository: None,
        list: Vec::new(),
    };
    let (document, invalid) = Document::parse_partly(text, format);
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

/// Whether nothing is found in a pattern of a dimension, which is named as in a trace: what is proposed
/// to people has to pass their next run of the lint. `repository` is the one that the rule is for.
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

/// `is_whole`: nothing of the policy is missing in the document, so that its lists can be judged and
/// not only what stands in them.
fn check(document: &Document, is_whole: bool, options: &Options, findings: &mut Findings<'_>) {
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

/// The repository that a list of rules is for, where it is only one and known by its name.
fn repository<'o>(entry: Option<&'o Entry>, options: &'o Options) -> Option<&'o str> {
    let Some(entry) = entry else {
        return options.repository.as_deref();
    };
    let mut names = entry.repository.names()?;
    let name = names.next().filter(|_| names.next().is_none())?;
    Some(name)
}

/// What a pattern is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dimension<'d> {
    Repository,
    Workflow,
    Branch,
    Environment,
    Claim(&'d str),
}

impl Dimension<'_> {
    /// Whether the engine compares without case, where the value is ASCII.
    fn ignores_case(self) -> bool {
        matches!(self, Self::Repository | Self::Environment)
    }
}

/// The dimensions that a rule writes out.
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

/// Where the checks put what they find.
struct Findings<'a> {
    source: Source<'a>,
    /// The repository of the rules that are looked at, where it is known.
    repository: Option<String>,
    list: Vec<Finding>,
}

impl Findings<'_> {
    /// About the value at a place; `text` is the value without its quotes.
    fn value(&self, lint: &Lint, at: Position, text: &str, message: String) -> Finding {
        Finding::new(lint, at, self.source.span(at, text).length, message)
    }

    /// About what makes the policy, or a part of it, invalid.
    fn problem(&self, lint: &Lint, problem: &Problem) -> Finding {
        let length = self.source.marked(problem.position, problem.length);
        Finding {
            help: problem.help.clone(),
            ..Finding::new(lint, problem.position, length, problem.message.clone())
        }
    }

    /// About a pattern.
    fn pattern(&self, lint: &Lint, pattern: &Pattern, message: String) -> Finding {
        self.value(lint, pattern.position, &pattern.text, message)
    }

    /// Whether a pattern says its kind, so that none of another kind can be put there.
    fn is_explicit(&self, pattern: &Pattern) -> bool {
        match pattern.kind {
            Kind::Any | Kind::Literal => false,
            Kind::Regex => self.source.is_explicit(pattern.position),
            Kind::Exact | Kind::Glob => true,
        }
    }

    /// Where a pattern stands, with its quotes, if it can be replaced.
    fn whole(&self, pattern: &Pattern) -> Option<Range<Position>> {
        let start = pattern.position;
        let span = self.source.span(start, &pattern.text);
        let column = start.column.checked_add(span.length)?;
        span.is_whole.then_some(start..Position { column, ..start })
    }

    /// The removal of an element of a list.
    fn removal(&self, at: Position, length: u32) -> Option<Fix> {
        self.source.removal(at, length).map(Fix::removal)
    }

    /// About a rule: its first line is shown.
    fn rule(&self, lint: &Lint, rule: &Rule, message: String) -> Finding {
        let length = self.source.rest_of_line(rule.position);
        Finding::new(lint, rule.position, length, message)
    }

    /// About a value of a rule that the document keeps no place of.
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
    /// A text that is no policy.
    pub fn invalid(position: Position, message: String) -> Self {
        Self::new(&catalogue::INVALID, position, 0, message)
    }

    /// The column after the last character; at least one is marked.
    pub fn end_column(&self) -> u32 {
        self.position.column.saturating_add(self.length.max(1))
    }

    /// What to put between the finding's own columns. `None` also if the fix changes more than that.
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
