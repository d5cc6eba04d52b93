//! Nothing from outside writes a command, an output, Markdown, HTML, a mention or a terminal escape.
//!
//! Each payload stands in each source of untrusted text: claims, policies, inputs, variables, the event,
//! responses of the API and of receivers of audit records. The simulator's parser of the runner's own rules, a
//! renderer of GitHub's Markdown, and the requests to GitHub show whether it had an effect.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{
    APP_CLIENT_ID, POLICY, Stage, WEBHOOK_SECRET as SECRET, after_steps, assert_outcome,
    each_at_work, repository, runs_all,
};
use ::engine::decision::Reason;
use serde_json::json;
use simulator::github::{
    APP_PRIVATE_KEY_PKCS1, Answer, Endpoint, Fault, FaultRule, Level, Permissions, TokenRecipe,
};
use simulator::runner::PullRequest;
use simulator::{Job, Receiver, StepResult};

const KEY: &str = "ws:deployments:create";

/// What ends a line somewhere, or is taken for it when it is decoded once more.
const LINE_ENDS: [&str; 15] = [
    "", "\n", "\r", "\r\n", "\u{85}", "\u{2028}", "\u{2029}", "\u{b}", "\u{c}", "\u{1c}", "%0A",
    "%0D%0A", "&#10;", "\\n", "\u{560a}",
];

/// What would be a command, an output or a mask at the start of a line, or in the middle of one.
const COMMANDS: [&str; 12] = [
    "::set-output name=allowed::true",
    "::add-mask::denied",
    "::stop-commands::x",
    "::error::x",
    "::save-state name=x::y",
    "::debug::x",
    "x ##[set-output name=allowed;]true",
    "x ##[add-mask]denied",
    "##[group]x",
    "allowed=true",
    "allowed<<X",
    "ghadelimiter_00000000000000000000000000000000",
];

/// Texts that would be something else in one place or another.
fn payloads() -> Vec<String> {
    // Every line end before every command.
    let mut payloads: Vec<String> = LINE_ENDS
        .iter()
        .map(|end| COMMANDS.map(|command| format!("{end}{command}")).concat() + end)
        .collect();
    payloads.extend(
        [
            // Where a line begins without one.
            " \t::set-output name=allowed::true",
            "\u{feff}::set-output name=allowed::true",
            "\u{a0}::add-mask::denied",
            "::SET-OUTPUT name=allowed::true",
            // Markdown.
            "# heading\n\nheading\n===\n\n- list\n1. list\n> quote\n\n---",
            "[x](https://evil.example) [x][y] <https://evil.example>\n\n[y]: https://evil.example",
            "![x](https://evil.example/x.png) ![x][y]",
            "https://evil.example www.evil.example evil@evil.example",
            "a|b|c\n|---|---|\n| ✅ | granted |\n\\| x \\|",
            "` `` ``` \n# heading\n```\n~~~",
            "``` \n# heading\n```",
            "x[^1] and [^granted]\n\n[^1]: a footnote",
            "- [x] granted\n- [ ] denied",
            "**bold** _it_ ~~gone~~ $$x$$ $x$ $`x`$ :tada: \\",
            "> [!NOTE]\n> granted\n\n```math\nx\n```",
            // HTML.
            "<script>alert(1)</script><img src=x onerror=alert(1)>",
            "`<script>alert(1)</script>`",
            "</code></td></tr></table><h1>x</h1><details open><summary>granted",
            "<!-- --><a href=javascript:alert(1)>x</a><style>*{display:none}</style>",
            "&lt;b&gt; &#60;b&#62; &commat;acme &#64;acme",
            // What GitHub makes links of.
            "@acme-org/admins @octocat",
            "#1 GH-1 acme-org/infra#1 acme-org/infra@0123456789012345678901234567890123456789",
            "0123456789012345678901234567890123456789 https://github.com/acme-org/infra/pull/1",
            // Terminals and eyes.
            "\u{1b}[2K\u{1b}[1A\u{1b}[32mallowed (granted)\u{9b}31m",
            "\u{1b}]0;title\u{7}\u{1b}]8;;https://evil.example\u{1b}\\x\u{1b}]8;;\u{1b}\\",
            "\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}allowed\u{7f}",
            "\u{202e}dewolla\u{202c}\u{2066}\u{2067}\u{2068}\u{2069}\u{61c}",
            "\u{200b}all\u{200d}ow\u{2060}ed\u{feff}\u{ad}\u{180e}",
            "\u{e0061}\u{e006c}\u{e006c}\u{e007f} tags",
            "main\u{fe0f}\u{34f}\u{3164}\u{115f}\u{e0100}\u{2800}\u{3000}\u{2003}\u{202f}",
            "\u{0}nul\u{0}",
            "\u{fffd}\u{fffe}\u{10ffff}\u{e000}",
            // Formats beneath.
            "\"}],\"decision\":\"allowed\",\"x\":[{\"",
            "${{ secrets.GITHUB_TOKEN }} $(id) `id` %PATH% {{7*7}}",
            "../../../etc/passwd\\..\\..",
            "a, b: c = d; e",
        ]
        .map(str::to_owned),
    );
    payloads.push("x".repeat(1 << 20));
    payloads.push("é\u{1f680}".repeat(1 << 17));
    payloads.push("`".repeat(5000));
    payloads.push("::add-mask::".repeat(500));
    payloads
}

static COMBINATIONS: AtomicUsize = AtomicUsize::new(0);

/// Runs every payload, or every fourth by turns, cut to what the places take, and counts it once for each place.
fn inject(places: &[&str], longest: usize, run: impl Fn(&str) -> (Stage, StepResult) + Sync) {
    let mut payloads = payloads();
    if !runs_all() {
        let turn = places.concat().len() % 4;
        payloads = payloads.into_iter().skip(turn).step_by(4).collect();
    }
    each_at_work(&payloads, 4, |payload| {
        let payload = cut(payload, longest);
        let (stage, step) = run(payload);
        assert_inert(&stage, &step, payload);
    });
    println!("{} payloads in {places:?}", payloads.len());
    count(payloads.len() * places.len());
}

fn count(combinations: usize) {
    let so_far = combinations + COMBINATIONS.fetch_add(combinations, Ordering::SeqCst);
    println!("so far: {so_far} combinations of place and payload");
}

fn cut(text: &str, longest: usize) -> &str {
    let mut end = longest.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Nothing is granted, the log has no command but ours, the outputs are those of the action, GitHub
/// got no text but code.
fn assert_inert(stage: &Stage, step: &StepResult, payload: &str) {
    assert_eq!(
        step.output("allowed"),
        "false",
        "{payload:?}\n{}",
        step.stdout
    );
    assert_ne!(step.exit_code(), Some(0), "{payload:?}");
    assert_eq!(step.runner_errors, Vec::<String>::new(), "{payload:?}");
    assert!(step.env.is_empty() && step.path.is_empty() && step.state.is_empty());
    let declared = &stage.runner.action().outputs;
    for output in step.outputs.keys() {
        assert!(
            declared.contains(output),
            "the output {output:?} for {payload:?}"
        );
    }
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
    for text in [&step.stdout, &step.stderr] {
        let acting = text.chars().find(|c| *c != '\n' && acts(*c));
        assert_eq!(acting, None, "in the log for {payload:?}");
    }
    // Each with its headings. Not every test reports to the summary.
    let mut pages = vec![(step.summary.clone(), 1)];
    pages.retain(|(page, _)| !page.is_empty());
    for run in stage.github.check_runs() {
        assert!(run.summary.len() <= 65_535);
        let short = [&run.name, &run.title];
        assert!(
            short.iter().all(|text| !text.contains(acts)),
            "{short:?} for {payload:?}"
        );
        for note in &run.annotations {
            assert!(!note.message.contains(acts), "{note:?} for {payload:?}");
        }
        // The title stands above the page of a decision.
        let headings = usize::from(run.name.ends_with("policy review"));
        pages.push((run.summary, headings));
    }
    for (page, headings) in pages {
        assert_page_is_inert(&page, headings, payload);
    }
    for status in stage.github.statuses() {
        let description = status.description.unwrap();
        assert!(description.chars().count() <= 140);
        assert!(
            !description.contains(acts) && !status.context.contains(acts),
            "{payload:?}"
        );
    }
}

/// Characters that a terminal, a log or an eye acts on, or overlooks: controls, line ends, directions, no
/// width, blanks.
fn acts(c: char) -> bool {
    static OVERLOOKED: std::sync::LazyLock<regex::Regex> = std::sync::LazyLock::new(|| {
        regex::Regex::new(
            r"[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\p{White_Space}\x{2800}--\x20]",
        )
        .unwrap()
    });
    c.is_control() || !c.is_ascii() && OVERLOOKED.is_match(c.encode_utf8(&mut [0; 4]))
}

/// Rendered as GitHub renders it, a page has only the program's own tags, and what is not code has no
/// mention, no issue and no link.
fn assert_page_is_inert(page: &str, headings: usize, payload: &str) {
    let mut options = comrak::Options::default();
    options.extension.table = true;
    options.extension.autolink = true;
    options.extension.strikethrough = true;
    options.extension.footnotes = true;
    options.extension.tasklist = true;
    options.extension.math_dollars = true;
    options.extension.math_code = true;
    options.extension.alerts = true;
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
    for part in [
        "@a", "@o", "#1", "GH-1", "://e", "www.e", ":tada:", "\u{202e}", "\u{1b}",
    ] {
        assert!(!prose.contains(part), "{part:?} for {payload:?} in {prose}");
    }
    let found = html.matches("<h3>").count();
    assert_eq!(found, headings, "{payload:?} in {page}");
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
fn a31_claims_inject_nothing() {
    let policy = POLICY.replace(
        "environment: production",
        "environment: production\n    claims: {runner_environment: github-hosted, head_ref: x}",
    );
    // The runner takes no token of more than 32 KiB.
    inject(
        &[
            "ref",
            "environment",
            "actor",
            "workflow_ref",
            "runner_environment",
            "head_ref",
            "jti",
        ],
        2000,
        |payload| {
            let stage = Stage::with_policy(&policy);
            let path = "acme-org/infra/.github/workflows";
            stage.github.set_token(
                TokenRecipe::new()
                    .claim("ref", format!("refs/heads/{payload}"))
                    .claim(
                        "workflow_ref",
                        format!("{path}/{payload}.yml@refs/heads/main"),
                    )
                    .claim("environment", payload)
                    .claim("actor", payload)
                    .claim("runner_environment", payload)
                    .claim("head_ref", payload)
                    .claim("jti", payload),
            );
            let step = stage.ask(&stage.push(), KEY);
            assert_outcome(&stage, &step, "denied", "no_rule_matches");
            (stage, step)
        },
    );
}

#[test]
fn a31_claims_that_are_refused_inject_nothing() {
    let stated = |name: &'static str, reason: &'static str| {
        inject(&[name], 8000, |payload| {
            let stage = Stage::with_policy(POLICY);
            let recipe = TokenRecipe::new();
            stage.github.set_token(match name {
                "alg" | "kid" => recipe.header(name, format!("{payload}x")),
                _ => recipe.claim(name, format!("{payload}x")),
            });
            let step = stage.ask(&stage.push(), KEY);
            assert_outcome(&stage, &step, "error", reason);
            (stage, step)
        });
    };
    for (name, reason) in [
        ("alg", "token_invalid"),
        ("kid", "token_invalid"),
        ("iss", "token_invalid"),
        ("exp", "token_invalid"),
        ("repository", "token_mismatch"),
        ("check_run_id", "token_mismatch"),
    ] {
        stated(name, reason);
    }
}

/// JSON with escapes for what a policy cannot have as it is.
fn in_ascii(value: &serde_json::Value) -> String {
    let mut text = String::new();
    for c in value.to_string().chars() {
        if matches!(c, ' '..='~') {
            text.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}

#[test]
fn a31_policies_inject_nothing() {
    let asked = |policy: String| {
        let repository = repository().with_file("main", "policy.json", policy);
        let stage = Stage::with_repository(repository);
        let step = stage.run(
            &stage.push(),
            &[("permission", KEY), ("policy", "policy.json")],
        );
        (stage, step)
    };
    inject(
        &[
            "workspace",
            "name",
            "branch",
            "workflow",
            "environment",
            "claims' name",
            "claims' value",
        ],
        500,
        |payload| {
            let exact = json!({"exact": payload});
            let (stage, step) = asked(in_ascii(
                &json!({"version": 1, "workspace": payload, "permissions": [
                    {"name": payload, "permission": KEY, "branch": exact},
                    {"permission": KEY, "workflow": exact, "environment": exact},
                    {"permission": KEY, "claims": {payload: exact}},
                ]}),
            ));
            assert_outcome(&stage, &step, "denied", "no_rule_matches");
            (stage, step)
        },
    );
    inject(&["name of a megabyte"], 1 << 20, |payload| {
        let rule = json!({"name": payload, "permission": KEY, "branch": "x"});
        let (stage, step) = asked(in_ascii(&json!({"version": 1, "permissions": [rule]})));
        assert_outcome(&stage, &step, "denied", "no_rule_matches");
        (stage, step)
    });
    inject(
        &["key", "permission", "event", "repository", "expiry"],
        1 << 20,
        |payload| {
            let (stage, step) = asked(in_ascii(&json!({"version": 1, payload: 1, "permissions": [
                {"permission": payload, "events": [payload], "expires": payload}
            ], "repositories": [{"repository": payload}]})));
            assert_outcome(&stage, &step, "error", "policy_invalid");
            (stage, step)
        },
    );
    inject(&["regex"], 1000, |payload| {
        let rule = json!({"permission": KEY, "branch": format!("(?!{payload}")});
        let (stage, step) = asked(in_ascii(&json!({"version": 1, "permissions": [rule]})));
        assert_outcome(&stage, &step, "error", "policy_invalid");
        (stage, step)
    });
    inject(&["text"], 1 << 20, |payload| {
        let (stage, step) = asked(format!("{{{payload}"));
        assert_outcome(&stage, &step, "error", "policy_invalid");
        (stage, step)
    });
}

#[test]
fn a31_reviewed_policies_inject_nothing() {
    let places = [
        "name",
        "branch",
        "event",
        "claims",
        "repository",
        "case",
        "file of claims",
    ];
    for broken in [false, true] {
        inject(&places, 500, |payload| {
            let rules = json!([
                {"name": payload, "permission": KEY, "branch": {"exact": payload}},
                {"permission": KEY, "claims": {payload: {"exact": payload}}},
                {"permission": KEY, "branch": payload, "events": [payload]},
            ]);
            let entry = json!({"repository": {"exact": payload}, "permissions": rules});
            let policy = if broken {
                json!({"version": 1, "permissions": rules, payload: rules})
            } else {
                json!({"version": 1, "permissions": rules.as_array().unwrap()[..2], "repositories": [entry]})
            };
            let cases = json!({"policy": "policy.json", "tests": [
                {"name": payload, "permission": KEY, "expect": "allowed",
                 "context": {"branch": payload, "repository": payload}},
                {"name": "x", "permission": KEY, "claims_file": payload, "expect": "denied"},
            ]});
            let repository = repository()
                .with_file(
                    "main",
                    "policy.json",
                    r#"{"version": 1, "permissions": []}"#,
                )
                .with_file("feature/x", "policy.json", in_ascii(&policy))
                .with_file("feature/x", "policy.tests.json", in_ascii(&cases));
            let stage = Stage::with_repository(repository);
            let pull = PullRequest::same_repository(&stage.repository, 7, "feature/x");
            let job = Job::pull_request(&stage.repository, pull);
            let inputs = [
                ("permission", KEY),
                ("policy", "policy.json"),
                ("report", "check-run"),
                ("review", "true"),
            ];
            let step = stage.run(&job, &inputs);
            assert_outcome(&stage, &step, "denied", "permission_not_granted");
            assert_eq!(stage.github.check_runs().len(), 2);
            (stage, step)
        });
    }
}

/// No operating system hands over a NUL in a variable, and the runner replaces expressions before.
fn variable(payload: &str) -> String {
    payload.replace('\0', "").replace("${{", "$ {{")
}

#[test]
fn a31_inputs_inject_nothing() {
    inject(
        &["check-name", "status-context", "audience"],
        8192,
        |payload| {
            let stage = Stage::with_policy(POLICY);
            let payload = variable(payload);
            let inputs = ["check-name", "status-context", "audience"].map(|name| (name, &*payload));
            let step = stage.run(
                &stage.push(),
                &[&[("permission", KEY)], &inputs[..]].concat(),
            );
            assert_outcome(&stage, &step, "denied", "no_rule_matches");
            (stage, step)
        },
    );
    // The step reports all invalid inputs together.
    for inputs in [
        &["permission", "mode", "report", "sha"][..],
        &["issuer", "detail", "timeout", "review"],
        &["app-client-id", "audit-webhook"],
        &["ca-bundle", "audit-log"],
        &["policy"],
        &["check-run-id"],
    ] {
        inject(inputs, 8192, |payload| {
            let stage = Stage::with_policy(POLICY);
            let payload = variable(payload);
            let mut given = vec![("permission", KEY)];
            if inputs.contains(&"audit-webhook") {
                given.push(("app-private-key", APP_PRIVATE_KEY_PKCS1));
                given.push(("audit-webhook-secret", SECRET));
            }
            given.extend(inputs.iter().map(|name| (*name, &*payload)));
            let step = stage.run(&stage.push(), &given);
            (stage, step)
        });
    }
}

#[test]
fn a31_events_inject_nothing() {
    inject(
        &[
            "head.ref",
            "head.sha",
            "user.login",
            "repo.owner.login",
            "title",
        ],
        8192,
        |payload| {
            let stage = Stage::with_policy(POLICY);
            let owner = json!({"login": payload});
            let head = json!({
                "ref": payload, "sha": payload, "label": payload, "user": owner, "repo": {"id": 666, "owner": owner},
            });
            let pull = PullRequest::fork(&stage.repository, 7, "mallory/infra", 666, "x");
            let mut job = Job::pull_request(&stage.repository, pull)
                .with_payload(
                    json!({"pull_request": {"number": 7, "title": payload, "head": head}}),
                )
                .with_id_token(true)
                .with_permission("checks", Level::Write)
                .with_permission("statuses", Level::Write);
            job.head_ref = variable(payload);
            let step = stage.ask(&job, KEY);
            assert_outcome(&stage, &step, "denied", "no_rule_matches");
            (stage, step)
        },
    );
}

#[test]
fn a31_answers_of_the_api_inject_nothing() {
    let answers = |payload: &str| {
        let error =
            json!({"message": payload, "field": payload, "code": payload, "resource": payload});
        let body =
            json!({"message": payload, "errors": [error, payload], "documentation_url": payload});
        [
            Answer::json(422, &body),
            Answer::new(403, "text/html", payload),
            Answer::new(200, "application/json", payload),
        ]
    };
    for endpoint in [
        Endpoint::Token,
        Endpoint::Keys,
        Endpoint::Contents,
        Endpoint::CheckRun,
        Endpoint::Status,
        Endpoint::Installation,
        Endpoint::AccessToken,
    ] {
        inject(&[&format!("{endpoint:?}")], 1 << 20, |payload| {
            let stage = Stage::with_policy(POLICY);
            stage.install_app(&["acme-org/infra"], Permissions::usual());
            let answer = answers(payload)[payload.len() % 3].clone();
            stage
                .github
                .add_fault(FaultRule::first(endpoint, 1, Fault::Answer(answer)));
            let mut inputs = vec![("permission", KEY), ("timeout", "8")];
            if matches!(endpoint, Endpoint::Installation | Endpoint::AccessToken) {
                inputs.push(("app-client-id", APP_CLIENT_ID));
                inputs.push(("app-private-key", APP_PRIVATE_KEY_PKCS1));
            }
            let step = stage.run(&stage.push(), &inputs);
            (stage, step)
        });
    }
    inject(&["html_url of a check run"], 1 << 20, |payload| {
        let stage = Stage::with_policy(POLICY);
        let answer = Answer::json(201, &json!({"id": 1, "html_url": payload}));
        stage
            .github
            .add_fault(FaultRule::always(Endpoint::CheckRun, Fault::Answer(answer)));
        let step = stage.ask(&stage.push(), KEY);
        assert_outcome(&stage, &step, "denied", "no_rule_matches");
        (stage, step)
    });
}

#[test]
fn a31_receivers_of_audit_records_inject_nothing() {
    for (places, status) in [
        (["body of the webhook", "body of the collector"], 400),
        (["what the webhook took", "partialSuccess"], 200),
    ] {
        inject(&places, 1 << 20, |payload| {
            let stage = Stage::with_policy(POLICY);
            let receiver = Receiver::start(false).unwrap();
            let body = json!({"message": payload, "partialSuccess": {"rejectedLogRecords": "1", "errorMessage": payload}});
            let fault = Fault::Answer(Answer::json(status, &body));
            for endpoint in [Endpoint::Webhook, Endpoint::Logs] {
                receiver.add_fault(FaultRule::first(endpoint, 1, fault.clone()));
            }
            let job = stage
                .push()
                .with_earlier_env("OTEL_EXPORTER_OTLP_ENDPOINT", &receiver.otlp_endpoint());
            let inputs = [
                ("permission", KEY),
                ("audit-webhook", &receiver.webhook_url("x")),
                ("audit-webhook-secret", SECRET),
            ];
            let step = stage.run(&job, &inputs);
            assert_outcome(&stage, &step, "denied", "no_rule_matches");
            (stage, step)
        });
    }
    // What an earlier step can set for them.
    let receiver = Receiver::start(false).unwrap();
    let variables = [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "OTEL_RESOURCE_ATTRIBUTES",
        "OTEL_SERVICE_NAME",
        "TRACEPARENT",
    ];
    for endpoint in ["", &format!("{}/v1/logs", receiver.otlp_endpoint())] {
        inject(&variables, 8192, |payload| {
            let stage = Stage::with_policy(POLICY);
            let payload = variable(payload);
            let job = after_steps(stage.push(), variables.map(|name| (name, &payload)))
                .with_earlier_env("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", endpoint);
            let step = stage.ask(&job, KEY);
            assert_outcome(&stage, &step, "denied", "no_rule_matches");
            (stage, step)
        });
    }
    // Messages about proxies and endpoints contain their values.
    let variables = [
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "NO_PROXY",
        "ACTIONS_ID_TOKEN_REQUEST_URL",
    ];
    inject(&variables, 8192, |payload| {
        let stage = Stage::with_policy(POLICY);
        let payload = variable(payload);
        let job = after_steps(stage.push(), variables.map(|name| (name, &payload)))
            .with_earlier_env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "token of the step before")
            .with_id_token(false);
        let step = stage.ask(&job, KEY);
        (stage, step)
    });
}

/// JSON can name half of a character, which is not text.
#[test]
fn a31_lone_surrogates_inject_nothing() {
    let halves = ["\\ud800", "\\udc00", "\\ud800x", "\\udc00\\ud800"];
    let endpoints = [
        Endpoint::Token,
        Endpoint::Keys,
        Endpoint::CheckRun,
        Endpoint::Status,
    ];
    for half in halves {
        let text =
            format!(r#"{{"message": "{half}\n::set-output name=allowed::true", "version": 1}}"#);
        let repository = repository().with_file("main", "policy.json", text.clone());
        let stage = Stage::with_repository(repository);
        let step = stage.run(
            &stage.push(),
            &[("permission", KEY), ("policy", "policy.json")],
        );
        assert_outcome(&stage, &step, "error", "policy_invalid");
        assert_inert(&stage, &step, &text);
        for endpoint in endpoints {
            let stage = Stage::with_policy(POLICY);
            let answer = Answer::new(422, "application/json", text.clone());
            stage
                .github
                .add_fault(FaultRule::always(endpoint, Fault::Answer(answer)));
            let step = stage.ask(&stage.push(), KEY);
            assert_inert(&stage, &step, &text);
        }
    }
    count(halves.len() * (1 + endpoints.len()));
}
