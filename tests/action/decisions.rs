//! Every row of the table of decisions, by the whole program: the built binary, real HTTP, real
//! signatures.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::support::directory::Directory;
use crate::support::{POLICY, POLICY_PATH, Stage, assert_outcome, each, policies, repository};
use simulator::github::{Answer, Endpoint, Fault, FaultRule, Level, TestKey, TokenRecipe};
use simulator::runner::PullRequest;
use simulator::{GitHub, Job};

const DEPLOY: &str = "ws:deployments:create";

#[test]
fn granted() {
    let stage = Stage::with_policy(POLICY);
    let job = stage.push().with_environment("Production");
    let step = stage.ask(&job, DEPLOY);
    assert_outcome(&stage, &step, "allowed", "granted");
    assert_eq!(step.output("rule"), ".github/repo-permissions.yml:3");
    assert_eq!(step.output("repository"), "acme-org/infra");
    assert_eq!(step.output("workflow"), "deploy-production.yml");
    assert_eq!(step.output("branch"), "main");
    assert_eq!(step.output("environment"), "Production");
    assert_eq!(
        step.output("policy-sha"),
        simulator::github::blob_sha(POLICY.as_bytes())
    );
    let [run] = &stage.github.check_runs()[..] else {
        panic!("one check run")
    };
    assert_eq!(step.output("check-run-url"), run.html_url);
    assert_eq!(
        run.name,
        "Repository permissions: ws:deployments:create (Production)"
    );
    assert_eq!(
        (&*run.status, run.conclusion.as_deref()),
        ("completed", Some("success"))
    );
    assert_eq!(run.head_sha, job.sha.as_str());
    let summary = step.summary.strip_prefix("### ✅ Allowed\n\n").unwrap();
    assert_eq!(run.summary.trim(), summary.trim());
    let page = "/reasons/granted.html";
    for (place, text) in [("summary", &*step.summary), ("log", &step.stdout)] {
        assert!(text.contains(page), "{place}: {text}");
    }
    let [status] = &stage.github.statuses()[..] else {
        panic!("one status")
    };
    assert_eq!(
        status.context,
        "repo-permissions/ws:deployments:create/Production"
    );
    assert_eq!(status.state, "success");
    let page = format!(
        "{}/acme-org/infra/actions/runs/{}/job/{}",
        stage.github.server_url(),
        job.run_id,
        job.check_run_id
    );
    assert_eq!(status.target_url, Some(page));
}

#[test]
fn display_names_and_several_permissions() {
    let stage = Stage::with_policy(POLICY);
    let step = stage.ask(
        &stage.push(),
        "Affected Stacks Create, Locks Delete\nws:locks:delete",
    );
    assert_outcome(&stage, &step, "allowed", "granted");
    let names: Vec<_> = stage
        .github
        .statuses()
        .into_iter()
        .map(|status| status.context)
        .collect();
    assert_eq!(names.len(), 2);
    assert!(names.contains(&"repo-permissions/ws:affected_stacks:create".to_owned()));
    assert!(names.contains(&"repo-permissions/ws:locks:delete".to_owned()));
    assert_eq!(
        stage.github.check_runs()[0].name,
        "Repository permissions: ws:affected_stacks:create, ws:locks:delete"
    );
    // One that is denied denies all; each has its own status.
    let step = stage.ask(
        &stage.push(),
        "ws:affected_stacks:create, ws:deployments:create",
    );
    assert_outcome(&stage, &step, "denied", "no_rule_matches");
    let states: BTreeMap<_, _> = stage
        .github
        .statuses()
        .into_iter()
        .map(|status| (status.context, status.state))
        .collect();
    assert_eq!(
        states["repo-permissions/ws:affected_stacks:create"],
        "success"
    );
    assert_eq!(states["repo-permissions/ws:deployments:create"], "failure");
    // The title names what is denied.
    let title = "⛔ Denied: ws:deployments:create";
    assert_eq!(stage.github.check_runs()[1].title, title);
    assert_eq!(step.annotations()[0].properties["title"], title);
}

#[test]
fn no_rule_matches() {
    let stage = Stage::with_policy(POLICY);
    let step = stage.ask(&stage.push(), DEPLOY);
    assert_outcome(&stage, &step, "denied", "no_rule_matches");
    assert_eq!(
        step.output("message"),
        "`ws:deployments:create` is denied: rule 1 (`production deploys`, line 3) needs environment `production`; this job has none"
    );
    let run = &stage.github.check_runs()[0];
    assert_eq!(run.conclusion.as_deref(), Some("failure"));
    assert_eq!(run.annotations[0].path, POLICY_PATH);
    assert_eq!(run.annotations[0].start_line, 3);
    assert_eq!(stage.github.statuses()[0].state, "failure");
    // Advisory mode only reports it.
    let step = stage.run(
        &stage.push(),
        &[("permission", DEPLOY), ("mode", "advisory")],
    );
    assert_eq!(
        (step.exit_code(), step.output("decision")),
        (Some(0), "denied")
    );
    assert_eq!(
        stage.github.check_runs()[1].conclusion.as_deref(),
        Some("neutral")
    );
    let status = &stage.github.statuses()[1];
    assert_eq!(status.state, "success");
    assert_eq!(
        status.description.as_deref(),
        Some("would be denied: no_rule_matches")
    );
}

/// Wherever people read a denial, and nowhere where the policy is not shown.
#[test]
fn a_denial_says_which_pattern_was_probably_meant() {
    let policy =
        "version: 1\npermissions:\n  - { permission: ws:deployments:create, branch: feature/* }\n";
    let stage = Stage::with_policy(policy);
    let job = Job::push(&stage.repository, "feature/login");
    let step = stage.run(&job, &[("permission", DEPLOY), ("detail", "full")]);
    assert_outcome(&stage, &step, "denied", "no_rule_matches");
    let hint = "`feature/*` would match as a glob: write `{ glob: \"feature/*\" }`";
    assert!(
        step.output("message").ends_with(hint),
        "{}",
        step.output("message")
    );
    assert!(step.last_line().contains(hint), "{}", step.last_line());
    let run = stage.github.check_runs().pop().unwrap();
    for page in [&step.summary, &run.summary] {
        // In the sentence, below it, and beside the pattern in the table.
        assert_eq!(page.matches("{ glob: \"feature/*\" }").count(), 3, "{page}");
        assert_eq!(page.matches("as a glob").count(), 3, "{page}");
    }
    for detail in ["reason", "none"] {
        let step = stage.run(&job, &[("permission", DEPLOY), ("detail", detail)]);
        assert_outcome(&stage, &step, "denied", "no_rule_matches");
        let run = stage.github.check_runs().pop().unwrap();
        let status = stage.github.statuses().pop().unwrap();
        let shown = [
            &step.stdout,
            &step.summary,
            step.output("message"),
            step.output("result"),
            &run.summary,
            status.description.as_deref().unwrap(),
        ];
        for text in shown {
            assert!(
                !text.contains("feature/*") && !text.contains("glob"),
                "{detail}: {text}"
            );
        }
    }
}

/// The record and the report name the policy's commit where GitHub is slow or busy, and do without it in the end.
#[test]
fn the_commit_of_the_policy_may_take_a_moment() {
    let faults = [
        (Fault::Delay(Duration::from_millis(600)), true),
        (Fault::too_many_requests(1), true),
        (Fault::Stall, false),
    ];
    each(&faults, 3, |(fault, has_commit)| {
        let stage = Stage::with_policy(POLICY);
        stage
            .github
            .add_fault(FaultRule::first(Endpoint::Commit, 1, fault.clone()));
        let step = stage.ask(&stage.push(), "ws:affected_stacks:create");
        assert_outcome(&stage, &step, "allowed", "granted");
        assert_eq!(step.summary.contains(", commit `"), *has_commit);
    });
}

/// Among more rules than a table, the log and an output have room for.
#[test]
fn the_rule_that_decides_is_shown_among_many() {
    for (rules, limit) in [(60, None), (1_500, Some(200))] {
        let other = |at| format!("  - {{permission: a:b, branch: nope-{at}, environment: nope}}\n");
        let others: String = (0..rules).map(other).collect();
        let line = rules + 3;
        for (last, decision, named) in [
            ("main", "allowed", "rule"),
            ("main, workflow: other.yml", "denied", "nearest"),
        ] {
            let last = format!("  - {{permission: a:b, name: the last, branch: {last}}}\n");
            let stage = Stage::with_policy(&format!("version: 1\npermissions:\n{others}{last}"));
            let step = stage.ask(&stage.push(), "a:b");
            assert_eq!(step.output("decision"), decision);
            let row = format!("| {} `the last`, line {line} |", rules + 1);
            assert!(step.summary.contains(&row), "{}", step.summary);
            assert!(step.summary.contains("more rules are not shown"));
            assert!(stage.github.check_runs()[0].summary.contains(&row));
            let rule = format!("rule {} (`the last`, line {line})\n    ", rules + 1);
            assert!(step.stdout.contains(&rule), "{}", step.stdout);
            let result: serde_json::Value = serde_json::from_str(step.output("result")).unwrap();
            let of_permission = &result["permissions"][0];
            assert_eq!(of_permission[named]["line"], line);
            let trace = of_permission["trace"].as_array().unwrap();
            assert_eq!(trace.last().unwrap()["line"], line);
            assert_eq!(trace.len(), limit.unwrap_or(rules + 1));
            assert_eq!(
                result.get("trace_limit").and_then(|limit| limit.as_u64()),
                limit.map(|limit| limit as u64)
            );
        }
    }
}

#[test]
fn repository_not_found() {
    let policy = "version: 1\nrepositories:\n  - repository: acme-org/other\n    permissions: [{permission: ws:locks:create}]\n";
    let stage = Stage::with_policy(policy);
    let step = stage.ask(&stage.push(), "ws:locks:create");
    assert_outcome(&stage, &step, "denied", "repository_not_found");
}

#[test]
fn repository_id_mismatch() {
    let policy = "version: 1\nrepositories:\n  - repository: acme-org/infra\n    repository_id: 9\n    permissions: [{permission: ws:locks:create}]\n";
    let stage = Stage::with_policy(policy);
    let step = stage.ask(&stage.push(), "ws:locks:create");
    assert_outcome(&stage, &step, "denied", "repository_id_mismatch");
    assert!(
        step.summary
            .contains(": the policy pins another repository id.")
    );
    assert!(
        !step.summary.contains("names this permission"),
        "{}",
        step.summary
    );
}

#[test]
fn permission_not_granted() {
    let stage = Stage::with_policy(POLICY);
    let step = stage.ask(&stage.push(), "ws:instances:create");
    assert_outcome(&stage, &step, "denied", "permission_not_granted");
}

#[test]
fn untrusted_event() {
    let stage = Stage::with_policy("version: 1\npermissions:\n  - permission: ws:locks:create\n");
    let own = PullRequest::same_repository(&stage.repository, 7, "feature/x");
    for job in [
        Job::pull_request_target(&stage.repository, own),
        Job::workflow_run(&stage.repository, "mallory/infra", "main"),
    ] {
        let step = stage.ask(&job, "ws:locks:create");
        assert_outcome(&stage, &step, "denied", "untrusted_event");
    }
}

#[test]
fn expired() {
    let stage = Stage::with_policy(POLICY);
    let step = stage.ask(&stage.push(), "ws:locks:create");
    assert_outcome(&stage, &step, "denied", "expired");
}

#[test]
fn fork_pull_request_named_main_is_denied() {
    let stage = Stage::with_policy(POLICY);
    let fork = PullRequest::fork(&stage.repository, 7, "mallory/infra", 666, "main");
    let job = Job::pull_request(&stage.repository, fork.clone());
    // A public repository's fork gets no token at all.
    let step = stage.ask(&job, "ws:affected_stacks:create");
    assert_outcome(&stage, &step, "error", "token_unavailable");
    assert!(step.output("message").contains("fork"));
    // A private repository's setting can send one: then its branch is `mallory:main`.
    let job = Job::pull_request(&stage.repository, fork.clone())
        .with_id_token(true)
        .with_permission("checks", Level::Write)
        .with_permission("statuses", Level::Write);
    let step = stage.ask(&job, "ws:affected_stacks:create");
    assert_outcome(&stage, &step, "denied", "no_rule_matches");
    assert_eq!(step.output("branch"), "mallory:main");
    assert_eq!(
        stage.github.check_runs()[0].head_sha,
        fork.head_sha.as_str()
    );
    // From this repository it is `main`.
    let own = PullRequest::same_repository(&stage.repository, 8, "main");
    let job = Job::pull_request(&stage.repository, own.clone());
    let step = stage.ask(&job, "ws:affected_stacks:create");
    assert_outcome(&stage, &step, "allowed", "granted");
    assert_eq!(stage.github.check_runs()[1].head_sha, own.head_sha.as_str());
}

#[test]
fn the_trace_of_a_grant_knows_the_default_branch() {
    let policy = "version: 1\npermissions: [{ permission: ws:deployments:create }, \
                  { permission: ws:deployments:create, branch: feature/x }]\n";
    let stage = Stage::with_policy(policy);
    let pull = PullRequest::same_repository(&stage.repository, 8, "feature/x");
    let step = stage.ask(&Job::pull_request(&stage.repository, pull), DEPLOY);
    assert_outcome(&stage, &step, "allowed", "granted");
    let result: serde_json::Value = serde_json::from_str(step.output("result")).unwrap();
    let trace = result["permissions"][0]["trace"].as_array().unwrap();
    assert_eq!(trace.len(), 2);
    for rule in trace {
        assert_eq!(rule["matched"], true, "{rule}");
    }
}

#[test]
fn input_invalid() {
    let stage = Stage::with_policy(POLICY);
    for (name, value, part) in [
        ("permission", "", "`permission` is missing"),
        ("permission", " , \n", "`permission` is missing"),
        (
            "permission",
            "ws:deployment:create!",
            "did you mean `ws:deployments:create`",
        ),
        ("policy", "../../user.yml", "`..`"),
        ("policy", "policy.txt", "`.yml`"),
        ("policy", "acme-org/p.yml@main", "OWNER/REPO/PATH@REF"),
        ("mode", "off", "`enforce` or `advisory`"),
        ("report", "check-run, slack", "`slack`"),
        ("report", "none, status", "`none`"),
        ("sha", "main", "40 hexadecimal digits"),
        ("detail", "some", "`full`"),
        ("timeout", "0", "whole seconds"),
        ("timeout", "1m", "whole seconds"),
        (
            "issuer",
            "https://token.actions.githubusercontent.com.evil.example",
            "issuer of GitHub Actions",
        ),
        ("app-client-id", "Iv1", "go together"),
        ("ca-bundle", "../ca.pem", "cannot be read"),
        ("ca-bundle", "missing.pem", "cannot be read"),
    ] {
        let inputs = [("permission", DEPLOY), (name, value)];
        let step = stage.run(&stage.push(), &inputs);
        assert_outcome(&stage, &step, "error", "input_invalid");
        assert!(
            step.output("message").contains(part),
            "{name}={value}: {}",
            step.output("message")
        );
        assert!(
            stage.github.minted_tokens().is_empty(),
            "no token before the inputs are right"
        );
    }
    // Without a permission, a name and a title end in themselves.
    let first = &stage.github.check_runs()[0];
    assert_eq!(
        (&*first.name, &*first.title),
        (
            "Repository permissions",
            "❗ Could not be decided, so nothing is granted"
        )
    );
    // The step reports it everywhere that it can.
    let run = stage.github.check_runs().pop().unwrap();
    assert_eq!(run.conclusion.as_deref(), Some("failure"));
    assert_eq!(stage.github.statuses().pop().unwrap().state, "error");
}

#[test]
fn workspace_policy_is_refused_in_a_pull_request() {
    let stage = Stage::with_policy(POLICY);
    let generous = "version: 1\npermissions: [{permission: ws:deployments:create}]\n";
    let runner = stage.runner.clone().workspace_file("policy.yml", generous);
    let own = PullRequest::same_repository(&stage.repository, 7, "feature/x");
    let inputs = [("permission", DEPLOY), ("policy", "./policy.yml")];
    for job in [
        Job::pull_request(&stage.repository, own.clone()),
        Job::pull_request_target(&stage.repository, own),
    ] {
        let step = runner.run(&stage.github, &job, &inputs).unwrap();
        assert_outcome(&stage, &step, "error", "input_invalid");
    }
    let step = runner.run(&stage.github, &stage.push(), &inputs).unwrap();
    assert_outcome(&stage, &step, "allowed", "granted");
    assert_eq!(step.output("rule"), "policy.yml:2");
}

#[test]
fn token_unavailable() {
    let stage = Stage::with_policy(POLICY);
    let step = stage.ask(&stage.push().with_id_token(false), DEPLOY);
    assert_outcome(&stage, &step, "error", "token_unavailable");
    assert!(step.output("message").contains("id-token: write"));
    assert!(step.summary.contains("Give the job"), "{}", step.summary);
    let faults = [
        Fault::status(401, "no"),
        Fault::status(503, "later"),
        Fault::Reset,
        Fault::Garbage,
    ];
    let faults = faults.into_iter().flat_map(|fault| {
        [Endpoint::Token, Endpoint::Keys].map(|endpoint| FaultRule::always(endpoint, fault.clone()))
    });
    each(&faults.collect::<Vec<_>>(), 8, |fault| {
        let stage = Stage::with_policy(POLICY);
        stage.github.add_fault(fault.clone());
        let step = stage.run(&stage.push(), &[("permission", DEPLOY), ("timeout", "4")]);
        assert_outcome(&stage, &step, "error", "token_unavailable");
        assert!(step.summary.contains("Run the job again"));
        assert!(!step.summary.contains("id-token"), "{}", step.summary);
    });
}

#[test]
fn token_invalid() {
    let stage = Stage::with_policy(POLICY);
    for recipe in [
        TokenRecipe::new().signed_by(TestKey::Attacker),
        TokenRecipe::new().claim("iss", "https://token.actions.githubusercontent.com"),
        TokenRecipe::new().claim("aud", "https://github.com/acme-org"),
        TokenRecipe::new().header("kid", "another"),
        TokenRecipe::new().header("alg", "HS256"),
        TokenRecipe::new().shifted(-3600),
        TokenRecipe::new().shifted(3600),
        TokenRecipe::new().raw_token("not.a.token"),
    ] {
        stage.github.set_token(recipe.clone());
        let step = stage.ask(&stage.push().with_environment("production"), DEPLOY);
        assert_outcome(&stage, &step, "error", "token_invalid");
        let is_of_issuer = step.output("message").contains("`iss`");
        let advises = step.summary.contains("Correct the input `issuer`");
        assert_eq!(advises, is_of_issuer, "{}", step.summary);
    }
}

#[test]
fn token_mismatch() {
    let stage = Stage::with_policy(POLICY);
    for (claim, value) in [
        ("repository", "acme-org/other"),
        ("repository_id", "124"),
        ("run_id", "1"),
        ("run_attempt", "9"),
        ("sha", "0123456789012345678901234567890123456789"),
        ("event_name", "schedule"),
    ] {
        for recipe in [
            TokenRecipe::new().claim(claim, value),
            TokenRecipe::new().without_claim(claim),
        ] {
            stage.github.set_token(recipe);
            let step = stage.ask(&stage.push().with_environment("production"), DEPLOY);
            assert_outcome(&stage, &step, "error", "token_mismatch");
            assert!(step.output("message").contains(claim));
            assert!(step.summary.contains("Look for an earlier step"));
        }
    }
}

#[test]
fn policy_not_found() {
    let stage = Stage::with_repository(repository());
    let step = stage.ask(&stage.push(), DEPLOY);
    assert_outcome(&stage, &step, "error", "policy_not_found");
    let hint = "write `acme-org/policies/x.yml@REF`";
    assert!(!step.output("message").contains("@REF"));
    let inputs = [
        ("permission", DEPLOY),
        ("policy", "acme-org/policies/x.yml"),
    ];
    let step = stage.run(&stage.push(), &inputs);
    assert_outcome(&stage, &step, "error", "policy_not_found");
    assert!(step.output("message").contains(hint));
    let inputs = [("permission", DEPLOY), ("policy", "./nope.yml")];
    let step = stage.run(&stage.push(), &inputs);
    assert_outcome(&stage, &step, "error", "policy_not_found");
}

#[test]
fn policy_unreadable() {
    let limited =
        Answer::error(403, "API rate limit exceeded").with_header("x-ratelimit-remaining", "0");
    let faults = [
        (Fault::status(403, "no"), "with `contents: read`"),
        (
            Fault::status(401, "Bad credentials"),
            "Check the input `token`",
        ),
        (Fault::Answer(limited), "run the job again"),
        (Fault::status(500, "no"), "run the job again"),
        (Fault::Reset, "run the job again"),
        (Fault::Truncate, "run the job again"),
    ];
    each(&faults, 4, |(fault, advice)| {
        let stage = Stage::with_policy(POLICY);
        stage
            .github
            .add_fault(FaultRule::always(Endpoint::Contents, fault.clone()));
        let step = stage.run(&stage.push(), &[("permission", DEPLOY), ("timeout", "4")]);
        assert_outcome(&stage, &step, "error", "policy_unreadable");
        let page = format!("/job/{}", stage.push().check_run_id);
        let status = stage.github.statuses().pop().unwrap();
        assert!(status.target_url.unwrap().ends_with(&page));
        assert!(step.summary.contains(advice), "{}", step.summary);
        let needs_more = step.summary.contains("contents: read");
        assert_eq!(needs_more, advice.contains("contents: read"));
    });
    // A directory is not a file.
    let stage = Stage::with_repository(repository().with_file("main", "p.yml/a.yml", POLICY));
    let step = stage.run(
        &stage.push(),
        &[("permission", DEPLOY), ("policy", "p.yml")],
    );
    assert_outcome(&stage, &step, "error", "policy_unreadable");
}

#[test]
fn policy_invalid() {
    let stage = Stage::with_policy(
        "version: 1\npermissions:\n  - permission: ws:deployments:create\n    brnch: main\n",
    );
    let step = stage.ask(&stage.push(), DEPLOY);
    assert_outcome(&stage, &step, "error", "policy_invalid");
    assert!(
        step.output("message")
            .contains("line 4, column 5: unknown key `brnch`")
    );
    let run = &stage.github.check_runs()[0];
    assert_eq!(run.annotations[0].start_line, 4);
    // A slip in one permission's pattern is not another's.
    let stage = Stage::with_policy(
        "version: 1\npermissions:\n  - {permission: ws:locks:create, branch: 'a)|('}\n  - permission: ws:locks:delete\n",
    );
    assert_outcome(
        &stage,
        &stage.ask(&stage.push(), "ws:locks:create"),
        "error",
        "policy_invalid",
    );
    assert_outcome(
        &stage,
        &stage.ask(&stage.push(), "ws:locks:delete"),
        "allowed",
        "granted",
    );
}

#[test]
fn runtime_missing() {
    let stage = Stage::with_policy(POLICY);
    let run = Directory::new().run_with(&[("GITHUB_OUTPUT", "out")], &[]);
    assert_eq!(run.code, Some(2));
    let log = run.out;
    assert!(
        log.lines()
            .last()
            .unwrap()
            .starts_with("error (runtime_missing): "),
        "{log}"
    );
    drop(stage);
}

#[test]
fn the_policy_of_another_repository() {
    let central = policies().with_file(
        "v1",
        "permissions.yml",
        "version: 1\nrepositories:\n  - repository: {glob: acme-org/*}\n    permissions:\n      - {name: secret name, permission: ws:locks:create, branch: main}\n",
    );
    let stage = Stage::with_policy(POLICY);
    stage.github.add_repository(central);
    let inputs = [
        ("permission", "ws:locks:create"),
        ("policy", "acme-org/policies/permissions.yml@v1"),
    ];
    let step = stage.run(&stage.push(), &inputs);
    assert_outcome(&stage, &step, "allowed", "granted");
    // Another repository's policy is not shown where people of this one read.
    let job = Job::push(&stage.repository, "feature/x");
    let step = stage.run(&job, &inputs);
    assert_outcome(&stage, &step, "denied", "no_rule_matches");
    for secret in ["secret name", "acme-org/*"] {
        assert_eq!(step.places_with(secret), Vec::<&str>::new());
        for run in stage.github.check_runs() {
            assert!(!run.summary.contains(secret) && run.annotations.is_empty());
        }
    }
}

#[test]
fn inline_policy() {
    let stage = Stage::with_repository(repository());
    let inputs = [
        ("permission", "ws:locks:create"),
        (
            "policy",
            "version: 1\npermissions:\n  - permission: ws:locks:create\n",
        ),
    ];
    let step = stage.run(&stage.push(), &inputs);
    assert_outcome(&stage, &step, "allowed", "granted");
    assert!(stage.github.requests_to(Endpoint::Contents).is_empty());
}

#[test]
fn two_rounds_of_requests_and_no_discovery() {
    let stage = Stage::with_policy(POLICY);
    let github = GitHub::builder()
        .latency(std::time::Duration::from_millis(300))
        .start()
        .unwrap();
    github.add_repository(stage.repository.clone());
    let step = stage
        .runner
        .run(
            &github,
            &stage.push(),
            &[("permission", "ws:affected_stacks:create")],
        )
        .unwrap();
    assert_eq!(step.output("reason"), "granted");
    assert!(github.requests_to(Endpoint::Discovery).is_empty());
    let arrived: Vec<_> = github
        .requests()
        .iter()
        .map(|request| (request.endpoint, request.at))
        .collect();
    let first = arrived[0].1;
    let round = |endpoint| {
        arrived
            .iter()
            .filter(|(e, _)| *e == endpoint)
            .map(|(_, at)| (*at - first).as_millis() / 250)
            .collect::<Vec<_>>()
    };
    for endpoint in [
        Endpoint::Token,
        Endpoint::Keys,
        Endpoint::Contents,
        Endpoint::Commit,
    ] {
        assert_eq!(
            round(endpoint),
            [0],
            "{endpoint:?} in the first round: {arrived:?}"
        );
    }
    for endpoint in [Endpoint::CheckRun, Endpoint::Status] {
        assert_eq!(
            round(endpoint),
            [1],
            "{endpoint:?} in the second round: {arrived:?}"
        );
    }
}

#[test]
fn a_report_that_fails_changes_nothing() {
    let stage = Stage::with_policy(POLICY);
    let job = stage
        .push()
        .with_permission("checks", Level::None)
        .with_permission("statuses", Level::None);
    let step = stage.ask(&job, "ws:affected_stacks:create");
    assert_outcome(&stage, &step, "allowed", "granted");
    assert!(
        step.stdout.contains("checks: write") && step.stdout.contains("statuses: write"),
        "{}",
        step.stdout
    );
    assert!(stage.github.check_runs().is_empty() && stage.github.statuses().is_empty());
    // GitHub shows ten warnings of a step.
    let step = stage.ask(&job, "ws:affected_stacks:create, ws:locks:delete, a:b, a:c");
    let warnings = step.annotations().iter();
    let warnings = warnings.filter(|one| one.level == "warning");
    assert_eq!(warnings.count(), 2, "{}", step.stdout);
    let statuses =
        "the commit status `repo-permissions/ws:affected_stacks:create` and 3 others were not set";
    assert!(step.stdout.contains(statuses), "{}", step.stdout);
    // A rate limit is not a missing permission.
    let limited =
        Answer::error(403, "API rate limit exceeded").with_header("x-ratelimit-remaining", "0");
    for endpoint in [Endpoint::CheckRun, Endpoint::Status] {
        stage.github.add_fault(FaultRule::first(
            endpoint,
            1,
            Fault::Answer(limited.clone()),
        ));
    }
    let step = stage.ask(&stage.push(), "ws:affected_stacks:create");
    assert_outcome(&stage, &step, "allowed", "granted");
    assert!(step.stdout.contains("API rate limit exceeded"));
    assert!(!step.stdout.contains(": write"), "{}", step.stdout);
    // One failing does not stop the other, and a check run is not asked for twice.
    stage
        .github
        .add_fault(FaultRule::always(Endpoint::CheckRun, Fault::ResetAfter));
    let step = stage.ask(&stage.push(), "ws:affected_stacks:create");
    assert_outcome(&stage, &step, "allowed", "granted");
    assert_eq!(stage.github.check_runs().len(), 1);
    assert_eq!(stage.github.statuses().len(), 1);
}

/// GitHub keeps the newest status of a context; the way out is the input.
#[test]
fn two_jobs_of_one_commit_need_a_status_context_each() {
    let stage = Stage::with_policy(
        "version: 1\npermissions: [{ permission: ws:deployments:create, workflow: deploy.yml }]\n",
    );
    let contexts = |context: Option<&'static str>| {
        stage.github.clear_records();
        for file in ["deploy.yml", "other.yml"] {
            let context = context.map(|context| format!("{context}/{file}"));
            let mut inputs = vec![("permission", DEPLOY)];
            inputs.extend(context.iter().map(|context| ("status-context", &**context)));
            stage.run(&stage.push().with_workflow(file), &inputs);
        }
        let statuses = stage.github.statuses().into_iter();
        statuses
            .map(|status| (status.context, status.state))
            .collect::<Vec<_>>()
    };
    let own = |context: &str, state: &str| (context.to_owned(), state.to_owned());
    let shared = "repo-permissions/ws:deployments:create";
    assert_eq!(
        contexts(None),
        [own(shared, "success"), own(shared, "failure")]
    );
    assert_eq!(
        contexts(Some("deploy")),
        [
            own("deploy/deploy.yml", "success"),
            own("deploy/other.yml", "failure")
        ]
    );
}
