//! What an earlier step of the job can set or write: nothing makes a grant of a denial, and nothing leaks a secret.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;
use simulator::github::GitHubBuilder;
use simulator::github::{
    Answer, Permissions, RecordedRequest, Repository, Signature, TestKey, TokenRecipe,
};
use simulator::runner::Exit;
use simulator::{GitHub, Job, Receiver, StepResult};

use super::row::{KEY, PATH, count, push};
use crate::support::proxy::Proxy;
use crate::support::{Stage, after_steps, assert_outcome, each_at_work, repository, runner};

const POLICY: &str = "version: 1\npermissions:\n  - { permission: ws:deployments:create, environment: production }\n  - { permission: ws:locks:create, branch: main }\n";
/// What the policy allows to a push to `main` without an environment.
const ALLOWED: &str = "ws:locks:create";

/// Returns an attacker's values for variables that such programs or their loader read. The released program is
/// static and has no loader; the tested one has, so these values do not name a library.
fn variables(workspace: &Path, attacker: &str) -> Vec<(&'static str, String)> {
    let file = |name: &str| workspace.join(name).display().to_string();
    let policy = "version: 1\npermissions: [{ permission: ws:deployments:create }]\n".to_owned();
    let text = str::to_owned;
    vec![
        ("SSL_CERT_FILE", file("evil.pem")),
        ("SSL_CERT_DIR", file("")),
        ("CURL_CA_BUNDLE", file("evil.pem")),
        ("ALL_PROXY", text(attacker)),
        ("all_proxy", text(attacker)),
        ("HTTPS_PROXY", text(attacker)),
        ("https_proxy", text(attacker)),
        ("NO_PROXY", text("*")),
        ("RUST_LOG", text("trace")),
        ("RUST_BACKTRACE", text("full")),
        ("RUST_LIB_BACKTRACE", text("1")),
        ("RUST_MIN_STACK", text("1")),
        ("SSLKEYLOGFILE", file("keys.log")),
        ("LD_PRELOAD", file("evil.so")),
        ("LD_LIBRARY_PATH", file("")),
        ("LD_AUDIT", file("evil.so")),
        ("GLIBC_TUNABLES", text("glibc.malloc.check=3")),
        ("MALLOC_ARENA_MAX", text("0")),
        ("HOSTALIASES", file("hosts")),
        ("LOCALDOMAIN", text("evil.example")),
        ("RES_OPTIONS", text("ndots:9")),
        ("TZ", text("../../etc/passwd")),
        ("LANG", text("tr_TR.UTF-8")),
        ("LC_ALL", text("tr_TR.UTF-8")),
        ("PATH", file("")),
        ("HOME", file("")),
        ("TMPDIR", file("")),
        ("TERM", text("xterm")),
        ("CLICOLOR_FORCE", text("1")),
        ("CI", text("false")),
        ("ACTIONS_STEP_DEBUG", text("true")),
        ("ACTIONS_ALLOW_UNSECURE_COMMANDS", text("true")),
        (
            "ACTIONS_ID_TOKEN_REQUEST_URL",
            format!("{attacker}/?api-version=2.0"),
        ),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", text("stolen")),
        ("ACTIONS_RUNTIME_TOKEN", text("stolen")),
        ("GITHUB_ACTIONS", text("false")),
        ("GITHUB_TOKEN", text("stolen")),
        ("GITHUB_API_URL", text(attacker)),
        ("GITHUB_SERVER_URL", text(attacker)),
        ("GITHUB_REPOSITORY", text("evil/repo")),
        ("GITHUB_REPOSITORY_ID", text("666")),
        ("GITHUB_EVENT_NAME", text("pull_request_target")),
        ("GITHUB_EVENT_PATH", text("/dev/zero")),
        ("GITHUB_OUTPUT", text("/dev/full")),
        ("GITHUB_STEP_SUMMARY", text("/dev/full")),
        ("GITHUB_WORKSPACE", text("/")),
        ("RUNNER_TEMP", text("/")),
        ("INPUT_POLICY", policy),
        ("INPUT_PERMISSION", text(ALLOWED)),
        ("INPUT_MODE", text("advisory")),
        ("INPUT_ISSUER", format!("{attacker}/_services/token")),
        ("INPUT_AUDIENCE", text("other")),
        ("INPUT_CA-BUNDLE", text("evil.pem")),
        ("INPUT_CHECK-RUN-ID", text("1")),
        ("INPUT_REPORT", text("none")),
        ("INPUT_TOKEN", text("stolen")),
        ("INPUT_AUDIT-WEBHOOK", format!("{attacker}/hooks/x")),
        ("INPUT_TIMEOUT", text("0")),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", text(attacker)),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            text("authorization=Bearer%20x"),
        ),
        ("OTEL_RESOURCE_ATTRIBUTES", text("service.name=evil")),
        ("OTEL_SDK_DISABLED", text("true")),
        (
            "TRACEPARENT",
            text("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ),
        ("REPO_PERMISSIONS_POLICY", text("evil.yml")),
    ]
}

#[test]
fn step_variables_change_nothing_and_leak_nothing() {
    let attacker = Receiver::start(false).unwrap();
    let stage = Stage::with_policy(POLICY);
    let runner = stage
        .runner
        .clone()
        .workspace_file("evil.so", "not a library")
        .workspace_file("evil.pem", evil_authority());
    let inputs = |permission| [("permission", permission)];
    let plain: Vec<StepResult> = [KEY, ALLOWED]
        .map(|permission| {
            runner
                .run(&stage.github, &stage.push(), &inputs(permission))
                .unwrap()
        })
        .into();
    assert_outcome(&stage, &plain[0], "denied", "no_rule_matches");
    assert_outcome(&stage, &plain[1], "allowed", "granted");
    let names = variables(Path::new(""), "");
    let indices: Vec<usize> = (0..names.len()).collect();
    each_at_work(&indices, 4, |index| {
        for (permission, plain) in [KEY, ALLOWED].into_iter().zip(&plain) {
            // The workspace of a step is known to the steps before it; here each has its own.
            let (name, value) = &variables(plain.workspace(), &attacker.otlp_endpoint())[*index];
            let job = stage.push().with_earlier_env(name, value);
            let step = runner
                .run(&stage.github, &job, &inputs(permission))
                .unwrap();
            let said = |step: &StepResult| {
                let outputs = [
                    "decision",
                    "reason",
                    "allowed",
                    "message",
                    "rule",
                    "branch",
                    "policy-sha",
                ];
                outputs.map(|name| step.output(name).to_owned())
            };
            assert_eq!(said(&step), said(plain), "{name}={value}\n{}", step.stdout);
            assert_eq!(
                step.exit_code(),
                plain.exit_code(),
                "{name}={value}\n{}",
                step.stdout
            );
            // What it reported is looked at once, after all of them.
            assert_absent(&secrets(&stage.github), &left_by(&step));
        }
    });
    // All at once, besides those that name a proxy that is none.
    let all = variables(plain[0].workspace(), &attacker.otlp_endpoint());
    let job = after_steps(stage.push(), all);
    for (permission, reason) in [(KEY, "no_rule_matches"), (ALLOWED, "granted")] {
        let step = runner
            .run(&stage.github, &job, &inputs(permission))
            .unwrap();
        assert_eq!(step.output("reason"), reason, "{}", step.stdout);
        assert_no_secret(&stage.github, &step, &[]);
    }
    // Copies of the audit records are all that a stranger gets.
    let strangers = attacker.logs();
    assert!(!strangers.is_empty());
    assert_no_secret(&stage.github, &plain[0], &strangers);
    attacker.assert_nothing_unexpected();
    count(names.len() + 1, names.len() + 1);
}

fn evil_authority() -> String {
    let evil = GitHub::builder().tls(true).start().unwrap();
    evil.ca_pem().unwrap().to_owned()
}

#[test]
fn step_proxies_and_certificates() {
    let repository = repository().with_file("main", PATH, POLICY);
    let start = |builder: GitHubBuilder| {
        let github = builder.tls(true).start().unwrap();
        github.add_repository(repository.clone());
        github
    };
    // One that only proxies find, and one that is never asked through a proxy.
    let real = start(GitHub::builder().host("github.test"));
    let near = start(GitHub::builder());
    // Answers for GitHub under a certificate of its own, and would allow everything.
    let evil = GitHub::builder().tls(true).start().unwrap();
    evil.add_repository(repository.clone().with_file(
        "main",
        PATH,
        "version: 1\npermissions: [{ permission: ws:deployments:create }]\n",
    ));
    let address = evil.server_url().replace("https://localhost", "127.0.0.1");
    let (honest, lying) = (Proxy::start(None), Proxy::start(Some(address)));
    let runner = runner().workspace_file("evil.pem", evil.ca_pem().unwrap());
    let run = |github: &GitHub, variables: &[(&str, &str)], permission| {
        let job = after_steps(Job::push(&repository, "main"), variables.iter().copied());
        let inputs = [("permission", permission), ("timeout", "4")];
        let runner = runner.clone().trusting(github);
        let step = runner.run(github, &job, &inputs).unwrap();
        assert_no_secret(github, &step, &evil.requests());
        step
    };
    for (name, url) in [("HTTPS_PROXY", &lying.url), ("https_proxy", &lying.url)] {
        for certificates in [
            ("SSL_CERT_FILE", "evil.pem"),
            ("SSL_CERT_DIR", "."),
            ("CURL_CA_BUNDLE", "evil.pem"),
            ("NODE_EXTRA_CA_CERTS", "evil.pem"),
        ] {
            for permission in [KEY, ALLOWED] {
                let before = lying.heads().len();
                let step = run(&real, &[(name, url), certificates], permission);
                let connections = lying.heads().len() - before;
                assert!(
                    (1..=6).contains(&connections),
                    "{connections}: each host once"
                );
                assert_eq!(
                    step.output("reason"),
                    "token_unavailable",
                    "{}",
                    step.stdout
                );
                assert!(
                    step.output("message").contains("certificate"),
                    "{}",
                    step.stdout
                );
            }
        }
    }
    assert!(!lying.heads().is_empty());
    assert!(
        evil.requests().is_empty(),
        "nothing is sent before the certificate is right"
    );
    // What is not read does nothing, no proxy leads to this machine, and an honest one is only a way.
    let asked = lying.heads().len();
    let lies = lying.url.as_str();
    for (github, variables) in [
        (&near, [("ALL_PROXY", lies), ("SSL_CERT_FILE", "evil.pem")]),
        (&near, [("all_proxy", lies), ("SSL_CERT_FILE", "evil.pem")]),
        (&near, [("HTTP_PROXY", lies), ("SSL_CERT_FILE", "evil.pem")]),
        (&near, [("HTTPS_PROXY", lies), ("NO_PROXY", "localhost")]),
        (
            &near,
            [("HTTPS_PROXY", lies), ("SSL_CERT_FILE", "evil.pem")],
        ),
        (
            &real,
            [("HTTPS_PROXY", &*honest.url), ("SSL_CERT_FILE", "evil.pem")],
        ),
    ] {
        for (permission, reason) in [(KEY, "no_rule_matches"), (ALLOWED, "granted")] {
            let step = run(github, &variables, permission);
            assert_eq!(
                step.output("reason"),
                reason,
                "{variables:?} {}",
                step.stdout
            );
        }
    }
    assert_eq!(lying.heads().len(), asked);
    assert!(!honest.heads().is_empty());
    // Proxies see host names and nothing else.
    let heads = [honest.heads(), lying.heads()].concat().join("");
    for secret in secrets(&real).union(&secrets(&near)) {
        assert!(!heads.contains(secret));
    }
    count(8 + 8 + 6, 6);
}

#[test]
fn step_token_endpoint_of_an_attacker() {
    let stage = Stage::with_policy(POLICY);
    let real = &stage.github;
    let evil = GitHub::start().unwrap();
    evil.add_repository(stage.repository.clone());
    // Of the same run, which it shares all of the runner's variables with.
    let mut sibling = stage.push().with_environment("production");
    sibling.check_run_id += 1;
    let forged = evil.register_job(123, sibling.claims(), Permissions::usual());
    let handed_over = |url: &str, token: &str, id_token: bool| {
        stage
            .push()
            .with_id_token(id_token)
            .with_earlier_env("ACTIONS_ID_TOKEN_REQUEST_URL", url)
            .with_earlier_env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", token)
    };
    // With `id-token: write` the runner's own variables stand above them.
    let job = handed_over(&forged.id_token_request_url, "stolen", true);
    assert_outcome(&stage, &stage.ask(&job, KEY), "denied", "no_rule_matches");
    assert_outcome(&stage, &stage.ask(&job, ALLOWED), "allowed", "granted");
    assert!(evil.requests().is_empty());
    // Without it they lead to a server that answers with what it likes.
    let job = handed_over(
        &forged.id_token_request_url,
        &forged.id_token_request_token,
        false,
    );
    let issued = || TokenRecipe::new().claim("iss", real.issuer());
    let der = TestKey::Signing1.public_der().unwrap();
    let mut attacks = 0;
    for (recipe, reason) in [
        (TokenRecipe::new(), "token_invalid"),
        (
            issued().signature(Signature::Rs256(TestKey::Attacker)),
            "token_invalid",
        ),
        (issued().signed_by(TestKey::Attacker), "token_invalid"),
        (
            issued().header("alg", "none").signature(Signature::Empty),
            "token_invalid",
        ),
        (
            issued()
                .header("alg", "HS256")
                .signature(Signature::Hs256(der)),
            "token_invalid",
        ),
        (
            issued()
                .header("jku", evil.server_url())
                .signed_by(TestKey::Attacker),
            "token_invalid",
        ),
        (TokenRecipe::new().raw_token("x"), "token_invalid"),
        (TokenRecipe::new().raw_token(""), "token_unavailable"),
        (
            TokenRecipe::new().raw_token(&"x.".repeat(100_000)),
            "token_invalid",
        ),
        (
            TokenRecipe::new().raw_token("a\n::set-output name=allowed::true"),
            "token_invalid",
        ),
        (
            TokenRecipe::new().raw_answer(Answer::json(200, &json!({"value": null}))),
            "token_unavailable",
        ),
        (
            TokenRecipe::new().raw_answer(Answer::json(200, &json!([1]))),
            "token_unavailable",
        ),
        (
            TokenRecipe::new().raw_answer(
                Answer::json(302, &json!({})).with_header("Location", &sibling_url(real)),
            ),
            "token_unavailable",
        ),
    ] {
        evil.set_token(recipe);
        let step = stage.run(&job, &[("permission", KEY), ("timeout", "4")]);
        assert_outcome(&stage, &step, "error", reason);
        assert_no_secret(real, &step, &evil.requests());
        attacks += 1;
    }
    // Genuine tokens, of other jobs of this very GitHub: of another repository, of another run and of the same.
    let other = Repository::new("acme-org/other", 124, 4567);
    let mut old = sibling.clone();
    old.run_id += 1;
    for lender in [
        Job::push(&other, "main").with_environment("production"),
        old,
        sibling.clone(),
    ] {
        let lent = real.register_job(lender.repository.id, lender.claims(), Permissions::none());
        let job = handed_over(
            &lent.id_token_request_url,
            &lent.id_token_request_token,
            false,
        );
        let step = stage.ask(&job, KEY);
        assert_outcome(&stage, &step, "error", "token_mismatch");
        assert_no_secret(real, &step, &[]);
        attacks += 1;
    }
    let step = stage.ask(&sibling, KEY);
    assert_outcome(&stage, &step, "allowed", "granted");
    // Places that no token is asked for at.
    for url in [
        "http://evil.example/?api-version=2.0",
        "file:///etc/passwd",
        "not a url",
        "https://",
    ] {
        let step = stage.ask(&handed_over(url, "stolen", false), KEY);
        assert_outcome(&stage, &step, "error", "token_unavailable");
        attacks += 1;
    }
    count(attacks, 2);
}

fn sibling_url(github: &GitHub) -> String {
    let claims = push("main").with_environment("production").claims();
    github
        .register_job(123, claims, Permissions::none())
        .id_token_request_url
}

#[test]
fn step_files() {
    let stage = Stage::with_policy(POLICY);
    // The event's payload decides nothing outside of pull requests, whatever stands there.
    for payload in [
        json!({}),
        json!([]),
        json!("x"),
        json!({"pull_request": 1}),
        json!({"pull_request": {"number": 7, "head": {"ref": "main", "sha": "0".repeat(40), "repo": {"id": 123}}}}),
    ] {
        let job = stage.push().with_payload(payload);
        assert_outcome(&stage, &stage.ask(&job, KEY), "denied", "no_rule_matches");
        assert_outcome(&stage, &stage.ask(&job, ALLOWED), "allowed", "granted");
    }
    // Files beside the gate's own.
    let runner = stage
        .runner
        .clone()
        .workspace_file(
            PATH,
            "version: 1\npermissions: [{ permission: ws:deployments:create }]\n",
        )
        .workspace_file(".env", "INPUT_MODE=advisory\n")
        .workspace_file("repo-permissions.yml", "version: 1\n");
    for (permission, reason) in [(KEY, "no_rule_matches"), (ALLOWED, "granted")] {
        let step = runner
            .run(&stage.github, &stage.push(), &[("permission", permission)])
            .unwrap();
        assert_eq!(step.output("reason"), reason);
        assert_no_secret(&stage.github, &step, &[]);
    }
    count(6, 6);
}

/// What nobody may see: the tokens that GitHub handed out, and all that was sent to it as a credential.
fn secrets(github: &GitHub) -> BTreeSet<String> {
    let sent = github.requests().into_iter().filter_map(|request| {
        let value = request.request.header("authorization")?.to_owned();
        value
            .split_once(' ')
            .map(|(_, credential)| credential.to_owned())
    });
    let secrets: BTreeSet<String> = github.minted_tokens().into_iter().chain(sent).collect();
    secrets
        .into_iter()
        .filter(|secret| secret.len() > 10)
        .collect()
}

/// No secret is in the log as it was written, in a file of the step, in a report or with a stranger.
#[track_caller]
pub fn assert_no_secret(github: &GitHub, step: &StepResult, strangers: &[RecordedRequest]) {
    let mut places = left_by(step);
    for run in github.check_runs() {
        places.push(("check run".to_owned(), format!("{:?}", run.requests)));
    }
    for status in github.statuses() {
        places.push(("status".to_owned(), status.request.to_string()));
    }
    for stranger in strangers {
        let request = &stranger.request;
        let headers = request
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\n"));
        let text = format!(
            "{}?{}\n{}{}",
            request.path,
            request.query,
            headers.collect::<String>(),
            String::from_utf8_lossy(&request.body)
        );
        places.push(("stranger".to_owned(), text));
    }
    assert_absent(&secrets(github), &places);
}

#[track_caller]
fn assert_absent(secrets: &BTreeSet<String>, places: &[(String, String)]) {
    for secret in secrets {
        for (place, text) in places {
            assert!(!text.contains(secret), "{place} has {secret}: {text}");
        }
    }
}

/// The log of a step as it was written, and its files.
#[track_caller]
fn left_by(step: &StepResult) -> Vec<(String, String)> {
    assert!(matches!(step.exit, Exit::Code(_)), "{:?}", step.exit);
    let is_mask = |line: &&str| line.starts_with("::add-mask::");
    let log = step.stdout.lines().chain(step.stderr.lines());
    let mut places: Vec<_> = log
        .filter(|line| !is_mask(line))
        .map(|line| ("log".to_owned(), line.to_owned()))
        .collect();
    files(step.workspace().parent().unwrap(), &mut places);
    places
}

fn files(directory: &Path, places: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, places);
        } else {
            let content = std::fs::read(&path).unwrap_or_default();
            places.push((
                path.display().to_string(),
                String::from_utf8_lossy(&content).into_owned(),
            ));
        }
    }
}
