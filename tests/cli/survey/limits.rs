//! Rate limits: waited for where they are short; else the survey says when GitHub accepts requests again.

use std::time::{Duration, Instant};

use serde_json::json;
use simulator::github::{Answer, Endpoint, Fault, FaultRule, RateLimits};

use super::stage::{Stage, asking};
use crate::support::program::Run;

fn stage() -> Stage {
    let stage = Stage::new();
    let text = asking("push", "", "permission: 'a:b'");
    for id in 1..=12 {
        stage.repository(&format!("r{id}"), id, &[("a.yml", &text)]);
    }
    stage
}

fn limits(graphql: u64, core: u64, window: Duration) -> RateLimits {
    RateLimits {
        graphql,
        core,
        window,
    }
}

const HOUR: Duration = Duration::from_secs(3600);

/// With the time that depends on when the test runs left out.
fn timeless(said: &str) -> String {
    let (before, after) = said.split_once(" UTC").unwrap();
    format!("{}HH:MM UTC{after}", &before[..before.len() - 5])
}

#[test]
fn a_limit_that_is_used_up_stops_it() {
    let stage = stage();
    stage.github.set_rate_limits(limits(10, 10, HOUR));
    let run = stage.run("--page-size 1");
    assert_eq!((run.code, &*run.out), (Some(2), ""));
    insta::assert_snapshot!(timeless(&run.err), @"error: stopped after 10 of 12 repositories: GitHub answered: API rate limit already exceeded for user ID 1; GitHub accepts requests again at HH:MM UTC");
    assert_eq!(stage.github.used(), (10, 0));
    // GitHub refused one request, and was not asked again.
    assert_eq!(stage.github.requests_to(Endpoint::GraphQl).len(), 11);
    // The next hour.
    stage.github.set_rate_limits(limits(12, 10, HOUR));
    let run = stage.run("--page-size 1 --format json");
    assert_eq!((run.code, &*run.err), (Some(1), ""));
    assert_eq!(run.json()["summary"]["repositories"], 12);
    assert_eq!(
        run.json()["summary"]["cost"],
        json!({"points": 12, "graphql_requests": 12, "rest_requests": 0})
    );
}

#[test]
fn a_short_time_is_waited_for() {
    let stage = stage();
    stage
        .github
        .set_rate_limits(limits(8, 8, Duration::from_secs(2)));
    let started = Instant::now();
    let run = stage.run("--page-size 1");
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!(run.code, Some(1), "{}", run.err);
    assert!(
        run.err.starts_with(
            "warning: GitHub answered: API rate limit already exceeded for user ID 1: continuing at "
        ),
        "{}",
        run.err
    );
    assert!(run.out.contains("12 repositories"), "{}", run.out);
}

#[test]
fn secondary_limits_are_obeyed() {
    let secondary =
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
    let said = json!({"errors": [{"message": secondary}]});
    let refusals = [
        Answer::error(403, secondary),
        Answer::error(429, secondary),
        Answer::json(200, &said),
    ];
    for refusal in refusals {
        let stage = stage();
        stage.write(
            "policy.yml",
            "version: 1\nrepositories: [{repository: acme-org/gone, permissions: []}]\n",
        );
        let refusal = refusal.with_header("Retry-After", "1");
        for endpoint in [Endpoint::GraphQl, Endpoint::Repository] {
            if refusal.status != 200 || endpoint == Endpoint::GraphQl {
                stage.github.add_fault(FaultRule::first(
                    endpoint,
                    1,
                    Fault::Answer(refusal.clone()),
                ));
            }
        }
        let started = Instant::now();
        let run = stage.run("--policy policy.yml");
        assert!(started.elapsed() >= Duration::from_secs(1), "{}", run.err);
        assert_eq!(run.code, Some(1), "{}", run.err);
        assert!(
            run.err
                .contains("secondary rate limit. Please wait a few minutes before you try again"),
            "{}",
            run.err
        );
        assert!(
            run.out.contains("12 repositories") && run.out.contains("`acme-org/gone`"),
            "{}",
            run.out
        );
    }
}

#[test]
fn a_limit_that_others_exhaust_is_reported() {
    let stage = stage();
    stage.write(
        "policy.yml",
        "version: 1\nrepositories: [{repository: acme-org/gone, permissions: []}]\n",
    );
    let used_up = |status: u16, body: &serde_json::Value| {
        let resets = jiff::Timestamp::now().as_second() + 3600;
        let answer = Answer::json(status, body);
        let answer = answer
            .with_header("X-RateLimit-Limit", "5000")
            .with_header("X-RateLimit-Remaining", "0");
        Fault::Answer(answer.with_header("X-RateLimit-Reset", &resets.to_string()))
    };
    let message = "API rate limit already exceeded for user ID 1.";
    let graphql = json!({"errors": [{"type": "RATE_LIMIT", "code": "graphql_rate_limit", "message": message}]});
    let rest = json!({"message": "API rate limit exceeded for user ID 1."});
    for (endpoint, fault) in [
        (Endpoint::GraphQl, used_up(200, &graphql)),
        (Endpoint::Repository, used_up(403, &rest)),
    ] {
        stage.github.clear_faults();
        stage.github.add_fault(FaultRule::always(endpoint, fault));
        let Run { code, err, .. } = stage.run("--policy policy.yml");
        assert_eq!(code, Some(2), "{err}");
        let how_far = match endpoint {
            Endpoint::GraphQl => "error: stopped before the first repository: ",
            _ => "error: stopped after 12 of 12 repositories: ",
        };
        assert!(err.starts_with(how_far), "{err}");
        assert!(err.contains("exceeded for user ID 1"), "{err}");
        let next = timeless(&err);
        assert!(
            next.ends_with("; GitHub accepts requests again at HH:MM UTC\n"),
            "{err}"
        );
        assert_eq!(stage.github.requests_to(endpoint).len(), 1);
    }
}
