//! How a run starts: its event, and the branch or tag that it runs for.

use github_actions_expressions::Evaluation;

use super::expression::{Named, named_references};
use super::trigger::{Input, InputKind, Trigger};
use super::value::{Unknown, Value};
use super::workflow::Workflow;

/// Maximum number of branches and tags by name; a file that names more runs for unknown ones.
const MAX_NAMES: usize = 32;
/// Maximum number of options of an input; only a run knows the value of an input with more.
const MAX_OPTIONS: usize = 256;
/// Events whose payload contains no pull request.
const WITHOUT_PULL_REQUEST: [&str; 5] = [
    "push",
    "workflow_dispatch",
    "schedule",
    "release",
    "merge_group",
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
    /// The branch with this name.
    Branch(String),
    /// A branch that no expression and no filter of the file names.
    OtherBranch,
    /// The tag with this name.
    Tag(String),
    /// A tag that no expression and no filter of the file names.
    OtherTag,
    /// The merge of a pull request into the branch with this name, or into one that nothing names.
    PullRequest(Option<String>),
    /// A queue of merges into the branch with this name, or into one that nothing names.
    MergeQueue(Option<String>),
    /// Only a run knows it.
    Unknown,
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
            let is_name = |filter: &&str| !filter.contains(['*', '?', '+', '[', ']', '!', '\\']);
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
            starts.add_trigger(trigger, default_branch);
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

    fn add_trigger(&mut self, trigger: &Trigger, default_branch: Option<&str>) {
        let event = trigger.event.as_str();
        let (branches, tags) = (&self.named.branches, &self.named.tags);
        let accepted = branches
            .iter()
            .filter(|name| trigger.accepts_branch(name))
            .cloned();
        let accepted_tags = tags
            .iter()
            .filter(|name| trigger.accepts_tag(name))
            .cloned();
        let other = trigger.accepts_other_branches();
        let bases = || accepted.clone().map(Some).chain(other.then_some(None));
        let mut references: Vec<Reference> = Vec::new();
        match event {
            "workflow_call" => {}
            "push" => {
                references.extend(accepted.map(Reference::Branch));
                references.extend(other.then_some(Reference::OtherBranch));
                references.extend(accepted_tags.map(Reference::Tag));
                references.extend(trigger.accepts_other_tags().then_some(Reference::OtherTag));
            }
            "workflow_dispatch" | "create" => {
                references.extend(accepted.map(Reference::Branch));
                references.extend(accepted_tags.map(Reference::Tag));
                references.extend([Reference::OtherBranch, Reference::OtherTag]);
            }
            "release" => {
                references.extend(accepted_tags.map(Reference::Tag));
                references.push(Reference::OtherTag);
            }
            "pull_request" | "pull_request_target" => {
                references.extend(bases().map(Reference::PullRequest));
            }
            "merge_group" => references.extend(bases().map(Reference::MergeQueue)),
            "deployment"
            | "deployment_status"
            | "pull_request_review"
            | "pull_request_review_comment" => {
                references.push(Reference::Unknown);
            }
            // Every other event runs the file of the default branch.
            _ => references.push(default_branch.map_or(Reference::Unknown, |name| {
                Reference::Branch(name.to_owned())
            })),
        }
        self.add(Some(event), references);
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
        let mut payload = vec![("inputs".to_owned(), Value::object(texts.collect(), true))];
        if WITHOUT_PULL_REQUEST.contains(&event) {
            payload.push(("pull_request".to_owned(), Value::NULL));
        }
        if let Some(types) = trigger
            .map(|trigger| &trigger.types)
            .filter(|types| !types.is_empty())
        {
            let types = types.iter().map(Value::text).collect();
            payload.push((
                "action".to_owned(),
                Value::one_of("github.event.action".to_owned(), types),
            ));
        }
        let mut github = vec![
            ("event_name".to_owned(), Value::text(event)),
            ("event".to_owned(), Value::object(payload, false)),
        ];
        self.add_reference(&mut github, event, &start.reference);
        [
            ("github", Value::object(github, false)),
            ("inputs", Value::object(typed.collect(), true)),
        ]
    }

    fn add_reference(&self, github: &mut Vec<(String, Value)>, event: &str, reference: &Reference) {
        let mut add = |name: &str, value: Value| github.push((name.to_owned(), value));
        let other = |prefix: &str, names: &[String]| {
            let except = names.iter().map(|name| format!("{prefix}{name}"));
            Value::Unknown(Unknown {
                prefix: prefix.to_owned(),
                except: except.collect(),
                truth: None,
            })
        };
        let is_pull_request = matches!(reference, Reference::PullRequest(_));
        let branches = &self.named.branches;
        let (name, kind, prefix, names) = match reference {
            Reference::Branch(name) => (Some(name), "branch", "refs/heads/", branches),
            Reference::OtherBranch => (None, "branch", "refs/heads/", branches),
            Reference::Tag(name) => (Some(name), "tag", "refs/tags/", &self.named.tags),
            Reference::OtherTag => (None, "tag", "refs/tags/", &self.named.tags),
            // It runs for its base, and so has the base as its branch.
            Reference::PullRequest(base) if event == "pull_request_target" => {
                (base.as_ref(), "branch", "refs/heads/", branches)
            }
            Reference::PullRequest(_) | Reference::MergeQueue(_) => {
                let prefix = if is_pull_request {
                    "refs/pull/"
                } else {
                    "refs/heads/gh-readonly-queue/"
                };
                add("ref", Value::Unknown(Unknown::starting(prefix)));
                add("ref_type", Value::text("branch"));
                self.add_base(github, reference);
                return;
            }
            Reference::Unknown => return,
        };
        match name {
            Some(name) => {
                add("ref", Value::text(format!("{prefix}{name}")));
                add("ref_name", Value::text(name));
            }
            None => {
                add("ref", other(prefix, names));
                add("ref_name", other("", names));
            }
        }
        add("ref_type", Value::text(kind));
        self.add_base(github, reference);
    }

    /// Adds the base and the head, which only pull requests have.
    fn add_base(&self, github: &mut Vec<(String, Value)>, reference: &Reference) {
        let (base, head) = match reference {
            Reference::PullRequest(Some(base)) => (Value::text(base), Value::unknown()),
            Reference::PullRequest(None) => {
                let except = self.named.branches.iter().cloned().collect();
                (
                    Value::Unknown(Unknown {
                        except,
                        ..Unknown::default()
                    }),
                    Value::unknown(),
                )
            }
            _ => (Value::text(""), Value::text("")),
        };
        github.push(("base_ref".to_owned(), base));
        github.push(("head_ref".to_owned(), head));
    }
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
