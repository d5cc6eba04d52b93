//! What the contract says of the context, from the other end than [`super::run`]: from any claims,
//! also from such as GitHub does not write. Regexes take them apart, where the product splits.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Base;
use crate::support::pattern::regex;

/// The values of a job.
#[derive(Debug, Default, PartialEq)]
pub struct Derived {
    pub repository: Option<String>,
    pub repository_id: Option<String>,
    pub owner_id: Option<String>,
    pub workflow: Option<String>,
    pub branch: Option<String>,
    pub base: Base,
    pub environment: Option<String>,
    pub event: Option<String>,
    pub claims: BTreeMap<String, String>,
}

/// The context of these claims. A payload is one that the product could read.
pub fn context(claims: &Value, payload: Option<&Value>) -> Derived {
    let mut texts = BTreeMap::new();
    let mut values = BTreeMap::new();
    for (name, value) in claims.as_object().into_iter().flatten() {
        let one = match value {
            Value::String(text) if text.is_empty() => continue,
            Value::String(text) => {
                texts.insert(name.as_str(), text.as_str());
                text.clone()
            }
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => continue,
        };
        values.insert(name.clone(), one);
    }
    let text = |name: &str| texts.get(name).copied();
    let owned = |name: &str| text(name).map(str::to_owned);
    Derived {
        repository: owned("repository"),
        repository_id: owned("repository_id"),
        owner_id: owned("repository_owner_id"),
        workflow: text("workflow_ref").and_then(|at| workflow(at, text("repository"))),
        branch: branch(
            text("event_name").unwrap_or(""),
            text("ref").unwrap_or(""),
            text("head_ref"),
            text("repository_id"),
            payload,
        ),
        base: base(
            text("event_name").unwrap_or(""),
            text("ref").unwrap_or(""),
            text("base_ref"),
        ),
        environment: owned("environment"),
        event: owned("event_name"),
        claims: values,
    }
}

/// The first group of the pattern, where it matches.
fn group<'t>(pattern: &str, text: &'t str) -> Option<&'t str> {
    Some(
        regex(pattern)
            .unwrap()
            .captures(text)?
            .get(1)
            .unwrap()
            .as_str(),
    )
}

fn workflow(workflow_ref: &str, repository: Option<&str>) -> Option<String> {
    let place = group(r"(?s)^([^/]*/[^/]*)/", workflow_ref)?;
    let rest = workflow_ref.strip_prefix(place)?.strip_prefix('/')?;
    // A file of that directory has no slash in its name, and what follows has one, or is a commit.
    let file = group(r"(?s)^\.github/workflows/([^/]+)@refs/", rest)
        .or_else(|| group(r"(?s)^\.github/workflows/([^/]+)@[^/@]*$", rest));
    if let Some(file) = file {
        let is_own = repository.is_some_and(|own| own.eq_ignore_ascii_case(place));
        return Some(match is_own {
            true => file.to_owned(),
            false => format!("{place}/.github/workflows/{file}"),
        });
    }
    let path = group(r"(?s)^(.*?)@refs/", rest)
        .or_else(|| group(r"(?s)^(.*)@(?:[0-9a-fA-F]{40}|[0-9a-fA-F]{64})$", rest))
        .unwrap_or(rest);
    Some(format!("{place}/{path}"))
}

fn branch(
    event: &str,
    git_ref: &str,
    head_ref: Option<&str>,
    repository_id: Option<&str>,
    payload: Option<&Value>,
) -> Option<String> {
    if event == "pull_request_target" {
        return head_ref.map(|head| label(head, None, repository_id, payload));
    }
    let number = group("(?s)^refs/pull/([^/]*)/", git_ref);
    if event.starts_with("pull_request")
        && let (Some(number), Some(head)) = (number, head_ref)
    {
        return Some(label(head, Some(number), repository_id, payload));
    }
    of_ref(git_ref)
}

/// A branch by its name, any other ref as it is.
fn of_ref(git_ref: &str) -> Option<String> {
    if let Some(branch) = group("(?s)^refs/heads/(.+)$", git_ref) {
        return Some(named(branch));
    }
    git_ref.starts_with("refs/").then(|| git_ref.to_owned())
}

/// The value of a branch: one whose name reads as a full ref has its own full ref.
pub fn named(branch: &str) -> String {
    regex("^refs/")
        .unwrap()
        .replace(branch, "refs/heads/refs/")
        .into_owned()
}

/// What is merged with the head of a pull request.
fn base(event: &str, git_ref: &str, base_ref: Option<&str>) -> Base {
    let base = match event {
        "pull_request_target" => of_ref(git_ref),
        _ if regex("^refs/pull/").unwrap().is_match(git_ref) => base_ref.map(named),
        _ => return Base::None,
    };
    base.map_or(Base::Absent, Base::Branch)
}

/// The branch of a pull request's head, as the payload proves it.
pub fn label(
    head_ref: &str,
    number: Option<&str>,
    repository_id: Option<&str>,
    payload: Option<&Value>,
) -> String {
    let branch = named(head_ref);
    let unknown = format!("unknown:{branch}");
    let Some(payload) = payload else {
        return unknown;
    };
    let pull = &payload["pull_request"];
    let head = &pull["head"];
    let seen = pull["number"].as_u64().map(|number| number.to_string());
    if head["ref"] != head_ref || number.is_some_and(|number| seen.as_deref() != Some(number)) {
        return unknown;
    }
    let head_id = &head["repo"]["id"];
    if head_id.is_u64() && Some(&*head_id.to_string()) == repository_id {
        return branch;
    }
    let owner = match &head["repo"]["owner"] {
        Value::Null => &head["user"],
        owner => owner,
    };
    let login = owner["login"].as_str().unwrap_or("");
    match regex(r"^[A-Za-z0-9_\[\]-]+$").unwrap().is_match(login) {
        true => format!("{login}:{branch}"),
        false => unknown,
    }
}
