//! Steps of a repository that use this action, and what their jobs lack for it.

use std::collections::HashSet;

use super::finding::{Code, SurveyFinding};
use super::row::{ActionStep, WorkflowRow};
use crate::workflows::{AccessLevel, Gate, ID_TOKEN, Job, RunJob, RunOptions, Workflow, Workflows};
use engine::decision::is_trusted_event;
use engine::is_commit_sha;
use engine::policy::PermissionKey;
use engine::policy::quoted;
use engine::policy::source::{DEFAULT_PATH, PolicySource};

/// Maximum number of steps of one repository in the report. No repository that people write has as many.
const MAX_STEPS: usize = 1_000;
/// Maximum length of a value in the report, in characters.
const MAX_VALUE: usize = 256;

/// Rows and findings of the workflow files of a repository.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) workflows: Vec<WorkflowRow>,
    pub(super) findings: Vec<SurveyFinding>,
}

pub(super) fn of(workflows: &Workflows, action: &str, is_private: bool) -> Found {
    let mut found = Found::default();
    let unreadable = workflows.unreadable.iter();
    found
        .findings
        .extend(unreadable.map(SurveyFinding::of_unreadable));
    let options = RunOptions {
        action,
        default_branch: None,
    };
    // Files that are only called come last: their steps are reported with the callers.
    let (called, started): (Vec<_>, Vec<_>) = workflows
        .files
        .iter()
        .partition(|file| file.is_only_called());
    let mut reported = HashSet::new();
    let mut left = MAX_STEPS;
    for file in started.into_iter().chain(called) {
        let mut steps = Vec::new();
        for job in &workflows.jobs_of(file, options) {
            for gate in &job.gates {
                let step = ActionStep::of(job, gate);
                let is_reported =
                    file.is_only_called() && reported.contains(&(step.file.clone(), step.line));
                if left == 0 || is_reported {
                    continue;
                }
                left -= 1;
                check(&mut found.findings, file, job, gate, &step, is_private);
                steps.push(step);
            }
        }
        let mut seen = HashSet::new();
        steps.retain(|step: &ActionStep| seen.insert(step.clone()));
        reported.extend(steps.iter().map(|step| (step.file.clone(), step.line)));
        found.workflows.extend(row(file, steps));
    }
    if left == 0 {
        let message = format!("the survey reports only the first {MAX_STEPS} steps");
        found
            .findings
            .push(SurveyFinding::new(Code::NotRead, message));
    }
    found
        .workflows
        .sort_by(|one, other| one.file.cmp(&other.file));
    found
}

/// Returns the row of a file, if it uses the action or requests the permission that the action needs.
fn row(file: &Workflow, steps: Vec<ActionStep>) -> Option<WorkflowRow> {
    let id_token = requests_id_token(file);
    let events = file.triggers.iter().map(|trigger| trigger.event.clone());
    (id_token || !steps.is_empty()).then(|| WorkflowRow {
        file: file.file.clone(),
        events: events.collect(),
        id_token,
        steps,
    })
}

/// Finds uses of the action in workflows that an untrusted event starts, unless `is_named` says that a
/// rule for the permission names the event.
pub(super) fn untrusted(
    workflows: &[WorkflowRow],
    is_named: impl Fn(&str, &str) -> bool,
) -> Vec<SurveyFinding> {
    let mut findings = Vec::new();
    for workflow in workflows {
        let events = workflow.events.iter();
        // A called workflow has the event of its caller.
        let own = events.filter(|event| *event != "workflow_call");
        for event in own.filter(|event| !is_trusted_event(event)) {
            for step in &workflow.steps {
                if step
                    .permissions
                    .iter()
                    .any(|permission| !is_named(permission, event))
                {
                    let message = format!("requests permissions on `{event}`");
                    let finding = SurveyFinding::new(Code::UntrustedEvent, message);
                    findings.push(finding.at(&step.file, step.line));
                }
            }
        }
    }
    findings
}

fn requests_id_token(file: &Workflow) -> bool {
    let jobs = file.jobs.iter().map(|job| &job.permissions);
    let mut blocks = jobs.chain([&file.permissions]).flatten();
    blocks.any(|block| block.access(ID_TOKEN) == AccessLevel::Write)
}

impl ActionStep {
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

/// Converts a display name to its key; returns any other text unchanged.
fn key(text: &str) -> String {
    match PermissionKey::parse(text.into()) {
        Ok(key) => key.to_string(),
        Err(_) => short(text),
    }
}

fn short(text: &str) -> String {
    text.chars().take(MAX_VALUE).collect()
}

/// Returns the input `policy`, and whether it names a file of the repository itself.
fn policy(input: Option<&str>) -> (String, bool) {
    const WORKSPACE: &str = "${{ github.workspace }}";
    let input = input.unwrap_or(DEFAULT_PATH);
    let is_expression = input.trim_start_matches(WORKSPACE).contains("${{");
    match PolicySource::parse(input, WORKSPACE) {
        Ok(PolicySource::Inline(_)) => ("inline".to_owned(), true),
        Ok(PolicySource::DefaultBranch(_) | PolicySource::Workspace(_)) if !is_expression => {
            (short(input), true)
        }
        // This includes values that only a run knows, and invalid ones.
        _ => (short(input), false),
    }
}

fn check(
    findings: &mut Vec<SurveyFinding>,
    file: &Workflow,
    job: &RunJob<'_>,
    gate: &Gate<'_>,
    reported: &ActionStep,
    is_private: bool,
) {
    let mut find = |code, message: String| {
        findings.push(SurveyFinding::new(code, message).at(&reported.file, reported.line));
    };
    let of_job = label(job.job, file, job.file);
    let missing = missing_permissions(job, gate, reported, is_private);
    let only_reviews = only_reviews(gate);
    if job.token.is_default() && !missing.is_empty() {
        let why = "has no `permissions:`, and GitHub's defaults never include `id-token: write`";
        find(Code::MissingIdToken, format!("{of_job} {why}"));
    } else if let Some((Code::MissingIdToken, _)) = missing.first() {
        // One finding for the job is enough: they have one fix.
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
        find(Code::InvalidPermission, "requests no permission".to_owned());
    }
    for text in &gate.permissions {
        if let Err(error) = PermissionKey::parse(text.into()) {
            find(Code::InvalidPermission, error.to_string());
        }
    }
    if let Some((_, reference)) = reported.uses.split_once('@')
        && !is_commit_sha(reference)
    {
        find(Code::MutableRef, format!("uses {}", quoted(&reported.uses)));
    }
}

/// Returns the permissions that the job's token needs for the step and lacks, with their findings.
fn missing_permissions(
    job: &RunJob<'_>,
    gate: &Gate<'_>,
    reported: &ActionStep,
    is_private: bool,
) -> Vec<(Code, String)> {
    let lacks = |scope, needed| {
        job.token
            .access(scope)
            .is_some_and(|access| access < needed)
    };
    // A step with its own token or App does not use the job's token.
    let by_job = uses_job_token(gate);
    let own_policy = PolicySource::parse(&reported.policy, "");
    let reads_own = is_private && matches!(own_policy, Ok(PolicySource::DefaultBranch(_)));
    let only_reviews = only_reviews(gate);
    let needs = [
        (
            !only_reviews,
            ID_TOKEN,
            AccessLevel::Write,
            Code::MissingIdToken,
        ),
        (
            by_job && reads_own,
            "contents",
            AccessLevel::Read,
            Code::MissingContents,
        ),
        (
            by_job && reports_to(gate, "check-run"),
            "checks",
            AccessLevel::Write,
            Code::MissingChecks,
        ),
        (
            by_job && !only_reviews && reports_to(gate, "status"),
            "statuses",
            AccessLevel::Write,
            Code::MissingStatuses,
        ),
    ];
    let missing = needs
        .iter()
        .filter(|(is_needed, scope, access, _)| *is_needed && lacks(scope, *access));
    missing
        .map(|(_, scope, access, code)| {
            let access = if *access == AccessLevel::Write {
                "write"
            } else {
                "read"
            };
            (*code, format!("`{scope}: {access}`"))
        })
        .collect()
}

/// Returns the job's name, with the workflow that calls it.
fn label(job: &Job, file: &Workflow, defined_in: &str) -> String {
    let mut text = format!("the job {}", quoted(&job.id));
    if file.file != defined_in {
        text = format!("{text}, called by {},", quoted(&file.file));
    }
    text
}

/// Whether the step requests no permission and reviews a policy.
fn only_reviews(gate: &Gate<'_>) -> bool {
    let requests = gate.dynamic.is_some() || !gate.permissions.is_empty();
    !requests && gate.step.input("review") == Some("true")
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

/// Whether the input `report` names a target. What an expression names is unknown, so it counts as none.
fn reports_to(gate: &Gate<'_>, target: &str) -> bool {
    let Some(report) = gate.step.input("report") else {
        return true;
    };
    let mut targets = report.split([',', '\n']).map(str::trim);
    targets.any(|named| named == target)
}
