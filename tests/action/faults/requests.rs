//! Every request that the action can make.

use simulator::github::{Endpoint, Fault, FaultRule};

use super::scene::{Scene, SceneKind};

/// What hangs on an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Token,
    Keys,
    /// Where the head of a pull request is.
    Head,
    /// Which base the own policy trusts.
    DefaultBranch,
    Policy,
    OwnPolicy,
    /// With the job's token while the App's is taken; where that fails, with the App's.
    EitherPolicy,
    /// The App's token, with which the policy is read.
    App,
    /// One of the App's two tokens: the policy's, or the one that reports.
    EitherApp,
    CheckRun,
    Status,
    Review,
    ReviewCheckRun,
    Webhook,
    Collector,
    /// What decides in the place of a policy.
    Server,
    /// Nothing: good to have.
    Nothing,
}

#[derive(Debug)]
pub struct Request {
    pub name: &'static str,
    pub role: Role,
    /// Where it is made.
    pub place: SceneKind,
    endpoint: Endpoint,
    /// What its path has, where there are others of the endpoint.
    part: &'static str,
    /// How many requests of the endpoint come before.
    after: usize,
}

const fn request(name: &'static str, role: Role, place: SceneKind, endpoint: Endpoint) -> Request {
    Request {
        name,
        role,
        place,
        endpoint,
        part: "",
        after: 0,
    }
}

const fn with(part: &'static str, request: Request) -> Request {
    Request { part, ..request }
}

const fn second(request: Request) -> Request {
    Request {
        after: 1,
        ..request
    }
}

/// In the order in which they are made.
pub const REQUESTS: [Request; 30] = [
    request(
        "OIDC token",
        Role::Token,
        SceneKind::Default,
        Endpoint::Token,
    ),
    request(
        "issuer's keys",
        Role::Keys,
        SceneKind::Default,
        Endpoint::Keys,
    ),
    second(request(
        "issuer's keys, for an unknown key",
        Role::Keys,
        SceneKind::Rotated,
        Endpoint::Keys,
    )),
    request(
        "pull request",
        Role::Head,
        SceneKind::PullRequest,
        Endpoint::PullRequest,
    ),
    request(
        "default branch",
        Role::DefaultBranch,
        SceneKind::PullRequest,
        Endpoint::Repository,
    ),
    request(
        "discovery document of an enterprise's issuer",
        Role::Keys,
        SceneKind::Enterprise,
        Endpoint::Discovery,
    ),
    request(
        "policy",
        Role::Policy,
        SceneKind::Default,
        Endpoint::Contents,
    ),
    request(
        "policy's commit",
        Role::Nothing,
        SceneKind::Default,
        Endpoint::Commit,
    ),
    request(
        "policy elsewhere",
        Role::Policy,
        SceneKind::Elsewhere,
        Endpoint::Contents,
    ),
    request(
        "commit of the policy elsewhere",
        Role::Nothing,
        SceneKind::Elsewhere,
        Endpoint::Commit,
    ),
    with(
        "acme-org/infra",
        request(
            "own policy",
            Role::OwnPolicy,
            SceneKind::Delegated,
            Endpoint::Contents,
        ),
    ),
    with(
        "acme-org/infra",
        request(
            "own policy's commit",
            Role::Nothing,
            SceneKind::Delegated,
            Endpoint::Commit,
        ),
    ),
    request(
        "App's installation",
        Role::App,
        SceneKind::App,
        Endpoint::Installation,
    ),
    request(
        "App's token",
        Role::App,
        SceneKind::App,
        Endpoint::AccessToken,
    ),
    request(
        "policy, with an App",
        Role::EitherPolicy,
        SceneKind::App,
        Endpoint::Contents,
    ),
    with(
        "acme-org/policies",
        request(
            "App's installation elsewhere",
            Role::App,
            SceneKind::AppElsewhere,
            Endpoint::Installation,
        ),
    ),
    request(
        "App's tokens",
        Role::EitherApp,
        SceneKind::AppElsewhere,
        Endpoint::AccessToken,
    ),
    request(
        "end of the App's token",
        Role::Nothing,
        SceneKind::App,
        Endpoint::RevokeToken,
    ),
    request(
        "server",
        Role::Server,
        SceneKind::Server,
        Endpoint::Evaluations,
    ),
    request(
        "check run",
        Role::CheckRun,
        SceneKind::Default,
        Endpoint::CheckRun,
    ),
    request(
        "commit status",
        Role::Status,
        SceneKind::Default,
        Endpoint::Status,
    ),
    request(
        "review: comparison",
        Role::Review,
        SceneKind::Review,
        Endpoint::Compare,
    ),
    with(
        "repo-permissions.yml?ref=BASE",
        request(
            "review: old policy",
            Role::Review,
            SceneKind::Review,
            Endpoint::Contents,
        ),
    ),
    with(
        "repo-permissions.yml?ref=HEAD",
        request(
            "review: new policy",
            Role::Review,
            SceneKind::Review,
            Endpoint::Contents,
        ),
    ),
    with(
        "contents/.github?ref=HEAD",
        request(
            "review: directory",
            Role::Review,
            SceneKind::Review,
            Endpoint::Contents,
        ),
    ),
    with(
        "repo-permissions.tests.yml?ref=HEAD",
        request(
            "review: cases",
            Role::Review,
            SceneKind::Review,
            Endpoint::Contents,
        ),
    ),
    with(
        "workflows?ref=HEAD",
        request(
            "review: workflows",
            Role::Review,
            SceneKind::Review,
            Endpoint::Contents,
        ),
    ),
    second(request(
        "review: check run",
        Role::ReviewCheckRun,
        SceneKind::Review,
        Endpoint::CheckRun,
    )),
    request(
        "audit webhook",
        Role::Webhook,
        SceneKind::Copies,
        Endpoint::Webhook,
    ),
    request(
        "OpenTelemetry",
        Role::Collector,
        SceneKind::Copies,
        Endpoint::Logs,
    ),
];

impl Request {
    /// The rule for a fault, the first times or each time. `commits` stand for `BASE` and `HEAD`.
    pub fn rule(&self, fault: Fault, times: usize, commits: &[(&str, String)]) -> FaultRule {
        let rule = FaultRule::after(self.endpoint, self.after, fault).times(times);
        rule.path_contains(&self.part(commits))
    }

    /// Whether it has been made.
    pub fn has_arrived(&self, scene: &Scene) -> bool {
        let mut requests = match (&scene.receiver, self.role) {
            (Some(receiver), Role::Webhook) => receiver.webhooks(),
            (Some(receiver), Role::Collector) => receiver.logs(),
            (Some(receiver), Role::Server) => receiver.evaluations(),
            _ => scene.stage.github.requests_to(self.endpoint),
        };
        let part = self.part(&scene.commits);
        requests.retain(|recorded| {
            let (path, query) = (&recorded.request.path, &recorded.request.query);
            format!("{path}?{query}").contains(&part)
        });
        requests.len() > self.after
    }

    fn part(&self, commits: &[(&str, String)]) -> String {
        let part = self.part.to_owned();
        commits
            .iter()
            .fold(part, |part, (name, commit)| part.replace(name, commit))
    }

    /// Whether the host is another one than GitHub.
    pub fn is_to_receiver(&self) -> bool {
        matches!(self.role, Role::Webhook | Role::Collector | Role::Server)
    }
}
