//! `/v1/forward-auth/PERMISSION`: its answers, and what they say.

use serde_json::json;
use simulator::Job;
use simulator::github::TokenRecipe;

use crate::support::{DEPLOY, Stage, bearer};

#[test]
fn the_job_that_may_passes() {
    let stage = Stage::new();
    let token = stage.token(&stage.deploy());
    for method in [
        "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PURGE",
    ] {
        let target = format!("/v1/forward-auth/{DEPLOY}");
        let answer = stage.server.send(method, &target, &[bearer(&token)]);
        assert_eq!(
            (answer.status, answer.reason()),
            (200, "granted"),
            "{method}"
        );
        assert_eq!(answer.body, "");
        assert_eq!(
            answer.header("x-repo-permissions-repository"),
            Some("acme-org/infra")
        );
        assert_eq!(answer.header("x-repo-permissions-rule"), None);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("www-authenticate"), None);
    }
    for target in [
        "/v1/forward-auth/ws%3Adeployments%3acreate",
        "/v1/forward-auth/ws:deployments:create?permission=ws:locks:delete&x=%00",
    ] {
        assert_eq!(
            stage.server.send("GET", target, &[bearer(&token)]).status,
            200,
            "{target}"
        );
    }
}

#[test]
fn who_may_not_learns_why() {
    let stage = Stage::new();
    let job = Job::push(&stage.repository, "feature/x")
        .with_workflow("deploy-production.yml")
        .with_environment("production");
    let answer = stage.server.ask(DEPLOY, &stage.token(&job));
    assert_eq!((answer.status, answer.reason()), (403, "no_rule_matches"));
    assert_eq!(
        answer.header("www-authenticate"),
        Some(
            "Bearer realm=\"repo-permissions\", error=\"insufficient_scope\", scope=\"ws:deployments:create\""
        )
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(
        answer.json(),
        json!({
            "type": "https://repo-permissions.github.io/repo-permissions/reasons/no_rule_matches.html",
            "title": "The job may not do this",
            "status": 403,
            "detail": "`ws:deployments:create` is denied: no rule matches this job in all of workflow, branch, environment, claims, event and expiry",
            "reason": "no_rule_matches",
            "permission": "ws:deployments:create",
        })
    );
    let unknown = stage.server.ask("ws:nothing:create", &stage.token(&job));
    assert_eq!(
        (unknown.status, unknown.reason()),
        (403, "permission_not_granted")
    );
}

#[test]
fn a_request_without_a_token_is_asked_for_one() {
    let stage = Stage::new();
    let target = format!("/v1/forward-auth/{DEPLOY}");
    for headers in [&[][..], &["Authorization: Basic YTpi".to_owned()]] {
        let answer = stage.server.send("GET", &target, headers);
        assert_eq!((answer.status, answer.reason()), (401, "token_unavailable"));
        let challenge = answer.header("www-authenticate");
        assert_eq!(challenge, Some("Bearer realm=\"repo-permissions\""));
    }
    let answer = stage.server.ask(DEPLOY, "x.y.z");
    assert_eq!((answer.status, answer.reason()), (401, "token_invalid"));
    let challenge = answer.header("www-authenticate").unwrap().to_owned();
    let start = "Bearer realm=\"repo-permissions\", error=\"invalid_token\", error_description=\"";
    assert!(challenge.starts_with(start), "{challenge}");
    // Nothing unverified leaves a record.
    assert_eq!(stage.server.audit(), Vec::<String>::new());
}

#[test]
fn a_path_without_a_key_is_denied() {
    let stage = Stage::new();
    let token = stage.token(&stage.deploy());
    for key in [
        "Deployments%20Create",
        "ws:deployments:create/",
        "ws:deployments:create/../ws:locks:create",
        "ws",
        "WS:DEPLOYMENTS:CREATE",
        "*",
        "%",
    ] {
        let answer = stage.server.ask(key, &token);
        assert_eq!(
            (answer.status, answer.reason()),
            (403, "input_invalid"),
            "{key}"
        );
    }
    for target in ["/", "/v1", "/livez", "/metrics", "//v1/forward-auth/a:b"] {
        let answer = stage.server.send("GET", target, &[bearer(&token)]);
        assert_eq!(
            (answer.status, answer.reason()),
            (404, "input_invalid"),
            "{target}"
        );
        assert_eq!(answer.json()["status"], 404, "{target}");
    }
    let answer = stage
        .server
        .send("GET", "/access/v1/evaluation", &[bearer(&token)]);
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    assert_eq!(answer.json()["status"], 405);
}

#[test]
fn detail_says_how_much() {
    let rule = "policy.yml:6";
    for (detail, shows_rule, denial) in [
        ("full", true, "production"),
        (
            "reason",
            false,
            "no rule matches this job in all of workflow, branch, environment, claims, event and expiry",
        ),
        ("none", false, "`ws:deployments:create` is denied"),
    ] {
        let stage = Stage::with(crate::support::POLICY, &format!("detail: {detail}\n"));
        let granted = stage.server.ask(DEPLOY, &stage.token(&stage.deploy()));
        let shown = granted
            .header("x-repo-permissions-rule")
            .unwrap_or_default();
        assert_eq!(shown.ends_with(rule), shows_rule, "{shown}");
        let job = stage.deploy().with_environment("staging");
        let denied = stage.server.ask(DEPLOY, &stage.token(&job));
        let message = denied.json()["detail"].as_str().unwrap().to_owned();
        assert!(message.contains(denial), "{detail}: {message}");
        assert_eq!(message.contains("matches"), detail == "reason", "{message}");
        assert_eq!(denied.reason(), "no_rule_matches");
    }
}

#[test]
fn tokens_that_are_not_for_this_server_or_too_old_are_refused() {
    let stage = Stage::with(crate::support::POLICY, "max_token_age: 5m\n");
    let of = |recipe: TokenRecipe| {
        stage.github.set_token(recipe);
        stage.token(&stage.deploy())
    };
    let now = jiff::Timestamp::now().as_second();
    let other = |audience: &str| stage.github.mint_token(stage.deploy().claims(), audience);
    let good = of(TokenRecipe::new());
    for (name, token) in [
        ("another audience", other("https://other.example").unwrap()),
        ("an invisible character", other("a\u{202e}b").unwrap()),
        ("the action's audience", other("repo-permissions").unwrap()),
        ("expired", of(TokenRecipe::new().shifted(-3600))),
        ("of the future", of(TokenRecipe::new().shifted(3600))),
        (
            "old",
            of(TokenRecipe::new()
                .claim("iat", now - 310)
                .claim("exp", now + 3600)),
        ),
        (
            "another issuer",
            of(TokenRecipe::new().claim("iss", "https://token.actions.githubusercontent.com")),
        ),
        (
            "an attacker's key",
            of(
                TokenRecipe::new().signature(simulator::github::Signature::Rs256(
                    simulator::github::TestKey::Attacker,
                )),
            ),
        ),
        (
            "no signature",
            of(TokenRecipe::new()
                .header("alg", "none")
                .signature(simulator::github::Signature::Empty)),
        ),
    ] {
        let answer = stage.server.ask(DEPLOY, &token);
        assert_eq!(
            (answer.status, answer.reason()),
            (401, "token_invalid"),
            "{name}"
        );
        assert!(!answer.body.contains('\u{202e}'), "{}", answer.body);
    }
    let nearly = of(TokenRecipe::new()
        .claim("iat", now - 280)
        .claim("exp", now + 3600));
    for token in [good, nearly] {
        assert_eq!(stage.server.ask(DEPLOY, &token).status, 200);
    }
}

#[test]
fn requests_have_an_id() {
    let stage = Stage::new();
    let target = format!("/v1/forward-auth/{DEPLOY}");
    let given = stage
        .server
        .send("GET", &target, &["X-Request-ID: of-the-proxy".to_owned()]);
    assert_eq!(given.header("x-request-id"), Some("of-the-proxy"));
    let made = stage.server.send("GET", &target, &[]);
    assert_eq!(made.header("x-request-id").unwrap().len(), 32);
}

/// nginx and Envoy cannot remove headers by their beginning: their configurations name each one that the server sends.
#[test]
fn the_proxies_know_every_header_of_the_server() {
    let stage = Stage::with(crate::support::POLICY, "detail: full\n");
    let granted = stage.server.ask(DEPLOY, &stage.token(&stage.deploy()));
    let denied = stage.server.ask("ws:locks:delete", "x.y.z");
    let sent: std::collections::BTreeSet<_> = granted
        .headers
        .iter()
        .chain(&denied.headers)
        .map(|(name, _)| name.as_str())
        .filter(|name| name.starts_with("x-repo-permissions"))
        .collect();
    let known = ["reason", "repository", "rule"].map(|end| format!("x-repo-permissions-{end}"));
    let expected: std::collections::BTreeSet<_> = known.iter().map(String::as_str).collect();
    assert_eq!(sent, expected);
    for file in ["nginx.conf", "envoy.yaml"] {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/proxies");
        let text = std::fs::read_to_string(format!("{directory}/{file}")).unwrap();
        let text = text.to_ascii_lowercase();
        for name in &known {
            assert!(text.contains(name.as_str()), "{file}: {name}");
        }
    }
}
