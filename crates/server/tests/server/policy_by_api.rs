//! Policies in repositories: the central one, and each repository's own.

use std::time::{Duration, Instant};

use serde_json::json;
use simulator::Job;
use simulator::github::{Answer, Endpoint, Fault, FaultRule, Repository, blob_sha};

use crate::support::api::{
    ApiStage, BY_API, CENTRAL, INFRA, POLICIES, POLICIES_ID, github, infra, mode, permissions,
    with_app, write_secrets,
};
use crate::support::{
    DEPLOY, Directory, OWNER, POLICY, POLICY_PATH, Server, command, configuration, output, wait_for,
};

const LOCK: &str = "ws:locks:create";
const SUCCEEDED: &str = "repo_permissions_policy_refreshes_total{result=\"succeeded\"}";

/// The policy without the rule for deployments.
fn without_deploys() -> String {
    POLICY.replace("ws:deployments:create", "ws:deployments:plan")
}

#[test]
fn a_central_policy_decides_and_the_record_names_it() {
    let stage = ApiStage::new();
    assert_eq!(stage.ask().status, 200);
    let record = &stage.server.records(1)[0]["data"];
    let policy = &record["policy"];
    assert_eq!(policy["source"], "acme-org/policies/central.yml@main");
    assert_eq!(policy["repository"], POLICIES);
    assert_eq!(policy["ref"], "main");
    assert_eq!(policy["blob"], blob_sha(POLICY.as_bytes()));
    assert_eq!(policy["sha256"], analysis::sha256(POLICY.as_bytes()));
    let policies = stage.github.repository(POLICIES).unwrap();
    assert_eq!(
        policy["commit"],
        json!(policies.branch_sha("main").unwrap().as_str())
    );
    // The repository is asked for by its id, with tokens that can do nothing else.
    for request in stage.requests(Endpoint::Contents, "") {
        let path = &request.request.path;
        assert!(path.contains("/repositories/900/contents/"), "{path}");
    }
    let tokens = stage.github.requests_to(Endpoint::AccessToken);
    assert_eq!(
        tokens.last().unwrap().request.json().unwrap(),
        json!({"repository_ids": [POLICIES_ID], "permissions": {"contents": "read"}})
    );
    stage.github.assert_nothing_unexpected();
}

#[test]
fn a_rule_removed_at_the_source_grants_no_more_after_refresh_and_two_seconds() {
    let stage = ApiStage::with(
        POLICY,
        "policy: { repository: acme-org/policies/central.yml@main, refresh: 2s }\n",
    );
    assert_eq!(stage.ask().status, 200);
    stage.set_policy(&without_deploys());
    let (answer, after) = stage.wait_for_answer(403);
    assert_eq!(answer.reason(), "permission_not_granted");
    assert!(after < Duration::from_secs(4), "{after:?}");
    let token = stage.token(&stage.deploy());
    for _ in 0..50 {
        assert_eq!(stage.server.ask(DEPLOY, &token).status, 403);
    }
    stage.set_policy(POLICY);
    stage.wait_for_answer(200);
}

#[test]
fn what_has_not_changed_is_neither_sent_nor_parsed() {
    let stage = ApiStage::new();
    stage.github.set_rate_limits(simulator::github::RateLimits {
        core: 1,
        ..simulator::github::RateLimits::default()
    });
    let before = stage.github.requests_to(Endpoint::Contents).len();
    let unchanged = wait_for("three answers without a body", || {
        let requests = stage.github.requests_to(Endpoint::Contents);
        let later = requests[before..].iter();
        let unchanged: Vec<_> = later.map(|request| request.status).collect();
        (unchanged.len() > 3).then_some(unchanged)
    });
    assert!(
        unchanged[..3].iter().all(|status| *status == Some(304)),
        "{unchanged:?}"
    );
    assert_eq!(stage.server.metric(SUCCEEDED), 1.0);
    let in_use = |line: &serde_json::Value| line["event"] == "policy_in_use";
    assert_eq!(stage.server.log().into_iter().filter(in_use).count(), 1);
    // No point of the rate limit was spent.
    assert_eq!(stage.github.used().1, 0);
    assert_eq!(stage.server.admin("/readyz").json()["status"], "ready");
    assert_eq!(stage.ask().status, 200);
}

/// What GitHub refuses ends the policy at once: somebody withdrew it, or the App's access to it.
#[test]
fn a_refusal_at_the_source_ends_the_policy_at_once() {
    let stage = ApiStage::new();
    for (endpoint, status, reason) in [
        (Endpoint::Contents, 404, "policy_not_found"),
        (Endpoint::Contents, 401, "policy_unreadable"),
        (Endpoint::Contents, 403, "policy_unreadable"),
    ] {
        stage
            .github
            .add_fault(FaultRule::always(endpoint, Fault::status(status, "No")));
        let (answer, after) = stage.wait_for_answer(503);
        assert_eq!(answer.reason(), reason, "{status}");
        assert!(after < Duration::from_secs(3), "{status}: {after:?}");
        assert_eq!(stage.server.admin("/readyz").status, 503);
        assert_eq!(stage.server.metric("repo_permissions_policy_valid"), 0.0);
        stage.github.clear_faults();
        stage.wait_for_answer(200);
        assert_eq!(stage.server.metric("repo_permissions_policy_valid"), 1.0);
    }
    // The file is gone, and comes back.
    stage
        .github
        .add_repository(Repository::new(POLICIES, POLICIES_ID, OWNER).private());
    assert_eq!(stage.wait_for_answer(503).0.reason(), "policy_not_found");
    stage.set_policy(POLICY);
    stage.wait_for_answer(200);
}

/// What passes leaves the last good policy, and says so.
#[test]
fn a_problem_that_passes_leaves_the_last_good_policy() {
    let faults = [
        Fault::status(500, "Oops"),
        Fault::status(503, "Oops"),
        Fault::too_many_requests(1),
        Fault::Answer(
            Answer::error(403, "API rate limit exceeded").with_header("Retry-After", "1"),
        ),
        Fault::Reset,
        Fault::Garbage,
        Fault::Truncate,
        Fault::TruncateUnframed,
        Fault::WithStatus(203),
        Fault::Huge(64 << 20),
        Fault::RedirectElsewhere(302),
        // A repository has one id: no redirect leads from it to itself.
        Fault::Redirect(
            301,
            "/api/v3/repositories/901/contents/central.yml".to_owned(),
        ),
        Fault::Answer(Answer::new(200, "text/plain", "version: 2\n")),
        Fault::Answer(Answer::new(
            200,
            "text/plain",
            "version: 1\npermissions: []\n",
        )),
        Fault::Answer(Answer::new(200, "text/plain", b"\xff".to_vec())),
        Fault::Answer(Answer::new(200, "text/plain", "")),
    ];
    // They wait more than they work.
    std::thread::scope(|scope| {
        for some in faults.chunks(2) {
            scope.spawn(move || leave_the_last_good_policy(some));
        }
    });
}

fn leave_the_last_good_policy(faults: &[Fault]) {
    let stage = ApiStage::new();
    for fault in faults {
        let named = format!("{fault:?}");
        stage.set_policy(&format!("{POLICY}# {named:.30}\n").replace('\u{fffd}', "?"));
        stage
            .github
            .add_fault(FaultRule::always(Endpoint::Contents, fault.clone()));
        stage.wait_for_status("degraded");
        assert_eq!(stage.server.metric("repo_permissions_policy_valid"), 0.0);
        assert_eq!(stage.ask().status, 200, "{named}");
        stage.github.clear_faults();
        stage.wait_for_status("ready");
        assert_eq!(stage.server.metric("repo_permissions_policy_valid"), 1.0);
        assert_eq!(stage.ask().status, 200, "{named}");
    }
    assert!(stage.github.elsewhere_requests().is_empty());
}

#[test]
fn a_source_that_does_not_answer_leaves_the_last_good_policy_until_it_is_stale() {
    let stage = ApiStage::with(
        POLICY,
        "policy: { repository: acme-org/policies/central.yml@main, refresh: 1s, stale: 14s }\n",
    );
    stage
        .github
        .add_fault(FaultRule::always(Endpoint::Contents, Fault::Stall));
    let stalled = Instant::now();
    stage.wait_for_status("degraded");
    assert_eq!(stage.ask().status, 200);
    let (answer, _) = stage.wait_for_answer(503);
    assert_eq!(answer.reason(), "policy_unreadable");
    assert!(
        stalled.elapsed() > Duration::from_secs(12),
        "{:?}",
        stalled.elapsed()
    );
    stage.github.clear_faults();
    stage.wait_for_answer(200);
}

#[test]
fn an_invalid_version_that_stays_ends_when_it_is_stale() {
    let stage = ApiStage::with(
        POLICY,
        "policy: { repository: acme-org/policies/central.yml@main, refresh: 1s, stale: 3s }\n",
    );
    stage.set_policy("version: 2\n");
    stage.wait_for_status("degraded");
    let log = stage.server.logs("policy_not_renewed");
    assert_eq!(log["decides"], "the last good policy");
    let (answer, _) = stage.wait_for_answer(503);
    assert_eq!(answer.reason(), "policy_invalid");
    // Its text is not for clients.
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.starts_with("the policy is not valid at line 1"),
        "{detail}"
    );
    stage.set_policy(POLICY);
    stage.wait_for_answer(200);
}

/// A name can belong to another repository later. The policy stays that of the first one.
#[test]
fn a_repository_that_takes_over_the_policys_name() {
    let stage = ApiStage::new();
    let everything = POLICY.replace("branch: main", "branch: '*'");
    let other = Repository::new(POLICIES, 901, OWNER).with_file("main", CENTRAL, everything);
    stage.github.add_repository(other);
    let app = stage.app.clone();
    stage.github.install_app(app, &[POLICIES], permissions());
    let (answer, _) = stage.wait_for_answer(503);
    assert!(["policy_not_found", "policy_unreadable"].contains(&answer.reason()));
    wait_for("the words", || {
        let log = stage.server.log();
        let said = |line: &serde_json::Value| {
            let why = line["why"].as_str().unwrap_or_default();
            why.contains("has the ID 901, and had the ID 900 before")
        };
        log.iter().any(said).then_some(())
    });
    assert_eq!(stage.ask().status, 503);
    // The honest twin: the same repository under another name.
    let stage = ApiStage::new();
    stage.github.edit_repository(POLICIES, |repository| {
        repository.name = "rules".to_owned();
        repository.former_names.push(POLICIES.to_owned());
    });
    stage.set_file("acme-org/rules", CENTRAL, &without_deploys());
    stage.wait_for_answer(403);
}

#[test]
fn a_former_name_leads_to_the_repository() {
    let github = github(POLICY);
    github.edit_repository(POLICIES, |repository| {
        repository.former_names.push("acme-org/old".to_owned());
    });
    let stage = ApiStage::unready(github, &BY_API.replace("policies/", "old/"));
    stage.server.wait_until_ready();
    let log = stage.server.logs("policy_repository_renamed");
    assert_eq!(
        (log["from"].as_str(), log["to"].as_str()),
        (Some("acme-org/old"), Some(POLICIES))
    );
    assert_eq!(stage.ask().status, 200);
}

#[test]
fn a_server_can_start_before_github() {
    let github = github(POLICY);
    github.add_fault(FaultRule::always(
        Endpoint::Installation,
        Fault::status(500, "Oops"),
    ));
    let stage = ApiStage::unready(github, BY_API);
    let (answer, _) = stage.wait_for_answer(503);
    assert!(
        ["policy_unreadable", "token_unavailable"].contains(&answer.reason()),
        "{answer:?}"
    );
    stage.github.clear_faults();
    stage.server.wait_until_ready();
    assert_eq!(stage.ask().status, 200);
}

#[test]
fn an_app_without_access_is_said_so() {
    for (endpoint, status, words) in [
        (
            Endpoint::Installation,
            404,
            "is not installed on acme-org/policies",
        ),
        (
            Endpoint::Installation,
            401,
            "the App's installation cannot be looked up",
        ),
        (
            Endpoint::AccessToken,
            422,
            "the App's installation token cannot be created",
        ),
    ] {
        let github = github(POLICY);
        github.add_fault(FaultRule::always(endpoint, Fault::status(status, "No")));
        let stage = ApiStage::unready(github, BY_API);
        let log = stage.server.logs("policy_not_renewed");
        let why = log["why"].as_str().unwrap();
        assert!(why.contains(words), "{why}");
        assert_eq!(log["decides"], "nobody");
    }
}

#[test]
fn tokens_are_renewed_before_they_end() {
    let github = github(POLICY);
    // Renewed five minutes before the end: each lasts two seconds here.
    github.set_installation_token_lifetime(Duration::from_secs(302));
    let stage = ApiStage::unready(github, BY_API);
    stage.server.wait_until_ready();
    wait_for("a third token", || {
        (stage.github.requests_to(Endpoint::AccessToken).len() >= 4).then_some(())
    });
    let refused = |request: &&simulator::github::RecordedRequest| request.status == Some(401);
    let requests = stage.github.requests();
    assert_eq!(requests.iter().filter(refused).count(), 0);
    // A token that GitHub takes back is replaced without an outage.
    stage
        .github
        .set_installation_token_lifetime(Duration::from_secs(3600));
    stage.github.add_fault(FaultRule::first(
        Endpoint::Contents,
        1,
        Fault::status(401, "Bad credentials"),
    ));
    wait_for("the refused request", || {
        let requests = stage.github.requests_to(Endpoint::Contents);
        requests
            .iter()
            .any(|request| request.status == Some(401))
            .then_some(())
    });
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(stage.server.admin("/readyz").json()["status"], "ready");
    let failed = stage
        .server
        .log()
        .into_iter()
        .filter(|line| line["level"] == "error");
    assert_eq!(failed.count(), 0);
}

/// With a central policy that delegates two permissions.
fn delegating() -> ApiStage {
    let central = POLICY.replace(
        "  - repository: acme-org/infra\n",
        "  - repository: acme-org/infra\n    delegate: [ws:locks:delete, ws:locks:list]\n",
    );
    ApiStage::with(&central, BY_API)
}

/// The central policy is the ceiling; the repository's own policy adds what it delegates.
#[test]
fn what_the_central_policy_delegates_the_own_one_can_grant() {
    let stage = delegating();
    let token = stage.token(&Job::push(&infra(), "main"));
    let ask = |permission: &str| {
        let answer = stage.server.ask(permission, &token);
        (answer.status, answer.reason().to_owned())
    };
    let expect = |status: u16, reason: &str| (status, reason.to_owned());
    // No own policy: as the central one says.
    assert_eq!(
        ask("ws:locks:delete"),
        expect(403, "permission_not_granted")
    );
    let own = "version: 1\npermissions:\n  - permission: [ws:locks:delete, ws:instances:create, ws:deployments:create]\n    branch: main\n";
    stage.set_file(INFRA, POLICY_PATH, own);
    wait_for("the own policy", || {
        (ask("ws:locks:delete") == expect(200, "granted")).then_some(())
    });
    // What is not delegated, the own policy cannot grant.
    assert_eq!(
        ask("ws:instances:create"),
        expect(403, "permission_not_granted")
    );
    assert_eq!(ask(DEPLOY), expect(403, "no_rule_matches"));
    assert_eq!(ask("ws:locks:list"), expect(403, "permission_not_granted"));
    let granted = |record: &serde_json::Value| {
        record["subject"] == "ws:locks:delete" && record["data"]["decision"] == "allowed"
    };
    let records = stage.server.records(5);
    let record = records.iter().find(|record| granted(record)).unwrap();
    assert_eq!(record["data"]["own_policy"]["repository"], INFRA);
    assert_eq!(
        record["data"]["own_policy"]["sha256"],
        analysis::sha256(own.as_bytes())
    );
    assert_eq!(record["data"]["policy"]["repository"], POLICIES);
    // A rule that is removed grants no more.
    stage.set_file(INFRA, POLICY_PATH, "version: 1\npermissions: []\n");
    let removed = Instant::now();
    wait_for("the end of the rule", || {
        (ask("ws:locks:delete").0 == 403).then_some(())
    });
    assert!(
        removed.elapsed() < Duration::from_secs(3),
        "{:?}",
        removed.elapsed()
    );
    // An invalid or unreadable one is an error, and never a grant.
    stage.set_file(INFRA, POLICY_PATH, own);
    wait_for("the rule", || {
        (ask("ws:locks:delete").0 == 200).then_some(())
    });
    let own_only = |fault| FaultRule::always(Endpoint::Contents, fault).path_contains("/123/");
    stage.github.add_fault(own_only(Fault::status(403, "No")));
    wait_for("the refusal", || {
        (ask("ws:locks:delete") == expect(503, "policy_unreadable")).then_some(())
    });
    assert_eq!(ask(LOCK), expect(200, "granted"));
    stage.github.clear_faults();
    wait_for("the rule", || {
        (ask("ws:locks:delete").0 == 200).then_some(())
    });
    // What passes leaves the last good one.
    stage.github.add_fault(own_only(Fault::status(502, "Oops")));
    wait_for("the failure", || {
        let log = stage.server.log();
        let failed = |line: &&serde_json::Value| {
            line["event"] == "own_policy_not_renewed" && line["keeps"] == "true"
        };
        _ = ask("ws:locks:delete");
        log.iter().find(failed).map(drop)
    });
    assert_eq!(ask("ws:locks:delete"), expect(200, "granted"));
    stage.github.clear_faults();
    stage.set_file(INFRA, POLICY_PATH, "version: 2\n");
    let central = |line: &serde_json::Value| line["event"] == "policy_not_renewed";
    assert!(!stage.server.log().iter().any(central));
}

/// Without its digest, nobody could check the record of the error.
#[test]
fn a_record_names_the_policy_that_is_not_valid() {
    let stage = delegating();
    let invalid = "version: 2\n";
    stage.set_file(INFRA, POLICY_PATH, invalid);
    let token = stage.token(&stage.deploy());
    let answer = stage.server.ask("ws:locks:delete", &token);
    assert_eq!((answer.status, answer.reason()), (503, "policy_invalid"));
    let record = &stage.server.records(1)[0]["data"];
    assert_eq!(record["reason"], "policy_invalid");
    assert_eq!(record["policy"]["repository"], POLICIES);
    let own = &record["own_policy"];
    assert_eq!(own["repository"], INFRA);
    assert_eq!(own["source"], POLICY_PATH);
    assert_eq!(own["sha256"], analysis::sha256(invalid.as_bytes()));
}

/// Each repository's own policy, under the ceiling of the configuration.
#[test]
fn own_policies_decide_alone_where_the_configuration_says_so() {
    let github = github(POLICY);
    let own = "version: 1\npermissions:\n  - permission: [ws:deployments:create, ws:locks:create]\n    branch: main\n";
    github.edit_repository(INFRA, |infra| {
        infra.set_file("main", ".github/gate.yml", own)
    });
    github.add_repository(Repository::new("acme-org/empty", 124, OWNER));
    let config =
        "policy: { path: .github/gate.yml, delegate: [ws:deployments:create], refresh: 1s }\n";
    let stage = ApiStage::unready(github, config);
    stage.server.wait_until_ready();
    assert_eq!(stage.ask().status, 200);
    let record = &stage.server.records(1)[0]["data"];
    assert_eq!(record["own_policy"]["source"], ".github/gate.yml");
    // A branch that nobody trusts can have any policy: the default branch counts.
    stage.github.edit_repository(INFRA, |infra| {
        infra.set_file("evil", ".github/gate.yml", own.replace("main", "evil"));
    });
    let evil = stage.token(&Job::push(&infra(), "evil"));
    assert_eq!(stage.server.ask(DEPLOY, &evil).reason(), "no_rule_matches");
    // What is not delegated is denied without a request.
    let before = stage.github.requests().len();
    let token = stage.token(&stage.deploy());
    assert_eq!(
        stage.server.ask(LOCK, &token).reason(),
        "permission_not_granted"
    );
    assert_eq!(stage.github.requests().len(), before);
    // The App is not installed there.
    let empty = Repository::new("acme-org/empty", 124, OWNER);
    let token = stage.token(&Job::push(&empty, "main"));
    let answer = stage.server.ask(DEPLOY, &token);
    assert_eq!((answer.status, answer.reason()), (503, "policy_unreadable"));
    // There is no policy.
    stage.github.add_repository(infra());
    let answer = wait_for("the end of the policy", || {
        Some(stage.ask()).filter(|answer| answer.status == 503)
    });
    assert_eq!(answer.reason(), "policy_not_found");
}

/// The signed id counts: another repository of the same name has no say.
#[test]
fn a_repository_that_takes_over_the_name_of_a_jobs() {
    let own = "version: 1\npermissions: [{ permission: ws:deployments:create }]\n";
    let github = github(POLICY);
    github.edit_repository(INFRA, |infra| {
        infra.set_file("main", ".github/gate.yml", own)
    });
    let config =
        "policy: { path: .github/gate.yml, delegate: [ws:deployments:create], refresh: 1s }\n";
    let stage = ApiStage::unready(github, config);
    stage.server.wait_until_ready();
    assert_eq!(stage.ask().status, 200);
    // The name now has another id, and its policy is the same.
    let token = stage.token_with(&stage.deploy(), &[("repository_id", json!("999"))]);
    let answer = stage.server.ask(DEPLOY, &token);
    assert_eq!((answer.status, answer.reason()), (503, "policy_unreadable"));
    // A public repository could be read with any token, so the id is in the path too.
    let other = Repository::new("acme-org/public", 999, OWNER).with_file(
        "main",
        ".github/gate.yml",
        "version: 1\n",
    );
    stage.github.add_repository(other);
    let answer = stage.server.ask(DEPLOY, &token);
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(stage.ask().status, 200);
}

#[test]
fn many_requests_make_one_for_the_own_policy() {
    let own = "version: 1\npermissions: [{ permission: ws:deployments:create, branch: main }]\n";
    let github = github(POLICY);
    github.edit_repository(INFRA, |infra| {
        infra.set_file("main", ".github/gate.yml", own)
    });
    let config =
        "policy: { path: .github/gate.yml, delegate: [ws:deployments:create], refresh: 1m }\n";
    let stage = ApiStage::unready(github, config);
    stage.server.wait_until_ready();
    let delay = Fault::Delay(Duration::from_millis(500));
    stage
        .github
        .add_fault(FaultRule::always(Endpoint::Contents, delay));
    let token = stage.token(&stage.deploy());
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..20)
            .map(|_| scope.spawn(|| stage.server.ask(DEPLOY, &token).status))
            .collect();
        for one in asking {
            assert_eq!(one.join().unwrap(), 200);
        }
    });
    assert_eq!(stage.requests(Endpoint::Contents, "gate.yml").len(), 1);
    assert_eq!(stage.github.requests_to(Endpoint::AccessToken).len(), 1);
}

#[test]
fn check_names_each_file_that_cannot_be_used() {
    let (github, directory) = (github(POLICY), Directory::new());
    let config = configuration(&github, &with_app("ca_bundle: roots.pem\n"));
    directory.write("server.yml", config);
    let (code, out, error) = output(command(&directory.path("server.yml")).arg("--check"));
    assert_eq!((code, &*out), (Some(2), ""));
    let files = ["roots.pem", "app.pem", "secret", "policy.yml"];
    let lines: Vec<_> = error.lines().collect();
    assert_eq!(lines.len(), files.len(), "{error}");
    for (line, file) in lines.iter().zip(files) {
        assert!(line.contains(&format!("/{file}`")), "{line}");
    }
}

#[test]
fn secrets_that_others_can_read_are_refused() {
    let (github, directory) = (github(POLICY), Directory::new());
    write_secrets(&directory);
    directory.write("server.yml", configuration(&github, &with_app(BY_API)));
    let file = directory.path("server.yml");
    let check = || output(command(&file).arg("--check"));
    let (code, out, error) = check();
    assert_eq!((code, &*error), (Some(0), ""));
    assert!(
        out.ends_with("is valid; its policy is at GitHub, and was not read\n"),
        "{out}"
    );
    for (name, key) in [
        ("app.pem", "private_key_file"),
        ("secret", "webhook_secret_file"),
    ] {
        for bits in [0o644, 0o642, 0o641] {
            mode(&directory, name, bits);
            for output in [check(), output(&mut command(&file))] {
                assert_eq!(output.0, Some(2), "{name} {bits:o}");
                assert!(output.2.contains(key), "{}", output.2);
                assert!(
                    output.2.contains("every user of this machine"),
                    "{}",
                    output.2
                );
            }
        }
        mode(&directory, name, 0o400);
        assert_eq!(check().0, Some(0));
    }
    for (name, text, words) in [
        (
            "app.pem",
            "",
            "the App's private key is not an RSA private key",
        ),
        ("secret", "\n", "which has no secret"),
        ("secret", "short\n", "shorter than 16 characters"),
    ] {
        let before = std::fs::read(directory.path(name)).unwrap();
        std::fs::write(directory.path(name), "").unwrap();
        mode(&directory, name, 0o600);
        std::fs::write(directory.path(name), text).unwrap();
        let (code, _, error) = check();
        assert_eq!(code, Some(2), "{name} {text:?}");
        assert!(error.contains(words), "{error}");
        std::fs::write(directory.path(name), before).unwrap();
    }
    assert_eq!(github.connections(), 0);
    let server = Server::start(&file);
    // Without an installation it is not ready, but it runs.
    assert_eq!(server.admin("/livez").status, 200);
    let key = directory.path("app.pem");
    std::fs::remove_file(&key).unwrap();
    std::fs::create_dir(&key).unwrap();
    let (code, _, error) = check();
    assert_eq!(code, Some(2));
    assert!(error.contains("is a directory"), "{error}");
}
