//! The policy's file changes while the server runs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::{DEPLOY, POLICY, Stage, command, output, wait_for};

/// The policy without the rule for deployments.
fn without_deploys() -> String {
    POLICY.replace("ws:deployments:create", "ws:deployments:plan")
}

#[test]
fn a_rule_that_is_removed_grants_no_more() {
    let stage = Stage::new();
    let token = stage.token(&stage.deploy());
    let status = || stage.server.ask(DEPLOY, &token).status;
    assert_eq!(status(), 200);
    stage.directory.write("policy.yml", without_deploys());
    let changed = std::time::Instant::now();
    wait_for("the new policy", || (status() == 403).then_some(()));
    assert!(
        changed.elapsed() < Duration::from_secs(4),
        "{:?}",
        changed.elapsed()
    );
    stage.directory.write("policy.yml", POLICY);
    wait_for("the old policy", || (status() == 200).then_some(()));
    // Each record names the policy that decided.
    let records = stage.server.records(3);
    for record in &records {
        let is_first = record["data"]["policy"]["sha256"] == analysis::sha256(POLICY.as_bytes());
        let expected = if is_first { "allowed" } else { "denied" };
        assert_eq!(record["data"]["decision"], expected);
    }
}

/// The first decision compiles the patterns, and the others of the repository wait for it.
#[test]
fn many_jobs_at_once_ask_a_new_policy() {
    let mut policy = POLICY.to_owned();
    for number in 0..400 {
        policy += &format!(
            "      - {{ permission: ws:deployments:create, branch: 'release-[a-z]{{1,9}}-{number}' }}\n"
        );
    }
    let stage = Stage::with(&policy, "");
    let token = stage.token(&stage.deploy());
    std::thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| assert_eq!(stage.server.ask(DEPLOY, &token).status, 200));
        }
    });
}

#[test]
fn check_says_that_nobody_reads_own_policies() {
    let stage = Stage::new();
    let check = || output(command(&stage.directory.path("server.yml")).arg("--check"));
    assert_eq!(check().2, "");
    let delegating = POLICY.replace(
        "  - repository: acme-org/infra\n",
        "  - repository: acme-org/infra\n    delegate: [ws:locks:list]\n",
    );
    stage.directory.write("policy.yml", delegating);
    let (code, _, error) = check();
    assert_eq!(code, Some(0));
    assert!(
        error.starts_with("warning: `delegate` is ignored: "),
        "{error}"
    );
}

/// To open it is to wait for somebody who writes.
#[test]
fn a_pipe_is_no_policy() {
    let stage = Stage::new();
    let pipe = stage.directory.path("pipe.yml");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let config = stage.directory.path("server.yml");
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text.replace("policy.yml", "pipe.yml");
    stage.directory.write("pipe-server.yml", text);
    let check = stage.directory.path("pipe-server.yml");
    let (code, _, error) = output(command(&check).arg("--check"));
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("expected a file"), "{error}");
}

#[test]
fn an_invalid_policy_is_loud_and_does_not_decide() {
    let stage = Stage::with(POLICY, "policy: { file: policy.yml, stale: 2s }\n");
    let token = stage.token(&stage.deploy());
    let ready = || stage.server.admin("/readyz");
    assert_eq!(ready().json()["status"], "ready");
    assert_eq!(stage.server.metric("repo_permissions_policy_valid"), 1.0);
    stage.directory.write(
        "policy.yml",
        POLICY.replace("version: 1", "version: 1\nversoin: 1"),
    );
    wait_for("the problem", || {
        (ready().json()["status"] == "degraded").then_some(())
    });
    assert_eq!(
        (ready().status, ready().json()["policy"].as_str().unwrap()),
        (200, "stale")
    );
    assert_eq!(stage.server.metric("repo_permissions_policy_valid"), 0.0);
    let logged = stage.server.logs("policy_not_renewed");
    assert!(
        logged["why"]
            .as_str()
            .unwrap()
            .contains("unknown key `versoin`"),
        "{logged}"
    );
    assert_eq!(stage.server.ask(DEPLOY, &token).status, 200);
    let answer = wait_for("the end of the last good policy", || {
        Some(stage.server.ask(DEPLOY, &token)).filter(|answer| answer.status != 200)
    });
    assert_eq!((answer.status, answer.reason()), (503, "policy_invalid"));
    // The text of a policy is not for its clients.
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.starts_with("the policy is not valid at line 2"),
        "{detail}"
    );
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert_eq!(
        (ready().status, ready().json()["status"].as_str().unwrap()),
        (503, "not ready")
    );
    // It is written after the answer, and after those of the checks before.
    let recorded = wait_for("the record of the error", || {
        let last = stage.server.records(2).pop().unwrap();
        (last["type"] == "dev.repo-permissions.check.error").then_some(last)
    });
    assert_eq!(recorded["data"]["context"]["repository"], "acme-org/infra");
    // The log says when the last good policy ends, and says it once.
    let decides = || {
        let mut log = stage.server.log();
        log.retain(|line| line["event"] == "policy_not_renewed");
        let decides = log.iter().map(|line| line["decides"].to_string());
        decides.collect::<Vec<_>>()
    };
    let decides = wait_for("the log", || Some(decides()).filter(|all| all.len() > 1));
    assert_eq!(decides, ["\"the last good policy\"", "\"nobody\""]);
    stage.directory.write("policy.yml", POLICY);
    wait_for("recovery", || {
        (stage.server.ask(DEPLOY, &token).status == 200).then_some(())
    });
}

#[test]
fn a_policy_that_is_withdrawn_ends_at_once() {
    let stage = Stage::new();
    let token = stage.token(&stage.deploy());
    assert_eq!(stage.server.ask(DEPLOY, &token).status, 200);
    std::fs::remove_file(stage.directory.path("policy.yml")).unwrap();
    let answer = wait_for("the end of the policy", || {
        Some(stage.server.ask(DEPLOY, &token)).filter(|answer| answer.status != 200)
    });
    assert_eq!((answer.status, answer.reason()), (503, "policy_not_found"));
}

/// Each answer is by one version or the other, and no request fails.
#[test]
fn swaps_under_load_lose_no_request() {
    let stage = Stage::new();
    let token = stage.token(&stage.deploy());
    let (is_over, other) = (AtomicBool::new(false), without_deploys());
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut seen = Vec::new();
                    while !is_over.load(Ordering::Relaxed) {
                        let answer = stage.server.ask(DEPLOY, &token);
                        seen.push((answer.status, answer.reason().to_owned()));
                    }
                    seen
                })
            })
            .collect();
        let mut in_use = stage
            .server
            .metric("repo_permissions_policy_refreshes_total{result=\"succeeded\"}");
        for number in 0..4 {
            stage
                .directory
                .write("policy.yml", if number % 2 == 0 { &other } else { POLICY });
            in_use += 1.0;
            wait_for("the swap", || {
                let name = "repo_permissions_policy_refreshes_total{result=\"succeeded\"}";
                (stage.server.metric(name) == in_use).then_some(())
            });
        }
        is_over.store(true, Ordering::Relaxed);
        let mut by_version = [0, 0];
        for client in clients {
            for (status, reason) in client.join().unwrap() {
                match (status, reason.as_str()) {
                    (200, "granted") => by_version[0] += 1,
                    (403, "permission_not_granted") => by_version[1] += 1,
                    other => panic!("{other:?}"),
                }
            }
        }
        assert!(by_version.iter().all(|count| *count > 10), "{by_version:?}");
    });
}

/// A pattern that every check needs, or one of a rule.
#[test]
fn a_broken_pattern_of_a_repository_does_not_decide() {
    let broken = |pattern: &str, instead: &str| {
        let broken = POLICY.replace(pattern, instead);
        assert_ne!(broken, POLICY);
        broken
    };
    let stage = Stage::new();
    let token = stage.token(&stage.deploy());
    let check = || {
        let (code, _, err) = output(command(&stage.directory.path("server.yml")).arg("--check"));
        assert_eq!(code, Some(2));
        assert!(err.contains("unclosed group"), "{err}");
    };
    let policy = broken("repository: acme-org/infra", "repository: 'acme-org/('");
    stage.directory.write("policy.yml", policy);
    wait_for("the problem", || {
        (stage.server.admin("/readyz").json()["status"] == "degraded").then_some(())
    });
    let why = stage.server.logs("policy_not_renewed")["why"].to_string();
    assert!(why.contains("unclosed group"), "{why}");
    assert_eq!(stage.server.ask(DEPLOY, &token).status, 200);
    check();
    // A check that needs the rule is an error, and no other one.
    let policy = broken("branch: main", "branch: '(main'");
    stage.directory.write("policy.yml", policy);
    let why = stage.server.logs("policy_pattern_invalid")["why"].to_string();
    assert!(why.contains("unclosed group"), "{why}");
    wait_for("the new policy", || {
        (stage.server.ask(DEPLOY, &token).status == 503).then_some(())
    });
    assert_eq!(stage.server.ask("ws:nothing:create", &token).status, 403);
    check();
}
