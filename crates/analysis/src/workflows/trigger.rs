//! `on:`, which starts a workflow.

use super::workflow::unexpected;
use super::yaml::Node;
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
}

/// Kind of an input's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// `type: choice` with these options.
    Choice(Vec<String>),
    /// `type: environment`: any environment of the repository.
    Environment,
    /// Any other value.
    Other,
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
                    Some("environment") => InputKind::Environment,
                    _ => InputKind::Other,
                },
                default: text("default").map(str::to_owned),
            }
        })
        .collect()
}
