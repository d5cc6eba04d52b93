//! How a run starts: its event, and the branch or tag that it runs for.

use github_actions_expressions::Evaluation;

use super::filter::{is_glob, literal_start};
use super::references::{Named, named_references};
use super::trigger::{Input, InputKind, Trigger};
use super::value::{Unknown, Value};
use super::workflow::Workflow;

/// Maximum number of branches and tags by name; a file that names more runs for unknown ones.
const MAX_NAMES: usize = 32;
/// Maximum number of options of an input; only a run knows the value of an input with more.
const MAX_OPTIONS: usize = 256;
/// Activity type of a pull request that is merged or given up.
const CLOSED: &str = "closed";
/// Members of a payload, and the only events that have them.
const OF_EVENTS: [(&str, &[&str]); 6] = [
    (
        "pull_request",
        &[
            "pull_request",
            "pull_request_target",
            "pull_request_review",
            "pull_request_review_comment",
        ],
    ),
    ("client_payload", &["repository_dispatch"]),
    ("merge_group", &["merge_group"]),
    ("release", &["release"]),
    ("schedule", &["schedule"]),
    ("workflow_run", &["workflow_run"]),
];

/// Start of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// Event; `None` for a workflow whose callers are unknown.
    pub event: Option<String>,
    /// Branch or tag.
    pub reference: Reference,
}

/// Branch or tag of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A branch.
    Branch(RefName),
    /// A tag.
    Tag(RefName),
    /// The merge of a pull request into a branch.
    PullRequest(RefName),
    /// A branch into which a pull request was merged, after the merge.
    Merged(RefName),
    /// A queue of merges into a branch.
    MergeQueue(RefName),
    /// Only a run knows it.
    Unknown,
}

/// Name of a branch or tag, as far as the file tells names apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefName {
    /// This name.
    Named(String),
    /// A name that this glob of a filter matches, and that no expression and no filter contains.
    Matching(String),
    /// A name that no expression and no filter contains.
    Other,
}

impl RefName {
    /// Returns the name, if it is a single one.
    pub fn as_named(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(name),
            Self::Matching(_) | Self::Other => None,
        }
    }
}

/// Starts of a workflow, and the names that they tell apart.
pub(super) struct Starts {
    pub(super) all: Vec<Start>,
    named: Named,
}

impl Starts {
    /// Returns the starts of a workflow. `texts` are the expressions of its jobs and of those that it calls.
    pub(super) fn of<'t>(
        workflow: &Workflow,
        default_branch: Option<&str>,
        texts: impl Iterator<Item = &'t str>,
    ) -> Self {
        let mut named = named_references(texts);
        named.add_branches(default_branch.into_iter());
        for trigger in &workflow.triggers {
            let is_name = |filter: &&str| !is_glob(filter) && !filter.starts_with('!');
            named.add_branches(trigger.branches.iter().map(String::as_str).filter(is_name));
            named.add_tags(trigger.tags.iter().map(String::as_str).filter(is_name));
        }
        if named.branches.len() + named.tags.len() > MAX_NAMES {
            named = Named::default();
        }
        let mut starts = Self {
            all: Vec::new(),
            named,
        };
        if workflow.is_only_called() {
            starts.add(None, [Reference::Unknown]);
        }
        for trigger in &workflow.triggers {
            starts.add_trigger(workflow, trigger, default_branch);
        }
        starts
    }

    fn add(&mut self, event: Option<&str>, references: impl IntoIterator<Item = Reference>) {
        for reference in references {
            let start = Start {
                event: event.map(str::to_owned),
                reference,
            };
            if !self.all.contains(&start) {
                self.all.push(start);
            }
        }
    }

    fn add_trigger(
        &mut self,
        workflow: &Workflow,
        trigger: &Trigger,
        default_branch: Option<&str>,
    ) {
        let event = trigger.event.as_str();
        let branches = || self.branches(trigger, &trigger.branches);
        let mut references: Vec<Reference> = Vec::new();
        match event {
            "workflow_call" => {}
            "push" => {
                references.extend(branches().into_iter().map(Reference::Branch));
                references.extend(self.tags(trigger).into_iter().map(Reference::Tag));
            }
            "workflow_dispatch" | "create" => {
                let pushed = workflow
                    .trigger("push")
                    .map(|push| push.branches.as_slice());
                let branches = self.branches(trigger, pushed.unwrap_or_default());
                references.extend(branches.into_iter().map(Reference::Branch));
                references.push(Reference::Branch(RefName::Other));
                references.extend(self.tags(trigger).into_iter().map(Reference::Tag));
            }
            "release" => references.extend(self.tags(trigger).into_iter().map(Reference::Tag)),
            "pull_request" | "pull_request_target" => {
                references.extend(branches().into_iter().map(Reference::PullRequest));
                if event == "pull_request" && trigger.types.iter().any(|kind| kind == CLOSED) {
                    references.extend(branches().into_iter().map(Reference::Merged));
                }
            }
            "merge_group" => references.extend(branches().into_iter().map(Reference::MergeQueue)),
            "deployment"
            | "deployment_status"
            | "pull_request_review"
            | "pull_request_review_comment" => {
                references.push(Reference::Unknown);
            }
            // Every other event runs the file of the default branch.
            _ => references.push(default_branch.map_or(Reference::Unknown, |name| {
                Reference::Branch(RefName::Named(name.to_owned()))
            })),
        }
        self.add(Some(event), references);
    }

    /// Returns the branches that a trigger accepts: the named ones, and one for each glob of `filters`.
    fn branches(&self, trigger: &Trigger, filters: &[String]) -> Vec<RefName> {
        let accepted = self
            .named
            .branches
            .iter()
            .filter(|name| trigger.accepts_branch(name));
        names(accepted, filters, trigger.accepts_other_branches())
    }

    fn tags(&self, trigger: &Trigger) -> Vec<RefName> {
        let accepted = self
            .named
            .tags
            .iter()
            .filter(|name| trigger.accepts_tag(name));
        names(accepted, &trigger.tags, trigger.accepts_other_tags())
    }

    /// Returns the contexts `github` and `inputs` of a start.
    pub(super) fn contexts(
        &self,
        workflow: &Workflow,
        start: &Start,
    ) -> [(&'static str, Value); 2] {
        let Some(event) = start.event.as_deref() else {
            return [("github", Value::unknown()), ("inputs", Value::unknown())];
        };
        let trigger = workflow.trigger(event);
        let inputs = trigger.filter(|_| event == "workflow_dispatch");
        let inputs = inputs
            .map(|trigger| trigger.inputs.as_slice())
            .unwrap_or_default();
        let typed = inputs
            .iter()
            .map(|input| (input.name.clone(), value_of(input, false)));
        let texts = inputs
            .iter()
            .map(|input| (input.name.clone(), value_of(input, true)));
        let mut github = vec![("event_name".to_owned(), Value::text(event))];
        self.add_reference(&mut github, event, &start.reference);
        let mut payload = vec![("inputs".to_owned(), Value::object(texts.collect(), true))];
        let is_merged = matches!(start.reference, Reference::Merged(_));
        payload.extend(OF_EVENTS.iter().map(|(member, events)| {
            let value = match events.contains(&event) {
                true => of_event(member, event, is_merged, &github),
                false => Value::NULL,
            };
            ((*member).to_owned(), value)
        }));
        payload.extend(actions(event, trigger, is_merged));
        if event == "push" {
            payload.push(("ref".to_owned(), member(&github, "ref")));
        }
        github.push(("event".to_owned(), Value::object(payload, false)));
        [
            ("github", Value::object(github, false)),
            ("inputs", Value::object(typed.collect(), true)),
        ]
    }

    fn add_reference(&self, github: &mut Vec<(String, Value)>, event: &str, reference: &Reference) {
        let mut add = |name: &str, value: Value| github.push((name.to_owned(), value));
        let (branches, tags) = (&*self.named.branches, &*self.named.tags);
        let of = |prefix: &str, name: &RefName, names: &[String]| match name {
            RefName::Named(name) => Value::text(format!("{prefix}{name}")),
            other => {
                let except = names.iter().map(|name| format!("{prefix}{name}"));
                Value::Unknown(Unknown {
                    prefix: format!("{prefix}{}", start_of(other)),
                    except: except.collect(),
                    truth: Some(true),
                    ..Unknown::default()
                })
            }
        };
        let is_target = event == "pull_request_target";
        match reference {
            Reference::Branch(name) | Reference::Merged(name) => {
                add("ref", of("refs/heads/", name, branches));
                add("ref_name", of("", name, branches));
                add("ref_type", Value::text("branch"));
            }
            // It runs for its base, and so has the base as its branch.
            Reference::PullRequest(name) if is_target => {
                add("ref", of("refs/heads/", name, branches));
                add("ref_name", of("", name, branches));
                add("ref_type", Value::text("branch"));
            }
            Reference::Tag(name) => {
                add("ref", of("refs/tags/", name, tags));
                add("ref_name", of("", name, tags));
                add("ref_type", Value::text("tag"));
            }
            Reference::PullRequest(_) => {
                add("ref", numbered("refs/pull/"));
                add("ref_name", numbered(""));
                add("ref_type", Value::text("branch"));
            }
            Reference::MergeQueue(_) => {
                add("ref", starting("refs/heads/gh-readonly-queue/"));
                add("ref_name", starting("gh-readonly-queue/"));
                add("ref_type", Value::text("branch"));
            }
            // Only a run knows the base and the head of a review's pull request.
            Reference::Unknown if event.starts_with("pull_request") => return,
            Reference::Unknown => {}
        }
        // Only pull requests have a base and a head.
        let (base, head) = match reference {
            Reference::PullRequest(name) | Reference::Merged(name) => {
                (of("", name, branches), starting(""))
            }
            _ => (Value::text(""), Value::text("")),
        };
        add("base_ref", base);
        add("head_ref", head);
    }
}

/// Returns the names that a file tells apart.
fn names<'n>(
    named: impl Iterator<Item = &'n String>,
    filters: &[String],
    accepts_others: bool,
) -> Vec<RefName> {
    let mut names: Vec<_> = named.cloned().map(RefName::Named).collect();
    let globs = filters
        .iter()
        .filter(|filter| is_glob(filter) && !filter.starts_with('!'));
    let globs: Vec<_> = globs.cloned().map(RefName::Matching).collect();
    match globs.is_empty() {
        true => names.extend(accepts_others.then_some(RefName::Other)),
        false => names.extend(globs),
    }
    names
}

/// Returns the text with which every name starts: what a glob contains before its first special character.
fn start_of(name: &RefName) -> &str {
    match name {
        RefName::Named(name) => name,
        RefName::Matching(glob) => literal_start(glob),
        RefName::Other => "",
    }
}

/// A text that is not empty, of which only the start is certain.
fn starting(start: &str) -> Value {
    Value::Unknown(Unknown {
        prefix: start.to_owned(),
        truth: Some(true),
        ..Unknown::default()
    })
}

/// The ref of a pull request, in full or in short: its number before `/merge`.
fn numbered(start: &str) -> Value {
    Value::Unknown(Unknown {
        prefix: start.to_owned(),
        suffix: "/merge".to_owned(),
        is_number: true,
        truth: Some(true),
        ..Unknown::default()
    })
}

/// Returns a member of the payload of its event. Some of its members repeat what the context `github` has.
fn of_event(name: &str, event: &str, is_merged: bool, github: &[(String, Value)]) -> Value {
    let one = |name: &str, value: Value| (name.to_owned(), value);
    let branch = |name: &str| Value::object(vec![one("ref", member(github, name))], false);
    let members = match name {
        "pull_request" => {
            let mut members = vec![
                one("base", branch("base_ref")),
                one("head", branch("head_ref")),
            ];
            if event == "pull_request" {
                members.push(one("merged", Value::boolean(is_merged)));
            }
            members
        }
        "release" => vec![one("tag_name", member(github, "ref_name"))],
        _ => Vec::new(),
    };
    Value::object(members, false)
}

fn member(object: &[(String, Value)], name: &str) -> Value {
    let found = object.iter().find(|(key, _)| key == name);
    found.map_or_else(Value::unknown, |(_, value)| value.clone())
}

/// Returns `github.event.action`, if the file names the activity types.
fn actions(event: &str, trigger: Option<&Trigger>, is_merged: bool) -> Option<(String, Value)> {
    let types = trigger
        .map(|trigger| trigger.types.as_slice())
        .unwrap_or_default();
    let types: Vec<&str> = match (event, types) {
        _ if is_merged => vec![CLOSED],
        ("pull_request" | "pull_request_target", []) => vec!["opened", "synchronize", "reopened"],
        ("push" | "schedule" | "workflow_dispatch", _) => {
            return Some(("action".to_owned(), Value::NULL));
        }
        (_, []) => return None,
        (_, types) => types.iter().map(String::as_str).collect(),
    };
    let types = types.into_iter().map(Value::text).collect();
    let value = Value::one_of("github.event.action".to_owned(), types);
    Some(("action".to_owned(), value))
}

/// Returns the possible values of an input of `workflow_dispatch`. In the event's payload all are texts.
fn value_of(input: &Input, as_text: bool) -> Value {
    let values = match &input.kind {
        InputKind::Choice(options) if options.len() < MAX_OPTIONS => {
            // The API can leave out an input that is not required.
            let is_optional = !input.required && input.default.is_none();
            let options = options.iter().map(Value::text);
            options
                .chain(is_optional.then(|| Value::text("")))
                .collect()
        }
        InputKind::Boolean => [true, false]
            .into_iter()
            .map(|value| match as_text {
                true => Value::text(value.to_string()),
                false => Value::Scalar(Evaluation::Boolean(value)),
            })
            .collect(),
        _ => return Value::unknown(),
    };
    Value::one_of(
        format!("inputs.{}", input.name.to_ascii_lowercase()),
        values,
    )
}
