use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use simulator::GitHub;
use simulator::github::{
    APP_PRIVATE_KEY_PKCS1, App, Delivery, Endpoint, Fault, FaultRule, Level, Permissions,
    Repository, Run,
};

use super::super::review::Parts;
use super::*;
use crate::app::{AppSecrets, GitHubApp};
use crate::audit;
use crate::config::{Config, PolicyPlace};
use crate::deciding::Decider;
use crate::metrics::Metrics;
use crate::policy::PolicyFile;
use crate::slow::SlowLane;

const POLICY: &str = "version: 1\nrepositories:\n  - repository: acme-org/infra\n    permissions: [{ permission: 'a:b' }]\n";

/// A GitHub with a failed delivery, and a reconciler that gives up at once after a failed attempt.
struct Stage {
    github: GitHub,
    directory: PathBuf,
    reconciler: Reconciler,
}

impl Stage {
    fn new(name: &str, policy: Option<&str>) -> Self {
        let name = format!("repo-permissions-{name}-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&directory).unwrap();
        let write = |file: &str, text: &str| {
            let file = directory.join(file);
            std::fs::write(&file, text).unwrap();
            let private = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(file, private).unwrap();
        };
        write("app.pem", APP_PRIVATE_KEY_PKCS1);
        write("secret", "a-secret-that-is-long-enough");
        if let Some(policy) = policy {
            write("policy.yml", policy);
        }
        let github = github();
        let text = format!(
            "version: 1\naudience: a\nowners: [4567]\nissuer: {}\npolicy: {{ file: policy.yml }}\n\
             github: {{ app: {{ client_id: Iv1, private_key_file: app.pem, webhook_secret_file: secret }} }}\n\
             deployments: [{{ environment: '*', permission: 'a:b' }}]\n",
            github.issuer()
        );
        let config = Config::parse(&text, &directory).unwrap();
        let reconciler = reconciler(&config);
        Self {
            github,
            directory,
            reconciler,
        }
    }

    fn states(&self) -> Vec<String> {
        let reviews = self.github.reviews().into_iter();
        reviews
            .map(|review| format!("{}: {}", review.state, review.comment))
            .collect()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn github() -> GitHub {
    let github = GitHub::start().unwrap();
    let infra = Repository::new("acme-org/infra", 123, 4567);
    github.add_repository(infra.clone());
    let app = App::new("gate", 7, "Iv1");
    let permissions = Permissions::none()
        .with("contents", Level::Read)
        .with("actions", Level::Read)
        .with("deployments", Level::Write);
    let installation = github.install_app(app.clone(), &["acme-org/infra"], permissions);
    let run = Run::push(&infra, 1, "main", "a.yml").waiting_for("production");
    let api = github.api_url();
    let place = ("production", &*api);
    let delivery = Delivery::deployment(&app, installation, &infra, &run, place);
    github.add_run(run);
    github.keep_delivery(&delivery, 503);
    github
}

fn reconciler(config: &Config) -> Reconciler {
    let metrics = Metrics::new();
    let github = config.github.as_ref().unwrap();
    let secrets = AppSecrets::read(&github.app).unwrap();
    let client = github::http::Network::default().client().unwrap();
    let app = Arc::new(GitHubApp::new(github, secrets.app, client));
    let PolicyPlace::File(file) = &config.policy.place else {
        panic!("{config:?}");
    };
    let (refresh, stale) = (config.policy.refresh, config.policy.stale);
    let policy = PolicyFile::open(file, refresh, stale, true, Arc::clone(&metrics));
    let (audit, _) = audit::start(std::io::sink(), Arc::clone(&metrics)).unwrap();
    let decider = Decider {
        policy: Arc::clone(policy.store()),
        own: None,
        own_is_required: false,
        lookups: None,
        slow: SlowLane::default(),
    };
    let parts = Parts {
        app,
        decider: Arc::new(decider),
        audit,
        metrics,
    };
    let deployments = Arc::new(Deployments::new(config, parts));
    Reconciler {
        give_up: Duration::ZERO,
        ..Reconciler::new(deployments, &github.api_url)
    }
}

#[tokio::test]
async fn a_failed_delivery_is_worked_off() {
    let mut stage = Stage::new("works", Some(POLICY));
    stage.reconciler.look().await;
    let states = stage.states();
    assert!(states[0].starts_with("approved: "), "{states:?}");
    // Once.
    stage.reconciler.look().await;
    assert_eq!(stage.states().len(), 1);
    assert_eq!(stage.github.requests_to(Endpoint::HookDelivery).len(), 1);
}

/// A45: after failed attempts the jobs are rejected, with the reason, and never approved.
#[tokio::test]
async fn a45_jobs_are_rejected_after_failed_attempts() {
    let mut stage = Stage::new("gives-up", None);
    stage.reconciler.give_up = GIVE_UP;
    for _ in 0..3 {
        stage.reconciler.look().await;
        assert_eq!(stage.states(), Vec::<String>::new());
    }
    stage.reconciler.give_up = Duration::ZERO;
    stage.reconciler.look().await;
    let states = stage.states();
    assert!(
        states[0].starts_with("rejected: no decision was possible"),
        "{states:?}"
    );
    assert!(states[0].contains("cannot be read"), "{states:?}");
    assert!(stage.reconciler.pending.is_empty());
}

/// The first attempt never gives up, however old the delivery is.
#[tokio::test]
async fn the_first_attempt_does_not_give_up() {
    let mut stage = Stage::new("first", Some(POLICY));
    let fault = Fault::status(500, "Oops");
    stage
        .github
        .add_fault(FaultRule::first(Endpoint::Run, 5, fault));
    stage.reconciler.look().await;
    assert_eq!(stage.states(), Vec::<String>::new());
    stage.reconciler.look().await;
    let states = stage.states();
    assert!(states[0].starts_with("approved: "), "{states:?}");
}

#[tokio::test]
async fn a_list_that_cannot_be_read_is_read_again() {
    let mut stage = Stage::new("list", Some(POLICY));
    let fault = Fault::status(403, "No");
    stage
        .github
        .add_fault(FaultRule::first(Endpoint::HookDeliveries, 1, fault));
    stage.reconciler.look().await;
    assert_eq!(stage.states(), Vec::<String>::new());
    stage.reconciler.look().await;
    assert_eq!(stage.states().len(), 1);
}

/// A job of a repository that is gone is asked for no longer than GitHub keeps its delivery.
#[tokio::test]
async fn a_delivery_that_github_no_longer_keeps_is_given_up() {
    let mut stage = Stage::new("gone", Some(POLICY));
    let fault = Fault::status(404, "Not Found");
    stage
        .github
        .add_fault(FaultRule::always(Endpoint::Run, fault.clone()));
    stage
        .github
        .add_fault(FaultRule::always(Endpoint::Review, fault));
    for _ in 0..2 {
        stage.reconciler.look().await;
        assert_eq!(stage.reconciler.pending.len(), 1);
    }
    for pending in stage.reconciler.pending.values_mut() {
        pending.at -= KEPT;
    }
    stage.reconciler.forget();
    assert!(stage.reconciler.pending.is_empty());
}
