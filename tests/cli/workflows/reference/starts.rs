//! How a workflow can be started: events with the refs that they can have, and what `github` says then.

use std::collections::BTreeSet;

use super::filter::Filter;
use super::inputs;
use super::value::Value;
use super::yaml::Node;

/// The ref of a run, as far as a rule can ask for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reference {
    Branch(String),
    Tag(String),
    /// The merge of a head of this repository into a base.
    Pull {
        head: String,
        base: String,
    },
    /// `pull_request_target`: the code of the base, for a head that is not known to be this repository's.
    Target {
        head: String,
        base: String,
    },
}

/// Names of refs that are tried, because files or rules mention them or because nothing does.
#[derive(Clone, Debug)]
pub struct Universe {
    pub default_branch: String,
    pub branches: BTreeSet<String>,
    pub tags: BTreeSet<String>,
    pub heads: BTreeSet<String>,
    /// Whether an expression asks for `github.event.action`; otherwise one action is like the others, except
    /// that a pull request can be closed.
    pub asks_for_action: bool,
}

/// One way to start a workflow.
#[derive(Clone, Debug)]
pub struct Start {
    pub event: String,
    pub reference: Reference,
    pub github: Value,
}

/// Members of a payload, and the only events that have them.
const MEMBERS: [(&str, &[&str]); 12] = [
    (
        "pull_request",
        &[
            "pull_request",
            "pull_request_target",
            "pull_request_review",
            "pull_request_review_comment",
        ],
    ),
    ("inputs", &["workflow_dispatch"]),
    ("client_payload", &["repository_dispatch"]),
    ("release", &["release"]),
    ("workflow_run", &["workflow_run"]),
    ("schedule", &["schedule"]),
    ("merge_group", &["merge_group"]),
    ("deployment", &["deployment", "deployment_status"]),
    ("issue", &["issues", "issue_comment"]),
    ("head_commit", &["push"]),
    ("commits", &["push"]),
    (
        "comment",
        &[
            "issue_comment",
            "commit_comment",
            "pull_request_review_comment",
            "discussion_comment",
        ],
    ),
];

/// The names of events in `on:`, with their filters.
pub fn triggers(on: &Node) -> Vec<(String, Node)> {
    if !on.members().is_empty() {
        return on.members().to_vec();
    }
    let none = || Node::Scalar(String::new(), true);
    on.texts()
        .into_iter()
        .map(|event| (event, none()))
        .collect()
}

/// Every way to start a workflow with this `on:`; a call is none.
pub fn starts(on: &Node, universe: &Universe) -> Vec<Start> {
    let mut starts = Vec::new();
    for (event, trigger) in triggers(on) {
        if event == "workflow_call" {
            continue;
        }
        let types = trigger.get("types").map(Node::texts);
        let mut actions = actions(&event, types);
        if !universe.asks_for_action {
            let is_closed = |action: &Option<String>| action.as_deref() == Some("closed");
            let mut others = actions.iter().filter(|action| !is_closed(action));
            let one = others.next().cloned();
            actions.retain(|action| is_closed(action) || Some(action) == one.as_ref());
        }
        for action in actions {
            for (reference, merged) in references(&event, &trigger, universe, action.as_deref()) {
                let about = About {
                    event: &event,
                    action: action.as_deref(),
                    trigger: &trigger,
                    merged,
                    default_branch: &universe.default_branch,
                };
                starts.push(Start {
                    github: about.github(&reference),
                    event: event.clone(),
                    reference,
                });
            }
        }
    }
    starts
}

/// `github.event.action`, where it is known which ones there are.
fn actions(event: &str, types: Option<Vec<String>>) -> Vec<Option<String>> {
    match types {
        Some(types) if event != "workflow_run" => types.into_iter().map(Some).collect(),
        None if event.starts_with("pull_request") && !event.contains("review") => {
            let default = ["opened", "synchronize", "reopened"];
            default.map(|action| Some(action.to_owned())).to_vec()
        }
        _ => vec![None],
    }
}

/// The refs that an event can have without filters.
pub fn candidates(event: &str, universe: &Universe) -> BTreeSet<Reference> {
    let none = Node::Scalar(String::new(), true);
    let all = references(event, &none, universe, Some("closed"));
    all.into_iter().map(|(reference, _)| reference).collect()
}

/// The refs that an event can have, and whether it is of a pull request that is merged.
fn references(
    event: &str,
    trigger: &Node,
    universe: &Universe,
    action: Option<&str>,
) -> Vec<(Reference, bool)> {
    let (branches, tags) = (
        Filter::read(trigger, "branches"),
        Filter::read(trigger, "tags"),
    );
    let all_branches = || universe.branches.iter().cloned().map(Reference::Branch);
    let all_tags = || universe.tags.iter().cloned().map(Reference::Tag);
    let plain = |references: Vec<Reference>| references.into_iter().map(|it| (it, false)).collect();
    match event {
        "push" => {
            let both = branches.is_given() == tags.is_given();
            let accepted = |reference: &Reference| match reference {
                Reference::Branch(name) => (both || branches.is_given()) && branches.accepts(name),
                Reference::Tag(name) => (both || tags.is_given()) && tags.accepts(name),
                _ => false,
            };
            plain(all_branches().chain(all_tags()).filter(accepted).collect())
        }
        "workflow_dispatch" | "create" | "deployment" | "deployment_status"
        | "registry_package" => plain(all_branches().chain(all_tags()).collect()),
        "release" => plain(all_tags().collect()),
        "merge_group" => {
            let bases = universe
                .branches
                .iter()
                .filter(|base| branches.accepts(base));
            let queue = |base| Reference::Branch(format!("gh-readonly-queue/{base}/pr-1-abc"));
            plain(bases.map(queue).collect())
        }
        "pull_request"
        | "pull_request_review"
        | "pull_request_review_comment"
        | "pull_request_target" => {
            let bases = universe
                .branches
                .iter()
                .filter(|base| branches.accepts(base));
            bases
                .flat_map(|base| pulls(event, base, universe, action))
                .collect()
        }
        _ => plain(vec![Reference::Branch(universe.default_branch.clone())]),
    }
}

fn pulls(
    event: &str,
    base: &str,
    universe: &Universe,
    action: Option<&str>,
) -> Vec<(Reference, bool)> {
    let mut all = Vec::new();
    for head in &universe.heads {
        let (head, base) = (head.clone(), base.to_owned());
        all.push(match event {
            "pull_request_target" => (Reference::Target { head, base }, false),
            _ => (Reference::Pull { head, base }, false),
        });
    }
    if event == "pull_request" && action == Some("closed") {
        all.push((Reference::Branch(base.to_owned()), true));
    }
    all
}

struct About<'a> {
    event: &'a str,
    action: Option<&'a str>,
    trigger: &'a Node,
    merged: bool,
    default_branch: &'a str,
}

impl About<'_> {
    /// The context `github` of a run.
    fn github(&self, reference: &Reference) -> Value {
        let text = |text: &str| Value::text(text);
        let (full, name, kind) = match reference {
            Reference::Branch(name) => (format!("refs/heads/{name}"), name.clone(), "branch"),
            Reference::Tag(name) => (format!("refs/tags/{name}"), name.clone(), "tag"),
            Reference::Target { base, .. } => {
                (format!("refs/heads/{base}"), base.clone(), "branch")
            }
            Reference::Pull { .. } => ("refs/pull/1/merge".to_owned(), "1/merge".to_owned(), ""),
        };
        let (head, base) = match reference {
            Reference::Pull { head, base } | Reference::Target { head, base } => (&**head, &**base),
            Reference::Branch(base) if self.merged => ("x-merged", &**base),
            _ => ("", ""),
        };
        let kind = match kind {
            // GitHub calls it a branch.
            "" => text("branch"),
            kind => text(kind),
        };
        Value::open(
            "github",
            vec![
                ("event_name".to_owned(), text(self.event)),
                ("ref".to_owned(), text(&full)),
                ("ref_name".to_owned(), text(&name)),
                ("ref_type".to_owned(), kind),
                ("head_ref".to_owned(), text(head)),
                ("base_ref".to_owned(), text(base)),
                (
                    "repository".to_owned(),
                    Value::full_text("github.repository"),
                ),
                ("actor".to_owned(), Value::full_text("github.actor")),
                ("event".to_owned(), self.payload(&full, head, base)),
            ],
        )
    }

    fn payload(&self, full: &str, head: &str, base: &str) -> Value {
        let open = |name: &str, members: Vec<(&str, Value)>| {
            let members = members.into_iter();
            let members = members.map(|(name, value)| (name.to_owned(), value));
            Value::open(&format!("github.event{name}"), members.collect())
        };
        let text = |text: &str| Value::text(text);
        let mut members = vec![(
            "repository",
            open(
                ".repository",
                vec![("default_branch", text(self.default_branch))],
            ),
        )];
        for (member, events) in MEMBERS {
            if !events.contains(&self.event) {
                members.push((member, Value::Null));
            }
        }
        match self.action {
            Some(action) => members.push(("action", text(action))),
            None if matches!(self.event, "push" | "schedule" | "workflow_dispatch") => {
                members.push(("action", Value::Null));
            }
            None => {}
        }
        match self.event {
            "push" => members.extend([("ref", text(full)), ("deleted", Value::Bool(false))]),
            "workflow_dispatch" => members.push(("inputs", inputs::of_event(self.trigger))),
            "schedule" => {
                let crons = self.trigger.items().iter();
                let crons = crons.filter_map(|item| item.get("cron")?.text());
                let crons: Vec<_> = crons.map(Value::text).collect();
                if !crons.is_empty() {
                    members.push(("schedule", Value::OneOf("schedule".to_owned(), crons)));
                }
            }
            "release" => {
                let tag = full.trim_start_matches("refs/tags/");
                members.push(("release", open(".release", vec![("tag_name", text(tag))])));
            }
            "merge_group" => {
                let base = full.trim_start_matches("refs/heads/gh-readonly-queue/");
                let base = base.trim_end_matches("/pr-1-abc");
                let base = text(&format!("refs/heads/{base}"));
                let group = vec![("base_ref", base), ("head_ref", text(full))];
                members.push(("merge_group", open(".merge_group", group)));
            }
            event if event.starts_with("pull_request") => {
                let side =
                    |side: &str, name| open(&format!(".pull_request.{side}"), vec![("ref", name)]);
                let pull = vec![
                    ("head", side("head", text(head))),
                    ("base", side("base", text(base))),
                    ("merged", Value::Bool(self.merged)),
                ];
                members.push(("pull_request", open(".pull_request", pull)));
            }
            _ => {}
        }
        open("", members)
    }
}
