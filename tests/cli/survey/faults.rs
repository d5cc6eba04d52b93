//! A GitHub that fails, and pages that are too much for it: the result is the same.

use serde_json::Value;
use simulator::github::{Answer, Endpoint, Fault, FaultRule, QueryFault};

use super::stage::{ALL, Stage, asking};
use crate::support::program::Run;

const POLICY: &str = "\
version: 1
repositories:
  - repository: acme-org/gone
    permissions: []
  - repository: { glob: acme-org/r* }
    permissions: []
";

/// Seven repositories, each with another number of workflow files, every second one with a problem.
fn stage() -> Stage {
    let stage = Stage::new();
    stage.write("policy.yml", POLICY);
    for id in 1..=7 {
        let permissions = if id % 2 == 0 { ALL } else { "" };
        let text = asking("push", permissions, "permission: 'a:b'");
        let padded = format!("{text}# {}\n", "x".repeat(100 * id as usize));
        let files: Vec<_> = (0..id)
            .map(|number| (format!("{number}.yml"), &*padded))
            .collect();
        let files: Vec<_> = files.iter().map(|(name, text)| (&**name, *text)).collect();
        stage.repository(&format!("r{id}"), id, &files);
    }
    stage
}

const ARGUMENTS: &str = "--policy policy.yml --format json --page-size 4";

/// The result without what it cost and when it was.
fn result(run: &Run) -> Value {
    assert_eq!((run.code, &*run.err), (Some(1), ""), "{}", run.err);
    let mut result = run.json();
    for key in ["cost", "started", "finished", "api"] {
        result["summary"].as_object_mut().unwrap().remove(key);
    }
    result
}

#[test]
fn a_failure_at_any_request_changes_nothing() {
    let stage = stage();
    let expected = result(&stage.run(ARGUMENTS));
    assert_eq!(expected["summary"]["findings"]["missing-id-token"], 16);
    assert_eq!(expected["summary"]["findings"]["gone"], 1);
    let faults = [
        Fault::Reset,
        Fault::Garbage,
        Fault::Truncate,
        Fault::status(500, "x"),
        Fault::status(502, "x"),
        Fault::status(504, "x"),
        Fault::Huge(9 << 20),
        Fault::Answer(Answer::new(
            200,
            "application/json",
            "{\"data\": {\"repositoryOwner\": {\"login\": \"x\", \"repositories\": null}}}",
        )),
        Fault::Answer(Answer::new(200, "text/html", "<html>")),
    ];
    for fault in faults {
        for (endpoint, number) in [
            (Endpoint::GraphQl, 1),
            (Endpoint::GraphQl, 2),
            (Endpoint::Repository, 1),
        ] {
            // A question by REST is not asked again when something strange was answered.
            let strange = matches!(&fault, Fault::Answer(answer) if answer.status == 200);
            if endpoint == Endpoint::Repository && (strange || matches!(fault, Fault::Huge(_))) {
                continue;
            }
            stage
                .github
                .add_fault(FaultRule::nth(endpoint, number, fault.clone()));
            let run = stage.run(ARGUMENTS);
            assert_eq!(result(&run), expected, "{fault:?} {number}");
            stage.github.clear_faults();
        }
    }
    stage.github.assert_nothing_unexpected();
}

#[test]
fn what_fails_again_and_again_stops_it() {
    let stage = stage();
    stage.github.add_fault(FaultRule::always(
        Endpoint::GraphQl,
        Fault::status(503, "down"),
    ));
    let run = stage.run(ARGUMENTS);
    assert_eq!((run.code, &*run.out), (Some(2), ""));
    insta::assert_snapshot!(run.err, @"error: stopped before the first repository: GitHub answered 503 (down)");
    // Five more tries, after longer and longer pauses.
    assert_eq!(stage.github.requests_to(Endpoint::GraphQl).len(), 6);
}

#[test]
fn pages_get_smaller_where_they_are_too_much_and_larger_again() {
    let stage = stage();
    let expected = result(&stage.run(ARGUMENTS));
    let first = |request: &simulator::github::RecordedRequest| {
        let body = request.request.json().unwrap();
        let texts = body["variables"]["texts"].as_bool().unwrap();
        (
            body["variables"]["first"].as_u64().unwrap(),
            texts,
            request.status.unwrap(),
        )
    };
    for (capacity, rest) in [(12_000, 0), (6_000, 0), (4_000, 7 + 8), (100, 7 + 28)] {
        stage.github.clear_records();
        stage.github.set_query_capacity(capacity);
        assert_eq!(result(&stage.run(ARGUMENTS)), expected, "{capacity}");
        let contents = stage.github.requests_to(Endpoint::Contents).len();
        assert_eq!(contents, rest, "{capacity}");
    }
    let requests = stage.github.requests_to(Endpoint::GraphQl);
    let asked: Vec<_> = requests.iter().map(first).collect();
    assert_eq!(
        asked[..4],
        [
            (4, true, 502),
            (2, true, 502),
            (1, true, 502),
            (1, false, 200)
        ]
    );
    // After eight good pages a larger one is tried.
    let stage = Stage::new();
    for id in 1..=40 {
        let size = if id <= 4 { 5_000 } else { 10 };
        stage.repository(
            &format!("r{id}"),
            id,
            &[("a.yml", &format!("# id-token {}", "x".repeat(size)))],
        );
    }
    stage.github.set_query_capacity(6_000);
    assert_eq!(stage.run("--page-size 4").code, Some(1));
    let requests = stage.github.requests_to(Endpoint::GraphQl);
    let asked: Vec<_> = requests.iter().map(|request| first(request).0).collect();
    assert_eq!(asked[..3], [4, 2, 1]);
    assert_eq!(asked.last(), Some(&4));
}

#[test]
fn partial_answers_are_completed() {
    let stage = stage();
    let expected = result(&stage.run(ARGUMENTS));
    for fault in [QueryFault::Timeout, QueryFault::ResourceLimits] {
        stage.github.clear_records();
        stage.github.set_query_fault("acme-org/r3", Some(fault));
        assert_eq!(result(&stage.run(ARGUMENTS)), expected, "{fault:?}");
        // The directory and its three files.
        assert_eq!(stage.github.requests_to(Endpoint::Contents).len(), 4);
    }
}

#[test]
fn files_that_graphql_cuts_are_read_whole() {
    let stage = Stage::new();
    let comment = "# filler\n".repeat(60_000);
    let large = asking("push", "", "permission: 'a:b'") + &comment;
    let too_large = "# id-token\n".repeat(100_000);
    stage.repository(
        "infra",
        1,
        &[
            ("a b#ü.yml", &large),
            ("too-large.yml", &too_large),
            ("large.txt", &comment),
        ],
    );
    let run = stage.run("--format json");
    assert_eq!((run.code, &*run.err), (Some(1), ""));
    let findings = &run.json()["repositories"][0]["findings"];
    assert_eq!(findings[0]["code"], "missing-id-token");
    assert_eq!(
        (&findings[1]["code"], &findings[1]["file"]),
        (&"not-read".into(), &"too-large.yml".into())
    );
    assert_eq!(
        findings[1]["message"],
        "the answer of GitHub is larger than 1048576 bytes"
    );
    assert_eq!(stage.github.requests_to(Endpoint::Contents).len(), 2);
    stage.github.assert_nothing_unexpected();
}
