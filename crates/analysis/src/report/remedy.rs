//! Proposes changes, in the job or in the policy, after which a denied permission would be granted.

use crate::lint;
use crate::pattern_text::without_position;
use crate::suggestion::{Suggestion, suggestion};
use engine::context::Context;
use engine::decision::{
    PermissionDecision, TracedDimension, TracedRule, accepts_push, is_trusted_event,
};
use engine::policy::written::{pattern, scalar};
use engine::policy::{CaseSensitivity, Format, Kind, quoted};

/// Condition for trusting a base.
const IF_TRUSTED: &str = ", if everyone who can push to that branch may use the permission";
/// Prefix of a merge queue's branches (docs.github.com, "Managing a merge queue").
const QUEUE: &str = "gh-readonly-queue/";

/// A proposal for one dimension of the nearest rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// Whether the rule would trust the default branch as a base.
    pub by_default_branch: bool,
    /// Whether the rule is in the repository's own policy, to which a central one delegates.
    pub own_policy: bool,
    /// Line in the policy, from 1.
    pub line: u32,
    /// `workflow`, `branch`, `base`, `environment`, `claims.NAME`, `event` or `expires`.
    pub dimension: String,
    /// The policy's condition and the job's value.
    pub what: String,
    /// Change in the job, if one is possible.
    pub job: Option<String>,
    /// Change in the policy, if one is known.
    pub policy: Option<String>,
}

/// Returns a proposal for each dimension in which the nearest rule fails.
pub fn remedies(permission: &PermissionDecision, context: &Context) -> Vec<Remedy> {
    let nearest = permission.nearest.as_ref().map(|nearest| &nearest.rule);
    let mut rules = permission.trace.iter();
    let Some(rule) = rules.find(|rule| Some(&rule.rule) == nearest) else {
        return Vec::new();
    };
    let change = |dimension: &TracedDimension| {
        let of_rule = FailedDimension {
            rule,
            dimension,
            context,
            format: rule.format,
        };
        let (what, job, policy) = match suggestion(rule, dimension) {
            Some(suggestion) => of_rule.suggestion(&suggestion),
            None => (what(dimension), of_rule.job(), of_rule.policy()),
        };
        Remedy {
            by_default_branch: dimension.of_branch && rule.rule.at_top,
            own_policy: rule.rule.own_policy,
            line: dimension.line.unwrap_or(rule.rule.line),
            dimension: dimension.dimension.to_string(),
            what,
            job,
            policy,
        }
    };
    rule.failed().map(change).collect()
}

/// A failing dimension of a rule.
struct FailedDimension<'r> {
    rule: &'r TracedRule,
    dimension: &'r TracedDimension,
    context: &'r Context,
    format: Format,
}

fn what(dimension: &TracedDimension) -> String {
    let name = &dimension.dimension;
    let value = dimension.value.as_deref();
    let has = value.map_or_else(
        || "has none".to_owned(),
        |value| format!("has {}", quoted(value)),
    );
    match dimension.kind {
        _ if dimension.of_branch => format!(
            "the rule has no `base`, and its `branch` is {}, which must match the base too; this pull request {}",
            wanted(dimension, " or "),
            dimension.goes_into().unwrap_or_default()
        ),
        _ if dimension.dimension == "base" => format!(
            "`base` is {}; this pull request {}",
            wanted(dimension, " or "),
            dimension.goes_into().unwrap_or_default()
        ),
        "expiry" => format!("`expires` is `{}`, which has passed", dimension.pattern),
        "events" if dimension.pattern.is_empty() => format!(
            "the rule has no `events`, and {} is trusted only if `events` names it",
            value.map_or_else(|| "this event".to_owned(), quoted)
        ),
        "events" => format!("`events` is {}, this run {has}", quoted(&dimension.pattern)),
        _ => format!(
            "{} is {}, this job {has}",
            quoted(name),
            wanted(dimension, " or ")
        ),
    }
}

/// Returns the patterns.
fn wanted(dimension: &TracedDimension, or: &str) -> String {
    if dimension.any_of.is_empty() {
        return quoted(&dimension.pattern);
    }
    let patterns = dimension.any_of.iter().map(|one| quoted(&one.pattern));
    patterns.collect::<Vec<_>>().join(or)
}

/// Returns `the branch `main`` for values, or `a branch that matches …` for other patterns.
fn one(noun: &str, dimension: &TracedDimension) -> String {
    let wanted = wanted(dimension, " or ");
    if is_value(dimension.kind) {
        return format!("the {noun} {wanted}");
    }
    let values = dimension.any_of.iter().all(|one| is_value(one.kind));
    if dimension.kind == "list" && values {
        return format!("the {noun} {wanted}");
    }
    let article = if noun.starts_with('e') { "an" } else { "a" };
    format!("{article} {noun} that matches {wanted}")
}

/// Returns whether a pattern of this kind is a single value.
fn is_value(kind: &str) -> bool {
    [Kind::Literal, Kind::Exact]
        .iter()
        .any(|one| one.name() == kind)
}

impl FailedDimension<'_> {
    /// Proposes to correct a pattern that looks like a mistake.
    fn suggestion(&self, suggestion: &Suggestion<'_>) -> (String, Option<String>, Option<String>) {
        let written = suggestion.written(self.format);
        let policy = match self.dimension.kind {
            "list" => format!(
                "write {} instead of {}",
                quoted(&written),
                quoted(&suggestion.instead_of)
            ),
            // Without a `base`, the pattern is that of `branch`.
            _ if self.dimension.of_branch => self.line("branch", &written),
            _ => self.line(&self.dimension.dimension, &written),
        };
        let what = format!("{}: {}", what(self.dimension), suggestion.sentence());
        (what, None, Some(policy))
    }

    fn job(&self) -> Option<String> {
        let dimension = self.dimension;
        let value = dimension.value.as_deref();
        Some(match &*dimension.dimension {
            "workflow" => match value {
                Some(value) if value.contains('/') => format!(
                    "start it from {} of this repository: other files are identified by their full path",
                    one("workflow file", dimension)
                ),
                _ => format!(
                    "ask for the permission in {}",
                    one("workflow file", dimension)
                ),
            },
            "branch" => self.branch(),
            "base" => return self.base_to_go_into(),
            "environment" if is_value(dimension.kind) => {
                let environment = scalar(&dimension.pattern, Format::Yaml);
                let line = quoted(&format!("environment: {environment}"));
                match value {
                    None => format!("set {line}"),
                    Some(_) => format!("set {line}, if that is what it deploys to"),
                }
            }
            "environment" => format!("give the job {}", one("environment", dimension)),
            "claims.runner_environment" if &*dimension.pattern == "github-hosted" => {
                "run it on a GitHub-hosted runner, such as `runs-on: ubuntu-24.04`".to_owned()
            }
            "event" if dimension.pattern.is_empty() => {
                "use another trigger, such as `push` or `pull_request`".to_owned()
            }
            "event" => {
                let events = dimension.pattern.split(", ").map(quoted);
                format!("start it with {}", events.collect::<Vec<_>>().join(" or "))
            }
            "expires" => return None,
            claim => {
                let claim = claim.strip_prefix("claims.").unwrap_or(claim);
                format!(
                    "run it where the claim {} is {}",
                    quoted(claim),
                    wanted(dimension, " or ")
                )
            }
        })
    }

    /// Proposes another branch, and explains values that are not plain branch names.
    fn branch(&self) -> String {
        let run = format!("run it from {}", one("branch", self.dimension));
        let event = self.context.event.as_deref().unwrap_or_default();
        let Some(value) = self.dimension.value.as_deref() else {
            return run;
        };
        if let Some(queued) = value.strip_prefix(QUEUE) {
            let base = queued.rsplit_once("/pr-").map(|(base, _)| base);
            let after = self.after_the_merge(base);
            return format!("{run}: a merge queue has its own branches{after}");
        }
        if value.starts_with("refs/tags/") {
            return format!("{run}: a tag is not a branch");
        }
        if event.starts_with("pull_request") {
            let whose = match value.split_once(':') {
                Some(("unknown", _)) => ", here of an unknown repository",
                // A branch has no colon (git-check-ref-format).
                Some(_) => ", here of a fork",
                None => "",
            };
            let signed = self.context.claims.get("base_ref").map(String::as_str);
            let base = self.context.base.branch().or(signed);
            let after = self.after_the_merge(base);
            return format!("{run}: the branch of a pull request is its head branch{whose}{after}");
        }
        run
    }

    /// Proposes a base that the rule trusts, if the pull request can target it.
    fn base_to_go_into(&self) -> Option<String> {
        let dimension = self.dimension;
        // Without a base in the token, another one does not help.
        dimension.value.as_ref()?;
        let head = self.context.branch.as_deref();
        let is_head = is_value(dimension.kind) && Some(&*dimension.pattern) == head;
        let trusted = (!is_head).then(|| one("branch", dimension));
        let default_branch = self.context.default_branch.as_deref();
        let default_branch = default_branch
            .filter(|name| dimension.of_branch && self.rule.rule.at_top && Some(*name) != head)
            .map(|name| format!("the default branch {}", quoted(name)));
        let bases: Vec<_> = default_branch.into_iter().chain(trusted).collect();
        match bases.as_slice() {
            [] => accepts_push(self.rule).then(|| {
                let branch = quoted(&dimension.pattern);
                format!("ask after a push to {branch}: it cannot be merged into itself")
            }),
            bases => Some(format!("open the pull request into {}", bases.join(" or "))),
        }
    }

    /// Proposes to ask after the merge, unless the rule would deny that too.
    fn after_the_merge(&self, base: Option<&str>) -> &'static str {
        let patterns = self.dimension.any_of.iter();
        let mut patterns = patterns.map(|one| (&*one.pattern, one.kind)).chain(
            (self.dimension.any_of.is_empty())
                .then_some((&*self.dimension.pattern, self.dimension.kind)),
        );
        let matches = |base: &str| {
            patterns.any(|(text, kind)| {
                let pattern = Kind::named(kind).map(|kind| without_position(text, kind));
                let matcher = pattern
                    .as_ref()
                    .map(|pattern| pattern.compile(CaseSensitivity::Sensitive));
                matcher.is_some_and(|matcher| matcher.is_ok_and(|one| one.matches(Some(base))))
            })
        };
        match accepts_push(self.rule) && base.is_none_or(matches) {
            true => ", so ask after the merge, on `push`",
            false => "",
        }
    }

    /// Returns the line to write in the policy, if lint accepts it.
    fn policy(&self) -> Option<String> {
        let dimension = self.dimension;
        let value = dimension.value.as_deref();
        let name = match &*dimension.dimension {
            "expires" => return Some("`expires` with a later date".to_owned()),
            "event" => return self.events(value?),
            name => name,
        };
        if let (true, Some(base)) = (dimension.of_branch, value) {
            return self.base(base);
        }
        // Only `*` matches an absent value. Anybody controls a fork's branch, and a queue's branch is temporary.
        let is_odd = |value: &str| value.contains(':') || value.starts_with(QUEUE);
        let value = value.filter(|value| name != "branch" || !is_odd(value))?;
        let accepts = |text: &str, kind| self.accepts(name, text, kind);
        if !accepts(value, Kind::Exact) {
            return None;
        }
        let added = pattern(value, Kind::Exact, self.format);
        let only_if = if name == "base" { IF_TRUSTED } else { "" };
        let change = match (dimension.kind, Kind::named(dimension.kind)) {
            ("list", _) => format!("add {} to the list", quoted(&added)),
            (_, Some(kind)) if accepts(&dimension.pattern, kind) => {
                let known = pattern(&dimension.pattern, kind, self.format);
                self.line(name, &format!("[{known}, {added}]"))
            }
            // Lint has findings for the existing pattern.
            _ => format!("add {} to {}", quoted(&added), quoted(name)),
        };
        Some(change + only_if)
    }

    /// Returns whether lint has no findings for a pattern.
    fn accepts(&self, dimension: &str, text: &str, kind: Kind) -> bool {
        let repository = self.rule.repository.as_deref();
        lint::accepts(dimension, &without_position(text, kind), repository)
    }

    /// Returns the `base` line that a rule without one needs for the base of a pull request. It includes the bases
    /// that the rule already trusts, because `base` names all of them.
    fn base(&self, base: &str) -> Option<String> {
        if !self.accepts("base", base, Kind::Exact) {
            return None;
        }
        let dimension = self.dimension;
        let of_branch = match dimension.any_of.as_slice() {
            [] => vec![(&*dimension.pattern, dimension.kind)],
            list => list.iter().map(|one| (&*one.pattern, one.kind)).collect(),
        };
        let default_branch = self.context.default_branch.as_deref();
        let is_default_known = !self.rule.rule.at_top || default_branch.is_some();
        let default_branch = default_branch.filter(|_| self.rule.rule.at_top);
        let known = of_branch
            .into_iter()
            .map(|(text, kind)| Some((text, Kind::named(kind)?)));
        let new = [default_branch, Some(base)].into_iter().flatten();
        let list = known.chain(new.map(|name| Some((name, Kind::Exact))));
        let list: Option<Vec<_>> = list
            .map(|one| one.filter(|(text, kind)| self.accepts("base", text, *kind)))
            .collect();
        let list = list.filter(|_| is_default_known);
        let written = |(text, kind): (&str, Kind)| pattern(text, kind, self.format);
        let line = match list {
            Some(known) => {
                let mut list: Vec<String> = Vec::new();
                for one in known.into_iter().map(written) {
                    if !list.contains(&one) {
                        list.push(one);
                    }
                }
                self.line("base", &format!("[{}]", list.join(", ")))
            }
            None => format!(
                "a `base` that names {} and the bases that the rule already trusts",
                quoted(&written((base, Kind::Exact)))
            ),
        };
        Some(line + IF_TRUSTED)
    }

    fn events(&self, value: &str) -> Option<String> {
        if !lint::is_event(value) {
            return None;
        }
        let known = self.dimension.pattern.split(", ");
        let known = known.filter(|event| !event.is_empty());
        let events: Vec<_> = known
            .chain([value])
            .map(|event| scalar(event, self.format))
            .collect();
        let list = events.join(", ");
        let key = match self.format {
            Format::Yaml => "events".to_owned(),
            Format::Json => scalar("events", self.format),
        };
        let line = quoted(&format!("{key}: [{list}]"));
        let change = match &*self.dimension.pattern {
            // With `events`, the rule would no longer match other events.
            "" => format!("a copy of the rule with {line}"),
            _ => line,
        };
        Some(match is_trusted_event(value) {
            true => change,
            false => format!("only if the job runs no code from the event: {change}"),
        })
    }

    /// Returns `` `branch: main` ``, or the line of a claim.
    fn line(&self, name: &str, value: &str) -> String {
        let key = |name: &str| match self.format {
            Format::Yaml => name.to_owned(),
            Format::Json => scalar(name, self.format),
        };
        quoted(&match name.strip_prefix("claims.") {
            Some(claim) => format!("{}: {value}", key(claim)),
            None => format!("{}: {value}", key(name)),
        })
    }
}
