//! A GitHub with a policy in a repository and an App, and a server that reads it there.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use simulator::github::{
    APP_PRIVATE_KEY_PKCS1, App, Delivery, Endpoint, Level, Permissions, RecordedRequest, Repository,
};
use simulator::{GitHub, Job};

use super::http::{Answer, exchange};
use super::{AUDIENCE, DEPLOY, Directory, OWNER, POLICY, Server, configuration, wait_for};

pub const APP_ID: u64 = 77;
pub const CLIENT_ID: &str = "Iv23liGATE";
pub const SECRET: &str = "it-is-the-secret-of-this-app";
pub const INFRA: &str = "acme-org/infra";
pub const POLICIES: &str = "acme-org/policies";
pub const POLICIES_ID: u64 = 900;
pub const CENTRAL: &str = "central.yml";
/// The central policy, renewed every second.
pub const BY_API: &str =
    "policy: { repository: acme-org/policies/central.yml@main, refresh: 1s, stale: 1m }\n";

/// A GitHub with repositories and an App, a server, and its configuration.
pub struct ApiStage {
    pub github: GitHub,
    pub app: App,
    pub installation: u64,
    pub directory: Directory,
    pub server: Server,
}

/// What the App may do.
pub fn permissions() -> Permissions {
    Permissions::none()
        .with("contents", Level::Read)
        .with("pull-requests", Level::Read)
        .with("actions", Level::Read)
        .with("deployments", Level::Write)
}

/// A private repository of the account that counts.
pub fn infra() -> Repository {
    Repository::new(INFRA, 123, OWNER).private()
}

/// A GitHub with the central policy.
pub fn github(policy: &str) -> GitHub {
    let github = GitHub::start().unwrap();
    github.add_repository(infra());
    let policies = Repository::new(POLICIES, POLICIES_ID, OWNER).private();
    github.add_repository(policies.with_file("main", CENTRAL, policy));
    github
}

/// Writes the files of the App.
pub fn write_secrets(directory: &Directory) {
    write_secret(directory, "app.pem", APP_PRIVATE_KEY_PKCS1);
    write_secret(directory, "secret", SECRET);
}

/// Writes a file that its group can read.
pub fn write_secret(directory: &Directory, file: &str, text: &str) {
    directory.write(file, text);
    mode(directory, file, 0o640);
}

pub fn mode(directory: &Directory, file: &str, mode: u32) {
    let permissions = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(directory.path(file), permissions).unwrap();
}

/// The lines of a configuration with the App.
pub fn with_app(policy: &str) -> String {
    format!(
        "{policy}github: {{ app: {{ client_id: {CLIENT_ID}, private_key_file: app.pem, webhook_secret_file: secret }} }}\n"
    )
}

impl ApiStage {
    /// With a central policy.
    pub fn new() -> Self {
        Self::with(POLICY, BY_API)
    }

    /// With a central policy and the configuration's `policy:`.
    pub fn with(policy: &str, config: &str) -> Self {
        let stage = Self::unready(github(policy), config);
        stage.server.wait_until_ready();
        stage
    }

    /// With a prepared GitHub, perhaps not ready.
    pub fn unready(github: GitHub, config: &str) -> Self {
        let app = App::new("gate", APP_ID, CLIENT_ID);
        let names = [INFRA, POLICIES];
        let installed: Vec<_> = names
            .into_iter()
            .filter(|name| github.repository(name).is_some())
            .collect();
        let installation = github.install_app(app.clone(), &installed, permissions());
        let directory = Directory::new();
        write_secrets(&directory);
        directory.write("server.yml", configuration(&github, &with_app(config)));
        let server = Server::start(&directory.path("server.yml"));
        Self {
            github,
            app,
            installation,
            directory,
            server,
        }
    }

    /// The job that may deploy.
    pub fn deploy(&self) -> Job {
        Job::push(&infra(), "main")
            .with_workflow("deploy-production.yml")
            .with_environment("production")
    }

    pub fn token(&self, job: &Job) -> String {
        self.github.mint_token(job.claims(), AUDIENCE).unwrap()
    }

    /// A token of a job with these claims changed.
    pub fn token_with(&self, job: &Job, claims: &[(&str, Value)]) -> String {
        let mut all = job.claims();
        for (name, value) in claims {
            all.insert((*name).to_owned(), value.clone());
        }
        self.github.mint_token(all, AUDIENCE).unwrap()
    }

    /// Asks whether the job that may deploy may.
    pub fn ask(&self) -> Answer {
        self.server.ask(DEPLOY, &self.token(&self.deploy()))
    }

    /// Changes the central policy.
    pub fn set_policy(&self, text: &str) {
        self.set_file(POLICIES, CENTRAL, text);
    }

    pub fn set_file(&self, repository: &str, path: &str, text: &str) {
        self.github.edit_repository(repository, |repository| {
            repository.set_file("main", path, text)
        });
    }

    /// Sends a delivery.
    pub fn deliver(&self, delivery: &Delivery) -> Answer {
        exchange(
            &self.server.address,
            &delivery.request("/webhooks/github", SECRET),
        )
    }

    /// The requests to an endpoint whose path has a part.
    pub fn requests(&self, endpoint: Endpoint, part: &str) -> Vec<RecordedRequest> {
        let mut requests = self.github.requests_to(endpoint);
        requests.retain(|request| request.request.path.contains(part));
        requests
    }

    /// Waits until `/readyz` says a word.
    #[track_caller]
    pub fn wait_for_status(&self, word: &str) {
        wait_for(word, || {
            (self.server.admin("/readyz").json()["status"] == word).then_some(())
        });
    }

    /// Waits for an answer with this status, and returns it with the time that it took.
    #[track_caller]
    pub fn wait_for_answer(&self, status: u16) -> (Answer, Duration) {
        let started = Instant::now();
        let answer = wait_for("the answer", || {
            Some(self.ask()).filter(|answer| answer.status == status)
        });
        (answer, started.elapsed())
    }
}

impl Drop for ApiStage {
    /// Keeps what the server asked GitHub in the file that `GITHUB_EXCHANGES` names, for `.ci/outside/server-requests`.
    fn drop(&mut self) {
        let Some(file) = std::env::var_os("GITHUB_EXCHANGES") else {
            return;
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let line = |recorded: RecordedRequest| {
            let request = recorded.request;
            let answer = recorded.answer.map(|answer| text(&answer.body));
            let line = json!({
                "method": request.method, "path": request.path, "query": request.query_pairs(),
                "headers": request.headers, "body": text(&request.body), "status": recorded.status, "answer": answer,
            });
            format!("{line}\n")
        };
        let lines: String = self.github.requests().into_iter().map(line).collect();
        let file = std::fs::File::options().append(true).open(file);
        file.unwrap().write_all(lines.as_bytes()).unwrap();
    }
}
