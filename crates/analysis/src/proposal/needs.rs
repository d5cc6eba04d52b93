//! Permissions that the jobs of a workflow need.

use crate::workflows::{Environment, RunJob, Step, Workflow};
use engine::policy::{PermissionKey, quoted};

use super::starts::StartKind;

/// A permission that a job needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) key: String,
    pub(super) environment: Environment,
    pub(super) when: When,
}

/// Starts of the workflow in which a job needs a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Always,
    /// Starts for code that is in the repository.
    Merged,
    /// Starts for proposed code, and pushes.
    Changed,
    /// Starts for proposed code.
    Proposed,
}

impl When {
    pub(super) fn fits(self, kind: StartKind, event: &str) -> bool {
        match self {
            Self::Always => true,
            Self::Merged => !kind.is_proposed(),
            Self::Changed => kind.is_proposed() || event == "push",
            Self::Proposed => kind.is_proposed(),
        }
    }
}

/// Returns the permissions that the steps with this action request.
pub(super) fn requested(
    file: &Workflow,
    jobs: &[RunJob<'_>],
    left_out: &mut Vec<String>,
) -> Vec<Need> {
    let mut needs = Vec::new();
    let file = &file.file;
    for job in jobs {
        for gate in &job.gates {
            let mut at = format!("line {}", gate.step.position.line);
            if job.file != file {
                at = format!("{at} of {}", job.file);
            }
            if !job.token.has_id_token() {
                left_out.push(format!(
                    "{file}: {at} requests permissions in a job without `id-token: write`, which therefore gets no token"
                ));
            }
            if let Some(text) = &gate.dynamic {
                left_out.push(format!(
                    "{file}: {at} requests {}, whose value only a run knows",
                    quoted(text)
                ));
            }
            for text in &gate.permissions {
                match PermissionKey::parse(text.into()) {
                    Ok(key) => {
                        needs.extend(job.environments.iter().map(|environment| Need {
                            key: key.to_string(),
                            environment: environment.clone(),
                            when: When::Always,
                        }));
                    }
                    Err(error) => left_out.push(format!(
                        "{file}: {at} requests an invalid permission: {error} ({})",
                        error.help()
                    )),
                }
            }
        }
    }
    needs
}

/// Commands of Atmos: the words of the line, the permission that its server requires, and when.
const COMMANDS: [(&[&str], &str, When); 5] = [
    (
        &["describe", "affected", "--upload"],
        "ws:affected_stacks:create",
        When::Changed,
    ),
    (
        &["list", "instances", "--upload"],
        "ws:instances:create",
        When::Merged,
    ),
    (&["--upload-status"], "ws:instances:update", When::Always),
    (&["atmos", "pro", "lock"], "ws:locks:create", When::Always),
    (&["atmos", "pro", "unlock"], "ws:locks:delete", When::Always),
];
/// Programs that change infrastructure.
const PROGRAMS: [&str; 4] = ["atmos", "terraform", "terragrunt", "tofu"];

/// Guesses the permissions that jobs need: a job with an environment deploys, and a plan reports
/// affected stacks.
pub(super) fn guessed(
    file: &Workflow,
    jobs: &[RunJob<'_>],
    left_out: &mut Vec<String>,
) -> Vec<Need> {
    let deploys = jobs
        .iter()
        .flat_map(|job| &job.environments)
        .any(|environment| *environment != Environment::None);
    let mut needs = Vec::new();
    for job in jobs {
        if let Some(call) = &job.job.call {
            left_out.push(format!(
                "{}: the permissions that {} needs are unknown",
                file.file,
                quoted(&call.uses)
            ));
            continue;
        }
        let steps = &job.job.steps;
        let mut keys: Vec<_> = COMMANDS
            .iter()
            .filter(|(words, ..)| steps.iter().any(|step| runs(step, words)))
            .map(|(_, key, when)| (*key, *when))
            .collect();
        let plans = keys.is_empty() && steps.iter().any(uses_program);
        for environment in &job.environments {
            let is_none = *environment == Environment::None;
            if is_none && plans {
                let when = if deploys {
                    When::Proposed
                } else {
                    When::Changed
                };
                keys.push(("ws:affected_stacks:create", when));
            } else if !is_none {
                keys.push(("ws:deployments:create", When::Merged));
            }
            needs.extend(keys.iter().map(|(key, when)| Need {
                key: (*key).to_owned(),
                environment: environment.clone(),
                // A job with an environment deploys merged code.
                when: match when {
                    When::Always if !is_none => When::Merged,
                    when => *when,
                },
            }));
        }
    }
    needs
}

fn uses_program(step: &Step) -> bool {
    let texts = step.run.iter().chain(&step.uses);
    let mut words = texts.flat_map(|text| text.split(|c: char| !c.is_ascii_alphanumeric()));
    words.any(|word| PROGRAMS.contains(&word))
}

/// Whether a line of the step contains all these words in this order. A line that ends in `\` continues
/// on the next one.
fn runs(step: &Step, words: &[&str]) -> bool {
    let text = step.run.as_deref().unwrap_or_default();
    let text = text.replace("\\\n", " ");
    text.lines().any(|line| {
        let mut line = line.split_whitespace();
        words.iter().all(|word| line.any(|seen| seen == *word))
    })
}
