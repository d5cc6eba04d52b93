//! The worlds in which the requests are made.

use serde_json::json;
use simulator::github::{
    APP_PRIVATE_KEY_PKCS1, Answer, Endpoint, Fault, FaultRule, Level, Permissions, Repository,
    TestKey, TokenRecipe,
};
use simulator::runner::PullRequest;
use simulator::{GitHub, Job, Receiver, StepResult};

use super::requests::Request;
use crate::support::{
    APP_CLIENT_ID, CASES_PATH, POLICY_PATH as PATH, Stage, WEBHOOK_SECRET, policies, runner,
};

pub const PERMISSION: &str = "ws:deployments:create";
pub const HIDDEN_IN_URL: &str = "hidden-in-the-path";
pub const AUDIT_LOG: &str = "audit.jsonl";

/// What the policies say of the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    Allowed,
    Denied,
}

/// Where the policy is, and which job asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SceneKind {
    Default,
    /// The keys are an older set when they are first asked for.
    Rotated,
    /// The issuer has an enterprise's slug.
    Enterprise,
    Elsewhere,
    /// The central policy delegates to the own one.
    Delegated,
    App,
    AppElsewhere,
    /// A pull request into the default branch.
    PullRequest,
    /// A pull request that changes the policy.
    Review,
    /// A webhook and an OpenTelemetry endpoint.
    Copies,
    /// A server decides.
    Server,
    /// A host whose name has to be looked up, over TLS.
    Secure,
}

pub struct Scene {
    pub stage: Stage,
    /// Who takes copies of audit records.
    pub receiver: Option<Receiver>,
    pub commits: Vec<(&'static str, String)>,
    job: Job,
    inputs: Vec<(&'static str, String)>,
}

/// A policy that grants everything when its second half is missing: the rule's condition is in it.
fn trap(rule: &str, condition: &str) -> String {
    assert!(condition.len() < rule.len());
    let padding = "#".repeat(rule.len() - condition.len() - 1);
    format!("{rule}{condition}{padding}\n")
}

fn policy() -> String {
    trap(
        "version: 1\npermissions:\n  - name: deployments\n    permission: ws:deployments:create\n",
        "    branch: release\n",
    )
}

fn central() -> String {
    trap(
        "version: 1\nrepositories:\n  - repository: acme-org/infra\n    permissions:\n      - permission: ws:deployments:create\n",
        "        branch: release\n",
    )
}

const DELEGATING: &str = "\
version: 1
repositories:
  - repository: acme-org/infra
    delegate: ws:deployments:create
    permissions: []
";
const CASES: &str = "\
policy: repo-permissions.yml
tests:
  - name: a feature branch does not deploy
    permission: ws:deployments:create
    context: { repository: acme-org/infra, workflow: deploy.yml, branch: feature/x }
    expect: denied
";

impl Scene {
    pub fn new(place: SceneKind, ask: Ask) -> Self {
        let branch = match ask {
            Ask::Allowed => "release",
            Ask::Denied => "feature/x",
        };
        let mut repository = Repository::new("acme-org/infra", 123, 4567).with_branch(branch);
        if place != SceneKind::Elsewhere && place != SceneKind::AppElsewhere {
            repository = repository.with_file("main", PATH, policy());
        }
        if place == SceneKind::Review {
            let changed = policy().replace("branch: release", "branch: { exact: release }");
            repository = repository
                .with_file(branch, PATH, changed)
                .with_file(branch, CASES_PATH, CASES)
                .with_file(branch, ".github/workflows/deploy.yml", "on: push");
        }
        let github = GitHub::builder().tls(place == SceneKind::Secure).start();
        let github = github.unwrap();
        github.add_repository(repository.clone());
        let stage = Stage {
            runner: runner(),
            repository: repository.clone(),
            github,
        };
        let text = match place {
            SceneKind::Delegated => DELEGATING.to_owned(),
            _ => central(),
        };
        let policies = policies();
        let policies = policies.with_file("main", "permissions.yml", text);
        let has_receiver = place == SceneKind::Copies || place == SceneKind::Server;
        let receiver = has_receiver.then(|| Receiver::start(false).unwrap());
        let mut scene = Self {
            commits: Vec::new(),
            job: Job::push(&repository, branch),
            inputs: vec![
                ("permission", PERMISSION.to_owned()),
                ("audit-log", AUDIT_LOG.to_owned()),
            ],
            stage,
            receiver,
        };
        scene.furnish(place, branch, policies);
        scene
    }

    fn furnish(&mut self, place: SceneKind, branch: &str, policies: Repository) {
        let (github, repository) = (&self.stage.github, &self.stage.repository);
        let elsewhere = (
            "policy",
            "acme-org/policies/permissions.yml@main".to_owned(),
        );
        match place {
            SceneKind::Default => {}
            SceneKind::Secure => {
                let authority = github.ca_pem();
                self.stage.runner = self.stage.runner.clone().trusting_authority(authority);
            }
            SceneKind::Rotated => {
                let older = json!({"keys": [TestKey::Signing2.jwk().unwrap()]});
                let older = Fault::Answer(Answer::json(200, &older));
                github.add_fault(FaultRule::nth(Endpoint::Keys, 1, older));
            }
            SceneKind::Enterprise => {
                let issuer = format!("{}/acme", github.issuer());
                github.set_token(TokenRecipe::new().claim("iss", &*issuer));
                self.inputs.push(("issuer", issuer));
            }
            SceneKind::Elsewhere | SceneKind::Delegated => {
                github.add_repository(policies);
                self.inputs.push(elsewhere);
            }
            SceneKind::App | SceneKind::AppElsewhere => {
                github.add_repository(policies.private());
                let permissions = Permissions::none()
                    .with("contents", Level::Read)
                    .with("checks", Level::Write)
                    .with("statuses", Level::Write);
                self.stage
                    .install_app(&["acme-org/infra", "acme-org/policies"], permissions);
                self.inputs
                    .push(("app-client-id", APP_CLIENT_ID.to_owned()));
                let key = APP_PRIVATE_KEY_PKCS1.to_owned();
                self.inputs.push(("app-private-key", key));
                if place == SceneKind::AppElsewhere {
                    self.inputs.push(elsewhere);
                }
            }
            SceneKind::PullRequest => {
                let pull = PullRequest::same_repository(repository, 7, branch);
                self.job = Job::pull_request(repository, pull);
            }
            SceneKind::Review => {
                let pull = PullRequest::same_repository(repository, 7, branch);
                let base = repository.branch_sha("main").unwrap();
                let head = &pull.head_sha;
                self.commits = vec![("BASE", base.to_string()), ("HEAD", head.to_string())];
                self.job = Job::pull_request(repository, pull);
                self.inputs.push(("review", "true".to_owned()));
            }
            SceneKind::Server => {
                let receiver = self.receiver.as_ref().unwrap();
                let is_granted = branch == "release";
                let reason = if is_granted {
                    "granted"
                } else {
                    "no_rule_matches"
                };
                let context =
                    json!({"permission": PERMISSION, "reason": reason, "message": "x".repeat(500)});
                let answer = json!({"evaluations": [{"context": context, "decision": is_granted}]});
                receiver.set_evaluations(Answer::json(200, &answer));
                self.inputs.push(("server", receiver.origin()));
            }
            SceneKind::Copies => {
                let receiver = self.receiver.as_ref().unwrap();
                let url = receiver.webhook_url(HIDDEN_IN_URL);
                self.inputs.push(("audit-webhook", url));
                let secret = WEBHOOK_SECRET.to_owned();
                self.inputs.push(("audit-webhook-secret", secret));
                let endpoint = receiver.otlp_endpoint();
                let variable = "OTEL_EXPORTER_OTLP_ENDPOINT";
                self.job = self.job.clone().with_earlier_env(variable, &endpoint);
            }
        }
    }

    pub fn add_fault(&self, request: &Request, rule: FaultRule) {
        match &self.receiver {
            Some(receiver) if request.is_to_receiver() => receiver.add_fault(rule),
            _ => self.stage.github.add_fault(rule),
        }
    }

    pub fn input(&mut self, name: &'static str, value: &str) {
        self.inputs.push((name, value.to_owned()));
    }

    /// Runs the step; `watch` gets the process's id.
    pub fn run(&self, watch: impl FnOnce(u32)) -> StepResult {
        self.started(watch).unwrap()
    }

    /// The step, where its files can be made.
    pub fn try_run(&self) -> Option<StepResult> {
        self.started(|_| ()).ok()
    }

    fn started(&self, watch: impl FnOnce(u32)) -> anyhow::Result<StepResult> {
        let inputs: Vec<_> = self
            .inputs
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let (runner, github) = (&self.stage.runner, &self.stage.github);
        runner.run_watched(github, &self.job, &inputs, watch)
    }

    /// The audit log's file; empty where there is none.
    pub fn audit_log(step: &StepResult) -> String {
        std::fs::read_to_string(step.workspace().join(AUDIT_LOG)).unwrap_or_default()
    }

    /// Everything that nobody may see: what the runner and GitHub gave, what was asked with, and what the
    /// workflow keeps secret.
    pub fn secrets(&self) -> Vec<String> {
        let mut secrets = self.stage.github.minted_tokens();
        for request in self.stage.github.requests() {
            let authorization = request.request.header("authorization");
            let token = authorization.and_then(|value| value.split_once(' '));
            secrets.extend(token.map(|(_, token)| token.to_owned()));
        }
        let key = APP_PRIVATE_KEY_PKCS1.lines();
        secrets.extend(key.filter(|line| line.len() > 20).map(str::to_owned));
        secrets.push(WEBHOOK_SECRET.replace("whsec_", ""));
        secrets.push(HIDDEN_IN_URL.to_owned());
        secrets.retain(|secret| !secret.is_empty());
        secrets
    }
}

#[test]
fn half_of_each_policy_grants_everything() {
    use engine::context::Context;
    use engine::decision::{Decision, Engine, Policies, Provenance, Question, decide};
    use engine::policy::{Format, PermissionKey, Policy};
    let claims = serde_json::from_value(json!({
        "repository": "acme-org/infra", "repository_id": "123", "ref": "refs/heads/feature/x", "event_name": "push",
    }));
    let context = Context::of_claims(&claims.unwrap(), None);
    let asked = [PermissionKey::parse(PERMISSION.into()).unwrap()];
    let now = jiff::Timestamp::now();
    for (text, provenance) in [
        (policy(), Provenance::ThisRepository),
        (central(), Provenance::OtherRepository),
    ] {
        for (text, decision) in [
            (text.as_str(), Decision::Denied),
            (text.split_at(text.len() / 2).0, Decision::Allowed),
        ] {
            let engine = Engine::new(Policy::parse(text, Format::Yaml).unwrap());
            let decided = decide(
                Policies::one(&engine, provenance),
                Question::new(&asked, &context, now),
            )
            .unwrap();
            assert_eq!(decided[0].decision, decision, "{text}");
        }
    }
}
