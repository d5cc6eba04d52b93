//! Reports the outcome: outputs and summary immediately, check run and statuses through the API, and the log.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use futures_util::future::{join, join_all};
use http::StatusCode;

use super::credentials::Credentials;
use super::inputs::{Mode, ReportInputs, ReportTarget};
use super::runner::{
    Log, MAX_ANNOTATION, MAX_SUMMARY, clear_outputs, write_outputs, write_summary,
};
use super::runtime::head_sha;
use analysis::report::text::truncate;
use analysis::report::{
    Detail, Failure, Labels, Outcome, context_rows, reason_page, shown_rules, summary,
};
use engine::context::{Context, EventPayload};
use engine::decision::{Decision, Reason, TracedRule};
use engine::plural::{count, count_of};
use github::http::{Budget, HttpError};
use github::{Api, ApiError};
use platform::Variables;

/// Maximum number of rules of a permission in the log.
const MAX_RULES: usize = 200;
/// Maximum size of the output `result` in bytes; all outputs of a job may have 1 MB.
const MAX_RESULT: usize = 500_000;

/// Returns the failure of a step that the runner cancels.
pub(super) fn cancellation() -> Failure {
    Failure::new(
        Reason::Cancelled,
        "the step was cancelled before it finished",
    )
}

/// Writes the reports of a run. A failing report causes a warning, and the others continue.
pub struct Reporter<'a> {
    pub variables: &'a Variables,
    pub inputs: &'a ReportInputs,
    pub payload: Option<&'a EventPayload>,
    pub detail: Detail,
    pub credentials: Option<&'a Credentials>,
    /// Where the summary of this step starts in its file. A second one replaces the first.
    pub summary_start: Cell<Option<u64>>,
    /// Warnings about files, each of which it logs once.
    pub unwritable: RefCell<BTreeSet<String>>,
}

impl Reporter<'_> {
    /// Writes outputs and summary. Call it before any request, so that they exist whatever the network does.
    pub fn write_local(&self, outcome: &Outcome<'_>) {
        self.write_outputs(outcome);
        if self.inputs.targets.contains(&ReportTarget::Summary) {
            let page = summary(outcome, self.detail, self.advisory(), MAX_SUMMARY / 2);
            self.to_file("GITHUB_STEP_SUMMARY", |path| {
                let start = write_summary(path, &page, self.summary_start.get())?;
                self.summary_start.set(Some(start));
                Ok(())
            });
        }
    }

    /// Writes the outputs. They replace earlier ones of the same name.
    pub fn write_outputs(&self, outcome: &Outcome<'_>) {
        let of_context = |value: fn(&Context) -> Option<&String>| {
            outcome.context.and_then(value).map_or("", String::as_str)
        };
        let allowed = (outcome.decision == Decision::Allowed).to_string();
        let rule = outcome.rule();
        let json = outcome.to_json_within(MAX_RESULT);
        let outputs = [
            ("decision", outcome.decision.as_str()),
            ("allowed", &allowed),
            ("reason", outcome.reason.code()),
            ("message", &outcome.message),
            ("rule", &rule),
            (
                "repository",
                of_context(|context| context.repository.as_ref()),
            ),
            ("workflow", of_context(|context| context.workflow.as_ref())),
            ("branch", of_context(|context| context.branch.as_ref())),
            (
                "environment",
                of_context(|context| context.environment.as_ref()),
            ),
            (
                "policy-sha",
                outcome
                    .policy
                    .as_ref()
                    .and_then(|policy| policy.blob.as_deref())
                    .unwrap_or(""),
            ),
            ("check-run-url", ""),
            ("result", &json),
        ];
        self.to_file("GITHUB_OUTPUT", |path| {
            write_outputs(path, outputs).inspect_err(|_| clear_outputs(path))
        });
    }

    /// Writes the outputs of a step that asks for no permission, so that nothing is allowed or denied.
    pub fn write_undecided(&self, message: &str) {
        let empty = [
            "decision",
            "reason",
            "rule",
            "repository",
            "workflow",
            "branch",
            "environment",
            "policy-sha",
            "check-run-url",
        ];
        let empty = empty.map(|name| (name, ""));
        // Valid for `fromJSON`.
        let others = [("allowed", "false"), ("message", message), ("result", "{}")];
        self.to_file("GITHUB_OUTPUT", |path| {
            write_outputs(path, empty.into_iter().chain(others))
        });
    }

    /// Creates the check run and the commit statuses concurrently.
    pub async fn send(&self, outcome: &Outcome<'_>, budget: Budget) {
        let targets = [ReportTarget::CheckRun, ReportTarget::Status]
            .map(|target| self.inputs.targets.contains(&target));
        if targets == [false, false] {
            return;
        }
        let Some(credentials) = self.credentials else {
            return;
        };
        let sha = head_sha(self.inputs.sha.as_deref(), self.variables, self.payload);
        let Some(sha) = sha else {
            Log.warning("no check run and no status: the head commit of the pull request is unknown; set the input `sha`");
            return;
        };
        match credentials.for_reports(budget).await {
            Err(error) => Log.warning(&format!("no check run and no status: {error}")),
            Ok(api) => {
                let labels = self.labels();
                let check_run = async {
                    if targets[0] {
                        self.send_check_run(&api, &labels, outcome, &sha).await;
                    }
                };
                let statuses = async {
                    if targets[1] {
                        self.send_statuses(&api, &labels, outcome, &sha).await;
                    }
                };
                join(check_run, statuses).await;
            }
        }
    }

    /// Revokes the App's tokens.
    pub async fn revoke(&self, budget: Budget) {
        if let Some(credentials) = self.credentials {
            credentials.revoke(budget).await;
        }
    }

    async fn send_check_run(
        &self,
        api: &Api,
        labels: &Labels<'_>,
        outcome: &Outcome<'_>,
        sha: &str,
    ) {
        let Some(credentials) = self.credentials else {
            return;
        };
        let run = labels.check_run(outcome, sha);
        match api.create_check_run(credentials.repository(), &run).await {
            Ok(created) => {
                if let Some(url) = created.html_url {
                    self.to_file("GITHUB_OUTPUT", |path| {
                        write_outputs(path, [("check-run-url", &*url)])
                    });
                }
            }
            Err(error) => Log.warning(&not_reported(
                "the check run was not created",
                "checks: write",
                &error,
            )),
        }
    }

    async fn send_statuses(
        &self,
        api: &Api,
        labels: &Labels<'_>,
        outcome: &Outcome<'_>,
        sha: &str,
    ) {
        let Some(credentials) = self.credentials else {
            return;
        };
        let statuses = labels.statuses(outcome);
        let sent = statuses
            .iter()
            .map(|status| api.create_status(credentials.repository(), sha, status));
        // One warning for each cause, because GitHub shows only ten of a step.
        let mut failed: Vec<(ApiError, &str, usize)> = Vec::new();
        for (status, sent) in statuses.iter().zip(join_all(sent).await) {
            let Err(error) = sent else { continue };
            let known = failed
                .iter_mut()
                .find(|(known, ..)| known.to_string() == error.to_string());
            match known {
                Some((_, _, others)) => *others += 1,
                None => failed.push((error, &status.context, 0)),
            }
        }
        for (error, context, others) in failed {
            let what = match others {
                0 => format!("the commit status `{context}` was not set"),
                others => format!(
                    "the commit status `{context}` and {} were not set",
                    count(others, "other")
                ),
            };
            Log.warning(&not_reported(&what, "statuses: write", &error));
        }
    }

    /// Writes the log: the context, the rules, and in the last line the decision in one sentence.
    pub fn conclude(&self, outcome: &Outcome<'_>) {
        if let Some(context) = outcome.context {
            for (name, value) in context_rows(context) {
                Log.line(&format!("{name}: {}", value.unwrap_or("none")));
            }
        }
        if let Some(host) = &outcome.decided_by {
            Log.line(&format!("Decided by: {host}"));
        }
        let policies = [
            ("Policy", &outcome.policy),
            ("Own policy", &outcome.own_policy),
        ];
        for (name, policy) in policies {
            let Some(policy) = policy else { continue };
            let part = |(name, value): (&str, &str)| format!("{name} {value}").trim().to_owned();
            let parts: Vec<_> = policy.provenance().into_iter().map(part).collect();
            Log.line(&format!("{name}: {}", parts.join(", ")));
        }
        if self.detail == Detail::Full {
            for permission in &outcome.permissions {
                let title = format!(
                    "Rules for {}: {}",
                    permission.permission,
                    permission.decision.as_str()
                );
                let more = permission.trace.len().saturating_sub(MAX_RULES);
                let more = (more > 0)
                    .then(|| count_of(more, "more rule is not shown", "more rules are not shown"));
                let shown = shown_rules(permission, MAX_RULES).flat_map(trace_lines);
                Log.group(&title, shown.chain(more));
            }
        }
        let title = self.labels().title(outcome);
        match outcome.decision {
            Decision::Allowed => Log.line(&format!("See {}", reason_page(outcome.reason))),
            Decision::Denied if self.advisory() => {
                Log.annotate("warning", &title, &with_link(outcome))
            }
            Decision::Denied | Decision::Error => {
                Log.annotate("error", &title, &with_link(outcome));
            }
        }
        let verdict = match outcome.decision {
            Decision::Denied if self.advisory() => "would be denied (advisory mode)",
            decision => decision.as_str(),
        };
        Log.line(&format!(
            "{verdict} ({}): {}",
            outcome.reason.code(),
            outcome.message
        ));
    }

    fn advisory(&self) -> bool {
        self.inputs.mode == Mode::Advisory
    }

    pub(super) fn labels(&self) -> Labels<'_> {
        let variable = |name| self.variables.get(name).unwrap_or_default();
        let (server, repository) = (variable("GITHUB_SERVER_URL"), variable("GITHUB_REPOSITORY"));
        let (run, attempt) = (variable("GITHUB_RUN_ID"), variable("GITHUB_RUN_ATTEMPT"));
        Labels {
            permissions: &self.inputs.permissions,
            check_name: self.inputs.check_name.as_deref(),
            status_context: self.inputs.status_context.as_deref(),
            advisory: self.advisory(),
            detail: self.detail,
            external_id: format!("{run}/{attempt}"),
            check_run_id: self.variables.input("check-run-id"),
            run_url: format!("{server}/{repository}/actions/runs/{run}"),
            attempt: attempt.to_owned(),
        }
    }

    /// Writes a file of the runner. If that fails, logs a warning.
    pub(super) fn to_file(&self, variable: &str, write: impl FnOnce(&str) -> std::io::Result<()>) {
        let written = match self.variables.get(variable) {
            Some(path) => write(path).map_err(|error| error.to_string()),
            // Outside a job there is no such file, and the outcome says so.
            None if self.variables.get("GITHUB_ACTIONS").is_none() => return,
            None => Err("the variable is missing".to_owned()),
        };
        if let Err(error) = written {
            let message = format!("`{variable}` cannot be written: {error}");
            if self.unwritable.borrow_mut().insert(message.clone()) {
                Log.warning(&message);
            }
        }
    }
}

/// Returns the message of an annotation with a link to the documentation, because the run's page shows it
/// without the log. A truncated message keeps the link.
pub(super) fn with_link(outcome: &Outcome<'_>) -> String {
    let see = format!("; see {}", reason_page(outcome.reason));
    let room = MAX_ANNOTATION.saturating_sub(see.chars().count());
    truncate(&outcome.message, room).into_owned() + &see
}

/// Formats a rule of the trace for the log.
fn trace_lines(rule: &TracedRule) -> Vec<String> {
    let mark = |matched| if matched { "✓" } else { "✗" };
    let mut lines = vec![format!("{} {}", mark(rule.matched), rule.rule.label())];
    let width = rule
        .dimensions
        .iter()
        .map(|dimension| dimension.dimension.chars().count());
    let width = width.max().unwrap_or_default();
    for dimension in &rule.dimensions {
        let value = dimension
            .value
            .as_deref()
            .map_or("none".to_owned(), |value| format!("`{value}`"));
        lines.push(format!(
            "    {} {:<width$} {} `{}`, this job: {value}",
            mark(dimension.matched),
            dimension.dimension,
            dimension.kind,
            dimension.pattern,
        ));
    }
    lines
}

pub(super) fn not_reported(what: &str, permission: &str, error: &ApiError) -> String {
    match error {
        ApiError::Status {
            status: StatusCode::FORBIDDEN | StatusCode::NOT_FOUND,
            limited: None,
            ..
        } => format!(
            "{what}: {error}; the job's `permissions:` need `{permission}` (pull requests from forks never have it)"
        ),
        ApiError::Http(
            HttpError::Timeout { .. } | HttpError::Transport { .. } | HttpError::TooLarge { .. },
        ) => format!("{what}, or GitHub's answer to it was lost: {error}"),
        _ => format!("{what}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use analysis::report::Failure;
    use engine::decision::Reason;

    #[test]
    fn an_annotation_keeps_its_page_however_long_its_message_is() {
        for length in [1, 3_900, 4_000, 100_000] {
            let failure = Failure::new(Reason::PolicyInvalid, "ö".repeat(length));
            let outcome = Outcome::failed(&failure, None, None, Detail::Full);
            let message = with_link(&outcome);
            assert!(
                message.ends_with("/reasons/policy_invalid.html"),
                "{length}"
            );
            assert!(message.chars().count() <= MAX_ANNOTATION, "{length}");
        }
    }
}
