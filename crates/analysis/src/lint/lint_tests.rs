use super::*;

/// The findings of a policy as `LINE:COLUMN CODE`.
pub(in crate::lint) fn found(text: &str) -> Vec<String> {
    let options = LintOptions {
        now: Some("2027-01-01T00:00:00Z".parse().unwrap()),
        workflows: Some(["deploy.yml".to_owned(), "plan.yaml".to_owned()].into()),
        repository: Some("acme-org/infra".to_owned()),
    };
    let findings = lint(text, Format::Yaml, &options);
    for finding in &findings {
        let known = catalogue::ALL.iter().any(|lint| lint.code == finding.code);
        assert!(known, "{}", finding.code);
        assert!(!finding.message.ends_with('.'), "{}", finding.message);
    }
    findings
        .iter()
        .map(|f| format!("{}:{} {}", f.position.line, f.position.column, f.code))
        .collect()
}

/// The findings of a rule for a permission that needs no more than a branch. Its first line is 3.
pub(in crate::lint) fn of_rule(rule: &str) -> Vec<String> {
    let lines = rule.lines().map(|line| format!("    {line}\n"));
    found(&format!(
        "version: 1\npermissions:\n  - permission: ws:locks:create\n{}",
        lines.collect::<String>()
    ))
}

#[test]
fn a_good_policy_has_no_finding() {
    let text = "\
version: 1
repositories:
  - repository: acme-org/infra
    repository_id: 7
    permissions:
      - permission: ws:deployments:create
        workflow: deploy.yml
        branch: [main, 'release/\\d+']
        environment: production
        events: [push]
        claims: { runner_environment: github-hosted }
        expires: 2027-01-31
      - permission: ws:affected_stacks:create
        branch: { glob: 'feature/**' }
";
    assert_eq!(found(text), [""; 0]);
}

#[test]
fn every_problem_of_the_reader_is_found() {
    let text = "version: 2\npermissions:\n  - permision: a:b\n    branch: 7\n";
    let found = found(text);
    assert!(found.len() >= 3, "{found:?}");
    assert!(found.iter().all(|finding| finding.ends_with(" invalid")));
    assert_eq!(super::tests::found("{"), ["1:1 invalid"]);
}

#[test]
fn what_could_be_read_is_linted_too() {
    let text = "\
version: 1
color: red
repositories:
  - repository: acme/infra
    repository_id: x
    permissions:
      - permission: ws:lock:create
        branch: [7, feature/*, refs/heads/main]
        environment: [{}]
        workflow: deploy.yaml
        expires: 2020-01-31
      - permission: ws:locks:create
        environment: [8]
      - permission: ws:locks:create
";
    // The id is not missing, the second rule is not broad, the third does not repeat it, and a list
    // of which nothing could be read is not empty.
    assert_eq!(
        found(text),
        [
            "2:1 invalid",
            "5:20 invalid",
            "7:21 unknown-permission",
            "8:18 invalid",
            "8:21 glob-like",
            "8:32 never-matches",
            "9:23 invalid",
            "10:19 extension",
            "11:18 expired",
            "13:23 invalid",
        ]
    );
}

#[test]
fn permission_keys() {
    let key = |key: &str| {
        let text =
            format!("version: 1\npermissions:\n  - permission:\n      - {key}\n    branch: x\n");
        let finding = lint(&text, Format::Yaml, &LintOptions::default()).pop()?;
        assert_eq!(finding.position, Position { line: 4, column: 9 });
        Some((finding.code, finding.level, finding.help.unwrap()))
    };
    assert_eq!(key("ws:locks:create"), None);
    assert_eq!(key("Locks Create"), None);
    assert_eq!(
        key("ws:lock:create"),
        Some((
            "unknown-permission",
            Level::Warning,
            "did you mean `ws:locks:create`?".into()
        ))
    );
    assert_eq!(key("team:own:thing").unwrap().1, Level::Note);
}

#[test]
fn events_and_claims() {
    let one = |text: &str| of_rule(&format!("branch: main\n{text}"));
    for (text, expected) in [
        ("events: [push, pull_request]", &[][..]),
        ("events: [pushes]", &["5:14 unknown-event"]),
        ("events: [push, workflow_call]", &["5:20 unknown-event"]),
        ("events: [pull_request_target]", &["5:14 untrusted-event"]),
        ("events:\n  - workflow_run", &["6:9 untrusted-event"]),
        ("claims: { actor_id: '7' }", &[]),
        ("claims: { something_new: x }", &[]),
        ("claims: { actorid: '7' }", &["5:15 unknown-claim"]),
        ("claims: { workflow: x }", &["5:15 weak-claim"]),
    ] {
        assert_eq!(one(text), expected, "{text}");
    }
}

#[test]
fn claims_of_a_known_form() {
    let codes = |claim: &str| -> Vec<String> {
        let found = of_rule(&format!("branch: main\nclaims: {{ {claim} }}"));
        let codes = found.iter().map(|f| f.split(' ').nth(1).unwrap());
        codes.map(str::to_owned).collect()
    };
    for claim in [
        "ref: main",
        "ref: 'ma.*'",
        "ref: { glob: 'release/**' }",
        "runner_environment: github_hosted",
        "runner_environment: 'GitHub.*'",
        "ref_type: heads",
        "ref_protected: 'True'",
        "repository_visibility: secret",
        "event_name: Push",
        "repository_id: acme-org/infra",
        "actor_id: '-1'",
        "sha: HEAD",
        "sha: '[0-9A-F]{40}[0-9]'",
        "actor: '@octocat'",
        "actor: 'x.*y z'",
        "repository: infra",
        "workflow_ref: deploy.yml",
        "job_workflow_ref: acme-org/shared/.github/workflows/gate.yml",
        "job_workflow_ref: 'acme-org/shared/[^@]*'",
        "job_workflow_ref: acme-org/shared/.github/workflows/gate.yml@main",
        "job_workflow_ref: 'acme-org/shared/[^@]+\\.yml@v\\d+'",
        "job_workflow_ref: acme-org/shared/.github/workflows/gate.yml@1a2b3c4",
        "workflow_ref: .github/workflows/d.yml@refs/heads/main",
        "head_ref: 'a b'",
        "head_ref: refs/heads/x",
        "base_ref: 'refs/heads/release/.*'",
        "base_ref: { glob: 'refs/heads/**' }",
    ] {
        assert_eq!(codes(claim), ["impossible-claim"], "{claim}");
    }
    for claim in [
        "ref: refs/heads/main",
        "ref: '.*main'",
        "ref: '*'",
        "runner_environment: self-hosted",
        "runner_environment: '.*-hosted'",
        "ref_protected: 'true'",
        "repository_id: '[1-9]+'",
        "sha: '0a1b.*'",
        "actor: 'dependabot[bot]'",
        "actor: octo_corp",
        "job_workflow_ref: acme-org/shared/.github/workflows/gate.yml@refs/heads/main",
        "job_workflow_ref: acme-org/shared/.github/workflows/gate.yml@refs/tags/v1",
        "job_workflow_ref: acme-org/shared/.github/workflows/gate.yml@0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
        "job_workflow_ref: 'acme-org/shared/.*'",
        "job_workflow_ref: '.*@.*'",
        // A branch may be `x@v1`.
        "job_workflow_ref: 'acme-org/shared/.*@v\\d+'",
        "job_workflow_ref: { glob: 'acme-org/*/.github/workflows/*@refs/tags/v*' }",
        "head_ref: 'feature/.*'",
        "base_ref: main",
        "base_ref: refs/tags/v1",
        "sub: anything",
        "something_new: a b",
        "ref: 'a)'",
    ] {
        let found = codes(claim);
        assert!(!found.contains(&"impossible-claim".to_owned()), "{claim}");
    }
}

#[test]
fn what_a_claim_of_a_known_form_should_be() {
    for (claim, expected) in [
        ("ref: main", "refs/heads/main"),
        ("ref: tags/v1", "refs/tags/v1"),
        ("ref: heads/main", "refs/heads/main"),
        ("head_ref: refs/heads/x", "x"),
        (
            "iss: github.com",
            "https://token.actions.githubusercontent.com",
        ),
        ("iss: acme.ghe.com", "https://token.actions.acme.ghe.com"),
        (
            "iss: ghes.example.com",
            "https://ghes.example.com/_services/token",
        ),
        (
            "iss: token.actions.githubusercontent.com/acme",
            "https://token.actions.githubusercontent.com/acme",
        ),
        ("base_ref: '^refs/heads/release/.*$'", "release/.*"),
        (
            "job_workflow_ref: o/r/.github/workflows/d.yml@main",
            "\"o/r/.github/workflows/d.yml@refs/heads/main\"",
        ),
        (
            "job_workflow_ref: o/r/.github/workflows/d.yml@v1",
            "\"o/r/.github/workflows/d.yml@refs/tags/v1\"",
        ),
        (
            "job_workflow_ref: o/r/.github/workflows/d.yml@tags/v1",
            "\"o/r/.github/workflows/d.yml@refs/tags/v1\"",
        ),
        (
            "job_workflow_ref: 'o/r/[^@]+@v\\d+'",
            "'o/r/[^@]+@refs/tags/v\\d+'",
        ),
        (
            "job_workflow_ref: o/r/.github/workflows/d.yml",
            "\"o/r/.github/workflows/d.yml@refs/heads/main\"",
        ),
        (
            "job_workflow_ref: 'o/r/[^@]*'",
            "\"o/r/[^@]*@refs/heads/main\"",
        ),
    ] {
        let policy = format!(
            "version: 1\npermissions: [{{ permission: a:b, branch: main, claims: {{ {claim} }} }}]\n"
        );
        let found = lint(&policy, Format::Yaml, &LintOptions::default());
        let found = found.iter().find(|found| found.code == "impossible-claim");
        let help = found
            .and_then(|found| found.help.as_deref())
            .unwrap_or_default();
        assert_eq!(help, format!("write `{expected}`"), "{claim}");
    }
}

#[test]
fn events_and_what_their_jobs_have() {
    let codes = |rule: &str| -> Vec<String> {
        let found = of_rule(rule);
        let found = found.iter().filter(|f| f.ends_with("impossible-event"));
        found
            .map(|f| f.split(' ').next().unwrap().to_owned())
            .collect()
    };
    for (rule, expected) in [
        ("branch: main\nevents: [merge_group]", &["5:14"][..]),
        ("branch: main\nevents: [push, merge_group]", &["5:20"]),
        ("branch: [main, 'gh-.*']\nevents: [merge_group]", &[]),
        ("branch: '.*'\nevents: [merge_group, release, push]", &[]),
        ("branch: main\nevents: [release]", &["5:14"]),
        ("branch: { glob: 'refs/tags/v*' }\nevents: [release]", &[]),
        (
            "branch: refs/tags/v1\nevents: [pull_request, push]",
            &["5:14"],
        ),
        (
            "branch: octocat:main\nevents: [push, pull_request]",
            &["5:14"],
        ),
        (
            "branch: refs/tags/v1\nevents: [schedule, delete]",
            &["5:14", "5:24"],
        ),
        ("branch: refs/tags/v1\nevents: [create, deployment]", &[]),
        (
            "branch: 'refs/pull/.*'\nevents: [pull_request, push, pull_request_target]",
            &["5:14", "5:28", "5:34"],
        ),
        (
            "branch: 'refs/pull/.*'\nevents: [pull_request_review, deployment]",
            &[],
        ),
        // What `init` makes of `tags: ['?']`.
        ("branch: { glob: 'refs/tags/?' }\nevents: [push]", &[]),
        ("branch: refs\nevents: [schedule]", &[]),
        (
            "branch: refs/heads/refs/x\nevents: [schedule, pull_request]",
            &[],
        ),
        (
            "environment: x\nevents: [merge_group]\nclaims: { ref: refs/heads/main }",
            &["5:14"],
        ),
        (
            "environment: x\nevents: [push, pull_request]\nclaims: { base_ref: main }",
            &["5:14"],
        ),
        (
            "environment: x\nevents: [push]\nclaims: { base_ref: '*' }",
            &[],
        ),
        (
            "environment: x\nevents: [push]\nclaims: { event_name: schedule }",
            &["5:14"],
        ),
        (
            "environment: x\nevents: [release]\nclaims: { ref_type: branch }",
            &["5:14"],
        ),
        ("branch: 'a)'\nevents: [merge_group]", &[]),
        ("branch: main\nevents: [tomorrows_event]", &[]),
        ("environment: x\nevents: [merge_group]", &[]),
        (
            "environment: x\nclaims: { event_name: workflow_run }",
            &["5:27"],
        ),
        (
            "environment: x\nclaims: { event_name: [workflow_run, push] }",
            &[],
        ),
    ] {
        assert_eq!(codes(rule), expected, "{rule}");
    }
}

#[test]
fn bases() {
    let central = |rule: &str| {
        let text = format!(
            "version: 1\nrepositories:\n  - {{ repository: o/r, repository_id: 7, permissions: [{{ permission: ws:locks:create, {rule} }}] }}\n"
        );
        found(&text)
            .into_iter()
            .filter_map(|finding| finding.split_once(' ').map(|(_, code)| code.to_owned()))
            .collect::<Vec<_>>()
    };
    for (rule, code) in [
        ("branch: main, events: [pull_request]", Some("missing-base")),
        (
            "branch: { glob: 'feature/**' }, events: [push, pull_request]",
            Some("missing-base"),
        ),
        (
            "branch: [x, y], events: [pull_request_target]",
            Some("missing-base"),
        ),
        (
            "branch: main, base: main, events: [push, schedule]",
            Some("unused-base"),
        ),
        ("branch: main, base: '*'", Some("any-base")),
        ("branch: main, base: [main, '.*']", Some("any-base")),
        ("branch: { glob: '**' }, base: '*'", None),
        ("base: '*'", None),
        ("branch: x, base: 'octo:main'", Some("never-matches")),
        ("branch: x, base: refs/tags/v1", Some("never-matches")),
        ("branch: x, base: refs/heads/refs/tags/v1", None),
        // They may be merged into `main`.
        ("branch: '[^:]+', events: [pull_request]", None),
        (
            "branch: [main, { glob: 'feature/**' }], events: [pull_request]",
            None,
        ),
        ("workflow: x.yml, events: [pull_request]", None),
        // It is for pushes as well.
        ("branch: main", None),
        ("branch: main, base: main", None),
        ("branch: x, base: main, events: [pull_request]", None),
        ("branch: x, base: main, events: [event_of_tomorrow]", None),
        ("branch: main, events: [push]", None),
    ] {
        let found = central(rule);
        let of_bases: Vec<_> = found
            .iter()
            .filter(|code| code.ends_with("-base") || *code == "never-matches")
            .collect();
        assert_eq!(of_bases, code.iter().collect::<Vec<_>>(), "{rule}");
    }
    // At the top the default branch is trusted.
    assert_eq!(of_rule("branch: x\nevents: [pull_request]"), [""; 0]);
    assert_eq!(
        of_rule("branch: x\nbase: y\nevents: [push]"),
        ["5:11 unused-base"]
    );
}

#[test]
fn expiry() {
    let one = |text: &str| of_rule(&format!("branch: main\nexpires: {text}"));
    assert_eq!(one("2027-01-01"), [""; 0]);
    assert_eq!(one("2026-12-31"), ["5:14 expired"]);
    assert_eq!(one("\"2026-12-31T00:00:00Z\""), ["5:15 expired"]);
    let text = "version: 1\npermissions:\n  - permission: a:b\n    expires: 1999-01-01\n";
    let without_a_clock = lint(text, Format::Yaml, &LintOptions::default());
    assert!(
        without_a_clock
            .iter()
            .all(|finding| finding.code != "expired")
    );
}

#[test]
fn entries() {
    let entry = |text: &str| {
        found(&format!(
            "version: 1\nrepositories:\n  - {text}\n    permissions: [{{ permission: a:b }}]\n"
        ))
        .into_iter()
        .filter(|finding| !finding.ends_with("unknown-permission"))
        .collect::<Vec<_>>()
    };
    assert_eq!(entry("repository: a/b"), ["3:17 unpinned-repository"]);
    assert_eq!(
        entry("repository: { exact: a/b }"),
        ["3:26 unpinned-repository"]
    );
    assert_eq!(entry("repository: a/b\n    repository_id: 7"), [""; 0]);
    assert_eq!(entry("repository: a/b.*"), [""; 0]);
    assert_eq!(entry("repository: { glob: 'a/*' }"), [""; 0]);
    assert_eq!(
        entry("repository: infra\n    repository_id: 7"),
        ["3:17 never-matches"]
    );
    assert_eq!(entry("repository: a/*"), ["3:17 glob-like"]);
    assert_eq!(entry("repository: '(?=a)'"), ["3:17 pattern-invalid"]);
}

#[test]
fn lists() {
    let rule = "permissions:\n  - permission: ws:locks:read\n";
    let both =
        format!("version: 1\n{rule}repositories:\n  - repository: a/.+\n    permissions: []\n");
    assert_eq!(
        found(&both),
        [
            "3:5 top-level-ignored",
            "3:17 unknown-permission",
            "5:5 grants-nothing"
        ]
    );
    assert_eq!(
        found("version: 1\npermissions: []\n"),
        ["1:1 grants-nothing"]
    );
    assert_eq!(found("version: 1\n"), ["1:1 grants-nothing"]);
}

#[test]
fn names_that_cannot_be() {
    for (rule, expected) in [
        ("workflow: deploy.yml", &[][..]),
        ("workflow: acme/shared/.github/workflows/a.yml", &[]),
        ("workflow: .github/workflows/deploy.yml", &["never-matches"]),
        (
            "workflow: ./.github/workflows/deploy.yml",
            &["never-matches"],
        ),
        ("workflow: workflows/deploy.yml", &["never-matches"]),
        (
            "workflow: Acme-Org/infra/.github/workflows/deploy.yml",
            &["never-matches"],
        ),
        (
            "workflow: { glob: '.github/workflows/*.yml' }",
            &["never-matches"],
        ),
        (
            "workflow: '\\.github/workflows/d.*\\.yml'",
            &["never-matches"],
        ),
        ("workflow: 'acme/x/\\.github/workflows/.*'", &[]),
        (
            "workflow: acme/shared/.github/workflows/a.yml@refs/heads/main",
            &["never-matches"],
        ),
        ("workflow: Deploy Production", &["never-matches"]),
        ("workflow: deploy.yaml", &["extension"]),
        ("workflow: plan.yml", &["extension"]),
        ("workflow: deploi.yml", &["unknown-workflow"]),
        ("workflow: deplo.+", &[]),
        ("branch: main", &[]),
        ("branch: refs/tags/v1", &[]),
        ("branch: octocat:main", &[]),
        ("branch: refs/heads/refs/tags/v1", &[]),
        ("branch: refs/heads/main", &["never-matches"]),
        ("branch: refs/heads/(a|b)", &["never-matches"]),
        ("branch: release/", &["never-matches"]),
        ("branch: my branch", &["never-matches"]),
        ("branch: { exact: feature/* }", &["never-matches"]),
        ("branch: a..b", &["never-matches"]),
        ("environment: prod-eu", &[]),
        ("environment: prod-", &["trailing-dash-environment"]),
        ("environment: ^$", &["never-matches"]),
        ("branch: ^$", &["never-matches"]),
        ("branch: ()", &["never-matches"]),
        ("branch: '[a&&b]'", &["never-matches"]),
        ("branch: x\nbase: '[^\\s\\S]'", &["never-matches"]),
        ("workflow: '\\P{Any}'", &["never-matches"]),
        ("environment: a^b", &["never-matches"]),
        ("environment: a$b", &["never-matches"]),
        ("environment: $a", &["never-matches"]),
        ("environment: '[A-Z&&a-z]'", &[]),
        ("branch: '[A-Z&&a-z]'", &["never-matches"]),
        ("branch: x\nclaims: { sub: '[a&&b]' }", &["never-matches"]),
        ("branch: x\nclaims: { sub: ^$ }", &["never-matches"]),
        (
            "branch: x\nclaims: { ref: '[a&&b]' }",
            &["impossible-claim"],
        ),
        ("environment: my env", &[]),
    ] {
        let found = of_rule(rule);
        let codes: Vec<_> = found.iter().map(|f| f.split(' ').nth(1).unwrap()).collect();
        assert_eq!(codes, expected, "{rule}");
    }
}

#[test]
fn files_of_other_repositories_are_not_looked_for() {
    let policy = |file: &str| {
        format!(
            "version: 1\nrepositories:\n  - repository: a/b\n    repository_id: 7\n    permissions:\n      - permission: ws:locks:create\n        workflow: {file}\n"
        )
    };
    assert_eq!(found(&policy("elsewhere.yml")), [""; 0]);
    assert_eq!(found(&policy("deploy.yaml")), ["7:19 extension"]);
}

#[test]
fn json_is_pointed_at_too() {
    let text = "{ \"version\": 1, \"permissions\": [{ \"permission\": \"ws:locks:create\", \"branch\": \"feature/*\" }] }";
    let findings = lint(text, Format::Json, &LintOptions::default());
    let [finding] = findings.as_slice() else {
        panic!("{findings:?}");
    };
    assert_eq!(finding.code, "glob-like");
    let column = text.find("\"feature").unwrap() + 1;
    assert_eq!(
        (finding.position.column as usize, finding.length),
        (column, 11)
    );
    let fix = finding.fix.as_ref().unwrap();
    assert_eq!(fix.replacement, "{ \"glob\": \"feature/*\" }");
}
