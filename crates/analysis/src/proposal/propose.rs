//! Proposes the rules.

use super::ask::Asks;
use super::check::Checked;
use super::draft::Drafts;
use super::model::{Options, Proposal};
use super::notes::Notes;
use super::place::places;
use crate::workflows::{RunOptions, Workflow, Workflows};

/// Proposes rules. If workflows already use this action, the rules grant exactly the permissions that
/// they request; otherwise the rules grant what the jobs seem to need.
pub fn propose(workflows: &Workflows, options: &Options<'_>) -> Proposal {
    let run = RunOptions {
        action: options.action,
        default_branch: Some(options.default_branch),
    };
    let started = workflows.files.iter().filter(|file| !file.is_only_called());
    let files: Vec<_> = started
        .map(|file| (file, workflows.jobs_of(file, run)))
        .collect();
    let steps = workflows.files.iter().flat_map(|file| &file.jobs);
    let mut steps = steps.flat_map(|job| &job.steps);
    let uses_action = steps.any(|step| step.is_gate(options.action));
    let mut notes = Notes::default();
    let mut drafts = Drafts::default();
    for (file, jobs) in &files {
        let mut asks = Asks::new(file, &mut notes);
        match uses_action {
            true => asks.requested(jobs),
            false => asks.guessed(jobs),
        }
        let asks = asks.list;
        let starts = jobs.first().map(|job| &*job.starts).unwrap_or_default();
        for (ask, place) in places(file, starts, &asks, options.default_branch, &mut notes) {
            drafts.add(&file.file, ask, place);
        }
    }
    for file in workflows.files.iter().filter(|file| file.is_only_called()) {
        note_caller(file, workflows, run, uses_action, &mut notes);
    }
    for file in &workflows.unreadable {
        let at = file
            .position
            .map(|at| format!("{at}: "))
            .unwrap_or_default();
        notes.add(
            &file.file,
            format!("it cannot be read ({at}{})", file.message),
        );
    }
    let mut checked = Checked::default();
    let (rules, incomplete) = drafts.finish(|rule| match checked.problem(rule) {
        None => true,
        Some(why) => {
            rule.workflows
                .iter()
                .for_each(|file| notes.add(file, why.clone()));
            false
        }
    });
    Proposal {
        rules,
        incomplete,
        notes: notes.list,
    }
}

/// Names a file that others call by its full name: the rule has to name their file.
fn note_caller(
    file: &Workflow,
    workflows: &Workflows,
    run: RunOptions<'_>,
    uses_action: bool,
    notes: &mut Notes,
) {
    let jobs = workflows.files.iter().flat_map(|file| &file.jobs);
    let mut calls = jobs.filter_map(|job| job.call.as_ref()?.local_file());
    if calls.any(|called| called == file.file) {
        return;
    }
    let mut aside = Notes::default();
    let mut asks = Asks::new(file, &mut aside);
    let jobs = workflows.jobs_of(file, run);
    match uses_action {
        true => asks.requested(&jobs),
        false => asks.guessed(&jobs),
    }
    if !asks.list.is_empty() {
        let reason = "no workflow here calls it by a local path: one that calls it by its full name needs a rule for the calling file";
        notes.add(&file.file, reason.to_owned());
    }
}
