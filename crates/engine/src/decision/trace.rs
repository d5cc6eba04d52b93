//! Explanation of a decision: every rule, every dimension, and the nearest miss.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use serde::Serialize;

use super::reason::{Decision, Reason};
use crate::policy::{Format, Kind, Rule, quoted, written};

/// Kind of a base that a rule trusts as the repository's default branch.
pub const DEFAULT_BRANCH: &str = "default_branch";

/// Decision on one permission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PermissionDecision {
    /// Requested permission key.
    pub permission: Arc<str>,
    /// Allowed or denied.
    pub decision: Decision,
    /// Reason code.
    pub reason: Reason,
    /// First matching rule in file order, if allowed.
    pub rule: Option<RuleRef>,
    /// Rule with the fewest failed dimensions, if denied.
    pub nearest: Option<Nearest>,
    /// All rules of the repository that name the permission, in file order, followed by those of the
    /// repository's own policy, if it decided too.
    pub trace: Vec<TracedRule>,
    /// Whether a central policy delegates the permission to the repository's own policy.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub delegated: bool,
    /// Whether that policy decided too.
    #[serde(skip)]
    pub by_own_policy: bool,
}

/// Reference to a rule by its position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleRef {
    /// Line at which the rule starts, from 1.
    pub line: u32,
    /// Column at which the rule starts, from 1.
    #[serde(skip)]
    pub column: u32,
    /// Name of the rule, if it has one.
    pub name: Option<Arc<str>>,
    /// Number of the rule in its list, from 1; 0 if unknown.
    #[serde(skip)]
    pub number: u32,
    /// Whether its list stands at the top of the policy.
    #[serde(skip)]
    pub at_top: bool,
    /// Whether it stands in the repository's own policy, to which a central policy delegates.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub own_policy: bool,
}

impl RuleRef {
    /// Returns a reference to a rule.
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

    /// Returns a label such as `rule 3 (`production deploys`, line 14)`.
    pub fn label(&self) -> String {
        let name = self.name.as_deref().map(|name| quoted(name) + ", ");
        let of = match self.own_policy {
            true => " of the repository's own policy",
            false => "",
        };
        let number = match self.number {
            0 => String::new(),
            number => format!(" {number}"),
        };
        format!(
            "rule{number} ({}line {}{of})",
            name.unwrap_or_default(),
            self.line
        )
    }
}

/// Rule that is nearest to a match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Nearest {
    /// The rule.
    #[serde(flatten)]
    pub rule: RuleRef,
    /// Failed dimensions; `event` and `expires` if they limit the rule.
    pub failed: Vec<Cow<'static, str>>,
    /// What the rule needs and what the job has, in one sentence without a full stop.
    #[serde(skip)]
    pub sentence: String,
}

/// Evaluation of one rule on the context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TracedRule {
    /// The rule.
    #[serde(flatten)]
    pub rule: RuleRef,
    /// Whether the rule grants.
    pub matched: bool,
    /// Workflow, branch, base of a pull request, environment and each claim; then `event` and
    /// `expires`, if the rule or an untrusted event requires them.
    pub dimensions: Vec<TracedDimension>,
    /// Repository of the job, for suggestions.
    #[serde(skip)]
    pub repository: Option<Arc<str>>,
    /// Syntax of the rule's policy, for suggestions.
    #[serde(skip)]
    pub format: Format,
}

/// Evaluation of one dimension of a rule on its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TracedDimension {
    /// `workflow`, `branch`, `base`, `environment`, `claims.NAME`, `event` or `expires`.
    pub dimension: Cow<'static, str>,
    /// Pattern as in the policy; the patterns of a list are joined with `, `.
    pub pattern: Arc<str>,
    /// Kind: `any`, `literal`, `regex`, `exact`, `glob`; `list` for several; `default_branch`, `events`,
    /// `expiry`.
    pub kind: &'static str,
    /// Value of the job, or null.
    pub value: Option<Arc<str>>,
    /// Whether it matches.
    pub matched: bool,
    /// Patterns of a list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub any_of: Vec<TracedPattern>,
    /// Line of the patterns, from 1; unknown for event and expiry.
    #[serde(skip)]
    pub line: Option<u32>,
    /// Whether it limits the rule and not the job's values: so for `event` and `expires`.
    #[serde(skip)]
    pub gate: bool,
    /// Whether it is a base that the rule's `branch` decides.
    #[serde(skip)]
    pub of_branch: bool,
}

/// One pattern of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TracedPattern {
    /// Pattern as in the policy.
    pub pattern: Arc<str>,
    /// Kind of the pattern.
    pub kind: &'static str,
    /// Whether it matches.
    pub matched: bool,
}

impl TracedRule {
    /// Returns the dimensions that do not match.
    pub fn failed(&self) -> impl Iterator<Item = &TracedDimension> {
        self.dimensions
            .iter()
            .filter(|dimension| !dimension.matched)
    }

    /// Returns whether a dimension is the only one that does not match.
    pub(super) fn fails_only(&self, dimension: &str) -> bool {
        let mut failed = self.failed();
        failed
            .next()
            .is_some_and(|first| first.dimension == dimension)
            && failed.next().is_none()
    }

    /// Returns the rule as the nearest one to a match.
    pub fn nearest(&self) -> Nearest {
        let failed = || self.failed();
        Nearest {
            rule: self.rule.clone(),
            failed: failed()
                .map(|dimension| dimension.dimension.clone())
                .collect(),
            sentence: {
                let needs = join(failed().filter_map(|dimension| dimension.needs(self.format)));
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

    /// Returns what the pattern requires, such as `environment `production``; `None` for event and expiry.
    fn needs(&self, format: Format) -> Option<String> {
        let noun = self.noun();
        match self.kind {
            "expiry" | "events" => None,
            _ if self.of_branch => {
                let needs = "a base that its `branch` matches";
                // A base is a branch of the repository itself, so it has no owner.
                let base = self.value.as_deref().filter(|base| !base.contains(':'));
                let Some(value) = base else {
                    return Some(needs.to_owned());
                };
                let base = written::pattern(value, Kind::Exact, format);
                let line = match format {
                    Format::Yaml => format!("base: {base}"),
                    Format::Json => format!("\"base\": {base}"),
                };
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

    /// Returns how event or expiry limit the rule.
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

    /// Returns the base of the pull request, if the base does not match.
    pub fn goes_into(&self) -> Option<String> {
        (self.dimension == "base").then(|| match &self.value {
            Some(base) => format!("goes into {}", quoted(base)),
            None => "goes into a base that its token does not name".to_owned(),
        })
    }

    /// Returns the job's value. `alone` means that the sentence has no other dimension, so the noun is not repeated.
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

/// Whether a rule accepts the event `push`.
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
