//! `on:`, which starts a workflow.

use github_actions_expressions::Evaluation;

use super::filter::{self, is_glob};
use super::value::Value;
use super::yaml::{Node, unexpected};
use engine::policy::{Position, Problem};

/// An event of `on:` with its filters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trigger {
    /// Name of the event, such as `push`.
    pub event: String,
    /// Position in the file.
    pub position: Position,
    /// `branches:`, GitHub's globs. For `pull_request` they match the base.
    pub branches: Vec<String>,
    /// `branches-ignore:`.
    pub branches_ignore: Vec<String>,
    /// `tags:`.
    pub tags: Vec<String>,
    /// `tags-ignore:`.
    pub tags_ignore: Vec<String>,
    /// `types:`.
    pub types: Vec<String>,
    /// `inputs:` of `workflow_dispatch` and `workflow_call`.
    pub inputs: Vec<Input>,
}

/// An input of a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Name of the input.
    pub name: String,
    /// Kind of its values.
    pub kind: InputKind,
    /// `default:`.
    pub default: Option<String>,
    /// `required: true`.
    pub required: bool,
}

/// Kind of an input's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// `type: choice` with these options.
    Choice(Vec<String>),
    /// `type: boolean`.
    Boolean,
    /// `type: number`.
    Number,
    /// Any other value.
    Text,
}

impl Trigger {
    /// Whether a push or pull request that concerns this branch starts the workflow.
    pub fn accepts_branch(&self, name: &str) -> bool {
        let has_branches = !self.branches.is_empty() || !self.branches_ignore.is_empty();
        // Filters for tags alone exclude every branch.
        let has_tags = !self.tags.is_empty() || !self.tags_ignore.is_empty();
        match has_branches {
            true => accepts(&self.branches, &self.branches_ignore, name),
            false => !has_tags,
        }
    }

    /// Whether branches can start it that no filter names.
    pub(super) fn accepts_other_branches(&self) -> bool {
        match self.branches.is_empty() {
            true => self.accepts_branch(UNNAMED) || !self.branches_ignore.is_empty(),
            false => has_globs(&self.branches),
        }
    }

    /// Whether tags can start it that no filter names.
    pub(super) fn accepts_other_tags(&self) -> bool {
        match self.tags.is_empty() {
            true => self.accepts_tag(UNNAMED) || !self.tags_ignore.is_empty(),
            false => has_globs(&self.tags),
        }
    }

    /// Whether a push of this tag starts the workflow.
    pub fn accepts_tag(&self, name: &str) -> bool {
        let has_branches = !self.branches.is_empty() || !self.branches_ignore.is_empty();
        let has_tags = !self.tags.is_empty() || !self.tags_ignore.is_empty();
        match has_tags {
            true => accepts(&self.tags, &self.tags_ignore, name),
            false => !has_branches,
        }
    }
}

/// A name that no filter contains.
const UNNAMED: &str = "\u{0}";

fn has_globs(filters: &[String]) -> bool {
    let mut filters = filters.iter();
    filters.any(|filter| !filter.starts_with('!') && is_glob(filter))
}

/// Whether filters accept a name: the last one that matches it decides.
fn accepts(filters: &[String], ignored: &[String], name: &str) -> bool {
    if filters.is_empty() {
        return !ignored.iter().any(|glob| matches(glob, name));
    }
    let mut accepts = false;
    for filter in filters {
        match filter.strip_prefix('!') {
            Some(glob) if matches(glob, name) => accepts = false,
            None if matches(filter, name) => accepts = true,
            _ => {}
        }
    }
    accepts
}

/// Whether a filter matches a name. GitHub decides about a glob that is not valid; it can match.
fn matches(glob: &str, name: &str) -> bool {
    filter::matches(glob, name).unwrap_or(true)
}

impl InputKind {
    /// Converts a value that a caller passes. A missing one is empty, `false` or 0.
    pub(super) fn converted(&self, value: Value) -> Value {
        let Value::Scalar(scalar) = &value else {
            return value;
        };
        Value::Scalar(match self {
            Self::Boolean => {
                let text = scalar.sema().to_string();
                Evaluation::Boolean(text.eq_ignore_ascii_case("true"))
            }
            Self::Number => Evaluation::Number(scalar.as_number()),
            Self::Choice(_) | Self::Text => Evaluation::String(scalar.sema().to_string()),
        })
    }
}

/// Parses `on:`: one event name, a list of names, or a mapping.
pub(super) fn read(on: &Node) -> Result<Vec<Trigger>, Problem> {
    let named = |event: &str, position| Trigger {
        event: event.to_owned(),
        position,
        ..Trigger::default()
    };
    if let Some(event) = on.text() {
        return Ok(vec![named(event, on.at)]);
    }
    if on.is_mapping() {
        return Ok(on
            .members()
            .map(|(event, at, filters)| Trigger {
                inputs: inputs(filters),
                ..filtered(named(event, at), filters)
            })
            .collect());
    }
    if !on.is_list() {
        return Err(unexpected(on, "`on`", "the names of events"));
    }
    on.items()
        .map(|item| match item.text() {
            Some(event) => Ok(named(event, item.at)),
            None => Err(unexpected(item, "an event of `on`", "a string")),
        })
        .collect()
}

fn filtered(trigger: Trigger, filters: &Node) -> Trigger {
    let list = |key: &str| filters.get(key).map(Node::texts).unwrap_or_default();
    Trigger {
        branches: list("branches"),
        branches_ignore: list("branches-ignore"),
        tags: list("tags"),
        tags_ignore: list("tags-ignore"),
        types: list("types"),
        ..trigger
    }
}

fn inputs(trigger: &Node) -> Vec<Input> {
    let inputs = trigger.get("inputs").into_iter().flat_map(Node::members);
    inputs
        .map(|(name, _, input)| {
            let text = |key: &str| input.get(key).and_then(Node::text);
            Input {
                name: name.to_owned(),
                kind: match text("type") {
                    Some("choice") => {
                        InputKind::Choice(input.get("options").map(Node::texts).unwrap_or_default())
                    }
                    Some("boolean") => InputKind::Boolean,
                    Some("number") => InputKind::Number,
                    _ => InputKind::Text,
                },
                default: text("default").map(str::to_owned),
                required: text("required") == Some("true"),
            }
        })
        .collect()
}
