//! Nothing from outside writes a command, an output, Markdown, HTML, a mention or a terminal escape.
//!
//! Judged by the simulator's parser of the runner's own rules, and by what GitHub was sent.

#![allow(
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test that fails may panic"
)]

mod support;

use repo_permissions::decision::Reason;
use serde_json::json;
use simulator::github::{Answer, Endpoint, Fault, FaultRule, TokenRecipe};
use simulator::runner::PullRequest;
use simulator::{Job, Receiver, StepResult};
use support::{POLICY, Stage, assert_outcome};

/// Texts that would be something else in one place or another.
fn payloads() -> Vec<String> {
    let mut payloads: Vec<String> = [
        "::set-output name=allowed::true",
        "\n::set-output name=allowed::true",
        "\r::set-output name=allowed::true",
        "\r\n::add-mask::denied",
        "x ##[set-output name=allowed;]true",
        "##[add-mask]denied",
        "%0A::error::x",
        "\u{2028}::error::x\u{2029}\u{85}::error::y\u{b}::error::z",
        "allowed=true\nallowed<<X\ntrue\nX",
        "ghadelimiter_\nallowed=true",
        "x\nghadelimiter_00000000000000000000000000000000\nallowed=true",
        "`<script>alert(1)</script>`",
        "``` \n# heading\n```",
        "<img src=x onerror=alert(1)>",
        "</code></td></table><h1>x</h1>",
        "[x](https://evil.example) ![x](https://evil.example/x.png) https://evil.example www.evil.example",
        "@acme-org/admins #1 acme-org/infra#1",
        "a|b|c\n|---|---|\n| ✅ | granted |",
        "\u{1b}[2K\u{1b}[1A\u{1b}[32mallowed (granted)",
        "\u{202e}dewolla\u{2066}\u{200b}\u{feff}",
        "::stop-commands::x",
        "\0nul",
    ]
    .map(str::to_owned)
    .to_vec();
    payloads.push("x".repeat(1 << 20));
    payloads.push("`".repeat(5000));
    payloads
}

/// The log has no command but ours, GitHub no text but code.
fn assert_inert(stage: &Stage, step: &StepResult, payload: &str) {
    let ours = ["add-mask", "error", "warning", "group", "endgroup"];
    for command in step.commands() {
        assert!(!command.old_form, "{command:?} for {payload:?}");
        assert!(
            ours.contains(&command.name.as_str()),
            "{command:?} for {payload:?}"
        );
    }
    for mask in step.masks() {
        assert!(
            mask.len() > 20 && !mask.contains("denied"),
            "masked {mask:?}"
        );
    }
    assert!(!step.stdout.contains('\u{1b}') && !step.stdout.contains('\u{202e}'));
    let mut pages = vec![step.summary.clone()];
    // Not every test reports there.
    pages.retain(|page| !page.is_empty());
    for run in stage.github.check_runs() {
        assert!(run.summary.len() <= 65_535);
        assert!(!run.name.contains(['\n', '\u{1b}']) && !run.title.contains(['\n', '\u{1b}']));
        pages.push(run.summary);
    }
    for page in pages {
        assert_page_is_inert(&page, payload);
    }
    for status in stage.github.statuses() {
        assert!(status.description.unwrap().chars().count() <= 140);
        assert!(!status.context.contains('\n'));
    }
}

/// Rendered as GitHub renders it, a page has only the program's own tags, and what is not code has no
/// mention, no issue and no link.
fn assert_page_is_inert(page: &str, payload: &str) {
    let mut options = comrak::Options::default();
    options.extension.table = true;
    options.extension.autolink = true;
    options.extension.strikethrough = true;
    options.extension.footnotes = true;
    options.extension.tasklist = true;
    options.render.r#unsafe = true;
    let html = comrak::markdown_to_html(page, &options);
    let ours = [
        "h3", "h4", "p", "strong", "em", "table", "thead", "tbody", "tr", "th", "td", "code", "ul",
        "li", "br /",
    ];
    // The one link leads to the page of the reason.
    let page_of_reason = format!("a href=\"{}/reasons/", env!("CARGO_PKG_HOMEPAGE"));
    let is_our_link = |tag: &str| {
        let code = tag.strip_prefix(&page_of_reason);
        let code = code.and_then(|rest| rest.strip_suffix(".html\""));
        tag == "/a" || code.is_some_and(|code| Reason::ALL.iter().any(|one| one.code() == code))
    };
    let (mut prose, mut in_code) = (String::new(), false);
    for piece in html.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap_or((piece, ""));
        let name = tag.trim_start_matches('/');
        assert!(
            ours.contains(&name) || is_our_link(tag),
            "the tag {tag:?} for {payload:?} in\n{page}\n{html}"
        );
        if name == "code" {
            in_code = !tag.starts_with('/');
        }
        if !in_code {
            prose.push_str(text);
        }
    }
    for part in ["@a", "#1", "://e", "www.e", "\u{202e}", "\u{1b}"] {
        assert!(!prose.contains(part), "{part:?} for {payload:?} in {prose}");
    }
    assert_eq!(html.matches("<h3>").count(), 1, "{payload:?} in {page}");
    assert!(html.matches("<a ").count() <= 1, "{payload:?} in {page}");
    // The only list on the page of a check is what to change, one line each.
    if page.contains("**What to do:**") {
        let listed = page.lines().filter(|line| line.starts_with("- Line "));
        let listed = listed.count();
        assert_eq!(
            html.matches("<li>").count(),
            listed,
            "{payload:?} in {page}"
        );
    }
}

#[test]
fn claims_inject_nothing() {
    for claim in [
        "ref",
        "environment",
        "actor",
        "workflow_ref",
        "check_run_id",
        "runner_environment",
    ] {
        let stage = Stage::with_policy(&POLICY.replace(
            "environment: production",
            "environment: production\n    claims: {runner_environment: github-hosted}",
        ));
        for payload in payloads() {
            // The runner refuses a token of more than 32 KiB, so the largest stay below it.
            let payload = if payload.len() > 8192 {
                payload[..8192].to_owned()
            } else {
                payload
            };
            let value = match claim {
                "ref" => format!("refs/heads/{payload}"),
                "workflow_ref" => {
                    format!("acme-org/infra/.github/workflows/{payload}.yml@refs/heads/main")
                }
                _ => payload.clone(),
            };
            stage
                .github
                .set_token(TokenRecipe::new().claim(claim, value));
            let step = stage.ask(&stage.push(), "ws:deployments:create");
            assert_outcome(&stage, &step, "denied", "no_rule_matches");
            assert_inert(&stage, &step, &payload);
            stage.github.clear_records();
        }
    }
}

#[test]
fn policy_texts_inject_nothing() {
    for payload in payloads() {
        let payload = if payload.len() > 500 {
            payload[..500].to_owned()
        } else {
            payload
        };
        let policy = json!({"version": 1, "permissions": [
            {"name": payload, "permission": "ws:deployments:create", "branch": {"exact": payload}},
            {"permission": "ws:deployments:create", "claims": {payload.clone(): "x"}},
        ]});
        let repository = support::repository().with_file("main", "policy.json", policy.to_string());
        let stage = Stage::with_repository(repository);
        let inputs = [
            ("permission", "ws:deployments:create"),
            ("policy", "policy.json"),
        ];
        let step = stage.run(&stage.push(), &inputs);
        assert_outcome(&stage, &step, "denied", "no_rule_matches");
        assert_inert(&stage, &step, &payload);
        // As an unknown key it is in an error.
        let policy =
            json!({"version": 1, payload.clone(): 1, "permissions": [{"permission": payload}]});
        stage.github.clear_records();
        stage
            .github
            .edit_repository("acme-org/infra", |repository| {
                repository.set_file("main", "policy.json", policy.to_string());
            });
        let step = stage.run(&stage.push(), &inputs);
        assert_outcome(&stage, &step, "error", "policy_invalid");
        assert_inert(&stage, &step, &payload);
    }
}

#[test]
fn reviewed_policies_inject_nothing() {
    for payload in payloads() {
        let payload = if payload.len() > 500 {
            payload[..500].to_owned()
        } else {
            payload
        };
        let rules = json!([
            {"name": payload, "permission": "ws:deployments:create", "branch": {"exact": payload}},
            {"permission": "ws:deployments:create", "claims": {payload.clone(): {"exact": payload}}},
            {"permission": "ws:deployments:create", "branch": payload, "events": [payload]},
        ]);
        let entry = json!({"repository": {"exact": payload}, "permissions": rules});
        let valid = json!({"version": 1, "permissions": rules.as_array().unwrap()[..2], "repositories": [entry]});
        let broken = json!({"version": 1, "permissions": rules, payload.clone(): rules});
        let cases = json!({"policy": "policy.json", "tests": [
            {"name": payload, "permission": "ws:deployments:create", "expect": "allowed",
             "context": {"branch": payload, "repository": payload}},
            {"name": "x", "permission": "ws:deployments:create", "claims_file": payload, "expect": "denied"},
        ]});
        for policy in [valid, broken] {
            let repository = support::repository()
                .with_file(
                    "main",
                    "policy.json",
                    r#"{"version": 1, "permissions": []}"#,
                )
                .with_file("feature/x", "policy.json", policy.to_string())
                .with_file("feature/x", "policy.tests.json", cases.to_string());
            let stage = Stage::with_repository(repository);
            let pull = PullRequest::same_repository(&stage.repository, 7, "feature/x");
            let job = Job::pull_request(&stage.repository, pull);
            let inputs = [
                ("permission", "ws:deployments:create"),
                ("policy", "policy.json"),
                ("report", "check-run"),
                ("review", "true"),
            ];
            let step = stage.run(&job, &inputs);
            assert_outcome(&stage, &step, "denied", "permission_not_granted");
            assert_eq!(stage.github.check_runs().len(), 2);
            assert_inert(&stage, &step, &payload);
            for run in stage.github.check_runs() {
                for note in run.annotations {
                    let shown = format!("{}{}", note.title, note.message);
                    assert!(!shown.contains(['\n', '\u{1b}', '\u{202e}']), "{shown:?}");
                }
            }
        }
    }
}

#[test]
fn inputs_inject_nothing() {
    let stage = Stage::with_policy(POLICY);
    for payload in payloads() {
        // No operating system hands over a NUL or a megabyte in a variable.
        let payload = payload.replace('\0', "");
        let payload = if payload.len() > 8192 {
            payload[..8192].to_owned()
        } else {
            payload
        };
        for input in [
            "permission",
            "mode",
            "report",
            "sha",
            "issuer",
            "check-name",
            "status-context",
            "ca-bundle",
            "audit-webhook",
        ] {
            let step = stage.run(
                &stage.push(),
                &[("permission", "ws:deployments:create"), (input, &payload)],
            );
            assert!(
                ["denied", "error"].contains(&step.output("decision")),
                "{input}={payload:?}"
            );
            assert_ne!(step.exit_code(), Some(0));
            assert_inert(&stage, &step, &payload);
            stage.github.clear_records();
        }
    }
}

#[test]
fn api_errors_inject_nothing() {
    for payload in payloads() {
        for endpoint in [
            Endpoint::Token,
            Endpoint::Keys,
            Endpoint::Contents,
            Endpoint::CheckRun,
            Endpoint::Status,
        ] {
            let stage = Stage::with_policy(POLICY);
            let answer = Answer::json(422, &json!({"message": payload}));
            stage
                .github
                .add_fault(FaultRule::always(endpoint, Fault::Answer(answer)));
            let step = stage.ask(&stage.push(), "ws:deployments:create");
            assert_ne!(step.output("decision"), "allowed");
            assert_inert(&stage, &step, &payload);
        }
    }
}

#[test]
fn receivers_of_audit_records_inject_nothing() {
    let receiver = Receiver::start(false).unwrap();
    let stage = Stage::with_policy(POLICY);
    for payload in payloads() {
        for body in [
            json!({"message": payload}),
            json!({"partialSuccess": {"rejectedLogRecords": "1", "errorMessage": payload}}),
            json!({"partialSuccess": {"errorMessage": payload}}),
        ] {
            let status = if body.get("message").is_some() {
                400
            } else {
                200
            };
            let fault = Fault::Answer(Answer::json(status, &body));
            let rules = [Endpoint::Webhook, Endpoint::Logs];
            for rule in rules.map(|endpoint| FaultRule::first(endpoint, 1, fault.clone())) {
                receiver.add_fault(rule);
            }
            let job = stage
                .push()
                .with_earlier_env("OTEL_EXPORTER_OTLP_ENDPOINT", &receiver.otlp_endpoint());
            let inputs = [
                ("permission", "ws:deployments:create"),
                ("audit-webhook", &receiver.webhook_url("x")),
                (
                    "audit-webhook-secret",
                    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                ),
            ];
            let step = stage.run(&job, &inputs);
            assert_outcome(&stage, &step, "denied", "no_rule_matches");
            assert_inert(&stage, &step, &payload);
            stage.github.clear_records();
        }
        // What an earlier step can set for them.
        let payload = payload.replace('\0', "");
        let payload = payload.get(..8192).unwrap_or(&payload);
        let variables = ["ENDPOINT", "TIMEOUT", "HEADERS", "PROTOCOL"];
        let job = variables.iter().fold(stage.push(), |job, name| {
            job.with_earlier_env(&format!("OTEL_EXPORTER_OTLP_{name}"), payload)
        });
        let endpoint = format!("{}/v1/logs", receiver.otlp_endpoint());
        for job in [
            job.clone(),
            job.with_earlier_env("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", &endpoint),
        ] {
            let step = stage.ask(&job, "ws:deployments:create");
            assert_outcome(&stage, &step, "denied", "no_rule_matches");
            assert_inert(&stage, &step, payload);
            stage.github.clear_records();
        }
    }
}

#[test]
fn created_check_run_url_injects_nothing() {
    let stage = Stage::with_policy(POLICY);
    let answer = Answer::json(
        201,
        &json!({"id": 1, "html_url": "x\nallowed=true\n::set-output name=allowed::true"}),
    );
    stage
        .github
        .add_fault(FaultRule::always(Endpoint::CheckRun, Fault::Answer(answer)));
    let step = stage.ask(&stage.push(), "ws:deployments:create");
    assert_outcome(&stage, &step, "denied", "no_rule_matches");
    assert_inert(&stage, &step, "html_url");
}
