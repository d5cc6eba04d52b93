//! Deployments: the jobs of a run that wait for an environment with the App's protection rule.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;
use simulator::GitHub;
use simulator::github::{
    Answer, CommitSha, Delivery, Endpoint, Fault, FaultRule, PostedReview, Run,
};

use crate::support::api::{ApiStage, INFRA, SECRET, github};
use crate::support::schema::Schema;
use crate::support::{Server, wait_for};

const SCHEMA: &str = include_str!("../../../../schema/repo-permissions-audit.schema.json");
const PATH: &str = "/webhooks/github";
const FILE: &str = "deploy-production.yml";
const CONFIG: &str = "\
policy: { repository: acme-org/policies/central.yml@main, refresh: 1s, stale: 1m }
deployments:
  - { environment: production, permission: ws:deployments:create }
  - { environment: 'prod.*', permission: ws:locks:create }
  - { environment: { exact: staging }, permission: ws:locks:create }
";
const POLICY: &str = "\
version: 1
repositories:
  - repository: acme-org/infra
    permissions:
      - permission: ws:deployments:create
        workflow: deploy-production.yml
        branch: main
        environment: production
      - { permission: 'ws:locks:create', branch: main }
      - { permission: 'ws:any:branch' }
      - { permission: 'ws:claims:needed', branch: main, claims: { runner_environment: github-hosted } }
";

fn stage() -> ApiStage {
    with(CONFIG)
}

fn with(config: &str) -> ApiStage {
    let stage = ApiStage::unready(github(POLICY), config);
    stage.server.wait_until_ready();
    stage
}

impl ApiStage {
    /// The run that may deploy to production.
    fn run(&self, id: u64) -> Run {
        let infra = self.github.repository(INFRA).unwrap();
        Run::push(&infra, id, "main", FILE)
    }

    /// The request for a review of a run, which waits for the environment.
    fn request(&self, run: Run, environment: &str) -> Delivery {
        let run = run.waiting_for(environment);
        let infra = self.github.repository(INFRA).unwrap();
        let api = self.github.api_url();
        let place = (environment, &*api);
        let delivery = Delivery::deployment(&self.app, self.installation, &infra, &run, place);
        self.github.add_run(run);
        delivery
    }

    /// Delivers a request, and returns the status of the answer with the review of the run.
    fn ask_for_review(&self, run: Run, environment: &str) -> (u16, Option<PostedReview>) {
        let id = run.id;
        let delivery = self.request(run, environment);
        let status = self
            .github
            .deliver(&delivery, &self.server.address, PATH, SECRET);
        (status, self.review_of(id))
    }

    fn review_of(&self, run: u64) -> Option<PostedReview> {
        let reviews = self.github.reviews();
        reviews.into_iter().find(|review| review.run == run)
    }

    /// The state of a run's review, after one delivery.
    #[track_caller]
    fn verdict(&self, run: Run, environment: &str) -> String {
        let (status, review) = self.ask_for_review(run, environment);
        assert_eq!(status, 202);
        let review = review.expect("a review");
        assert!(review.comment.chars().count() <= 1024);
        format!("{}: {}", review.state, review.comment)
    }
}

#[test]
fn a_run_that_may_is_approved_and_one_that_may_not_is_rejected() {
    let stage = stage();
    let verdict = stage.verdict(stage.run(1), "production");
    assert!(verdict.starts_with("approved: "), "{verdict}");
    let record = &stage.server.records(2)[0]["data"];
    assert_eq!(record["enforced_by"], "deployment");
    assert_eq!(record["decision"], "allowed");
    assert_eq!(record["context"]["workflow"], FILE);
    assert_eq!(record["context"]["branch"], "main");
    assert_eq!(record["context"]["environment"], "production");
    assert_eq!(record["run_id"], "1");
    assert_eq!(record["run_attempt"], "1");
    assert_eq!(record["token"], json!(null));
    let other = Run {
        path: ".github/workflows/other.yml".to_owned(),
        ..stage.run(2)
    };
    let verdict = stage.verdict(other, "production");
    assert!(verdict.starts_with("rejected: "), "{verdict}");
    assert!(verdict.contains("ws:deployments:create"), "{verdict}");
    // Without case, as GitHub has it.
    assert!(
        stage
            .verdict(stage.run(3), "Production")
            .starts_with("approved")
    );
    stage.github.assert_nothing_unexpected();
}

#[test]
fn every_entry_that_matches_the_environment_has_to_grant() {
    let stage = stage();
    let lock = POLICY.replace(
        "'ws:locks:create', branch: main",
        "'ws:locks:create', branch: x",
    );
    assert!(
        stage
            .verdict(stage.run(1), "staging")
            .starts_with("approved")
    );
    stage.set_policy(&lock);
    std::thread::sleep(Duration::from_secs(3));
    // The first entry grants, the second does not.
    let verdict = stage.verdict(stage.run(2), "production");
    assert!(verdict.starts_with("rejected"), "{verdict}");
    assert!(verdict.contains("ws:locks:create"), "{verdict}");
}

#[test]
fn an_environment_that_no_entry_names_is_rejected() {
    let stage = stage();
    for (number, environment) in (1..).zip(["staging2", "nonproduction", "development"]) {
        let verdict = stage.verdict(stage.run(number), environment);
        assert_eq!(
            verdict,
            "rejected: no entry of `deployments` names this environment"
        );
    }
    for record in stage.server.records(3) {
        assert_eq!(record["subject"], json!(null));
        let data = &record["data"];
        assert_eq!(data["enforced_by"], "deployment");
        assert_eq!(data["decision"], "denied");
        assert_eq!(data["reason"], "permission_not_granted");
        assert_eq!(data["context"]["repository"], INFRA);
        assert_eq!(data["policy"], json!(null));
    }
    assert!(
        stage
            .verdict(stage.run(9), "staging")
            .starts_with("approved")
    );
}

/// A46: a run names its branch by a short name, which a tag can have too.
#[test]
fn a46_a_tag_that_poses_as_a_branch() {
    let stage = stage();
    let evil = CommitSha::derived("evil");
    let tagged = |id| Run {
        head_sha: evil.clone(),
        ..stage.run(id)
    };
    let main = stage
        .github
        .repository(INFRA)
        .unwrap()
        .branch_sha("main")
        .unwrap();
    let old = CommitSha::derived("old main");
    stage.github.edit_repository(INFRA, |infra| {
        infra.set_ref("refs/tags/main", &evil);
        infra.set_merge_base(&evil, &main, &old);
    });
    let verdict = stage.verdict(tagged(1), "production");
    assert!(verdict.starts_with("rejected"), "{verdict}");
    assert!(verdict.contains("is not on the branch"), "{verdict}");
    // A tag at a commit of the branch: nobody knows what the run was started for.
    stage
        .github
        .edit_repository(INFRA, |infra| infra.set_ref("refs/tags/main", &main));
    let verdict = stage.verdict(stage.run(2), "production");
    assert!(verdict.starts_with("rejected"), "{verdict}");
    assert!(
        verdict.contains("a tag has the name of the branch"),
        "{verdict}"
    );
    // The same with an annotated tag, whose ref points to an object of its own.
    stage.github.edit_repository(INFRA, |infra| {
        infra.set_annotated_tag("refs/tags/main", &main);
    });
    let verdict = stage.verdict(stage.run(7), "production");
    assert!(
        verdict.contains("a tag has the name of the branch"),
        "{verdict}"
    );
    // A tag without a branch, also for a rule with any branch.
    let release = Run {
        head_branch: "v1.0".to_owned(),
        ..stage.run(3)
    };
    stage
        .github
        .edit_repository(INFRA, |infra| infra.set_ref("refs/tags/v1.0", &main));
    let verdict = stage.verdict(release, "production");
    assert!(verdict.contains("there is no branch"), "{verdict}");
    // A tag whose name is a branch's longer one.
    stage.github.edit_repository(INFRA, |infra| {
        infra.remove_ref("refs/tags/main");
        infra.set_ref("refs/tags/heads/v2", &main);
    });
    let posing = Run {
        head_branch: "v2".to_owned(),
        ..stage.run(4)
    };
    assert!(stage.verdict(posing, "production").starts_with("rejected"));
    // The honest twins: the branch, and a tag of its name somewhere else.
    assert!(
        stage
            .verdict(stage.run(5), "production")
            .starts_with("approved")
    );
    stage
        .github
        .edit_repository(INFRA, |infra| infra.set_ref("refs/tags/main", &old));
    assert!(
        stage
            .verdict(stage.run(6), "production")
            .starts_with("approved")
    );
    stage.github.edit_repository(INFRA, |infra| {
        infra.set_annotated_tag("refs/tags/main", &old);
    });
    assert!(
        stage
            .verdict(stage.run(8), "production")
            .starts_with("approved")
    );
}

/// A46, with a rule that trusts any branch: what is not known is not any.
#[test]
fn a46_a_tag_and_a_rule_with_any_branch() {
    let config = CONFIG
        .replace("ws:deployments:create", "ws:any:branch")
        .replace("prod.*", "x");
    let stage = with(&config);
    let main = stage
        .github
        .repository(INFRA)
        .unwrap()
        .branch_sha("main")
        .unwrap();
    stage
        .github
        .edit_repository(INFRA, |infra| infra.set_ref("refs/tags/v1", &main));
    let tagged = Run {
        head_branch: "v1".to_owned(),
        ..stage.run(1)
    };
    let verdict = stage.verdict(tagged, "production");
    assert!(verdict.starts_with("rejected"), "{verdict}");
    let verdict = stage.verdict(stage.run(2), "production");
    assert!(verdict.starts_with("approved"), "{verdict}");
    let records = stage.server.records(2);
    let schema = Schema::new(SCHEMA);
    for record in &records {
        assert!(schema.is_valid(record), "{record:#}");
    }
    // The policy would have granted it.
    assert_eq!(records[0]["data"]["decision"], "denied");
    assert_eq!(records[0]["data"]["policy"], json!(null));
    let policy = &records[1]["data"]["policy"];
    assert_eq!(policy["repository"], "acme-org/policies");
}

/// A50: the tag was deleted before anybody looked. The branch has to reach the commit.
#[test]
fn a50_a_tag_that_is_gone_when_it_is_looked_up() {
    let stage = stage();
    let evil = CommitSha::derived("evil");
    let main = stage
        .github
        .repository(INFRA)
        .unwrap()
        .branch_sha("main")
        .unwrap();
    stage.github.edit_repository(INFRA, |infra| {
        infra.set_merge_base(&evil, &main, &CommitSha::derived("old main"));
    });
    let run = Run {
        head_sha: evil,
        ..stage.run(1)
    };
    let verdict = stage.verdict(run, "production");
    assert!(verdict.starts_with("rejected"), "{verdict}");
    // The honest twin: an older commit of the branch, which has moved on.
    let older = CommitSha::derived("older main");
    stage
        .github
        .edit_repository(INFRA, |infra| infra.set_merge_base(&older, &main, &older));
    let run = Run {
        head_sha: older,
        ..stage.run(2)
    };
    assert!(stage.verdict(run, "production").starts_with("approved"));
}

#[test]
fn pull_requests_have_no_known_base() {
    let stage = stage();
    let pull = |id, head: (&str, u64)| Run {
        event: "pull_request".to_owned(),
        head_repository: Some((head.0.to_owned(), head.1)),
        ..stage.run(id)
    };
    // A rule that trusts a branch would have to trust the base too.
    for (id, head) in [(1, (INFRA, 123)), (2, ("mallory/infra", 666))] {
        let verdict = stage.verdict(pull(id, head), "production");
        assert!(verdict.starts_with("rejected"), "{verdict}");
    }
    let config = CONFIG
        .replace("ws:deployments:create", "ws:any:branch")
        .replace("prod.*", "x");
    let any = with(&config);
    assert!(
        any.verdict(pull(3, (INFRA, 123)), "production")
            .starts_with("approved")
    );
    let records = any.server.records(1);
    assert_eq!(records[0]["data"]["context"]["branch"], "main");
    any.verdict(pull(4, ("mallory/infra", 666)), "production");
    let records = any.server.records(2);
    assert_eq!(records[1]["data"]["context"]["branch"], "mallory:main");
}

#[test]
fn a_claim_that_a_run_does_not_have_is_named() {
    let config = CONFIG
        .replace("ws:deployments:create", "ws:claims:needed")
        .replace("prod.*", "x");
    let stage = with(&config);
    let verdict = stage.verdict(stage.run(1), "production");
    assert!(verdict.starts_with("rejected"), "{verdict}");
    assert!(
        verdict.contains("does not have `claims.runner_environment`"),
        "{verdict}"
    );
}

/// A45: whatever fails, nothing is approved; the job waits, and is approved or rejected once GitHub answers.
#[test]
fn a45_an_error_is_no_approval() {
    let faults = [
        (Endpoint::Run, Fault::status(500, "Oops")),
        (Endpoint::Run, Fault::status(404, "Not Found")),
        (Endpoint::Run, Fault::too_many_requests(60)),
        (Endpoint::Run, Fault::Reset),
        (Endpoint::Run, Fault::Truncate),
        (Endpoint::Run, Fault::Answer(Answer::json(200, &json!({})))),
        (Endpoint::Run, Fault::RedirectElsewhere(302)),
        (Endpoint::GitRef, Fault::status(500, "Oops")),
        (Endpoint::GitRef, Fault::status(403, "No")),
        (
            Endpoint::GitRef,
            Fault::Answer(Answer::json(
                200,
                &json!({"ref": "refs/heads/mainx", "object": {"sha": "a", "type": "commit"}}),
            )),
        ),
        (Endpoint::AccessToken, Fault::status(500, "Oops")),
        (Endpoint::Review, Fault::status(500, "Oops")),
        (Endpoint::Review, Fault::status(403, "No")),
        (
            Endpoint::Review,
            Fault::status(422, "There was a problem approving one of the gates"),
        ),
        (Endpoint::Review, Fault::WithStatus(200)),
        // The policy is not there: nothing can be decided.
        (Endpoint::Contents, Fault::status(404, "Not Found")),
    ];
    std::thread::scope(|scope| {
        for faults in faults.chunks(2) {
            scope.spawn(|| errors_are_no_approvals(faults));
        }
    });
}

/// None of the faults leads to an approval, and afterwards the server finds again what waits.
fn errors_are_no_approvals(faults: &[(Endpoint, Fault)]) {
    let stage = stage();
    let mut waiting = Vec::new();
    for (id, (endpoint, fault)) in (100..).zip(faults) {
        let named = format!("{endpoint:?} {fault:?}");
        let rule = FaultRule::always(*endpoint, fault.clone());
        stage.github.add_fault(rule);
        if *endpoint == Endpoint::Contents {
            wait_for("the end of the policy", || {
                (stage.server.admin("/readyz").status == 503).then_some(())
            });
        }
        let (status, _) = stage.ask_for_review(stage.run(id), "production");
        // A review can come through although its answer is not as documented; a token is kept for an hour.
        let is_posted = stage.review_of(id).is_some();
        assert!(
            status == 503 || (status == 202 && is_posted),
            "{named}: {status}"
        );
        if !is_posted {
            waiting.push(id);
        }
        stage.github.clear_faults();
        stage.server.wait_until_ready();
    }
    // All of them are found again within two minutes, with nobody delivering anything.
    let until = Instant::now() + Duration::from_secs(120);
    for id in waiting {
        while stage.review_of(id).is_none() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(100));
        }
        assert_eq!(stage.review_of(id).unwrap().state, "approved", "{id}");
    }
    assert!(stage.github.elsewhere_requests().is_empty());
}

/// A55 and its like: a callback that leads elsewhere gets nothing.
#[test]
fn a_callback_that_leads_elsewhere() {
    let stage = stage();
    let honest = stage.request(stage.run(1), "production");
    let body = String::from_utf8(honest.body.clone()).unwrap();
    let api = stage.github.api_url();
    for to in [
        "https://api.github.com",
        &stage.github.elsewhere_url(),
        &format!("{api}/.."),
    ] {
        let forged = Delivery {
            body: body
                .replace(&format!("{api}/repos"), &format!("{to}/repos"))
                .into_bytes(),
            ..honest.clone()
        };
        let answer = stage.deliver(&forged);
        assert_eq!(answer.status, 400, "{to}: {answer:?}");
    }
    assert!(stage.github.elsewhere_requests().is_empty());
    assert!(stage.github.reviews().is_empty());
    assert_eq!(stage.deliver(&honest).status, 202);
    assert_eq!(stage.review_of(1).unwrap().state, "approved");
}

#[test]
fn requests_of_other_accounts_are_nothing_to_this_server() {
    let stage = stage();
    let honest = stage.request(stage.run(1), "production");
    let body = String::from_utf8(honest.body.clone()).unwrap();
    let forged = Delivery {
        body: body.replace("\"id\":4567", "\"id\":666").into_bytes(),
        ..honest
    };
    assert_eq!(stage.deliver(&forged).status, 202);
    assert!(stage.github.reviews().is_empty());
    assert!(stage.github.requests_to(Endpoint::Run).is_empty());
}

/// A53: the last tenth of the installation's rate limit is for policies. The jobs wait until the next hour.
#[test]
fn a53_reviews_leave_the_rate_limit_to_the_policy() {
    let stage = stage();
    stage.github.set_rate_limits(simulator::github::RateLimits {
        core: 40,
        ..simulator::github::RateLimits::default()
    });
    let statuses: Vec<_> = (1..=30)
        .map(|id| stage.ask_for_review(stage.run(id), "production").0)
        .collect();
    let reviewed = statuses.iter().filter(|status| **status == 202).count();
    // The simulator counts each token alone, and a branch takes two requests of 36.
    assert!((15..=18).contains(&reviewed), "{statuses:?}");
    assert_eq!(stage.github.reviews().len(), reviewed);
    assert_eq!(statuses.last(), Some(&503));
    let refused = stage
        .server
        .metric("repo_permissions_reviews_total{result=\"refused\"}");
    assert!(refused >= 12.0, "{refused}");
    // The policy is renewed as before.
    stage.set_policy(&POLICY.replace("branch: main", "branch: other"));
    std::thread::sleep(Duration::from_secs(3));
    stage.wait_for_status("ready");
}

/// Each replay decides again, and a review that exists is done.
#[test]
fn replays_decide_again() {
    let stage = stage();
    let delivery = stage.request(stage.run(1), "production");
    assert_eq!(stage.deliver(&delivery).status, 202);
    for _ in 0..5 {
        assert_eq!(stage.deliver(&delivery).status, 202);
    }
    assert_eq!(stage.github.reviews().len(), 1);
    // Another job of the run waits, and the policy has changed.
    stage.set_policy(&POLICY.replace("branch: main", "branch: other"));
    std::thread::sleep(Duration::from_secs(3));
    stage.github.wait_for_review(1, "production");
    assert_eq!(stage.deliver(&delivery).status, 202);
    let states: Vec<_> = stage
        .github
        .reviews()
        .into_iter()
        .map(|review| review.state)
        .collect();
    assert_eq!(states, ["approved", "rejected"]);
}

/// A matrix of fifty jobs over one environment: fifty deliveries at once, and each job is reviewed.
#[test]
fn a_matrix_of_jobs() {
    let stage = stage();
    let mut run = stage.run(1);
    for _ in 0..49 {
        run = run.waiting_for("production");
    }
    let delivery = stage.request(run, "production");
    std::thread::scope(|scope| {
        for number in 0..50 {
            let (stage, mut delivery) = (&stage, delivery.clone());
            delivery.id = format!("matrix-{number}");
            scope.spawn(move || {
                stage
                    .github
                    .deliver(&delivery, &stage.server.address, PATH, SECRET)
            });
        }
    });
    wait_for("the reviews", || {
        stage.github.waiting(1).is_empty().then_some(())
    });
    let reviews = stage.github.reviews();
    assert!(
        reviews.iter().all(|review| review.state == "approved"),
        "{reviews:?}"
    );
}

/// What the runs of [`kill_9_and_faults_lose_no_deployment`] have to become.
fn expected(id: u64) -> &'static str {
    match id % 3 {
        0 => "rejected",
        _ => "approved",
    }
}

/// The server is killed again and again, GitHub answers badly, deliveries are lost. In the end each run has one review,
/// and the right one.
#[test]
fn kill_9_and_faults_lose_no_deployment() {
    // `DEPLOYMENTS=500` sends so many to one server.
    let all = std::env::var("DEPLOYMENTS").ok();
    let servers = match all.map(|count| count.parse().unwrap()) {
        Some(all) => vec![1..=all],
        None => vec![1..=20, 21..=40, 41..=60],
    };
    std::thread::scope(|scope| {
        for runs in servers {
            scope.spawn(|| reviewed_once(runs));
        }
    });
}

/// Each of the runs is reviewed once and rightly, two minutes after the last of the faults and kills at the latest.
fn reviewed_once(runs: std::ops::RangeInclusive<u64>) {
    let mut stage = stage();
    let faults = |github: &GitHub| {
        for endpoint in [
            Endpoint::Run,
            Endpoint::GitRef,
            Endpoint::Review,
            Endpoint::AccessToken,
        ] {
            github.add_fault(FaultRule::nth(endpoint, 2, Fault::status(502, "Oops")));
            github.add_fault(FaultRule::nth(endpoint, 3, Fault::ResetAfter));
            github.add_fault(FaultRule::nth(endpoint, 5, Fault::too_many_requests(1)));
            github.add_fault(FaultRule::nth(endpoint, 7, Fault::Truncate));
        }
        let gates = "There was a problem approving one of the gates";
        github.add_fault(FaultRule::nth(
            Endpoint::Review,
            4,
            Fault::status(422, gates),
        ));
    };
    let file = stage.directory.path("server.yml");
    for id in runs.clone() {
        if id % 10 == 0 {
            stage.github.clear_faults();
            faults(&stage.github);
        }
        let run = stage.run(id);
        let run = match expected(id) {
            "rejected" => Run {
                head_branch: "gone".to_owned(),
                ..run
            },
            _ => run,
        };
        let delivery = stage.request(run, "production");
        match id % 5 {
            // A delivery that never arrived.
            0 => stage.github.keep_delivery(&delivery, 502),
            // A server that is killed while it reviews.
            1 => {
                let address = stage.server.address.clone();
                let github = &stage.github;
                let server = &stage.server;
                std::thread::scope(|scope| {
                    scope.spawn(|| github.deliver(&delivery, &address, PATH, SECRET));
                    std::thread::sleep(Duration::from_millis(7 * (id % 11)));
                    server.signal(nix::sys::signal::Signal::SIGKILL);
                });
                stage.server = Server::start(&file);
            }
            _ => {
                stage
                    .github
                    .deliver(&delivery, &stage.server.address, PATH, SECRET);
            }
        }
    }
    stage.github.clear_faults();
    let recovered = Instant::now();
    let until = recovered + Duration::from_secs(120);
    let left = || {
        runs.clone()
            .filter(|id| !stage.github.waiting(*id).is_empty())
            .count()
    };
    while left() > 0 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(left(), 0, "after {:?}", recovered.elapsed());
    println!("recovered after {:?}", recovered.elapsed());
    let mut reviews = BTreeMap::<u64, Vec<String>>::new();
    for review in stage.github.reviews() {
        reviews.entry(review.run).or_default().push(review.state);
    }
    for id in runs.clone() {
        assert_eq!(reviews[&id], [expected(id)], "{id}");
    }
}

/// A server that starts again reviews what waits as soon as it has the policy: an attempt before would fail, and the job
/// would wait for the next one.
#[test]
fn a_server_that_starts_reviews_with_its_first_policy() {
    let mut stage = stage();
    let delivery = stage.request(stage.run(1), "production");
    stage.server.signal(nix::sys::signal::Signal::SIGKILL);
    stage.github.keep_delivery(&delivery, 502);
    let slow = Fault::Delay(Duration::from_secs(2));
    stage
        .github
        .add_fault(FaultRule::first(Endpoint::Contents, 1, slow));
    stage.server = Server::start(&stage.directory.path("server.yml"));
    let started = Instant::now();
    wait_for("the review", || stage.review_of(1));
    assert!(started.elapsed() < Duration::from_secs(12));
    assert_eq!(stage.github.requests_to(Endpoint::Run).len(), 1);
}

/// A53: what is too large to be sent is too large to be fetched, and an operator learns that a job waits.
#[test]
fn a53_a_delivery_over_the_limit_is_refused_both_ways() {
    let stage = stage();
    let padded = |id: u64, size: usize| {
        let delivery = stage.request(stage.run(id), "production");
        let mut body: serde_json::Value = serde_json::from_slice(&delivery.body).unwrap();
        body["padding"] = json!("x".repeat(size));
        let body = body.to_string().into_bytes();
        Delivery { body, ..delivery }
    };
    let too_large = padded(1, 5 << 20);
    let address = &stage.server.address;
    let sent = stage.github.deliver(&too_large, address, PATH, SECRET);
    assert_eq!(sent, 413);
    // The honest twin, which did not arrive.
    stage
        .github
        .keep_delivery(&padded(2, (5 << 20) - 2000), 503);
    // Another server looks at its start.
    let server = Server::start(&stage.directory.path("server.yml"));
    wait_for("the review", || stage.review_of(2));
    let log = server.logs("delivery_unreadable");
    assert_eq!(log["delivery"], too_large.id);
    assert_eq!(log["repository_id"], "123");
    assert_eq!(log["why"], "its payload is larger than 5 MB");
    let unreadable = "repo_permissions_deliveries_total{result=\"unreadable\"}";
    assert_eq!(server.metric(unreadable), 1.0);
    assert_eq!(stage.review_of(1), None);
}

/// GitHub keeps more deliveries than a page has.
#[test]
fn deliveries_of_many_pages_are_found() {
    let stage = stage();
    for id in 1..=130 {
        let delivery = stage.request(stage.run(id), "production");
        stage.github.keep_delivery(&delivery, 0);
    }
    // Restarted, it reads the list from its start.
    let server = Server::start(&stage.directory.path("server.yml"));
    let started = Instant::now();
    let left = || {
        (1..=130)
            .filter(|id| !stage.github.waiting(*id).is_empty())
            .count()
    };
    while left() > 0 && started.elapsed() < Duration::from_secs(120) {
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(left(), 0);
    println!("130 reviews in {:?}", started.elapsed());
    drop(server);
}
