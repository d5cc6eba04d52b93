//! What a decision explains itself with: every rule, every dimension, and the nearest miss.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use serde::Serialize;

use super::reason::{Decision, Reason};
use crate::policy::{Rule, quoted};

/// The kind of a base that is trusted as the repository's default branch.
pub const DEFAULT_BRANCH: &str = "default_branch";

/// The decision on one permission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PermissionDecision {
    /// The permission key that was asked for.
    pub permission: Arc<str>,
    /// Allowed or denied.
    pub decision: Decision,
    /// The reason code.
    pub reason: Reason,
    /// The first matching rule in file order, when allowed.
    pub rule: Option<RuleRef>,
    /// The rule with the fewest dimensions that failed, when denied.
    pub nearest: Option<Nearest>,
    /// Every rule of this repository that names the permission, in file order; those of the
    /// repository's own policy, where it was asked as well, behind the others.
    pub trace: Vec<TracedRule>,
    /// Whether a central policy leaves the permission to the repository's own policy as well.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub delegated: bool,
}

/// A rule by its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleRef {
    /// The line where it starts, from 1.
    pub line: u32,
    /// The column where it starts, from 1.
    #[serde(skip)]
    pub column: u32,
    /// Its name, if it has one.
    pub name: Option<Arc<str>>,
    /// Its place in its list, from 1.
    #[serde(skip)]
    pub number: u32,
    /// Whether its list is the one at the top of the file.
    #[serde(skip)]
    pub at_top: bool,
    /// Whether it stands in the repository's own policy, to which a central one delegates.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub own_policy: bool,
}

impl RuleRef {
    /// The place and name of a rule.
    pub fn of(rule: &Rule) -> Self {
        Self {
            line: rule.position.line,
            column: rule.position.column,
            name: rule.name.clone(),
            number: rule.number,
            at_top: rule.at_top,
            own_policy: false,
        }
    }

    /// `rule 3 (`production deploys`, line 14)`.
    pub fn label(&self) -> String {
        let name = self.name.as_deref().map(|name| quoted(name) + ", ");
        let of = match self.own_policy {
            true => " of the repository's own policy",
            false => "",
        };
        format!(
            "rule {} ({}line {}{of})",
            self.number,
            name.unwrap_or_default(),
            self.line
        )
    }
}

/// The rule that came nearest to a match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Nearest {
    /// The rule.
    #[serde(flatten)]
    pub rule: RuleRef,
    /// The dimensions that failed; `event` and `expires` where the rule is limited by them.
    pub failed: Vec<Cow<'static, str>>,
    /// What it needs and what this job has, in one sentence without a full stop.
    #[serde(skip)]
    pub sentence: String,
}

/// One rule held against the context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TracedRule {
    /// The rule.
    #[serde(flatten)]
    pub rule: RuleRef,
    /// Whether it grants.
    pub matched: bool,
    /// Workflow, branch, the base of a pull request, environment and each claim; then `event` and
    /// `expires`, where the rule (or an untrusted event) brings them in.
    pub dimensions: Vec<TracedDimension>,
    /// The job's repository, for what was probably meant.
    #[serde(skip)]
    pub repository: Option<Arc<str>>,
}

/// One dimension of a rule held against its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TracedDimension {
    /// `workflow`, `branch`, `base`, `environment`, `claims.NAME`, `event` or `expires`.
    pub dimension: Cow<'static, str>,
    /// The pattern as it is written; the patterns of a list with `, ` between them.
    pub pattern: Arc<str>,
    /// `any`, `literal`, `regex`, `exact`, `glob`; `list` for several; `default_branch`, `events`,
    /// `expiry`.
    pub kind: &'static str,
    /// The value of this job, absent as null.
    pub value: Option<Arc<str>>,
    /// Whether it matches.
    pub matched: bool,
    /// Each pattern of a list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub any_of: Vec<TracedPattern>,
    /// The line where the patterns stand, from 1; of event and expiry it is not known.
    #[serde(skip)]
    pub line: Option<u32>,
    /// Whether it counts when the nearest miss is looked for: `event` and `expires` do not.
    #[serde(skip)]
    pub gate: bool,
    /// Whether this is a base that the rule's `branch` decides on.
    #[serde(skip)]
    pub of_branch: bool,
}

/// One pattern of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TracedPattern {
    /// As it is written.
    pub pattern: Arc<str>,
    /// Its kind.
    pub kind: &'static str,
    /// Whether it matches.
    pub matched: bool,
}

impl TracedRule {
    /// The dimensions that do not match.
    pub fn failed(&self) -> impl Iterator<Item = &TracedDimension> {
        self.dimensions
            .iter()
            .filter(|dimension| !dimension.matched)
    }

    /// How far this rule is from a match: dimensions first, then whether it is `gate` that stops it,
    /// then event and expiry.
    pub(super) fn distance(&self, gate: Option<&str>) -> (usize, bool, usize) {
        let count = |gate| {
            self.failed()
                .filter(|dimension| dimension.gate == gate)
                .count()
        };
        let stopped_by = |gate| self.failed().any(|dimension| dimension.dimension == gate);
        (
            count(false),
            gate.is_some_and(|gate| !stopped_by(gate)),
            count(true),
        )
    }

    pub(super) fn nearest(&self) -> Nearest {
        let failed = || self.failed();
        Nearest {
            rule: self.rule.clone(),
            failed: failed()
                .map(|dimension| dimension.dimension.clone())
                .collect(),
            sentence: {
                let needs = join(failed().filter_map(TracedDimension::needs));
                let needs = (!needs.is_empty()).then(|| format!("needs {needs}"));
                let limits = failed().filter_map(TracedDimension::limits);
                let needs = join(needs.into_iter().chain(limits));
                let alone = failed().count() == 1;
                let has = join(failed().filter_map(|dimension| dimension.has(alone)));
                let has = (!has.is_empty()).then(|| format!("has {has}"));
                let into = failed().find_map(TracedDimension::goes_into);
                let is = join(has.into_iter().chain(into));
                let tail = if is.is_empty() {
                    String::new()
                } else {
                    format!("; this job {is}")
                };
                format!("{} {needs}{tail}", self.rule.label())
            },
        }
    }
}

impl TracedDimension {
    fn noun(&self) -> String {
        match self.dimension.strip_prefix("claims.") {
            Some(claim) => format!("claim {}", quoted(claim)),
            None => self.dimension.to_string(),
        }
    }

    /// What the pattern asks for: `environment `production``. `None` for event and expiry.
    fn needs(&self) -> Option<String> {
        let noun = self.noun();
        match self.kind {
            "expiry" | "events" => None,
            _ if self.of_branch => {
                let needs = "a base that its `branch` matches";
                let Some(value) = self.value.as_deref() else {
                    return Some(needs.to_owned());
                };
                let plain = is_plain(value).then_some(value);
                let line = format!("base: {}", plain.unwrap_or("…"));
                Some(format!("{needs}, or {}", quoted(&line)))
            }
            "list" => {
                let patterns = self.any_of.iter().map(|one| quoted(&one.pattern));
                Some(format!(
                    "{noun} {}",
                    patterns.collect::<Vec<_>>().join(" or ")
                ))
            }
            _ => Some(format!("{noun} {}", quoted(&self.pattern))),
        }
    }

    /// What event or expiry say.
    fn limits(&self) -> Option<String> {
        match self.kind {
            "expiry" => Some(format!("expired on {}", self.pattern)),
            "events" if self.pattern.is_empty() => {
                Some("does not name this event in `events:`, which an untrusted event needs".into())
            }
            "events" => {
                let events = self.pattern.replace(", ", "`, `");
                Some(format!("is limited to the events `{events}`"))
            }
            _ => None,
        }
    }

    /// Where a pull request goes, if that is what does not match.
    pub fn goes_into(&self) -> Option<String> {
        (self.dimension == "base").then(|| match &self.value {
            Some(base) => format!("goes into {}", quoted(base)),
            None => "goes into a base that its token does not name".to_owned(),
        })
    }

    /// `alone`: no other dimension is spoken of, so the noun need not be said again.
    fn has(&self, alone: bool) -> Option<String> {
        match (&self.value, self.kind) {
            (_, "expiry") => None,
            _ if self.dimension == "base" => None,
            (None, _) if alone => Some("none".into()),
            (Some(value), "literal" | "exact" | "regex" | "glob" | "list") if alone => {
                Some(quoted(value))
            }
            (Some(value), _) => Some(format!("{} {}", self.noun(), quoted(value))),
            (None, _) => Some(format!("no {}", self.noun())),
        }
    }
}

/// Whether a name is written in a policy as it is.
fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c))
}

/// Whether a rule has no word against the event `push`.
pub fn accepts_push(rule: &TracedRule) -> bool {
    let mut dimensions = rule.dimensions.iter();
    let event = dimensions.find(|dimension| dimension.kind == "events");
    event.is_none_or(|event| {
        event.pattern.is_empty() || event.pattern.split(", ").any(|name| name == "push")
    })
}

fn join(parts: impl Iterator<Item = String>) -> String {
    let mut text = String::new();
    let mut parts = parts.peekable();
    let mut first = true;
    while let Some(part) = parts.next() {
        let separator = match (first, parts.peek()) {
            (true, _) => "",
            (false, Some(_)) => ", ",
            (false, None) => " and ",
        };
        let _ = write!(text, "{separator}{part}");
        first = false;
    }
    text
}
