//! The webhook: what it gets, and what becomes of the step when it fails.

use std::cell::RefCell;
use std::time::Duration;

use simulator::github::{Answer, Endpoint, Fault, FaultRule, RecordedRequest};
use simulator::runner::{Exit, Signal};
use simulator::{Job, Receiver, StepResult};

use super::signature::verifies;
use super::{ALLOWED, DENIED, file, lines, records, warnings};
use crate::support::{POLICY, Stage, WEBHOOK_SECRET as SECRET, assert_outcome, each};

/// What follows the host in the webhook's URL.
const IN_URL: &str = "hidden-in-the-path?token=hidden-in-the-query";

/// A stage, and a webhook that it reports to.
struct Scene {
    stage: Stage,
    receiver: Receiver,
    /// The records of all steps so far, a line each.
    written: RefCell<String>,
}

impl Scene {
    fn new() -> Self {
        Self::with(Receiver::start(false).unwrap())
    }

    fn with(receiver: Receiver) -> Self {
        let mut stage = Stage::with_policy(POLICY);
        stage.runner = stage
            .runner
            .trusting_authority(receiver.ca_pem())
            .input("audit-webhook", &receiver.webhook_url(IN_URL))
            .input("audit-webhook-secret", SECRET)
            .input("audit-log", "audit.jsonl");
        let written = RefCell::default();
        Self {
            stage,
            receiver,
            written,
        }
    }

    fn failing(rule: FaultRule) -> Self {
        let scene = Self::new();
        scene.receiver.add_fault(rule);
        scene
    }

    fn run(&self, job: &Job, inputs: &[(&str, &str)]) -> StepResult {
        let step = self.stage.run(job, inputs);
        self.assert_safe(&step);
        step
    }

    fn ask(&self, permission: &str) -> StepResult {
        self.run(&self.stage.push(), &[("permission", permission)])
    }

    /// Whatever happens: each attempt is signed and has the record as it is in log and file, and neither
    /// the secret nor what is secret of the URL is anywhere.
    fn assert_safe(&self, step: &StepResult) {
        let written = file(step, "audit.jsonl");
        assert_eq!(lines(&written), lines(&step.stdout));
        self.written.borrow_mut().push_str(&written);
        for attempt in self.receiver.webhooks() {
            let request = &attempt.request;
            assert!(verifies(request, SECRET), "{request:?}");
            assert_eq!(
                request.header("content-type"),
                Some("application/cloudevents+json")
            );
            assert_eq!(request.header("authorization"), None);
            let body = std::str::from_utf8(&request.body).unwrap();
            assert!(lines(&self.written.borrow()).contains(&body), "{body}");
            let record: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(request.header("webhook-id"), record["id"].as_str());
            for token in self.stage.github.minted_tokens() {
                assert!(!format!("{request:?}").contains(&token));
            }
        }
        let secret = SECRET.strip_prefix("whsec_").unwrap();
        for hidden in [secret, "hidden-in-the-path", "hidden-in-the-query"] {
            assert_eq!(step.places_with(hidden), Vec::<&str>::new());
            // Not even where a mask would hide it.
            let mut shown = step
                .stdout
                .lines()
                .filter(|line| !line.starts_with("::add-mask::"));
            assert!(!shown.any(|line| line.contains(hidden)), "{}", step.stdout);
            for request in self.stage.github.requests() {
                assert!(!String::from_utf8_lossy(&request.request.body).contains(hidden));
            }
        }
        self.receiver.assert_nothing_unexpected();
    }
}

fn ids(attempts: &[RecordedRequest]) -> Vec<&str> {
    let id = |attempt| -> &str { RecordedRequest::header(attempt, "webhook-id") };
    attempts.iter().map(id).collect()
}

trait Header {
    fn header(&self, name: &str) -> &str;
}

impl Header for RecordedRequest {
    fn header(&self, name: &str) -> &str {
        self.request.header(name).unwrap()
    }
}

#[test]
fn every_record_is_delivered_once_over_tls() {
    let scene = Scene::with(Receiver::start(true).unwrap());
    let step = scene.ask(&format!("{ALLOWED}, {DENIED}"));
    assert_outcome(&scene.stage, &step, "denied", "no_rule_matches");
    assert_eq!(warnings(&step), Vec::<&str>::new());
    let attempts = scene.receiver.webhooks();
    let delivered = attempts
        .iter()
        .map(|attempt| attempt.request.json().unwrap());
    let mut delivered: Vec<_> = delivered.collect();
    delivered.sort_by_key(|record| record["subject"].to_string());
    assert_eq!(delivered, records(&step.stdout));
    assert_eq!(delivered.len(), 2);
    assert_eq!(
        delivered[0]["data"]["message"],
        format!("`{ALLOWED}` is allowed")
    );
    assert!(attempts[0].request.path.ends_with("/hidden-in-the-path"));
    assert_eq!(attempts[0].request.query, "token=hidden-in-the-query");
    assert!(step.stdout.contains(&format!(
        "\nthe webhook at `{}` accepted 2 audit records\n",
        scene.receiver.address()
    )));
}

#[test]
fn its_certificate_is_checked() {
    let receiver = Receiver::start(true).unwrap();
    let stage = Stage::with_policy(POLICY);
    let step = stage.run(
        &stage.push(),
        &[
            ("permission", ALLOWED),
            ("audit-webhook", &receiver.webhook_url(IN_URL)),
            ("audit-webhook-secret", SECRET),
            ("timeout", "4"),
        ],
    );
    assert_outcome(&stage, &step, "allowed", "granted");
    assert!(receiver.webhooks().is_empty());
    let [warning] = warnings(&step)[..] else {
        panic!("{}", step.stdout)
    };
    assert!(warning.contains("certificate"), "{warning}");
}

#[test]
fn errors_are_delivered_too() {
    let scene = Scene::new();
    let job = scene.stage.push().with_id_token(false);
    let step = scene.run(&job, &[("permission", ALLOWED)]);
    assert_outcome(&scene.stage, &step, "error", "token_unavailable");
    // An input that is wrong, with the webhook's right.
    let step = scene.run(
        &scene.stage.push(),
        &[("permission", ALLOWED), ("mode", "lenient")],
    );
    assert_outcome(&scene.stage, &step, "error", "input_invalid");
}

#[test]
fn each_secret_makes_a_signature() {
    let (old, new) = (SECRET, "whsec_bmV3LW5ldy1uZXctbmV3LW5ldy1uZXctbmV3LW5ldw==");
    let scene = Scene::new();
    let both = format!("{new}\n {old}");
    let inputs = [("permission", ALLOWED), ("audit-webhook-secret", &both)];
    let step = scene.run(&scene.stage.push(), &inputs);
    assert_outcome(&scene.stage, &step, "allowed", "granted");
    let [attempt] = &scene.receiver.webhooks()[..] else {
        panic!()
    };
    assert_eq!(attempt.header("webhook-signature").split(' ').count(), 2);
    assert!(verifies(&attempt.request, new));
    // Each is hidden by itself, also where both stand in one line.
    let both = both.replace('\n', "");
    let inputs = [("permission", ALLOWED), ("audit-webhook-secret", &both)];
    let step = scene.run(&scene.stage.push(), &inputs);
    for secret in [old, new] {
        assert!(step.masks().iter().any(|mask| mask == secret), "{secret}");
    }
}

#[test]
fn passing_faults_are_survived_with_the_same_id() {
    for fault in [
        Fault::Reset,
        Fault::ResetAfter,
        Fault::Garbage,
        Fault::status(500, "x"),
        Fault::status(502, "x"),
        Fault::status(503, "x"),
        Fault::too_many_requests(1),
    ] {
        let rule = FaultRule::first(Endpoint::Webhook, 2, fault.clone());
        let scene = Scene::failing(rule);
        let step = scene.ask(ALLOWED);
        assert_outcome(&scene.stage, &step, "allowed", "granted");
        assert_eq!(warnings(&step), Vec::<&str>::new(), "{fault:?}");
        let attempts = scene.receiver.webhooks();
        assert_eq!(ids(&attempts), [attempts[0].header("webhook-id"); 3]);
        let between = attempts[1].at - attempts[0].at;
        if matches!(&fault, Fault::Answer(answer) if answer.status == 429) {
            assert!(between >= Duration::from_secs(1), "{between:?}");
            // Each attempt is signed at its own time.
            let time = |attempt| <RecordedRequest as Header>::header(attempt, "webhook-timestamp");
            assert_ne!(time(&attempts[0]), time(&attempts[2]));
        } else {
            assert!(between >= Duration::from_millis(140), "{between:?}");
        }
    }
}

#[test]
fn what_a_receiver_answers_besides_its_status_is_its_own_matter() {
    for fault in [
        Fault::Delay(Duration::from_millis(500)),
        Fault::Huge(20 << 20),
        Fault::Truncate,
        Fault::Answer(Answer::new(200, "text/html", "<h1>taken</h1>")),
        Fault::Answer(Answer::empty(202)),
    ] {
        let scene = Scene::failing(FaultRule::always(Endpoint::Webhook, fault.clone()));
        let step = scene.ask(ALLOWED);
        assert_outcome(&scene.stage, &step, "allowed", "granted");
        assert_eq!(warnings(&step), Vec::<&str>::new(), "{fault:?}");
        assert_eq!(scene.receiver.webhooks().len(), 1);
    }
}

#[test]
fn lasting_faults_are_a_warning() {
    let three = "a:b, c:d, ws:affected_stacks:create";
    for (fault, why, attempts) in [
        // About the record, perhaps: each is tried.
        (Fault::status(400, "x"), "it answered 400", 3),
        (Fault::status(401, "x"), "it answered 401", 3),
        (Fault::status(404, "x"), "it answered 404", 3),
        // About the receiver: what is on its way ends, and nothing more is begun.
        (Fault::status(410, "x"), "it answered 410", 3),
        (Fault::RedirectElsewhere(302), "it answered 302", 3),
        (
            Fault::Redirect(301, "/hooks/other".into()),
            "it answered 301",
            3,
        ),
        (Fault::status(500, "x"), "it answered 500", 15),
        (Fault::Garbage, "broke off", 15),
        (Fault::too_many_requests(3600), "it answered 429", 3),
    ] {
        let scene = Scene::failing(FaultRule::always(Endpoint::Webhook, fault.clone()));
        let step = scene.ask(three);
        assert_outcome(&scene.stage, &step, "denied", "permission_not_granted");
        let [warning] = warnings(&step)[..] else {
            panic!("{fault:?}: {}", step.stdout)
        };
        let start = format!(
            "the webhook at `{}` did not accept 3 of 3 audit records, which are in this log: ",
            scene.receiver.address()
        );
        let told = warning.strip_prefix(&start).expect(warning);
        assert!(told.contains(why), "{warning}");
        assert_eq!(scene.receiver.webhooks().len(), attempts, "{fault:?}");
        assert_eq!(scene.stage.github.check_runs().len(), 1);
        assert!(
            step.duration < Duration::from_secs(6),
            "{:?}",
            step.duration
        );
    }
}

#[test]
fn a_record_that_is_refused_is_counted() {
    let rule = FaultRule::nth(Endpoint::Webhook, 2, Fault::status(413, "x"));
    let scene = Scene::failing(rule);
    let step = scene.ask("a:b, c:d, e:f");
    assert_outcome(&scene.stage, &step, "denied", "permission_not_granted");
    let warning = warnings(&step)[0];
    assert!(
        warning.contains("did not accept 1 of 3 audit records"),
        "{warning}"
    );
    assert_eq!(scene.receiver.webhooks().len(), 3);
}

/// As many as a step can ask for: a few at a time, on connections that are kept.
#[test]
fn many_records_share_connections() {
    let scene = Scene::new();
    let asked: Vec<_> = (0..50).map(|n| format!("a:b{n}")).collect();
    let step = scene.ask(&asked.join(","));
    assert_outcome(&scene.stage, &step, "denied", "permission_not_granted");
    assert_eq!(warnings(&step), Vec::<&str>::new());
    let attempts = scene.receiver.webhooks();
    let mut ids = ids(&attempts);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((attempts.len(), ids.len()), (50, 50));
    let connections = attempts.iter().map(|attempt| attempt.connection).max();
    assert!(connections.unwrap() <= 4, "{connections:?}");
}

#[test]
fn a_receiver_that_is_gone_is_not_asked_for_every_record() {
    for fault in [Fault::status(410, "x"), Fault::Reset] {
        let attempts = if matches!(fault, Fault::Reset) { 20 } else { 4 };
        let scene = Scene::failing(FaultRule::always(Endpoint::Webhook, fault));
        let asked: Vec<_> = (0..50).map(|n| format!("a:b{n}")).collect();
        let step = scene.ask(&asked.join(","));
        assert!(warnings(&step)[0].contains("did not accept 50 of 50 audit records"));
        assert_eq!(scene.receiver.webhooks().len(), attempts);
        assert!(
            step.duration < Duration::from_secs(6),
            "{:?}",
            step.duration
        );
    }
}

#[test]
fn a_dead_receiver_changes_nothing_but_the_log() {
    let url = format!(
        "http://{}/hooks/{IN_URL}",
        simulator::free_address().unwrap()
    );
    let scene = Scene::new();
    for (permission, decision, reason) in [
        (ALLOWED, "allowed", "granted"),
        (DENIED, "denied", "no_rule_matches"),
    ] {
        let inputs = [("permission", permission), ("audit-webhook", &url)];
        let step = scene.run(&scene.stage.push(), &inputs);
        assert_outcome(&scene.stage, &step, decision, reason);
        assert!(warnings(&step)[0].contains("no connection to 127.0.0.1:"));
        assert!(
            step.duration < Duration::from_secs(6),
            "{:?}",
            step.duration
        );
    }
}

/// It holds the step up by its time at most, and nothing else waits for it.
#[test]
fn a_receiver_that_never_answers() {
    each(&[("3", 3), ("60", 10)], 2, |(timeout, seconds)| {
        let scene = Scene::failing(FaultRule::always(Endpoint::Webhook, Fault::Stall));
        let inputs = [("permission", ALLOWED), ("timeout", timeout)];
        let step = scene.run(&scene.stage.push(), &inputs);
        assert_outcome(&scene.stage, &step, "allowed", "granted");
        let warning = warnings(&step)[0];
        assert!(warning.contains("did not answer within"), "{warning}");
        let late = step.duration.saturating_sub(Duration::from_secs(*seconds));
        assert!(late < Duration::from_millis(900), "{:?}", step.duration);
    });
}

#[test]
fn what_a_step_leaves_waits_for_no_receiver() {
    let scene = Scene::failing(FaultRule::always(Endpoint::Webhook, Fault::Stall));
    let runner = scene
        .stage
        .runner
        .clone()
        .limit(Duration::from_millis(1500));
    let job = scene.stage.push();
    let step = runner
        .run(&scene.stage.github, &job, &[("permission", ALLOWED)])
        .unwrap();
    assert_eq!(step.exit, Exit::TimedOut);
    assert_eq!(step.output("decision"), "allowed");
    assert!(!step.output("check-run-url").is_empty());
    assert!(!step.summary.is_empty());
    scene.assert_safe(&step);
}

#[test]
fn a_cancellation_is_delivered() {
    for endpoint in [Endpoint::Token, Endpoint::CheckRun] {
        let mut scene = Scene::new();
        scene
            .stage
            .github
            .add_fault(FaultRule::always(endpoint, Fault::Stall));
        let signalled = scene.stage.runner.clone();
        scene.stage.runner = signalled.signal_after(Signal::Terminate, Duration::from_millis(700));
        let step = scene.ask(ALLOWED);
        assert_outcome(&scene.stage, &step, "error", "cancelled");
        let attempts = scene.receiver.webhooks();
        let reasons: Vec<_> = attempts
            .iter()
            .map(|attempt| attempt.request.json().unwrap()["data"]["reason"].clone())
            .collect();
        let expected = match endpoint {
            Endpoint::Token => &["cancelled"][..],
            // What was decided had been delivered already, and is not again.
            _ => &["granted", "cancelled"],
        };
        assert_eq!(reasons, expected);
    }
}

/// The record that was on its way goes again, with the same id; both within the time after a signal.
#[test]
fn a_cancellation_with_a_receiver_that_hangs() {
    for (count, delivered) in [(1, true), (usize::MAX, false)] {
        let rule = FaultRule::first(Endpoint::Webhook, count, Fault::Stall);
        let mut scene = Scene::failing(rule);
        let signalled = scene.stage.runner.clone();
        scene.stage.runner = signalled.signal_after(Signal::Interrupt, Duration::from_millis(700));
        let step = scene.ask(ALLOWED);
        assert_outcome(&scene.stage, &step, "error", "cancelled");
        assert!(
            step.duration < Duration::from_secs(5),
            "{:?}",
            step.duration
        );
        let attempts = scene.receiver.webhooks();
        let written = records(&step.stdout);
        let mut expected: Vec<_> = written.iter().map(|record| record["id"].as_str()).collect();
        expected.insert(0, expected[0]);
        let mut seen: Vec<_> = ids(&attempts).into_iter().map(Some).collect();
        seen.sort_unstable();
        expected.sort_unstable();
        assert_eq!(seen, expected);
        assert_eq!(warnings(&step).is_empty(), delivered, "{}", step.stdout);
    }
}

#[test]
fn wrong_inputs_are_named_and_not_shown() {
    let stage = Stage::with_policy(POLICY);
    let short = "whsec_c2hvcnQgc2hvcnQgc2hvcnQ=";
    let url = "https://hooks.example/hidden-in-the-path";
    for (url, secret, message) in [
        (
            url,
            "",
            "`audit-webhook` and `audit-webhook-secret` go together",
        ),
        (
            "",
            SECRET,
            "`audit-webhook` and `audit-webhook-secret` go together",
        ),
        (
            url,
            short,
            "`audit-webhook-secret`: secret 1 has 17 bytes, expected `whsec_` and 24 to 64",
        ),
        (
            url,
            "hidden words, not a secret",
            "secret 1 does not start with `whsec_`",
        ),
        (url, "whsec_hidden-words", "secret 1 is not base64"),
        (
            "http://hooks.example/hidden-in-the-path",
            SECRET,
            "`audit-webhook` is not an https URL",
        ),
        ("hidden-in-the-path", SECRET, "`audit-webhook` is not a URL"),
        (
            "https://hidden-user@hooks.example",
            SECRET,
            "`audit-webhook` contains a user name",
        ),
    ] {
        let step = stage.run(
            &stage.push(),
            &[
                ("permission", ALLOWED),
                ("audit-webhook", url),
                ("audit-webhook-secret", secret),
            ],
        );
        assert_outcome(&stage, &step, "error", "input_invalid");
        assert!(
            step.output("message").contains(message),
            "{}",
            step.output("message")
        );
        assert!(step.places_with("hidden").is_empty(), "{}", step.stdout);
        assert!(step.places_with("c2hvcnQg").is_empty());
    }
}
