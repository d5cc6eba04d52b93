//! Steps: gates and what they ask for, and what makes a gate or a branch mean less than it seems.

use std::collections::BTreeSet;

use super::choices::Choices;
use super::evaluate::{Scope, template};
use super::expression::{Part, parts};
use super::run::OfJob;
use super::value::Value;
use super::workflow::{Condition, Job, Workflow};
use super::yaml::Node;

/// A step with its place.
pub struct Step<'a> {
    pub node: &'a Node,
    /// Other steps run at the same time.
    pub is_beside_others: bool,
}

/// The steps of a job, also those that run at the same time.
pub fn steps(job: &Job) -> Vec<Step<'_>> {
    let mut all = Vec::new();
    for node in &job.steps {
        match node.get("parallel") {
            Some(group) => all.extend(group.items().iter().map(|node| Step {
                node,
                is_beside_others: true,
            })),
            None => all.push(Step {
                node,
                is_beside_others: is_true(node, "background"),
            }),
        }
    }
    all
}

fn is_true(node: &Node, key: &str) -> bool {
    node.get(key).and_then(Node::text) == Some("true")
}

/// An input of a step. Names of inputs have any case.
fn input<'a>(step: &'a Node, name: &str) -> Option<&'a str> {
    let with = step.get("with")?.members().iter();
    let mut with = with.filter(|(known, _)| known.eq_ignore_ascii_case(name));
    with.next()?.1.text()
}

/// Whether a step is this action, or its form without a container. Owner and name have any case.
pub fn is_gate(step: &Node) -> bool {
    let uses = step.get("uses").and_then(Node::text).unwrap_or_default();
    let path = uses.split('@').next().unwrap().to_lowercase();
    let path = path.strip_suffix("/native").unwrap_or(&path);
    path.rsplit('/').next() == Some("repo-permissions")
}

/// What the gates of a job ask for in a run, and whether it can ask for more.
pub fn gates(scope: &OfJob<'_, '_>, choices: &mut Choices) -> (BTreeSet<String>, bool) {
    let (mut asked, mut may_ask_more) = (BTreeSet::new(), false);
    for step in steps(scope.job) {
        let uses = step
            .node
            .get("uses")
            .and_then(Node::text)
            .unwrap_or_default();
        // An action of this repository: its steps can be gates.
        may_ask_more |= uses.starts_with("./");
        if !is_gate(step.node) || !may_run(step.node, scope, choices) {
            continue;
        }
        let text = input(step.node, "permission").unwrap_or_default();
        let text = parts(text).and_then(|parts| template(&parts, &OfStep(scope), choices));
        match text.map(|text| text.to_text(choices)) {
            Ok(Value::Text(text)) => asked.extend(keys(&text)),
            _ => may_ask_more = true,
        }
    }
    (asked, may_ask_more)
}

fn may_run(step: &Node, scope: &OfJob<'_, '_>, choices: &mut Choices) -> bool {
    let Some(condition) = step.get("if").and_then(Node::text) else {
        return true;
    };
    let Ok(condition) = Condition::read(condition) else {
        return false;
    };
    template(&condition.parts, &OfStep(scope), choices).is_ok_and(|value| value.is_truthy(choices))
}

/// The keys in a list of permissions.
pub fn keys(text: &str) -> impl Iterator<Item = String> {
    let names = text.split([',', '\n']).map(str::trim);
    names.filter(|name| !name.is_empty()).map(key)
}

fn key(name: &str) -> String {
    let name = name.to_lowercase();
    if name.contains(':') {
        return name;
    }
    let words: Vec<_> = name.split_whitespace().collect();
    match words.split_last() {
        Some((verb, noun)) => format!("ws:{}:{verb}", noun.join("_")),
        None => name,
    }
}

struct OfStep<'s, 'f, 'a>(&'s OfJob<'f, 'a>);

impl Scope for OfStep<'_, '_, '_> {
    fn context(&self, name: &str, choices: &mut Choices) -> Result<Value, String> {
        self.0.context(name, choices)
    }

    /// Of the steps before it.
    fn status(&self, function: &str, choices: &mut Choices) -> Result<bool, String> {
        Ok(match function {
            "success" | "always" => true,
            _ => choices.decide(&format!("a step before is {function}")),
        })
    }
}

/// What a reader of the file should know about a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// The job goes on after the gate denied.
    ContinueOnError,
    /// An `if:` can leave the gate out while later steps run.
    Condition,
    /// A step before the gate does the work already.
    WorkBefore,
    /// Other steps run while the gate decides.
    Beside,
    /// A step after the gate does its work after a denial too.
    Ignored,
    /// The job checks out a ref that is not the event's.
    DispatchedRef,
}

impl Finding {
    pub const ALL: [(&'static str, Self); 6] = [
        ("continue-on-error", Self::ContinueOnError),
        ("if", Self::Condition),
        ("work before the gate", Self::WorkBefore),
        ("beside other steps", Self::Beside),
        ("work after a denial", Self::Ignored),
        ("dispatched-ref", Self::DispatchedRef),
    ];

    /// The code by which the program reports it.
    pub fn code(self) -> &'static str {
        match self {
            Self::ContinueOnError => "gate-continues",
            Self::Condition => "gate-left-out",
            Self::WorkBefore => "gate-late",
            Self::Beside => "gate-concurrent",
            Self::Ignored => "gate-ignored",
            Self::DispatchedRef => "dispatched-ref",
        }
    }
}

/// The findings of a job of a file, from its steps and the jobs that wait for it.
pub fn findings(file: &Workflow, job: &Job) -> BTreeSet<Finding> {
    let mut found = BTreeSet::new();
    let steps = steps(job);
    let waiting = |other: &&Job| {
        other
            .needs
            .iter()
            .any(|need| need.eq_ignore_ascii_case(&job.id))
    };
    let waiting: Vec<_> = file.jobs.iter().filter(waiting).collect();
    if steps.iter().any(|step| is_gate(step.node)) {
        if job.may_fail && !waiting.is_empty() {
            found.insert(Finding::ContinueOnError);
        }
        let ignores = |other: &&Job| {
            let asks = other.condition.as_ref().is_some_and(|it| {
                let own = format!("needs.{}.result", job.id.to_lowercase());
                let mut paths = it.parts.iter().flat_map(|part| match part {
                    Part::Expression(expression) => expression.paths(),
                    Part::Plain(_) => Vec::new(),
                });
                it.asks_for_status && !paths.any(|path| path.to_lowercase() == own)
            });
            asks && other.steps.iter().any(does_work) && !other.steps.iter().any(is_gate)
        };
        let only_asks = !steps.iter().any(|step| does_work(step.node));
        if only_asks && waiting.into_iter().any(|other| ignores(&other)) {
            found.insert(Finding::Ignored);
        }
    }
    for (at, step) in steps.iter().enumerate() {
        if checks_out_another_ref(step.node) {
            found.insert(Finding::DispatchedRef);
        }
        if !is_gate(step.node) {
            continue;
        }
        if step
            .node
            .get("continue-on-error")
            .is_some_and(|node| node.text() != Some("false"))
        {
            found.insert(Finding::ContinueOnError);
        }
        if step.is_beside_others {
            found.insert(Finding::Beside);
        }
        if steps[..at].iter().any(|step| does_work(step.node)) {
            found.insert(Finding::WorkBefore);
        }
        let condition = |node: &Node| {
            let text = node.get("if").and_then(Node::text).map(str::to_owned);
            // A step without `if:` has this one.
            text.filter(|text| text != "success()")
        };
        let own = condition(step.node);
        let later = || {
            let later = steps[at + 1..].iter().map(|step| step.node);
            later.filter(|node| !is_gate(node))
        };
        let runs_after_denial = |node: &Node| {
            let condition = condition(node).map(|text| Condition::read(&text));
            condition.is_some_and(|it| it.is_ok_and(|it| it.asks_for_status))
        };
        if later().any(|node| does_work(node) && runs_after_denial(node)) {
            found.insert(Finding::Ignored);
        }
        if own.is_some() && later().any(|node| condition(node) != own) {
            found.insert(Finding::Condition);
        }
    }
    found
}

/// Commands that change what the permission protects.
fn does_work(step: &Node) -> bool {
    let run = step.get("run").and_then(Node::text).unwrap_or_default();
    [
        "terraform apply",
        "atmos terraform deploy",
        "kubectl apply",
        "tofu apply",
    ]
    .iter()
    .any(|command| run.contains(command))
}

/// `ref:` of actions/checkout from an input, a payload or a head.
fn checks_out_another_ref(step: &Node) -> bool {
    let uses = step.get("uses").and_then(Node::text).unwrap_or_default();
    let action = uses.split('@').next().unwrap().to_lowercase();
    if action != "actions/checkout" {
        return false;
    }
    let Some(Ok(parts)) = input(step, "ref").map(parts) else {
        return false;
    };
    parts.iter().any(|part| match part {
        Part::Plain(_) => false,
        Part::Expression(expression) => expression.paths().iter().any(|path| is_given(path)),
    })
}

fn is_given(path: &str) -> bool {
    // What the run itself says of its ref.
    let is_own = matches!(
        path,
        "github.event.repository.default_branch"
            | "github.event.pull_request.base.ref"
            | "github.event.after"
    );
    !is_own
        && ["inputs.", "github.event.", "github.head_ref"]
            .iter()
            .any(|start| path.starts_with(start))
}
