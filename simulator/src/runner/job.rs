//! A job before its step starts, as GitHub and the runner know it.

use serde_json::{Map, Value};

use super::pull_request::PullRequest;
use super::trigger::Trigger;
use crate::github::{CommitSha, Level, Permissions, Repository};

/// A job of a workflow run. Use an event's constructor (`job_of_event.rs`), then change fields or use the `with_` methods.
#[derive(Debug, Clone)]
pub struct Job {
    /// Repository of the run.
    pub repository: Repository,
    /// File name below `.github/workflows/`.
    pub workflow_file: String,
    /// The `workflow` claim: the title, which the workflow file sets freely.
    pub workflow_name: String,
    /// `OWNER/REPO/PATH@REF` of another repository's workflow. The default follows from the fields.
    pub workflow_ref: Option<String>,
    /// The job's reusable workflow, `OWNER/REPO/PATH@REF`. The default is the workflow itself.
    pub job_workflow_ref: Option<String>,
    /// `GITHUB_EVENT_NAME`.
    pub event_name: String,
    /// `GITHUB_REF`; empty for a deployment by SHA.
    pub reference: String,
    /// `GITHUB_SHA`.
    pub sha: CommitSha,
    /// `GITHUB_HEAD_REF`; empty outside pull requests.
    pub head_ref: String,
    /// `GITHUB_BASE_REF`; empty outside pull requests.
    pub base_ref: String,
    /// The run's pull request, as GitHub knows it.
    pub pull_request: Option<PullRequest>,
    /// Whether the ref has branch protection.
    pub ref_protected: bool,
    /// The job's deployment environment.
    pub environment: Option<String>,
    /// Login of the person who started the run.
    pub actor: String,
    /// The actor's numeric id.
    pub actor_id: u64,
    /// `GITHUB_RUN_ID`.
    pub run_id: u64,
    /// `GITHUB_RUN_NUMBER`.
    pub run_number: u64,
    /// From 1.
    pub run_attempt: u64,
    /// The job's own check run.
    pub check_run_id: u64,
    /// The job's key in the workflow.
    pub job_id: String,
    /// `github-hosted` or `self-hosted`.
    pub runner_environment: String,
    /// Whether the job has `ACTIONS_ID_TOKEN_REQUEST_*`. It lacks them without `id-token: write`, and in a fork's pull
    /// request.
    pub id_token: bool,
    /// Permissions of `${{ github.token }}`.
    pub permissions: Permissions,
    /// Whether debug logging is on: `RUNNER_DEBUG=1`.
    pub debug: bool,
    /// Variables of the workflow's `env:` and of earlier steps, in order. The runner's own variables override them.
    pub earlier_env: Vec<(String, String)>,
    /// The runner's own proxy variables, such as `HTTP_PROXY`, for variables that are not set.
    pub proxy: Vec<(String, String)>,
    pub(crate) trigger: Trigger,
}

impl Job {
    /// Sets the deployment environment.
    #[must_use]
    pub fn with_environment(mut self, environment: &str) -> Self {
        self.environment = Some(environment.into());
        self
    }

    /// Sets the file below `.github/workflows/`.
    #[must_use]
    pub fn with_workflow(mut self, file: &str) -> Self {
        self.workflow_file = file.into();
        self
    }

    /// Sets the actor.
    #[must_use]
    pub fn with_actor(mut self, login: &str) -> Self {
        self.actor = login.into();
        self
    }

    /// Sets the permissions of `${{ github.token }}`.
    #[must_use]
    pub fn with_permissions(mut self, permissions: Permissions) -> Self {
        self.permissions = permissions;
        self
    }

    /// Changes one permission of `${{ github.token }}`.
    #[must_use]
    pub fn with_permission(mut self, name: &str, level: Level) -> Self {
        self.permissions = self.permissions.with(name, level);
        self
    }

    /// Adds or removes `id-token: write`.
    #[must_use]
    pub fn with_id_token(mut self, id_token: bool) -> Self {
        self.id_token = id_token;
        self
    }

    /// Adds a variable of an earlier step.
    #[must_use]
    pub fn with_earlier_env(mut self, name: &str, value: &str) -> Self {
        self.earlier_env.push((name.into(), value.into()));
        self
    }

    /// Replaces the payload in `event.json`.
    #[must_use]
    pub fn with_payload(mut self, payload: Value) -> Self {
        self.trigger = Trigger::Given(payload);
        self
    }

    /// Returns `.github/workflows/FILE`.
    #[must_use]
    pub fn workflow_path(&self) -> String {
        format!(".github/workflows/{}", self.workflow_file)
    }

    /// Returns `GITHUB_WORKFLOW_REF`.
    #[must_use]
    pub fn full_workflow_ref(&self) -> String {
        self.workflow_ref.clone().unwrap_or_else(|| {
            // Without a ref, the run names the workflow by its commit.
            let at = if self.reference.is_empty() {
                self.sha.as_str()
            } else {
                &self.reference
            };
            format!(
                "{}/{}@{at}",
                self.repository.full_name(),
                self.workflow_path()
            )
        })
    }

    /// Returns the commits that exist because of this job.
    pub(crate) fn commits(&self) -> Vec<CommitSha> {
        let mut commits = vec![self.sha.clone()];
        if let Trigger::PullRequest { pull, .. } = &self.trigger {
            commits.push(pull.head_sha.clone());
        }
        commits
    }

    /// Returns the job's signed claims without times, `iss`, `aud` and `jti`. All values are strings.
    #[must_use]
    pub fn claims(&self) -> Map<String, Value> {
        let repository = self.repository.full_name();
        let workflow_ref = self.full_workflow_ref();
        let job_workflow_ref = self
            .job_workflow_ref
            .clone()
            .unwrap_or_else(|| workflow_ref.clone());
        let claims = [
            ("sub", self.subject()),
            ("ref", self.reference.clone()),
            ("ref_type", self.ref_type().to_owned()),
            ("ref_protected", self.ref_protected.to_string()),
            ("sha", self.sha.to_string()),
            ("repository", repository),
            ("repository_id", self.repository.id.to_string()),
            ("repository_owner", self.repository.owner.clone()),
            ("repository_owner_id", self.repository.owner_id.to_string()),
            (
                "repository_visibility",
                if self.repository.private {
                    "private"
                } else {
                    "public"
                }
                .to_owned(),
            ),
            ("run_id", self.run_id.to_string()),
            ("run_number", self.run_number.to_string()),
            ("run_attempt", self.run_attempt.to_string()),
            ("actor", self.actor.clone()),
            ("actor_id", self.actor_id.to_string()),
            ("workflow", self.workflow_name.clone()),
            ("workflow_ref", workflow_ref),
            ("workflow_sha", self.sha.to_string()),
            ("job_workflow_ref", job_workflow_ref),
            ("job_workflow_sha", self.sha.to_string()),
            ("head_ref", self.head_ref.clone()),
            ("base_ref", self.base_ref.clone()),
            ("event_name", self.event_name.clone()),
            ("runner_environment", self.runner_environment.clone()),
            ("check_run_id", self.check_run_id.to_string()),
        ];
        let environment = self
            .environment
            .iter()
            .map(|environment| ("environment", environment.clone()));
        claims
            .into_iter()
            .chain(environment)
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect()
    }

    /// Returns `tag` for tags, and `branch` for all other refs, including pull requests.
    #[must_use]
    pub fn ref_type(&self) -> &'static str {
        match self.reference.as_str() {
            "" => "",
            tag if tag.starts_with("refs/tags/") => "tag",
            _ => "branch",
        }
    }

    fn subject(&self) -> String {
        let repository = self.repository.full_name();
        match &self.environment {
            Some(environment) => format!(
                "repo:{repository}:environment:{}",
                environment.replace(':', "%3A")
            ),
            None if self.event_name.starts_with("pull_request") => {
                format!("repo:{repository}:pull_request")
            }
            None => format!("repo:{repository}:ref:{}", self.reference),
        }
    }

    pub(super) fn new(
        repository: &Repository,
        event_name: &str,
        reference: &str,
        sha: CommitSha,
        trigger: Trigger,
    ) -> Self {
        Self {
            repository: repository.clone(),
            workflow_file: "deploy.yml".into(),
            workflow_name: "Deploy".into(),
            workflow_ref: None,
            job_workflow_ref: None,
            event_name: event_name.into(),
            reference: reference.into(),
            sha,
            head_ref: String::new(),
            base_ref: String::new(),
            pull_request: None,
            ref_protected: false,
            environment: None,
            actor: "octocat".into(),
            actor_id: 583_231,
            run_id: 14_144_996_512,
            run_number: 3,
            run_attempt: 1,
            check_run_id: 39_631_034_201,
            job_id: "gate".into(),
            runner_environment: "github-hosted".into(),
            id_token: true,
            permissions: Permissions::usual(),
            debug: false,
            earlier_env: Vec::new(),
            proxy: Vec::new(),
            trigger,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::payload;
    use super::*;

    fn repository() -> Repository {
        Repository::new("acme-org/infra", 123, 4567)
    }

    #[test]
    fn a_push_has_the_claims_of_a_push() {
        let claims = Job::push(&repository(), "main").claims();
        assert_eq!(claims["sub"], "repo:acme-org/infra:ref:refs/heads/main");
        assert_eq!(
            claims["workflow_ref"],
            "acme-org/infra/.github/workflows/deploy.yml@refs/heads/main"
        );
        assert_eq!(claims["repository_id"], "123");
        assert_eq!(
            (&claims["head_ref"], &claims["ref_protected"]),
            (&Value::from(""), &Value::from("false"))
        );
        assert!(!claims.contains_key("environment"));
    }

    #[test]
    fn a_forks_pull_request_gets_no_token() {
        let pull = PullRequest::fork(&repository(), 7, "evil/infra", 666, "main");
        let job = Job::pull_request(&repository(), pull);
        assert!(!job.id_token);
        assert_eq!(
            (job.reference.as_str(), job.head_ref.as_str()),
            ("refs/pull/7/merge", "main")
        );
        assert_eq!(job.claims()["sub"], "repo:acme-org/infra:pull_request");
        assert_eq!(job.claims()["ref_type"], "branch");
        let payload = payload(&job, "https://github.com");
        assert_eq!(payload["pull_request"]["head"]["repo"]["id"], 666);
    }

    #[test]
    fn a_deleted_fork_has_no_repository_in_the_payload() {
        let pull = PullRequest::fork(&repository(), 7, "evil/infra", 666, "main").deleted_head();
        let job = Job::pull_request(&repository(), pull);
        assert!(payload(&job, "https://github.com")["pull_request"]["head"]["repo"].is_null());
    }

    #[test]
    fn an_environment_goes_into_the_subject_escaped() {
        let claims = Job::push(&repository(), "main")
            .with_environment("a:b")
            .claims();
        assert_eq!(claims["sub"], "repo:acme-org/infra:environment:a%3Ab");
        assert_eq!(claims["environment"], "a:b");
    }
}
