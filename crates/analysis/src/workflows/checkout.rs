//! Checkouts of another commit than the one that the job's token names.

use std::sync::Arc;

use github_actions_expressions::context::Context;
use github_actions_expressions::op::{BinExpr, BinOp};
use github_actions_expressions::{Expr, SpannedExpr};

use super::expression::{certain, expressions};
use super::path::JobPath;
use super::start::Start;
use super::value::Value;
use super::workflow::Step;

/// A step that gets the code of a reference that an input, a payload or another job chooses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChosenCheckout<'w> {
    /// The step.
    pub step: &'w Step,
    /// Contexts that choose the reference, such as `inputs.sha`.
    pub chosen_by: Vec<String>,
    /// Starts in which they choose it.
    pub starts: Vec<Arc<Start>>,
}

/// A start that a job runs in, with the contexts `github` and `inputs`.
pub(super) type Started = (Arc<Start>, [(&'static str, Value); 2]);

/// Actions that check out a commit, and the inputs that choose it. Another repository by name is a dependency:
/// the file chooses its code.
const ACTIONS: [(&str, &[&str]); 4] = [
    ("actions/checkout", &["ref", "repository"]),
    (
        "cloudposse/github-action-atmos-affected-stacks",
        &["head-ref"],
    ),
    ("cloudposse/github-action-atmos-terraform-apply", &["sha"]),
    ("cloudposse/github-action-atmos-terraform-plan", &["sha"]),
];
/// Members of the payload that name the commit that the token names, or one of the repository's own branches.
const SIGNED: [&str; 6] = [
    "github.event.after",
    "github.event.merge_group",
    "github.event.pull_request.base",
    "github.event.ref",
    "github.event.release.tag_name",
    "github.event.repository",
];
/// The head of a pull request, which is the branch of a job of the event `pull_request`.
const HEAD: [&str; 4] = [
    "github.event.number",
    "github.event.pull_request.head",
    "github.event.pull_request.number",
    "github.head_ref",
];
/// Contexts that someone can choose per run.
const CHOSEN: [&str; 6] = [
    "github.event",
    "github.head_ref",
    "inputs",
    "needs",
    "steps",
    "env",
];

/// Returns the steps of a job that check out a chosen reference in one of these starts.
pub(super) fn chosen<'w>(path: &JobPath<'w>, started: &[Started]) -> Vec<ChosenCheckout<'w>> {
    let steps = path.job.steps.iter();
    let chosen = steps.filter_map(|step| {
        let references = references(step);
        let mut checkout = ChosenCheckout {
            step,
            chosen_by: Vec::new(),
            starts: Vec::new(),
        };
        for (start, contexts) in started.iter().filter(|_| !references.is_empty()) {
            let mut sources = Sources {
                path,
                event: start.event.as_deref(),
                contexts,
                found: Vec::new(),
            };
            sources.of_step(step, &references);
            if !sources.found.is_empty() {
                checkout.starts.push(Arc::clone(start));
            }
            let known = &mut checkout.chosen_by;
            let found = sources.found.into_iter();
            found.for_each(|source| add_once(known, source));
        }
        (!checkout.starts.is_empty()).then_some(checkout)
    });
    chosen.collect()
}

/// Returns the texts that say which code the step gets.
fn references(step: &Step) -> Vec<&str> {
    let uses = step.uses.as_deref().unwrap_or_default();
    let name = uses.split('@').next().unwrap_or_default();
    let action = ACTIONS
        .iter()
        .find(|(action, _)| action.eq_ignore_ascii_case(name));
    if let Some((_, inputs)) = action {
        return inputs
            .iter()
            .filter_map(|input| step.input(input))
            .collect();
    }
    let run = step.run.as_deref().unwrap_or_default();
    let gets = |line: &&str| {
        let words: Vec<_> = line.split_whitespace().collect();
        words.windows(2).any(|pair| {
            matches!(
                pair,
                ["git", "checkout" | "switch" | "fetch" | "reset" | "merge"]
            )
        }) || words
            .windows(3)
            .any(|three| three == ["gh", "pr", "checkout"])
    };
    run.lines().filter(gets).collect()
}

/// Collects the contexts that choose a reference in one start.
struct Sources<'s, 'w> {
    path: &'s JobPath<'w>,
    event: Option<&'s str>,
    contexts: &'s [(&'static str, Value)],
    found: Vec<String>,
}

impl Sources<'_, '_> {
    fn of_step(&mut self, step: &Step, references: &[&str]) {
        let depth = self.path.calls.len();
        let condition = step.condition.as_deref();
        let holds = condition.is_none_or(|condition| {
            certain(self.contexts(depth), |scope| scope.condition(condition)) != Some(false)
        });
        for text in references.iter().filter(|_| holds) {
            self.text(text, depth);
        }
    }

    /// Adds what chooses a text of the file that `depth` calls lead to.
    fn text(&mut self, text: &str, depth: usize) {
        for expression in expressions(text) {
            if let Ok(expression) = Expr::parse(expression) {
                self.expression(&expression, depth);
            }
        }
    }

    fn expression(&mut self, expression: &SpannedExpr<'_>, depth: usize) {
        match &expression.inner {
            Expr::Context(_) => {
                for (context, origin) in expression.contexts() {
                    self.context(context, origin.raw, depth);
                }
            }
            Expr::BinExpr(BinExpr { lhs, op, rhs }) => {
                self.expression(lhs, depth);
                let left = certain(self.contexts(depth), |scope| scope.is_true(lhs));
                let is_decided = match op {
                    BinOp::And => left == Some(false),
                    BinOp::Or => left == Some(true),
                    _ => false,
                };
                if !is_decided {
                    self.expression(rhs, depth);
                }
            }
            Expr::UnExpr { expr, .. } => self.expression(expr, depth),
            Expr::Call(call) => {
                let arguments = call.args.iter();
                arguments.for_each(|argument| self.expression(argument, depth));
            }
            _ => {}
        }
    }

    /// Adds a context; those of inputs of a called workflow come from its caller.
    fn context(&mut self, context: &Context<'_>, raw: &str, depth: usize) {
        let name = match context.parts.first().map(|first| &first.inner) {
            Some(Expr::Identifier(name)) => Some(name.as_str()),
            _ => None,
        };
        let is_input = name.is_some_and(|name| name.eq_ignore_ascii_case("inputs"));
        let outer = depth.checked_sub(1).filter(|_| is_input);
        if let Some((outer, (caller, call))) =
            outer.and_then(|outer| Some((outer, self.path.calls.get(outer)?)))
        {
            let input = context.single_tail().unwrap_or_default();
            let mut with = call.with.iter();
            let given = with.find(|(key, _)| key.eq_ignore_ascii_case(input));
            let default = || {
                let trigger = caller.called.trigger("workflow_call")?;
                let mut inputs = trigger.inputs.iter();
                inputs
                    .find(|known| known.name.eq_ignore_ascii_case(input))?
                    .default
                    .as_deref()
            };
            if let Some(text) = given.map(|(_, text)| text.as_str()).or_else(default) {
                self.text(text, outer);
            }
            return;
        }
        // What the start alone determines, such as the head of a push, nobody chooses.
        let value = certain(self.contexts(depth), |scope| scope.context(context));
        if !matches!(value, Some(Value::Scalar(_))) && is_chosen(raw, self.event) {
            add_once(&mut self.found, raw.to_owned());
        }
    }

    /// Returns the contexts of the file that `depth` calls lead to; its inputs are its caller's texts.
    fn contexts(&self, depth: usize) -> &[(&'static str, Value)] {
        match (self.contexts, depth) {
            ([github, ..], 1..) => std::slice::from_ref(github),
            (all, _) => all,
        }
    }
}

fn add_once(known: &mut Vec<String>, source: String) {
    if !known.contains(&source) {
        known.push(source);
    }
}

fn is_chosen(source: &str, event: Option<&str>) -> bool {
    let is_below = |names: &[&str]| names.iter().any(|name| is_within(source, name));
    let is_own_head = event == Some("pull_request") && is_below(&HEAD);
    is_below(&CHOSEN) && !is_below(&SIGNED) && !is_own_head
}

/// Whether a context is `name` or one of its members.
fn is_within(source: &str, name: &str) -> bool {
    let source = source.to_ascii_lowercase();
    let rest = source.strip_prefix(name);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
