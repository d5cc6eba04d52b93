//! Builds the check run and the commit statuses of an outcome.

use std::borrow::Borrow;

use super::model::{Detail, Outcome};
use super::page::{heading, page};
use super::reasons::describe;
use super::text::{basic_plane, truncate, visible};
use crate::report::check::{
    Annotation, AnnotationLevel, CheckRun, CommitStatus, Conclusion, MAX_DESCRIPTION, MAX_TEXT,
    Output, StatusState,
};
use crate::suggestion::nearest_miss;
use engine::decision::Decision;

/// Maximum length of a check run's name and of a status's context, in characters.
const MAX_NAME: usize = 250;

/// Names and settings of the reports.
#[derive(Clone, Debug)]
pub struct Labels<'a> {
    /// The requested permissions in order, with the raw text of invalid ones.
    pub permissions: &'a [String],
    /// The input `check-name`.
    pub check_name: Option<&'a str>,
    /// The input `status-context`.
    pub status_context: Option<&'a str>,
    /// Whether denials are only reported (advisory mode).
    pub advisory: bool,
    /// How much of the policy to show.
    pub detail: Detail,
    /// `RUN_ID/ATTEMPT`.
    pub external_id: String,
    /// URL of the run's page.
    pub run_url: String,
    /// The input `check-run-id`, for a job whose token says nothing.
    pub check_run_id: Option<&'a str>,
    /// `GITHUB_RUN_ATTEMPT`.
    pub attempt: String,
}

impl Labels<'_> {
    /// Returns the URL of the job's page if its id is known, otherwise that of the run's attempt.
    fn job_url(&self, outcome: &Outcome<'_>) -> Option<String> {
        let job = outcome
            .context
            .and_then(|context| context.check_run_id.as_deref())
            .or(self.check_run_id)
            .filter(|id| id.bytes().all(|b| b.is_ascii_digit()));
        let page = match job {
            Some(job) => format!("job/{job}"),
            None => format!("attempts/{}", self.attempt),
        };
        Some(format!("{}/{page}", self.run_url)).filter(|url| url.starts_with("http"))
    }

    /// Returns the name of the check run.
    pub fn check_name(&self, outcome: &Outcome<'_>) -> String {
        let name = match self.check_name {
            Some(name) => name.to_owned(),
            None => {
                let name = of_permissions("Repository permissions", self.permissions);
                let environment = outcome
                    .context
                    .and_then(|context| context.environment.as_deref());
                match environment {
                    Some(environment) => format!("{name} ({environment})"),
                    None => name,
                }
            }
        };
        truncate(&visible(&name), MAX_NAME).into_owned()
    }

    /// Returns the decision with the permissions that it is about: of several, those that are denied.
    pub fn title(&self, outcome: &Outcome<'_>) -> String {
        let heading = heading(outcome.decision, self.advisory);
        let denied = outcome.permissions.iter();
        let denied = denied.filter(|one| one.decision == Decision::Denied);
        let denied: Vec<_> = denied.map(|one| &*one.permission).collect();
        match denied.as_slice() {
            [] => of_permissions(heading, self.permissions),
            denied => of_permissions(heading, denied),
        }
    }

    fn status_context(&self, outcome: &Outcome<'_>, key: &str) -> String {
        let context = match (self.status_context, self.permissions) {
            (Some(context), [_]) => context.to_owned(),
            (Some(context), _) => format!("{context}/{key}"),
            (None, _) => {
                let environment = outcome
                    .context
                    .and_then(|context| context.environment.as_deref());
                match environment {
                    Some(environment) => format!("repo-permissions/{key}/{environment}"),
                    None => format!("repo-permissions/{key}"),
                }
            }
        };
        truncate(&basic_plane(&visible(&context)), MAX_NAME).into_owned()
    }

    /// Builds the check run for a commit.
    pub fn check_run(&self, outcome: &Outcome<'_>, head_sha: &str) -> CheckRun {
        let title = outcome.attributed(self.title(outcome));
        CheckRun {
            name: self.check_name(outcome),
            head_sha: head_sha.to_owned(),
            status: "completed",
            conclusion: match outcome.decision {
                Decision::Allowed => Conclusion::Success,
                Decision::Denied if self.advisory => Conclusion::Neutral,
                Decision::Denied | Decision::Error => Conclusion::Failure,
            },
            external_id: self.external_id.clone(),
            details_url: self.job_url(outcome),
            output: Output {
                title: truncate(&visible(&title), MAX_NAME).into_owned(),
                summary: page(outcome, self.detail, MAX_TEXT),
                annotations: self.annotations(outcome),
            },
        }
    }

    /// Annotates the lines of the policy that decided, if it is a file of this repository.
    fn annotations(&self, outcome: &Outcome<'_>) -> Vec<Annotation> {
        if self.detail != Detail::Full {
            return Vec::new();
        }
        let own = outcome.policy.as_ref().filter(|policy| policy.is_own);
        let of_permissions = outcome.permissions.iter().filter_map(|permission| {
            let (rule, level) = match (&permission.rule, &permission.nearest) {
                (Some(rule), _) => (rule, AnnotationLevel::Notice),
                (None, Some(nearest)) if self.advisory => (&nearest.rule, AnnotationLevel::Warning),
                (None, Some(nearest)) => (&nearest.rule, AnnotationLevel::Failure),
                (None, None) => return None,
            };
            let policy = match rule.own_policy {
                true => outcome.own_policy.as_ref(),
                false => own,
            };
            let message = match nearest_miss(permission) {
                Some(sentence) => format!("nearest to a match: {sentence}"),
                None => "this rule grants it".to_owned(),
            };
            let title = format!(
                "{} is {}",
                permission.permission,
                permission.decision.as_str()
            );
            Some((&policy?.file, rule.line, level, title, message))
        });
        // Where the repository's own policy was read beside a central one, that one decided, so it is valid.
        let invalid = outcome.own_policy.as_ref().or(own);
        let invalid = invalid.zip(outcome.invalid_at).map(|(policy, line)| {
            (
                &policy.file,
                line,
                AnnotationLevel::Failure,
                "the policy is not valid".to_owned(),
                outcome.message.clone(),
            )
        });
        of_permissions
            .chain(invalid)
            .take(crate::report::check::MAX_ANNOTATIONS)
            .map(
                |(path, line, annotation_level, title, message)| Annotation {
                    path: path.clone(),
                    start_line: line,
                    end_line: line,
                    annotation_level,
                    title: truncate(&visible(&title), MAX_NAME).into_owned(),
                    message: truncate(&visible(&message), 4_000).into_owned(),
                },
            )
            .collect()
    }

    /// Builds one commit status per permission.
    pub fn statuses(&self, outcome: &Outcome<'_>) -> Vec<CommitStatus> {
        let status = |key: &str, decision: Decision, description: &str| CommitStatus {
            state: match decision {
                Decision::Allowed => StatusState::Success,
                Decision::Denied if self.advisory => StatusState::Success,
                Decision::Denied => StatusState::Failure,
                Decision::Error => StatusState::Error,
            },
            context: self.status_context(outcome, key),
            description: truncate(&basic_plane(&visible(description)), MAX_DESCRIPTION)
                .into_owned(),
            target_url: self.job_url(outcome),
        };
        if outcome.permissions.is_empty() {
            let description = format!("{}: {}", outcome.reason.code(), outcome.message);
            return self
                .permissions
                .iter()
                .map(|key| status(key, outcome.decision, &description))
                .collect();
        }
        outcome
            .permissions
            .iter()
            .map(|permission| {
                let description = match (permission.decision, nearest_miss(permission)) {
                    (Decision::Denied, _) if self.advisory => {
                        format!("would be denied: {}", permission.reason.code())
                    }
                    (Decision::Denied, Some(sentence)) if self.detail == Detail::Full => {
                        format!("denied: {sentence}")
                    }
                    (_, _) if self.detail == Detail::None => {
                        permission.decision.as_str().to_owned()
                    }
                    (Decision::Allowed, _) => match &permission.rule {
                        Some(rule) if self.detail == Detail::Full => {
                            format!("allowed: {} matches", rule.label())
                        }
                        _ => "allowed".to_owned(),
                    },
                    (_, _) => format!("denied: {}", describe(permission.reason)),
                };
                let description = outcome.attributed(description);
                status(&permission.permission, permission.decision, &description)
            })
            .collect()
    }
}

/// Adds the permissions to a title, if there are any: GitHub removes a blank at the end.
fn of_permissions<T: Borrow<str>>(title: &str, permissions: &[T]) -> String {
    match permissions {
        [] => title.to_owned(),
        permissions => format!("{title}: {}", permissions.join(", ")),
    }
}
