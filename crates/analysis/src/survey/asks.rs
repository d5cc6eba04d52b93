//! The steps of a repository that use this action, and whether their jobs may.

use std::collections::HashSet;

use super::finding::{Code, Finding};
use super::row::{Ask, WorkflowRow};
use crate::workflows::{Access, Gate, ID_TOKEN, Job, RunJob, Workflow, Workflows};
use engine::decision::is_trusted_event;
use engine::is_commit_sha;
use engine::policy::PermissionKey;
use engine::policy::quoted;
use engine::policy::source::{DEFAULT_PATH, PolicySource};

/// The most steps of one repository that are told. No repository that people write has as many.
const MAX_ASKS: usize = 1_000;
/// The longest value that is kept, in characters.
const MAX_VALUE: usize = 256;

/// What the workflow files of a repository come to.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) workflows: Vec<WorkflowRow>,
    pub(super) findings: Vec<Finding>,
}

pub(super) fn of(workflows: &Workflows, action: &str, is_private: bool) -> Found {
    let mut found = Found::default();
    let unreadable = workflows.unreadable.iter();
    found
        .findings
        .extend(unreadable.map(Finding::of_unreadable));
    // Those that are only called come last: what others call is told there.
    let (called, started): (Vec<_>, Vec<_>) = workflows
        .files
        .iter()
        .partition(|file| file.is_only_called());
    let mut told = HashSet::new();
    let mut left = MAX_ASKS;
    for file in started.into_iter().chain(called) {
        let mut asks = Vec::new();
        for job in &workflows.jobs_of(file, action) {
            for gate in &job.gates {
                let ask = Ask::of(job, gate);
                let is_told = file.is_only_called() && told.contains(&(ask.file.clone(), ask.line));
                if left == 0 || is_told {
                    continue;
                }
                left -= 1;
                check(&mut found.findings, file, job, gate, &ask, is_private);
                asks.push(ask);
            }
        }
        let mut seen = HashSet::new();
        asks.retain(|ask: &Ask| seen.insert(ask.clone()));
        told.extend(asks.iter().map(|ask| (ask.file.clone(), ask.line)));
        let id_token = asks_for_id_token(file);
        if id_token || !asks.is_empty() {
            found.workflows.push(WorkflowRow {
                file: file.file.clone(),
                events: file
                    .triggers
                    .iter()
                    .map(|trigger| trigger.event.clone())
                    .collect(),
                id_token,
                asks,
            });
        }
    }
    if left == 0 {
        let message = format!("only the first {MAX_ASKS} steps are told");
        found.findings.push(Finding::new(Code::NotRead, message));
    }
    found
        .workflows
        .sort_by(|one, other| one.file.cmp(&other.file));
    found
}

/// Where the action is used in workflows of events that a rule has to name; `is_named`: whether one does.
pub(super) fn untrusted(
    workflows: &[WorkflowRow],
    is_named: impl Fn(&str, &str) -> bool,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for workflow in workflows {
        let events = workflow.events.iter();
        // A called workflow has the event of its caller.
        let own = events.filter(|event| *event != "workflow_call");
        for event in own.filter(|event| !is_trusted_event(event)) {
            for ask in &workflow.asks {
                if ask
                    .permissions
                    .iter()
                    .any(|permission| !is_named(permission, event))
                {
                    let message = format!("asks on `{event}`");
                    let finding = Finding::new(Code::UntrustedEvent, message);
                    findings.push(finding.at(&ask.file, ask.line));
                }
            }
        }
    }
    findings
}

fn asks_for_id_token(file: &Workflow) -> bool {
    let jobs = file.jobs.iter().map(|job| &job.permissions);
    let mut blocks = jobs.chain([&file.permissions]).flatten();
    blocks.any(|block| block.access(ID_TOKEN) == Access::Write)
}

impl Ask {
    fn of(job: &RunJob<'_>, gate: &Gate<'_>) -> Self {
        let step = gate.step;
        let (policy, own_policy) = policy(step.input("policy"));
        Self {
            file: job.file.to_owned(),
            line: step.position.line,
            job: job.job.id.clone(),
            uses: short(step.uses.as_deref().unwrap_or_default()),
            permissions: gate.permissions.iter().map(|text| key(text)).collect(),
            dynamic: gate.dynamic.as_deref().map(short),
            mode: short(step.input("mode").unwrap_or("enforce")),
            policy,
            own_policy,
        }
    }
}

/// The key of a display name; anything else as it is.
fn key(text: &str) -> String {
    match PermissionKey::parse(text.into()) {
        Ok(key) => key.to_string(),
        Err(_) => short(text),
    }
}

fn short(text: &str) -> String {
    text.chars().take(MAX_VALUE).collect()
}

/// The input `policy` and whether it is a file of the repository itself.
fn policy(input: Option<&str>) -> (String, bool) {
    const WORKSPACE: &str = "${{ github.workspace }}";
    let input = input.unwrap_or(DEFAULT_PATH);
    let is_expression = input.trim_start_matches(WORKSPACE).contains("${{");
    match PolicySource::parse(input, WORKSPACE) {
        Ok(PolicySource::Inline(_)) => ("inline".to_owned(), true),
        Ok(PolicySource::DefaultBranch(_) | PolicySource::Workspace(_)) if !is_expression => {
            (short(input), true)
        }
        // What only a run knows, and what the action will refuse, too.
        _ => (short(input), false),
    }
}

fn check(
    findings: &mut Vec<Finding>,
    file: &Workflow,
    job: &RunJob<'_>,
    gate: &Gate<'_>,
    ask: &Ask,
    is_private: bool,
) {
    let mut find = |code, message: String| {
        findings.push(Finding::new(code, message).at(&ask.file, ask.line));
    };
    let of_job = said_of(job.job, file, job.file);
    let lacks = |scope, needed| {
        job.token
            .access(scope)
            .is_some_and(|access| access < needed)
    };
    // With a token or an App of its own the step needs no more of the job's.
    let by_job = uses_job_token(gate);
    let own_policy = PolicySource::parse(&ask.policy, "");
    let reads_own = is_private && matches!(own_policy, Ok(PolicySource::DefaultBranch(_)));
    let only_reviews = only_reviews(gate);
    let needs = [
        (!only_reviews, ID_TOKEN, Access::Write, Code::MissingIdToken),
        (
            by_job && reads_own,
            "contents",
            Access::Read,
            Code::MissingContents,
        ),
        (
            by_job && reports_to(gate, "check-run"),
            "checks",
            Access::Write,
            Code::MissingChecks,
        ),
        (
            by_job && !only_reviews && reports_to(gate, "status"),
            "statuses",
            Access::Write,
            Code::MissingStatuses,
        ),
    ];
    let missing = needs
        .iter()
        .filter(|(is_needed, scope, access, _)| *is_needed && lacks(scope, *access));
    let missing: Vec<_> = missing
        .map(|(_, scope, access, code)| {
            let access = if *access == Access::Write {
                "write"
            } else {
                "read"
            };
            (*code, format!("`{scope}: {access}`"))
        })
        .collect();
    if job.token.is_default() && !missing.is_empty() {
        let why = "has no `permissions:`, and no setting gives `id-token: write`";
        find(Code::MissingIdToken, format!("{of_job} {why}"));
    } else if let Some((Code::MissingIdToken, _)) = missing.first() {
        // One finding of a job that is not told more by several.
        let all: Vec<_> = missing.iter().map(|(_, what)| what.as_str()).collect();
        find(
            Code::MissingIdToken,
            format!("{of_job} has no {}", all.join(", ")),
        );
    } else {
        for (code, what) in missing {
            find(code, format!("{of_job} has no {what}"));
        }
    }
    if gate.dynamic.is_none() && gate.permissions.is_empty() && !only_reviews {
        find(Code::InvalidPermission, "asks for no permission".to_owned());
    }
    for text in &gate.permissions {
        if let Err(error) = PermissionKey::parse(text.into()) {
            find(Code::InvalidPermission, error.to_string());
        }
    }
    if let Some((_, reference)) = ask.uses.split_once('@')
        && !is_commit_sha(reference)
    {
        find(Code::MutableRef, format!("uses {}", quoted(&ask.uses)));
    }
}

/// The job, with the workflow that calls it.
fn said_of(job: &Job, file: &Workflow, written_in: &str) -> String {
    let mut text = format!("the job {}", quoted(&job.id));
    if file.file != written_in {
        text = format!("{text}, called by {},", quoted(&file.file));
    }
    text
}

/// Whether the step asks for no permission, and reviews.
fn only_reviews(gate: &Gate<'_>) -> bool {
    let asks = gate.dynamic.is_some() || !gate.permissions.is_empty();
    !asks && gate.step.input("review") == Some("true")
}

fn uses_job_token(gate: &Gate<'_>) -> bool {
    let of_job = |token: &str| {
        let token = token
            .trim_start_matches("${{")
            .trim_end_matches("}}")
            .trim();
        ["github.token", "secrets.GITHUB_TOKEN"]
            .iter()
            .any(|name| token.eq_ignore_ascii_case(name))
    };
    gate.step.input("app-client-id").is_none() && gate.step.input("token").is_none_or(of_job)
}

/// Whether the input `report` names a place; an expression names none that is known.
fn reports_to(gate: &Gate<'_>, place: &str) -> bool {
    let Some(report) = gate.step.input("report") else {
        return true;
    };
    let mut places = report.split([',', '\n']).map(str::trim);
    places.any(|named| named == place)
}
