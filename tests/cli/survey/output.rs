//! Findings and their output formats.

use insta::assert_snapshot;
use serde_json::{Value, json};
use simulator::github::{QueryFault, RateLimits, Repository};

use super::stage::{ALL, SHA, Stage, asking, timeless};

const POLICY: &str = "\
version: 1
repositories:
  - repository: acme-org/fine
    repository_id: 1
    owner_id: 7
    permissions:
      - permission: ws:locks:create
  - repository: acme-org/recreated
    repository_id: 99
    permissions: []
  - repository: acme-org/before
    permissions: []
  - repository: [acme-org/gone, acme-org/archived]
    permissions: []
  - repository: { glob: acme-org/team-* }
    permissions: []
  - repository: other-org/x
    permissions: []
";
const CENTRAL: &str = "policy: acme-org/policies/p.yml@main";

/// An organisation with one of each.
fn stage() -> Stage {
    let stage = Stage::new();
    stage.write("policy.yml", POLICY);
    let central = |permission: &str| {
        asking(
            "push",
            ALL,
            &format!("permission: '{permission}', {CENTRAL}"),
        )
    };
    let own =
        |on: &str, permissions: &str| asking(on, permissions, "permission: 'ws:locks:create'");
    stage.repository("fine", 1, &[("deploy.yml", &central("ws:locks:create"))]);
    stage.repository(
        "recreated",
        2,
        &[("deploy.yml", &central("ws:locks:create"))],
    );
    stage.repository(
        "without-token",
        3,
        &[
            ("ci.yml", "on: push\njobs: {test: {steps: [{run: make}]}}"),
            ("deploy.yml", &own("push", "")),
        ],
    );
    stage.repository(
        "read-only",
        4,
        &[(
            "deploy.yml",
            &own("[push, workflow_run]", "permissions: read-all"),
        )],
    );
    stage.repository(
        "forgotten",
        5,
        &[
            ("a.yml", &central("ws:locks:create")),
            ("b.yml", &central("ws:locks:delete")),
        ],
    );
    stage.repository(
        "cloud",
        6,
        &[(
            "login.yml",
            "on: push\npermissions: {id-token: write}\njobs: {}",
        )],
    );
    stage.repository(
        "plain",
        7,
        &[("ci.yml", "on: push\njobs: {}"), ("broken.yml", "{")],
    );
    stage.repository(
        "broken",
        8,
        &[(
            "deploy.yml",
            "on: push\njobs:\n\t- uses: acme-org/repo-permissions@v0",
        )],
    );
    stage.repository(
        "tag",
        9,
        &[("deploy.yml", &own("push", ALL).replace(SHA, "v0"))],
    );
    stage.github.add_repository(
        Repository::new("acme-org/archived", 10, 7)
            .private()
            .archived()
            .with_file("main", ".github/workflows/deploy.yml", own("push", "")),
    );
    stage.github.add_repository(
        Repository::new("acme-org/after", 11, 7).with_former_name("acme-org/before"),
    );
    stage
}

#[test]
fn people_get_what_is_wrong_first() {
    let stage = stage();
    let run = stage.run("--policy policy.yml");
    assert_eq!((run.code, &*run.err), (Some(1), ""));
    assert_snapshot!(timeless(&run.out), @"
    ✗ acme-org: 11 repositories, 6 use repo-permissions: 6 errors, 3 warnings
      7 steps use the action, 3 of them with the repository's own policy
      1 repository asks for `id-token: write` without this action
      1 repository is archived and skipped
      policy.yml: 6 entries, 1 of them for other owners; 2 repositories have one
      1 request of GraphQL and 2 of REST, TIME to TIME

    error[missing-id-token]: a job uses this action without `id-token: write`: it gets no token, and every check ends with `token_unavailable` (2 times)
      help: add it to the job's `permissions:`; for a called workflow, also to the job that calls it
      acme-org/without-token  deploy.yml:6: the job `deploy` has no `permissions:`, and GitHub's defaults never include `id-token: write`
      acme-org/read-only      deploy.yml:6: the job `deploy` has no `id-token: write`, `checks: write`, `statuses: write`

    error[no-entry]: a repository uses the policy, but no entry applies to it: every check ends with `repository_not_found`
      help: add an entry to the policy
      acme-org/forgotten      a.yml:6: uses the policy `acme-org/policies/p.yml@main`, as does 1 more step

    error[id-differs]: an entry names a repository and pins another id than it has: every check ends with `repository_id_mismatch`
      help: find out why the id changed before you pin the new one
      policy.yml:8            `acme-org/recreated` has `repository_id` 2, but the entry pins 99

    error[renamed]: an entry has the old name of a repository: it no longer applies to it, and applies to any repository that takes over the name, unless it pins an id
      help: use the new name
      policy.yml:11           `acme-org/before` was renamed to `acme-org/after`

    error[gone]: an entry names a repository that does not exist, or that this token cannot see
      help: remove the entry: it applies to any repository that is created with that name, unless it pins an id
      policy.yml:13           `acme-org/gone`

    warning[not-understood]: a workflow file that contains this action's name or `id-token` cannot be parsed
      help: correct it; GitHub will probably not run it either
      acme-org/broken         deploy.yml:3: not valid YAML: tabs disallowed within this context (block indentation)

    warning[untrusted-event]: a workflow that uses this action runs trusted code on untrusted input: only a rule that names the event grants permissions there
      help: use another trigger, or name the event in `events:` of a rule if the workflow runs none of the event's content
      acme-org/read-only      deploy.yml:6: requests permissions on `workflow_run`

    warning[matches-nothing]: a pattern of an entry matches no repository that this token can see
      help: correct it or remove it
      policy.yml:15           the glob `acme-org/team-*`

    note[mutable-ref]: a step pins this action to a branch or a tag, which others can move
      help: pin the action to the full SHA of a commit
      acme-org/tag            deploy.yml:6: uses `acme-org/repo-permissions@v0`
    ");
    stage.github.assert_nothing_unexpected();
}

#[test]
fn without_a_policy_the_workflows_alone_are_looked_at() {
    let stage = stage();
    let run = stage.run("");
    assert_eq!((run.code, &*run.err), (Some(1), ""));
    let codes: Vec<_> = run.out.lines().filter(|line| line.contains("[")).collect();
    assert_snapshot!(codes.join("\n"), @r"
    error[missing-id-token]: a job uses this action without `id-token: write`: it gets no token, and every check ends with `token_unavailable` (2 times)
    warning[not-understood]: a workflow file that contains this action's name or `id-token` cannot be parsed
    warning[untrusted-event]: a workflow that uses this action runs trusted code on untrusted input: only a rule that names the event grants permissions there
    note[mutable-ref]: a step pins this action to a branch or a tag, which others can move
    ");
    assert_eq!(stage.github.requests().len(), 1);
}

#[test]
fn nothing_wrong_is_said_in_one_line() {
    let stage = Stage::new();
    let text = asking("push", ALL, "permission: 'ws:locks:create'");
    stage.repository("infra", 1, &[("deploy.yml", &text)]);
    stage.repository("plain", 2, &[]);
    let run = stage.run("");
    assert_eq!((run.code, &*run.err), (Some(0), ""));
    assert_snapshot!(timeless(&run.out), @r"
    ✓ acme-org: 2 repositories, 1 uses repo-permissions: no problems
      1 step uses the repository's own policy
      1 request of GraphQL and 0 of REST, TIME to TIME
    ");
}

#[test]
fn programs_get_every_repository_that_asks() {
    let stage = stage();
    let run = stage.run("--policy policy.yml --format json");
    assert_eq!((run.code, &*run.err), (Some(1), ""));
    let whole = run.json();
    let repository = |name: &str| {
        let mut rows = whole["repositories"].as_array().unwrap().iter();
        rows.find(|row| row["repository"] == name).unwrap().clone()
    };
    let uses = format!("acme-org/repo-permissions@{SHA}");
    let ask = json!({"file": "deploy.yml", "line": 6, "job": "deploy", "uses": uses, "permissions": ["ws:locks:create"],
        "mode": "enforce", "policy": "acme-org/policies/p.yml@main", "own_policy": false});
    let workflow =
        json!({"file": "deploy.yml", "events": ["push"], "id_token": true, "asks": [ask]});
    assert_eq!(
        repository("acme-org/fine"),
        json!({"repository": "acme-org/fine", "id": 1, "private": true, "archived": false, "fork": false,
            "entries": [3], "workflows": [workflow], "findings": []})
    );
    assert_eq!(
        repository("acme-org/without-token")["findings"],
        json!([{"code": "missing-id-token", "level": "error", "file": "deploy.yml", "line": 6,
            "message": "the job `deploy` has no `permissions:`, and GitHub's defaults never include `id-token: write`"}])
    );
    let login = json!({"file": "login.yml", "events": ["push"], "id_token": true, "asks": []});
    assert_eq!(repository("acme-org/cloud")["workflows"], json!([login]));
    assert_eq!(
        whole["entries"][0],
        json!({"entry": 8, "repository": "acme-org/recreated", "findings": [{"code": "id-differs", "level": "error",
            "message": "`acme-org/recreated` has `repository_id` 2, but the entry pins 99"}]})
    );
    let summary = &whole["summary"];
    let sha256 = analysis::sha256(POLICY.as_bytes());
    assert_eq!(
        (&summary["owner"], &summary["policy_sha256"]),
        (&json!("acme-org"), &json!(sha256))
    );
    assert_eq!(
        (&summary["errors"], &summary["warnings"], &summary["notes"]),
        (&json!(6), &json!(3), &json!(1))
    );
    assert_eq!(
        summary["cost"],
        json!({"points": 0, "graphql_requests": 1, "rest_requests": 2})
    );

    // The same a line each.
    let lines = stage.run("--policy policy.yml --format jsonl");
    let lines: Vec<Value> = lines
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |key: &str| -> Vec<_> {
        lines
            .iter()
            .filter_map(|line| line.get(key))
            .cloned()
            .collect()
    };
    assert_eq!(json!(of("repository")), whole["repositories"]);
    assert_eq!(json!(of("entry")), whole["entries"]);
    assert_eq!(
        lines.last().unwrap()["summary"]["findings"],
        summary["findings"]
    );
}

/// What an attacker can choose: file names, job names, texts, everything but the names of repositories.
const EVIL: &str = "</td><img src=x> [x](https://evil.example) @octocat `| \u{1b}[31m \u{202e}";

#[test]
fn nothing_from_outside_acts() {
    let stage = Stage::new();
    // No file name has a slash.
    let file = format!("{}.yml", EVIL.replace('/', "-"));
    let evil = serde_json::to_string(EVIL).unwrap();
    let text = format!(
        "on: [push, workflow_run]\njobs:\n  {evil}:\n    steps:\n      - uses: {uses}\n        with: {{permission: {evil}, policy: {evil}, mode: {evil}}}\n",
        uses = serde_json::to_string(&format!(
            "{}/repo-permissions@{EVIL}",
            EVIL.replace('@', "")
        ))
        .unwrap(),
    );
    let broken = format!("on: push\njobs:\n  id-token: {{x: 1, {evil}: 1, {evil}: 1}}\n");
    stage.repository(
        "infra",
        1,
        &[(&file, &text), (&format!("b{file}"), &broken)],
    );
    stage
        .github
        .set_query_fault("acme-org/hidden", Some(QueryFault::Saml));
    stage.repository("hidden", 2, &[]);
    let policy = "version: 1\nrepositories: [{repository: {glob: 'acme-org/</td><img src=x>`*'}, permissions: []}]\n";
    stage.write("policy.yml", policy);
    for format in ["human", "json", "jsonl", "markdown"] {
        let run = stage.run(&format!("--policy policy.yml --format {format}"));
        assert_eq!((run.code, &*run.err), (Some(1), ""), "{}", run.out);
        assert!(
            !run.out.contains(['\u{1b}', '\u{202e}']),
            "{format} {}",
            run.out
        );
        for code in [
            "missing-id-token",
            "invalid-permission",
            "untrusted-event",
            "not-understood",
            "mutable-ref",
            "no-entry",
            "matches-nothing",
        ] {
            assert!(run.out.contains(code), "{format} {code}: {}", run.out);
        }
    }
    let run = stage.run("--policy policy.yml --format markdown");
    let html = comrak::markdown_to_html(&run.out, &github_flavoured());
    for active in ["<img", "<a ", "href", "</td><img"] {
        assert!(!html.contains(active), "{active}: {html}");
    }
    // A mention and a link outside of code would be made active by GitHub itself.
    let prose = without_code(&html);
    assert!(
        !prose.contains("@octocat") && !prose.contains("://evil"),
        "{prose}"
    );
    // Nothing makes more cells or rows than there are.
    for row in html.split("<tr>").skip(1) {
        let cells = row.matches("<td>").count() + row.matches("<th>").count();
        assert_eq!(cells, 3, "{row}");
    }
}

fn github_flavoured() -> comrak::Options<'static> {
    let mut options = comrak::Options::default();
    options.extension.table = true;
    options.extension.autolink = true;
    options.extension.strikethrough = true;
    options.render.r#unsafe = true;
    options
}

fn without_code(html: &str) -> String {
    let mut parts = html.split("<code>");
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.filter_map(|part| part.split_once("</code>"));
    first + &rest.map(|(_, after)| after).collect::<String>()
}

#[test]
fn the_page_shows_a_real_run() {
    const PAGE: &str = include_str!("../../../docs/survey.md");
    let stage = Stage::new();
    stage.github.set_rate_limits(RateLimits::default());
    let entries: String = ["infra", "network", "billing"]
        .iter()
        .map(|name| {
            format!("  - repository: acme-org/{name}\n    permissions:\n      - permission: ws:deployments:create\n        branch: main\n        environment: production\n")
        })
        .collect();
    stage.write(
        "policy.yml",
        &format!("version: 1\nrepositories:\n{entries}"),
    );
    let central = "permission: 'ws:deployments:create', policy: acme-org/policies/policy.yml@main";
    let deploy = asking("push", ALL, central);
    let unpermitted = asking("push", "permissions: {contents: read}", central);
    stage.repository("infra", 1, &[("deploy.yml", &deploy)]);
    stage.repository(
        "network",
        2,
        &[("deploy.yml", &unpermitted.replace(SHA, "v0"))],
    );
    stage.repository(
        "shop",
        3,
        &[("release.yml", &deploy), ("rollback.yml", &deploy)],
    );
    stage.repository(
        "website",
        4,
        &[(
            "pages.yml",
            "on: push\npermissions: {id-token: write}\njobs: {}",
        )],
    );
    stage.github.add_repository(
        Repository::new("acme-org/invoices", 5, 7).with_former_name("acme-org/billing"),
    );
    stage.repository("notes", 6, &[]);
    let (_, said) = PAGE
        .split_once("survey acme-org --policy policy.yml\n")
        .unwrap();
    let (said, _) = said.split_once("```").unwrap();
    let run = stage.run("--policy policy.yml");
    assert_eq!(timeless(&run.out), timeless(said), "{}", run.out);
}
