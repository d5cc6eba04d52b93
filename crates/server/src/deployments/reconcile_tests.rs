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
use crate::lookups::Bounds;
use crate::metrics::Metrics;
use crate::policy::PolicyFile;
use crate::slow::SlowLane;

const POLICY: &str = "version: 1\nrepositories:\n  - repository: acme-org/infra\n    permissions: [{ permission: 'a:b' }]\n";

/// A GitHub with a failed delivery, and a reconciler that gives up at once after a failed attempt, and pauses never.
struct Stage {
    github: GitHub,
    directory: PathBuf,
    installation: u64,
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
        let (github, installation) = github();
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
            installation,
            reconciler,
        }
    }

    fn deployments(&mut self) -> &mut Deployments {
        Arc::get_mut(&mut self.reconciler.source.deployments).unwrap()
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

fn app() -> App {
    App::new("gate", 7, "Iv1")
}

fn github() -> (GitHub, u64) {
    let github = GitHub::start().unwrap();
    let infra = infra();
    github.add_repository(infra.clone());
    let app = app();
    let permissions = Permissions::none()
        .with("contents", Level::Read)
        .with("actions", Level::Read)
        .with("deployments", Level::Write);
    let installation = github.install_app(app.clone(), &["acme-org/infra"], permissions);
    keep_failed_delivery(&github, (&app, installation), 1);
    (github, installation)
}

fn infra() -> Repository {
    Repository::new("acme-org/infra", 123, 4567)
}

/// Adds a run that waits, and its delivery, which failed.
fn keep_failed_delivery(github: &GitHub, app: (&App, u64), id: u64) {
    github.keep_delivery(&waiting_delivery(github, app, id), 503);
}

/// Adds a run that waits, and returns its delivery.
fn waiting_delivery(github: &GitHub, app: (&App, u64), id: u64) -> Delivery {
    let infra = infra();
    let run = Run::push(&infra, id, "main", "a.yml").waiting_for("production");
    let api = github.api_url();
    let place = ("production", &*api);
    let delivery = Delivery::deployment(app.0, app.1, &infra, &run, place);
    github.add_run(run);
    delivery
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
        pause: Duration::ZERO,
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

/// A run that GitHub still does not have when the time for attempts is over: nothing waits any more.
#[tokio::test]
async fn a_run_that_is_gone_ends() {
    let mut stage = Stage::new("gone-run", Some(POLICY));
    stage.reconciler.give_up = GIVE_UP;
    let fault = Fault::status(404, "Not Found");
    stage
        .github
        .add_fault(FaultRule::always(Endpoint::Run, fault));
    for asked in 1..4 {
        stage.reconciler.look().await;
        assert_eq!(stage.reconciler.pending.len(), 1);
        assert_eq!(stage.github.requests_to(Endpoint::Run).len(), asked);
    }
    stage.reconciler.give_up = Duration::ZERO;
    for _ in 0..3 {
        stage.reconciler.look().await;
        assert!(stage.reconciler.pending.is_empty());
        assert_eq!(stage.github.requests_to(Endpoint::Run).len(), 4);
    }
    assert!(stage.github.requests_to(Endpoint::Review).is_empty());
    // What the delivery asks for was read once.
    assert_eq!(stage.github.requests_to(Endpoint::HookDelivery).len(), 1);
}

/// The honest twin: GitHub has the run a moment later.
#[tokio::test]
async fn a_run_that_github_has_later_is_reviewed() {
    let mut stage = Stage::new("late-run", Some(POLICY));
    stage.reconciler.give_up = GIVE_UP;
    let fault = Fault::status(404, "Not Found");
    stage
        .github
        .add_fault(FaultRule::first(Endpoint::Run, 2, fault));
    for _ in 0..3 {
        assert_eq!(stage.states(), Vec::<String>::new());
        stage.reconciler.look().await;
    }
    let states = stage.states();
    assert!(states[0].starts_with("approved: "), "{states:?}");
}

/// What failed pauses, and what is new does not.
#[tokio::test]
async fn a_failed_delivery_pauses_and_a_new_one_does_not() {
    let mut stage = Stage::new("pauses", Some(POLICY));
    stage.reconciler.pause = EVERY;
    stage.reconciler.give_up = GIVE_UP;
    let fault = Fault::status(403, "No");
    stage
        .github
        .add_fault(FaultRule::first(Endpoint::Run, 1, fault));
    for _ in 0..5 {
        stage.reconciler.look().await;
    }
    assert_eq!(stage.github.requests_to(Endpoint::Run).len(), 1);
    keep_failed_delivery(&stage.github, (&app(), stage.installation), 2);
    stage.reconciler.look().await;
    let reviews = stage.github.reviews();
    let reviewed: Vec<_> = reviews.iter().map(|review| review.run).collect();
    assert_eq!(reviewed, [2]);
    assert_eq!(stage.reconciler.pending.len(), 1);
}

/// The times of attempts in seconds, which all fail in this way, up to an hour.
async fn attempts(error: NotReviewed) -> Vec<u64> {
    let started = Instant::now();
    let mut pending = Pending {
        delivery: 1,
        at: Timestamp::now(),
        repository: None,
        request: None,
        failed: None,
    };
    let mut times = Vec::new();
    while started.elapsed() < Duration::from_secs(60 * 60) {
        if pending.is_due() {
            times.push(started.elapsed().as_secs());
            pending.note(&error, EVERY, GIVE_UP);
        }
        tokio::time::sleep(EVERY).await;
    }
    times
}

/// The pauses double, and an attempt is due when the jobs are to be rejected.
#[tokio::test(start_paused = true)]
async fn pauses_double() {
    let refused = attempts(NotReviewed::NoRun(1)).await;
    assert_eq!(refused[..8], [0, 15, 45, 105, 225, 465, 600, 1200]);
    let between = refused.windows(2).map(|two| two[1] - two[0]);
    assert_eq!(between.max(), Some(LONGEST_PAUSE_OF_REFUSED.as_secs()));
    let passing = attempts(NotReviewed::NoDecision("why".to_owned())).await;
    assert_eq!(passing[..5], [0, 15, 45, 105, 165]);
    assert!(passing.contains(&GIVE_UP.as_secs()), "{passing:?}");
    let between = passing.windows(2).map(|two| two[1] - two[0]);
    assert_eq!(between.max(), Some(LONGEST_PAUSE.as_secs()));
}

/// A53: one repository cannot use up what the App may ask, and a bound is not a failed attempt: it rejects no job.
#[tokio::test]
async fn a53_reviews_of_one_repository_are_bounded() {
    let mut stage = Stage::new("bounded", Some(POLICY));
    stage.deployments().bounds.per_repository = 2;
    for id in 2..=5 {
        keep_failed_delivery(&stage.github, (&app(), stage.installation), id);
    }
    for _ in 0..3 {
        stage.reconciler.look().await;
        assert_eq!(stage.states().len(), 2);
        assert_eq!(stage.github.requests_to(Endpoint::Run).len(), 2);
        assert_eq!(stage.reconciler.pending.len(), 3);
    }
    // Each was read once.
    assert_eq!(stage.github.requests_to(Endpoint::HookDelivery).len(), 5);
    stage.deployments().bounds = Bounds::new(60, 10);
    stage.reconciler.look().await;
    let states = stage.states();
    assert_eq!(states.len(), 5);
    let is_approved = |state: &String| state.starts_with("approved: ");
    assert!(states.iter().all(is_approved), "{states:?}");
}

/// A job of a repository that is gone is asked for no longer than GitHub keeps its delivery.
#[tokio::test]
async fn a_delivery_that_github_no_longer_keeps_is_given_up() {
    let mut stage = Stage::new("gone", Some(POLICY));
    let fault = Fault::status(403, "No");
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

/// The review exists, because the same delivery succeeded at its second attempt.
#[tokio::test]
async fn a_delivery_that_succeeded_later_is_looked_at_once() {
    let mut stage = Stage::new("later", Some(POLICY));
    let delivery = waiting_delivery(&stage.github, (&app(), stage.installation), 1);
    stage.github.forget_deliveries(Timestamp::now());
    stage.github.keep_delivery(&delivery, 503);
    stage.github.keep_delivery(&delivery, 202);
    let infra = infra();
    let reviewed = Run::push(&infra, 1, "main", "a.yml");
    stage.github.add_run(reviewed);
    for _ in 0..3 {
        stage.reconciler.look().await;
        assert!(stage.reconciler.pending.is_empty());
        assert_eq!(stage.github.requests_to(Endpoint::Review).len(), 1);
    }
    assert_eq!(stage.github.requests_to(Endpoint::HookDelivery).len(), 1);
    assert_eq!(stage.states(), Vec::<String>::new());
}

/// A server that starts again does not decide about what has ended since.
#[tokio::test]
async fn a_run_that_is_completed_waits_for_nothing() {
    let mut stage = Stage::new("completed", Some(POLICY));
    let of = (&app(), stage.installation);
    let old = waiting_delivery(&stage.github, of, 2);
    let new = waiting_delivery(&stage.github, of, 3);
    let waiting = waiting_delivery(&stage.github, of, 4);
    for id in [2, 3] {
        let run = Run::push(&infra(), id, "main", "a.yml").waiting_for("production");
        stage.github.add_run(Run {
            is_completed: true,
            ..run
        });
    }
    stage.github.forget_deliveries(Timestamp::now());
    let before = Timestamp::now() - LATE;
    stage.github.keep_delivery_of(&old, 503, before);
    stage.github.keep_delivery_of(&waiting, 503, before);
    // Another attempt of a run has just begun, and GitHub's answer can be older than that.
    stage.github.keep_delivery(&new, 503);
    stage.reconciler.look().await;
    let mut reviewed: Vec<_> = stage.github.reviews().iter().map(|one| one.run).collect();
    reviewed.sort_unstable();
    assert_eq!(reviewed, [3, 4]);
    assert_eq!(stage.github.requests_to(Endpoint::Run).len(), 3);
    assert_eq!(stage.github.requests_to(Endpoint::Review).len(), 2);
    assert!(stage.reconciler.pending.is_empty());
}

/// What is newer is reviewed first, where a repository has more than may be reviewed in a minute.
#[tokio::test]
async fn the_newest_deliveries_are_reviewed_first() {
    let mut stage = Stage::new("newest", Some(POLICY));
    stage.deployments().bounds.per_repository = 5;
    for id in 2..=20 {
        keep_failed_delivery(&stage.github, (&app(), stage.installation), id);
    }
    stage.reconciler.look().await;
    let mut reviewed: Vec<_> = stage.github.reviews().iter().map(|one| one.run).collect();
    reviewed.sort_unstable();
    assert_eq!(reviewed, [16, 17, 18, 19, 20]);
}

impl Stage {
    /// The number of deliveries that nobody can read, by the metric.
    fn unreadable(&self) -> Option<String> {
        let text = self.reconciler.source.deployments.metrics_text();
        let name = "repo_permissions_deliveries_total{result=\"unreadable\"} ";
        let value = text.lines().find_map(|line| line.strip_prefix(name));
        value.map(str::to_owned)
    }

    /// Keeps the delivery of run 1 alone, with another body.
    fn keep_only(&self, change: impl FnOnce(&mut serde_json::Value)) {
        let delivery = waiting_delivery(&self.github, (&app(), self.installation), 1);
        let mut body = serde_json::from_slice(&delivery.body).unwrap();
        change(&mut body);
        self.github.forget_deliveries(Timestamp::now());
        let body = body.to_string().into_bytes();
        self.github
            .keep_delivery(&Delivery { body, ..delivery }, 413);
    }
}

/// A delivery that nobody can read is counted and asked for once.
#[tokio::test]
async fn a_delivery_that_nobody_can_read_is_counted() {
    let padding = |size: usize| serde_json::Value::from("x".repeat(size));
    let mut stage = Stage::new("unreadable", Some(POLICY));
    type Change<'a> = &'a dyn Fn(&mut serde_json::Value);
    let changes: [Change<'_>; 4] = [
        &|body| body["padding"] = padding(MAX_PAYLOAD),
        &|body| body["padding"] = padding(4 * MAX_PAYLOAD),
        &|body| body["deployment_callback_url"] = "https://elsewhere.example/".into(),
        &|body| body["repository"] = 7.into(),
    ];
    for (number, change) in (1..).zip(changes) {
        stage.keep_only(change);
        for _ in 0..2 {
            stage.reconciler.look().await;
            assert_eq!(stage.unreadable(), Some(number.to_string()));
            assert!(stage.reconciler.pending.is_empty());
        }
        let asked = stage.github.requests_to(Endpoint::HookDelivery).len();
        assert_eq!(asked, number);
    }
    assert!(stage.github.requests_to(Endpoint::Run).is_empty());
    // The honest twin: as large as the webhook takes it.
    stage.keep_only(|body| body["padding"] = padding(MAX_PAYLOAD - 2000));
    stage.reconciler.look().await;
    assert_eq!(stage.states().len(), 1);
}

/// An answer without a payload can be better at the next attempt, but not after ten minutes.
#[tokio::test]
async fn a_delivery_without_a_payload_is_counted_in_the_end() {
    let json = serde_json::json!({"id": 1});
    let answer = simulator::github::Answer::json(200, &json);
    let faults = [Fault::Answer(answer), Fault::status(404, "Not Found")];
    for fault in faults {
        let mut stage = Stage::new("no-payload", Some(POLICY));
        stage.reconciler.give_up = GIVE_UP;
        let rule = FaultRule::always(Endpoint::HookDelivery, fault);
        stage.github.add_fault(rule);
        for _ in 0..3 {
            stage.reconciler.look().await;
            assert_eq!(stage.unreadable(), None);
            assert_eq!(stage.reconciler.pending.len(), 1);
        }
        stage.reconciler.give_up = Duration::ZERO;
        stage.reconciler.look().await;
        assert_eq!(stage.unreadable().as_deref(), Some("1"));
        assert!(stage.reconciler.pending.is_empty());
    }
}

#[path = "list_tests.rs"]
mod list;
