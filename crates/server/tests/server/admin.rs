//! What operators see.

use crate::support::{DEPLOY, Stage};

#[test]
fn metrics_count_answers_by_few_values() {
    let stage = Stage::new();
    let token = stage.token(&stage.deploy());
    for _ in 0..3 {
        assert_eq!(stage.server.ask(DEPLOY, &token).status, 200);
    }
    stage.server.ask("made:up", &token);
    stage.server.ask("../made-up", "x");
    stage.server.ask(DEPLOY, "made-up");
    let answer = stage.server.admin("/metrics");
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some(kind))
    );
    for (labels, count) in [
        ("status=\"200\",reason=\"granted\"", 3.0),
        ("status=\"403\",reason=\"permission_not_granted\"", 1.0),
        ("status=\"403\",reason=\"input_invalid\"", 1.0),
        ("status=\"401\",reason=\"token_invalid\"", 1.0),
    ] {
        let name = format!("repo_permissions_answers_total{{{labels}}}");
        assert_eq!(
            stage.server.metric(&name),
            count,
            "{name} in {}",
            answer.body
        );
    }
    // Nothing that a client can choose is a label.
    assert!(!answer.body.contains("made"), "{}", answer.body);
    assert_eq!(
        stage
            .server
            .metric("repo_permissions_answer_duration_seconds_count"),
        6.0
    );
    assert_eq!(stage.server.metric("repo_permissions_in_flight"), 0.0);
    let age = stage.server.metric("repo_permissions_keys_age_seconds");
    assert!((0.0..60.0).contains(&age), "{age}");
    // Operators' endpoints are not where proxies ask.
    assert_eq!(stage.server.admin("/v1/forward-auth/a:b").status, 404);
}

/// `promtool check metrics`, where it is installed.
#[test]
#[ignore = "needs promtool: .ci/outside/organisation runs it"]
fn promtool_accepts_the_metrics() {
    use std::io::Write as _;
    let stage = Stage::new();
    stage.server.ask(DEPLOY, &stage.token(&stage.deploy()));
    let text = stage.server.admin("/metrics").body;
    let started = std::process::Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn();
    let Ok(mut promtool) = started else {
        return println!("not run: promtool (not installed)");
    };
    promtool
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = promtool.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}\n{text}");
}

/// The dashboard, the alerts and the runbook ask for metrics that exist. A family without a value is not in the text, so
/// the names are those that the source registers.
#[test]
fn the_dashboard_the_alerts_and_the_runbook_name_metrics_of_the_server() {
    let source = include_str!("../../src/metrics.rs");
    let name = regex::Regex::new(r"\brepo_permissions_([a-z_]+)").unwrap();
    // What the collector counts of the records of jobs.
    let of_jobs = ["checks_total", "decision"];
    for file in [
        include_str!("../../../../examples/organisation/dashboard.json"),
        include_str!("../../../../examples/organisation/alerts.yml"),
        include_str!("../../../../docs/enforce.md"),
    ] {
        let found = name.captures_iter(file).map(|found| found.extract().1);
        let mut count = 0;
        for [found] in found.filter(|[found]| !of_jobs.contains(found)) {
            count += 1;
            let endings = ["_bucket", "_total", "_seconds"];
            let registered = endings
                .iter()
                .fold(found, |name, ending| name.trim_end_matches(ending));
            assert!(source.contains(&format!("\"{registered}\"")), "{found}");
        }
        assert!(count > 4, "{count}");
    }
}
