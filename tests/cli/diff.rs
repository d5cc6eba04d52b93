//! `repo-permissions diff`, by the whole program.

use std::io::Write as _;
use std::process::Stdio;

use crate::support::directory::Directory;
use crate::support::program::Run;
use crate::support::{ATMOS_PRO as OLD, Stage, repository};
use insta::assert_snapshot;
use serde_json::Value;
use simulator::Job;

/// The same with the development branches, a release branch, and without one of the locks.
const NEW: &str = r#"version: 1
permissions:
  - name: affected stacks
    permission: ws:affected_stacks:create
    branch: "^(main|develop|feature/.*)$"
  - name: production deploys
    permission: ws:deployments:create
    workflow: deploy-production.yml
    branch: [main, "release/.*"]
    environment: production
  - permission: ws:locks:create
    branch: main
"#;

/// A directory with both policies.
struct Files(Directory);

impl Files {
    fn new() -> Self {
        Self(Directory::new().with("old.yml", OLD).with("new.yml", NEW))
    }

    fn with(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        Self(self.0.with(name, text))
    }

    fn diff(&self, arguments: &[&str], stdin: &str) -> Run {
        let now = ["--now", "2026-06-01T00:00:00Z"];
        let mut command = self.0.command(&[&["diff"], arguments, &now].concat());
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut to = child.stdin.take().unwrap();
        // It may end without reading all of it.
        _ = to.write_all(stdin.as_bytes());
        drop(to);
        child.wait_with_output().unwrap().into()
    }

    fn shows(&self, arguments: &[&str]) -> String {
        let run = self.diff(arguments, "");
        assert_eq!((run.code, &*run.err), (Some(0), ""));
        run.out
    }
}

#[test]
fn what_a_change_adds_and_removes_in_words() {
    let files = Files::new();
    assert_snapshot!(files.shows(&["old.yml", "new.yml"]), @"
    the policy's own repository
      + any workflow on `^(main|develop|feature/.*)$` may now use `ws:affected_stacks:create`
          new.yml, rule 1 (`affected stacks`, line 3)
          in part as before; new for example: branch `feature/x`, event `push`
      + `deploy-production.yml` on `release/.*` in environment `production` may now use `ws:deployments:create`
          new.yml, rule 2 (`production deploys`, line 6)
          for example: workflow `deploy-production.yml`, branch `release/1.0`, environment `production`, event `push`
      + `deploy-production.yml` on `main` in pull requests in environment `production` may now use `ws:deployments:create`
          new.yml, rule 2 (`production deploys`, line 6)
          in part as before; new for example: workflow `deploy-production.yml`, branch `main`, base `release/1.0`, environment `production`, event `pull_request`
      - any workflow on `main` may no longer use `ws:locks:delete`
          old.yml, rule 3 (line 11)
          for example: branch `main`, event `push`

    access widens (3 changes) and narrows (1 change) (from old.yml to new.yml)
    ");
    assert_snapshot!(files.shows(&["new.yml", "old.yml"]), @"
    the policy's own repository
      + any workflow on `main` may now use `ws:locks:delete`
          old.yml, rule 3 (line 11)
          for example: branch `main`, event `push`
      - any workflow on `^(main|develop|feature/.*)$` may no longer use `ws:affected_stacks:create`
          new.yml, rule 1 (`affected stacks`, line 3)
          in part still granted; no longer for example: branch `feature/x`, event `push`
      - `deploy-production.yml` on `release/.*` in environment `production` may no longer use `ws:deployments:create`
          new.yml, rule 2 (`production deploys`, line 6)
          for example: workflow `deploy-production.yml`, branch `release/1.0`, environment `production`, event `push`
      - `deploy-production.yml` on `main` in pull requests in environment `production` may no longer use `ws:deployments:create`
          new.yml, rule 2 (`production deploys`, line 6)
          in part still granted; no longer for example: workflow `deploy-production.yml`, branch `main`, base `release/1.0`, environment `production`, event `pull_request`

    access widens (1 change) and narrows (3 changes) (from new.yml to old.yml)
    ");
    assert_snapshot!(files.shows(&["old.yml", "old.yml"]), @"access does not change (from old.yml to old.yml)");
    assert_snapshot!(files.shows(&["old.yml", "new.yml", "--format", "markdown"]), @"
    Access widens (3 changes) and narrows (1 change).

    **The policy's own repository**

    - 🔓 **more:** any workflow on `^(main|develop|feature/.*)$` may now use `ws:affected_stacks:create`  
      rule 1 (`affected stacks`, line 3); in part as before; new for example: branch `feature/x`, event `push`
    - 🔓 **more:** `deploy-production.yml` on `release/.*` in environment `production` may now use `ws:deployments:create`  
      rule 2 (`production deploys`, line 6); for example: workflow `deploy-production.yml`, branch `release/1.0`, environment `production`, event `push`
    - 🔓 **more:** `deploy-production.yml` on `main` in pull requests in environment `production` may now use `ws:deployments:create`  
      rule 2 (`production deploys`, line 6); in part as before; new for example: workflow `deploy-production.yml`, branch `main`, base `release/1.0`, environment `production`, event `pull_request`
    - 🔒 **less:** any workflow on `main` may no longer use `ws:locks:delete`  
      formerly rule 3 (line 11); for example: branch `main`, event `push`
    ");
}

#[test]
fn programs_get_the_same_as_json() {
    let files = Files::new();
    let json: Value =
        serde_json::from_str(&files.shows(&["old.yml", "new.yml", "--format", "json"])).unwrap();
    assert_eq!(
        (&json["widens"], &json["narrows"]),
        (&true.into(), &true.into())
    );
    assert_eq!(json["replay"], Value::Null);
    let pretty = serde_json::to_string_pretty(&json["added"][1]).unwrap();
    assert_snapshot!(pretty, @r#"
    {
      "base": null,
      "branch": [
        "release/.*"
      ],
      "claims": {},
      "environment": [
        "production"
      ],
      "events": null,
      "exact": true,
      "example": {
        "base": null,
        "branch": "release/1.0",
        "claims": {},
        "default_branch": null,
        "environment": "production",
        "event": "push",
        "own": true,
        "owner_id": null,
        "repository": null,
        "repository_id": null,
        "time": null,
        "without": [],
        "workflow": "deploy-production.yml"
      },
      "expires": null,
      "in_part": false,
      "only_pull_requests": false,
      "owner_id": null,
      "permissions": [
        "ws:deployments:create"
      ],
      "repository": null,
      "repository_id": null,
      "rule": {
        "line": 6,
        "name": "production deploys"
      },
      "sentence": "`deploy-production.yml` on `release/.*` in environment `production` may now use `ws:deployments:create`",
      "workflow": [
        "deploy-production.yml"
      ]
    }
    "#);
}

#[test]
fn a_change_that_widens_can_fail_a_job() {
    let files = Files::new();
    for (old, new, code) in [
        ("old.yml", "new.yml", 1),
        ("old.yml", "old.yml", 0),
        ("-", "old.yml", 0),
    ] {
        let run = files.diff(&[old, new, "--fail-on", "widen"], NEW_WITHOUT_RELEASES);
        assert_eq!(run.code, Some(code), "{old} {new}: {}", run.out);
    }
}

#[test]
fn standard_input_is_json_if_it_starts_with_a_brace() {
    let files = Files::new();
    for (stdin, is_valid) in [
        (" {\"version\": 1}\n", true),
        ("version: 1\n", true),
        // What only YAML reads.
        ("{version: 1}\n", false),
        ("# {\nversion: 1\n", true),
    ] {
        let run = files.diff(&["old.yml", "-"], stdin);
        assert_eq!(run.code == Some(0), is_valid, "{stdin:?}: {}", run.err);
    }
}

/// Grants all that `OLD` does.
const NEW_WITHOUT_RELEASES: &str = r#"version: 1
permissions:
  - permission: [ws:affected_stacks:create, ws:locks:create, ws:locks:delete]
    branch: main|master
  - permission: ws:deployments:create
    environment: production
"#;

#[test]
fn policies_that_are_not_valid() {
    let files = Files::new()
        .with("broken.yml", OLD.replace("branch: main", "branhc: main"))
        .with(
            "pattern.yml",
            OLD.replace("branch: main", "branch: \"(main\""),
        );
    let run = files.diff(&["old.yml", "broken.yml"], "");
    assert_eq!((run.code, &*run.out), (Some(2), ""));
    assert_snapshot!(run.err, @r"
    error: unknown key `branhc` in a rule
     --> broken.yml:5:5
      |
    5 |     branhc: main
      |     ^^^^^^
      |
      = help: did you mean `branch`?

    error: unknown key `branhc` in a rule
     --> broken.yml:9:5
      |
    9 |     branhc: main
      |     ^^^^^^
      |
      = help: did you mean `branch`?

    error: unknown key `branhc` in a rule
      --> broken.yml:12:5
       |
    12 |     branhc: main
       |     ^^^^^^
       |
       = help: did you mean `branch`?
    ");
    let run = files.diff(&["old.yml", "pattern.yml"], "");
    assert_eq!((run.code, &*run.out), (Some(2), ""));
    assert_snapshot!(run.err, @r#"
    error: the regex `(main` is not valid: unclosed group, at byte 0
     --> pattern.yml:5:13
      |
    5 |     branch: "(main"
      |             ^^^^^^^
    "#);
    // An old policy that is not valid granted nothing.
    let run = files.diff(&["broken.yml", "old.yml"], "");
    assert_eq!(run.code, Some(0));
    assert_snapshot!(run.err.lines().last().unwrap(), @"warning: the old policy is not valid, so it granted nothing");
    assert!(run.out.contains("access widens (3 changes)"), "{}", run.out);
    for arguments in [
        &["old.yml", "gone.yml"][..],
        &["old.yml"],
        &["old.yml", "new.yml", "--replay", "gone"],
    ] {
        assert_eq!(files.diff(arguments, "").code, Some(2), "{arguments:?}");
    }
}

#[test]
fn recorded_checks_are_decided_again() {
    let stage = Stage::with_repository(repository().with_branch("release/1.0").with_file(
        "main",
        ".github/repo-permissions.yml",
        OLD,
    ));
    let job = |branch: &str| {
        Job::push(&stage.repository, branch)
            .with_workflow("deploy-production.yml")
            .with_environment("production")
    };
    let mut log = String::new();
    for (job, permission) in [
        (job("main"), "ws:deployments:create, ws:locks:delete"),
        (job("release/1.0"), "ws:deployments:create"),
        (job("release/1.0"), "ws:deployments:create"),
        (job("feature/x"), "ws:affected_stacks:create"),
        (job("feature/x"), "ws:locks:create"),
    ] {
        // The log of the job, with its other lines.
        let step = stage.run(&job, &[("permission", permission)]);
        log.push_str(&step.stdout);
    }
    let files = Files::new().with("audit.jsonl", &log);
    let shown = files.shows(&["old.yml", "new.yml", "--replay", "audit.jsonl"]);
    let (_, replayed) = shown.split_once("\n\n").unwrap();
    let times = regex::Regex::new(r"20\d\d-\d\d-\d\dT[0-9:.]+Z").unwrap();
    assert_snapshot!(times.replace_all(replayed, "TIME"), @"
    4 of 6 recorded checks would be decided differently
      + `ws:deployments:create` for `acme-org/infra`, workflow `deploy-production.yml`, branch `release/1.0`, environment `production`, event `push`, 2 times, last at TIME
      + `ws:affected_stacks:create` for `acme-org/infra`, workflow `deploy-production.yml`, branch `feature/x`, environment `production`, event `push`, once, at TIME
      - `ws:locks:delete` for `acme-org/infra`, workflow `deploy-production.yml`, branch `main`, environment `production`, event `push`, once, at TIME

    access widens (3 changes) and narrows (1 change) (from old.yml to new.yml)
    ");
    let broken = log.replace("\"schema_version\":1", "\"schema_version\":7");
    let run = files
        .with("broken.jsonl", broken)
        .diff(&["old.yml", "new.yml", "--replay", "broken.jsonl"], "");
    assert_eq!(run.code, Some(2));
    assert!(
        run.err.starts_with("error: `broken.jsonl`, line "),
        "{}",
        run.err
    );
}

#[test]
fn text_of_a_policy_writes_nothing_of_its_own() {
    let evil = "\\e[31m`|<img src=x>@octocat [x](https://evil) ::warning::\\n# x";
    let rule = format!(
        "  - {{ permission: a:b, name: \"{evil}\", branch: {{ exact: \"{evil}\" }}, claims: {{ \"{evil}\": {{ exact: \"{evil}\" }} }} }}\n"
    );
    let files = Files::new().with("evil.yml", format!("version: 1\npermissions:\n{rule}"));
    for format in ["human", "markdown"] {
        let shown = files.shows(&["old.yml", "evil.yml", "--format", format]);
        assert!(
            !shown.contains(['\u{1b}']) && !shown.lines().any(|line| line.starts_with("# x")),
            "{shown}"
        );
    }
    let markdown = files.shows(&["old.yml", "evil.yml", "--format", "markdown"]);
    let mut options = comrak::Options::default();
    options.extension.autolink = true;
    options.render.r#unsafe = true;
    let html = comrak::markdown_to_html(&markdown, &options);
    let code = regex::Regex::new("(?s)<code>.*?</code>").unwrap();
    assert!(code.find_iter(&html).count() >= 4, "{html}");
    let prose = code.replace_all(&html, "");
    for text in ["<img", "<a ", "<h1", "@octocat", "evil", "\u{1b}"] {
        assert!(!prose.contains(text), "{text} in {html}");
    }
}

#[test]
fn an_event_whose_token_names_no_base_has_none_in_an_example() {
    let files = Files::new()
        .with(
            "m1.yml",
            "version: 1
permissions:
  - { permission: ws:a:create, base: main }
  - { permission: ws:a:create, events: [pull_request], base: '*' }
",
        )
        .with(
            "m2.yml",
            "version: 1\npermissions:\n  - { permission: ws:a:create }\n",
        );
    assert_snapshot!(files.shows(&["m1.yml", "m2.yml"]), @"
    the policy's own repository
      + any workflow on any branch in pull requests, with or without an environment, may now use `ws:a:create`
          m2.yml, rule 1 (line 3)
          in part as before; new for example: event `deployment`, a base that its token does not name

    access widens (1 change) (from m1.yml to m2.yml)
    ");
    // `check` decides the example as `diff` says.
    let check = |policy: &str| {
        let job = "check --permission ws:a:create --repository o/r --event deployment --claim ref=refs/pull/7/merge --claim base_ref= --policy";
        let arguments: Vec<_> = job.split(' ').chain([policy]).collect();
        files.0.run(&arguments).code
    };
    assert_eq!((check("m1.yml"), check("m2.yml")), (Some(1), Some(0)));
}
