//! Checkouts of another commit than the one that the job's token names.

use github_actions_expressions::{Expr, SpannedExpr};

use super::expression::expressions;
use super::outcome::Outcome;
use super::path::JobPath;
use super::workflow::Step;

/// A step that gets the code of a reference that an input, a payload or another job chooses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChosenCheckout<'w> {
    /// The step.
    pub step: &'w Step,
    /// Contexts that choose the reference, such as `inputs.sha`.
    pub chosen_by: Vec<String>,
}

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

/// Returns the steps of a job that check out a chosen reference.
pub(super) fn chosen<'w>(path: &JobPath<'w>, outcomes: &[Outcome]) -> Vec<ChosenCheckout<'w>> {
    let mut events = outcomes
        .iter()
        .map(|outcome| outcome.start.event.as_deref());
    let only_pull_requests = events.all(|event| event == Some("pull_request"));
    let steps = path.job.steps.iter();
    let chosen = steps.filter_map(|step| {
        let mut sources = Vec::new();
        for text in references(step) {
            add_sources(&mut sources, text, path, path.calls.len());
        }
        sources.retain(|source| is_chosen(source, only_pull_requests));
        (!sources.is_empty()).then_some(ChosenCheckout {
            step,
            chosen_by: sources,
        })
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

/// Adds the contexts that a text names; those of inputs of a called workflow come from its caller.
fn add_sources(sources: &mut Vec<String>, text: &str, path: &JobPath<'_>, depth: usize) {
    for expression in expressions(text) {
        let Ok(expression) = Expr::parse(expression) else {
            continue;
        };
        for (context, origin) in expression.contexts() {
            let name =
                context
                    .parts
                    .first()
                    .and_then(|first: &SpannedExpr<'_>| match &first.inner {
                        Expr::Identifier(name) => Some(name.as_str()),
                        _ => None,
                    });
            let is_input = name.is_some_and(|name| name.eq_ignore_ascii_case("inputs"));
            let passed = depth
                .checked_sub(1)
                .and_then(|outer| Some((outer, path.calls.get(outer)?)));
            match passed.filter(|_| is_input) {
                Some((outer, (caller, call))) => {
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
                        add_sources(sources, text, path, outer);
                    }
                }
                None if !sources.iter().any(|known| known == origin.raw) => {
                    sources.push(origin.raw.to_owned())
                }
                None => {}
            }
        }
    }
}

fn is_chosen(source: &str, only_pull_requests: bool) -> bool {
    let is_below = |names: &[&str]| names.iter().any(|name| is_within(source, name));
    is_below(&CHOSEN) && !is_below(&SIGNED) && !(only_pull_requests && is_below(&HEAD))
}

/// Whether a context is `name` or one of its members.
fn is_within(source: &str, name: &str) -> bool {
    let source = source.to_ascii_lowercase();
    let rest = source.strip_prefix(name);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
