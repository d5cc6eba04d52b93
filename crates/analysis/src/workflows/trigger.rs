//! How a workflow starts: `on:`.

use super::workflow::wrong;
use super::yaml::Node;
use engine::policy::{Position, Problem};

/// An event of `on:` with its filters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trigger {
    /// The event's name, such as `push`.
    pub event: String,
    /// Where it stands.
    pub position: Position,
    /// `branches:`, GitHub's globs. In `pull_request` they are of the base.
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

/// An input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// What it can be.
    pub kind: InputKind,
    /// `default:`.
    pub default: Option<String>,
}

/// What an input can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// `type: choice`: one of these.
    Choice(Vec<String>),
    /// `type: environment`: any environment that the repository has.
    Environment,
    /// Any other text.
    Other,
}

/// Reads `on:`, which is one name, a list of them, or a mapping.
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
        return Err(wrong(on, "`on`", "the names of events"));
    }
    on.items()
        .map(|item| match item.text() {
            Some(event) => Ok(named(event, item.at)),
            None => Err(wrong(item, "an event of `on`", "a text")),
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
