//! What would have to change for a denied permission to be granted: in the job first, then in the
//! policy.

use super::model::Outcome;
use crate::context::Context;
use crate::decision::{PermissionDecision, TracedDimension};
use crate::policy::{Format, Kind, quoted};

/// How the branches of merge queues start (docs.github.com, "Managing a merge queue").
const QUEUE: &str = "gh-readonly-queue/";

/// The change for one dimension of the nearest rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whether the rule would trust the default branch as a base.
    pub by_default_branch: bool,
    /// Whether it is about a rule of the repository's own policy, to which a central one delegates.
    pub own_policy: bool,
    /// The line of the policy, from 1.
    pub line: u32,
    /// `workflow`, `branch`, `base`, `environment`, `claims.NAME`, `event` or `expires`.
    pub dimension: String,
    /// What the policy asks for and what this job has.
    pub what: String,
    /// What to change in the job, if that is possible.
    pub job: Option<String>,
    /// What would have to stand in the policy, if that can be said.
    pub policy: Option<String>,
}

/// One change for each dimension in which the nearest rule fails.
pub fn changes(
    permission: &PermissionDecision<'_>,
    context: &Context,
    outcome: &Outcome<'_>,
) -> Vec<Change> {
    let nearest = permission.nearest.as_ref().map(|nearest| &nearest.rule);
    let mut rules = permission.trace.iter();
    let Some(rule) = rules.find(|rule| Some(&rule.rule) == nearest) else {
        return Vec::new();
    };
    let format = Format::of_path(outcome.file(rule.rule.own_policy));
    let change = |dimension: &TracedDimension<'_>| Change {
        by_default_branch: dimension.of_branch && rule.rule.at_top,
        own_policy: rule.rule.own_policy,
        line: dimension.line.unwrap_or(rule.rule.line),
        dimension: dimension.dimension.to_string(),
        what: what(dimension),
        job: job(dimension, context),
        policy: policy(dimension, format),
    };
    rule.failed().map(change).collect()
}

fn what(dimension: &TracedDimension<'_>) -> String {
    let name = &dimension.dimension;
    let value = dimension.value.as_deref();
    let has = value.map_or_else(
        || "has none".to_owned(),
        |value| format!("has {}", quoted(value)),
    );
    match dimension.kind {
        _ if dimension.of_branch => format!(
            "the rule has no `base`, and its `branch` is {}, which has to match the base as well; this pull request {}",
            wanted(dimension, " or "),
            match value {
                Some(value) => format!("goes into {}", quoted(value)),
                None => "goes into a base that its token does not name".to_owned(),
            }
        ),
        "expiry" => format!("`expires` is `{}`, which is over", dimension.pattern),
        "events" if dimension.pattern.is_empty() => format!(
            "the rule has no `events`, and {} is not one that it trusts without being named",
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

/// What the patterns ask for.
fn wanted(dimension: &TracedDimension<'_>, or: &str) -> String {
    if dimension.any_of.is_empty() {
        return quoted(&dimension.pattern);
    }
    let patterns = dimension.any_of.iter().map(|one| quoted(&one.pattern));
    patterns.collect::<Vec<_>>().join(or)
}

/// `the branch `main``, or `a branch that matches …` where there is not one value only.
fn one(noun: &str, dimension: &TracedDimension<'_>) -> String {
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

/// Whether a pattern of this kind is one value.
fn is_value(kind: &str) -> bool {
    [Kind::Literal, Kind::Exact]
        .iter()
        .any(|one| one.name() == kind)
}

fn job(dimension: &TracedDimension<'_>, context: &Context) -> Option<String> {
    let value = dimension.value.as_deref();
    Some(match &*dimension.dimension {
        "workflow" => match value {
            Some(value) if value.contains('/') => format!(
                "start it from {} of this repository: any other file counts by its whole path",
                one("workflow file", dimension)
            ),
            _ => format!(
                "ask for the permission in {}",
                one("workflow file", dimension)
            ),
        },
        "branch" => branch(dimension, context),
        "base" => format!("open the pull request into {}", one("branch", dimension)),
        "environment" if is_value(dimension.kind) => {
            let environment = scalar(&dimension.pattern, Format::Yaml);
            let line = quoted(&format!("environment: {environment}"));
            match value {
                None => format!("set {line}"),
                Some(_) => format!("set {line}, if that is what it deploys to"),
            }
        }
        "environment" => format!("give the job {}", one("environment", dimension)),
        "claims.runner_environment" if dimension.pattern == "github-hosted" => {
            "run it on a runner that GitHub hosts, such as `runs-on: ubuntu-24.04`".to_owned()
        }
        "event" if dimension.pattern.is_empty() => {
            "use another trigger, such as `pull_request`, `push` or `merge_group`".to_owned()
        }
        "event" => {
            let events = dimension.pattern.split(", ").map(quoted);
            format!("start it by {}", events.collect::<Vec<_>>().join(" or "))
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

/// Values that look like a branch's name and are another thing are told apart.
fn branch(dimension: &TracedDimension<'_>, context: &Context) -> String {
    let run = format!("run it from {}", one("branch", dimension));
    let event = context.event.as_deref().unwrap_or_default();
    let Some(value) = dimension.value.as_deref() else {
        return run;
    };
    if value.starts_with(QUEUE) {
        return format!(
            "{run}: a merge queue has branches of its own, so ask after the merge, on `push`"
        );
    }
    if value.starts_with("refs/tags/") {
        return format!("{run}: a tag is no branch");
    }
    if event.starts_with("pull_request") {
        // A branch has no colon (git-check-ref-format).
        let whose = if value.contains(':') {
            ", here of a fork"
        } else {
            ""
        };
        return format!(
            "{run}: a pull request counts as its head branch{whose}, so ask after the merge, on `push`"
        );
    }
    run
}

/// The line as it would have to be.
fn policy(dimension: &TracedDimension<'_>, format: Format) -> Option<String> {
    let value = dimension.value.as_deref();
    let name = match &*dimension.dimension {
        "expires" => return Some("`expires` with a later date".to_owned()),
        "event" => "events",
        name => name.strip_prefix("claims.").unwrap_or(name),
    };
    if let (true, Some(base)) = (dimension.of_branch, value) {
        let key = pattern(base, Kind::Exact.name(), format);
        let line = match format {
            Format::Yaml => format!("base: {key}"),
            Format::Json => format!("\"base\": {key}"),
        };
        return Some(format!(
            "{}, if everyone who can push to that branch may use the permission",
            quoted(&line)
        ));
    }
    // Only `*` matches an absent value. A fork's branch is anybody's, and a queue's there once.
    let is_odd = |value: &str| value.contains(':') || value.starts_with(QUEUE);
    let value = value.filter(|value| name != "branch" || !is_odd(value))?;
    let value = match name {
        "events" => scalar(value, format),
        _ => pattern(value, Kind::Exact.name(), format),
    };
    let list = match (dimension.kind, &*dimension.pattern) {
        ("list", _) => return Some(format!("add {} to the list", quoted(&value))),
        ("events", "") => value,
        ("events", events) => {
            let events = events.split(", ").map(|event| scalar(event, format));
            events.chain([value]).collect::<Vec<_>>().join(", ")
        }
        (kind, text) => format!("{}, {value}", pattern(text, kind, format)),
    };
    let key = match format {
        Format::Yaml => name.to_owned(),
        Format::Json => scalar(name, format),
    };
    let line = quoted(&format!("{key}: [{list}]"));
    Some(match (dimension.kind, &*dimension.pattern) {
        ("events", "") => format!("only if the job runs nothing of what the event brings, {line}"),
        _ => line,
    })
}

/// A pattern of a kind as it is written: as a plain text where that is the same.
fn pattern(text: &str, kind: &str, format: Format) -> String {
    let plain = match Kind::of(text) {
        Kind::Literal => is_value(kind),
        other => other.name() == kind,
    };
    match (plain, format) {
        (true, _) => scalar(text, format),
        (false, Format::Yaml) => format!("{{ {kind}: {} }}", scalar(text, format)),
        (false, Format::Json) => format!("{{ \"{kind}\": {} }}", scalar(text, format)),
    }
}

/// A text in the syntax of the policy, in YAML without quotes where none are needed.
fn scalar(text: &str, format: Format) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    // Not a number, a boolean or null (yaml.org, section 10.3.2).
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(is_word)
        && !["true", "false", "null"].contains(&text.to_ascii_lowercase().as_str());
    match format {
        Format::Yaml if is_plain => text.to_owned(),
        Format::Yaml if !text.contains(char::is_control) => {
            format!("'{}'", text.replace('\'', "''"))
        }
        _ => serde_json::Value::from(text).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_written_so_that_it_is_read_as_what_it_is() {
        for (text, kind, yaml, json) in [
            ("main", "literal", "main", "\"main\""),
            ("main", "exact", "main", "\"main\""),
            (
                "main",
                "regex",
                "{ regex: main }",
                "{ \"regex\": \"main\" }",
            ),
            ("a+b", "exact", "{ exact: 'a+b' }", "{ \"exact\": \"a+b\" }"),
            ("a+b", "regex", "'a+b'", "\"a+b\""),
            (
                "feature/*",
                "glob",
                "{ glob: 'feature/*' }",
                "{ \"glob\": \"feature/*\" }",
            ),
            ("*", "any", "'*'", "\"*\""),
            ("true", "literal", "'true'", "\"true\""),
            ("1.0", "literal", "'1.0'", "\"1.0\""),
            ("it's", "literal", "'it''s'", "\"it's\""),
            ("a\nb", "exact", "\"a\\nb\"", "\"a\\nb\""),
        ] {
            assert_eq!(pattern(text, kind, Format::Yaml), yaml);
            assert_eq!(pattern(text, kind, Format::Json), json);
            let policy =
                format!("version: 1\npermissions: [{{ permission: a:b, branch: [{yaml}] }}]");
            let document = crate::policy::Document::parse(&policy, Format::Yaml).unwrap();
            let rule = document.rules().next().unwrap();
            let read = &rule.branch.as_ref().unwrap().list[0];
            assert_eq!(read.text, text);
            let same = read.kind.name() == kind || (is_value(kind) && is_value(read.kind.name()));
            assert!(same, "{text} {kind}");
        }
    }
}
