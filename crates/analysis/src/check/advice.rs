//! What to change so that a denied check would be granted.

use super::result::CheckResult;
use crate::Inputs;
use crate::pattern_text::{branch_of, file_of};
use crate::report::{self, Remedy, remedies};
use crate::suggestion::meant_entry;
use engine::context::Context;
use engine::decision::{Decision, Reason};
use engine::policy::{Kind, quoted};

/// Advice about a permission that is not allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The permission.
    pub permission: String,
    /// Changes, one for each dimension in which the nearest rule fails.
    pub changes: Vec<Change>,
    /// A sentence instead, if there are none.
    pub sentence: Option<String>,
}

/// A change after which one dimension of a rule would match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// File and line of the rule's condition.
    pub place: String,
    /// Line of the condition, from 1.
    pub line: u32,
    /// The policy's condition and the job's value.
    pub what: String,
    /// Change in the job, if one is possible.
    pub job: Option<String>,
    /// Change in the description of the job, if a value is missing, or no job has it in this form.
    pub input: Option<String>,
    /// Change in the policy, if one is known.
    pub policy: Option<String>,
}

/// Returns advice about each permission that is not allowed.
pub fn advice(check: &CheckResult<'_>) -> Vec<Advice> {
    let permissions = check.outcome.permissions.iter();
    let denied = permissions.filter(|permission| permission.decision != Decision::Allowed);
    let advice = denied.map(|permission| {
        let context = check.outcome.context;
        let remedies = context.map(|context| remedies(permission, context));
        let changes = remedies.into_iter().flatten();
        let changes: Vec<_> = changes.map(|remedy| change(remedy, check)).collect();
        let sentence = || {
            let general = || report::advice(permission.reason).map(str::to_owned);
            missing_input(permission.reason, check).or_else(general)
        };
        Advice {
            permission: permission.permission.to_string(),
            sentence: changes.is_empty().then(sentence).flatten(),
            changes,
        }
    });
    advice.collect()
}

fn change(remedy: Remedy, check: &CheckResult<'_>) -> Change {
    Change {
        place: format!("{}:{}", check.outcome.file(remedy.own_policy), remedy.line),
        line: remedy.line,
        input: check
            .outcome
            .context
            .and_then(|context| input(&remedy, context, check)),
        what: remedy.what,
        job: remedy.job,
        policy: remedy
            .policy
            .map(|policy| format!("{policy}, by a reviewed change")),
    }
}

/// Returns the input that this check needs to say more.
fn missing_input(reason: Reason, check: &CheckResult<'_>) -> Option<String> {
    let (context, inputs) = (check.outcome.context?, check.inputs());
    match reason {
        Reason::RepositoryNotFound if context.repository.is_none() => {
            let input = inputs.name("repository", "OWNER/NAME");
            Some(format!("Name the repository: {input}."))
        }
        Reason::RepositoryNotFound => {
            let repository = context.repository.as_deref()?;
            if let Some((line, hint)) = meant_entry(check.policy.policy()?, repository) {
                let file = check.outcome.file(false);
                return Some(format!("{file}:{line}: {hint}, by a reviewed change"));
            }
            let left_out = check.scenario?.leaves_out(check.policy)?;
            let repository = quoted(repository);
            let entry = "add an entry for it under `repositories:` of the policy";
            Some(match left_out.input(inputs) {
                Some(input) => format!(
                    "If {repository} contains the file, say so with {input}: then the rules at the top count. \
                     Otherwise {entry}, without rules at the top beside it."
                ),
                None => format!(
                    "If {repository} is to use this policy, move the rules at the top into an entry, and {entry}."
                ),
            })
        }
        Reason::RepositoryIdMismatch if context.repository_id.is_none() => Some(format!(
            "Give the repository's id: {}, and if the entry pins the owner, {}.",
            inputs.value("claim", "repository_id=ID"),
            inputs.value("claim", "repository_owner_id=ID"),
        )),
        _ => None,
    }
}

/// Returns the input for a value that is missing, or that no job has in this form.
fn input(remedy: &Remedy, context: &Context, check: &CheckResult<'_>) -> Option<String> {
    let inputs = check.inputs();
    let (input, value) = match &*remedy.dimension {
        "workflow" => (inputs.name("workflow", "FILE"), &context.workflow),
        "branch" => (inputs.name("branch", "BRANCH"), &context.branch),
        "environment" => (inputs.name("environment", "NAME"), &context.environment),
        "event" => (inputs.name("event", "NAME"), &context.event),
        "base" => {
            let base = context.base.branch()?;
            if let Some(correction) = corrected(("base", base), context, check) {
                return Some(correction);
            }
            let input = inputs.value("default-branch", base);
            // Somebody wrote the default branch as a full ref.
            let written = context.default_branch.as_deref();
            let written = written.and_then(|branch| branch.strip_prefix("refs/heads/refs/heads/"));
            if remedy.by_default_branch && written == Some(base) {
                return Some(format!("{input}: name a branch without `refs/heads/`"));
            }
            // A branch has no colon (git-check-ref-format).
            let is_open =
                remedy.by_default_branch && context.default_branch.is_none() && !base.contains(':');
            return is_open.then(|| format!("{input}, if that is the default branch"));
        }
        claim => {
            let claim = claim.strip_prefix("claims.")?;
            let value = context.claims.get(claim);
            return value
                .is_none()
                .then(|| inputs.value("claim", &format!("{claim}=VALUE")));
        }
    };
    match value {
        None => Some(format!("{input}, if the job has one")),
        Some(value) => corrected((&remedy.dimension, value), context, check),
    }
}

/// Returns the input to use instead of a value that no job has.
fn corrected(
    (dimension, value): (&str, &str),
    context: &Context,
    check: &CheckResult<'_>,
) -> Option<String> {
    let inputs: Inputs = check.inputs();
    let event = context.event.as_deref().unwrap_or_default();
    let has_payload = check.scenario.is_some_and(|scenario| scenario.has_payload);
    match dimension {
        "branch" if value.starts_with("unknown:") && event.starts_with("pull_request") => {
            let payload = inputs.name("payload", "event.json");
            let why = "the event's payload, which names the branch's owner";
            (!has_payload).then(|| format!("{payload}, {why}"))
        }
        "branch" => {
            let name = branch_of(value, Kind::Literal)?;
            let input = inputs.value("branch", name);
            Some(format!("{input}: name a branch without `refs/heads/`"))
        }
        "base" => {
            let name = branch_of(value.strip_prefix("refs/heads/")?, Kind::Literal)?;
            let input = inputs.value("base", name);
            Some(format!("{input}: name a branch without `refs/heads/`"))
        }
        "workflow" => {
            let file = file_of(value, Kind::Literal, context.repository.as_deref())?;
            let input = inputs.value("workflow", file);
            Some(format!("{input}: name a workflow by its file"))
        }
        _ => None,
    }
}
