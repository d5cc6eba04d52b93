//! What a policy cannot enforce because of the workflow files: a gate that does not stop its job, and a job
//! that runs other code than its token names.

use std::collections::BTreeSet;

use super::{Finding, Lint, catalogue};
use crate::workflows::{AccessLevel, ChosenCheckout, Gate, ID_TOKEN, RunJob, Weakness, Workflow};
use engine::policy::{Position, quoted};

/// Returns the findings of the jobs of workflow files, each with the name of its file, sorted by file and position.
pub fn lint_workflows<'w>(runs: &[(&'w Workflow, Vec<RunJob<'w>>)]) -> Vec<(&'w str, Finding)> {
    let mut findings: Vec<(&str, Finding)> = Vec::new();
    // A file that others call runs with what they pass to it.
    let callers = runs.iter().filter(|(file, _)| !file.is_only_called());
    let called: BTreeSet<_> = callers
        .flat_map(|(_, jobs)| jobs.iter().map(|job| job.file))
        .collect();
    let runs = runs
        .iter()
        .filter(|(file, _)| !file.is_only_called() || !called.contains(&*file.file));
    for job in runs.flat_map(|(_, jobs)| jobs) {
        let gates = job.gates.iter().flat_map(of_gate);
        let checkouts = job.checkouts.iter().filter(|_| may_ask(job));
        for finding in gates.chain(checkouts.map(of_checkout)) {
            let finding = (job.file, finding);
            // Several callers can have the same job.
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
    }
    findings.sort_by(|(one, finding), (other, next)| {
        (one, finding.position, finding.code).cmp(&(other, next.position, next.code))
    });
    findings
}

/// Whether the job can have a token that a policy decides on.
fn may_ask(job: &RunJob<'_>) -> bool {
    job.token
        .access(ID_TOKEN)
        .is_none_or(|access| access == AccessLevel::Write)
}

fn of_gate<'g>(gate: &'g Gate<'_>) -> impl Iterator<Item = Finding> + 'g {
    let at = gate.step.position;
    gate.weaknesses.iter().map(move |weakness| match weakness {
        Weakness::ContinuesOnError => finding(
            &catalogue::GATE_CONTINUES,
            at,
            "the job goes on after a denial, because this step has `continue-on-error`".to_owned(),
            "remove it; to enforce nothing yet, write `mode: advisory`, which the check run shows",
        ),
        Weakness::JobContinuesOnError { line } => finding(
            &catalogue::GATE_CONTINUES,
            at,
            format!(
                "the job in line {line} starts after a denial, because the job that it needs has `continue-on-error`"
            ),
            "remove it from the job of this step, or repeat this step in the other job",
        ),
        Weakness::LeftOut { line } => finding(
            &catalogue::GATE_LEFT_OUT,
            at,
            format!("the `if:` of this step can leave it out while the step in line {line} runs"),
            "move the condition to the job, or give both steps the same one",
        ),
        Weakness::After { line } => finding(
            &catalogue::GATE_LATE,
            at,
            format!("the step in line {line} runs before this one"),
            "move this step in front of it",
        ),
        Weakness::Concurrent => finding(
            &catalogue::GATE_CONCURRENT,
            at,
            "the steps beside this one do not wait for its decision".to_owned(),
            "move it in front of `parallel:`, and remove `background:`",
        ),
        Weakness::Ignored { line } => finding(
            &catalogue::GATE_IGNORED,
            at,
            format!("the `if:` of the step in line {line} makes it run after a denial too"),
            "give this step an `id:`, and require `steps.ID.outcome == 'success'` there",
        ),
        Weakness::IgnoredByJob { line } => finding(
            &catalogue::GATE_IGNORED,
            at,
            format!("the `if:` of the job in line {line} makes it run after a denial too"),
            "require `needs.JOB.result == 'success'` there, with the ID of the job of this step",
        ),
    })
}

fn of_checkout(checkout: &ChosenCheckout<'_>) -> Finding {
    let chosen: Vec<_> = checkout.chosen_by.iter().map(|name| quoted(name)).collect();
    let message = format!(
        "{} chooses the commit that this job runs, so the branch of its token says nothing about this code",
        chosen.join(" or ")
    );
    let help = "limit who can start the workflow, and give the check the same commit as `sha:`";
    finding(
        &catalogue::DISPATCHED_REF,
        checkout.step.position,
        message,
        help,
    )
}

fn finding(lint: &Lint, position: Position, message: String, help: &str) -> Finding {
    Finding::new(lint, position, 0, message).help(help)
}
