//! `repo-permissions audit`, on the records that the action writes.

use std::io::BufWriter;
use std::process::{Command, Stdio};

use crate::support::directory::Directory;
use crate::support::program::{Run, release_build, shown_on_a_terminal};
use crate::support::{POLICY, Stage, memory};
use insta::assert_snapshot;
use serde_json::Value;
use simulator::Job;
use simulator::github::{Repository, TokenRecipe};

/// A directory with the records of several jobs, and the policies that decided.
struct Logs(Directory);

impl Logs {
    fn new() -> Self {
        let directory = Directory::new()
            .with("policy.yml", POLICY)
            .with("central.yml", CENTRAL);
        Self(directory.with("audit.jsonl", records()))
    }

    fn log(&self) -> String {
        self.0.read("audit.jsonl")
    }

    fn audit(&self, arguments: &[&str]) -> Run {
        // It starts git.
        let path = std::env::var("PATH").unwrap();
        let arguments = [&["audit"], arguments].concat();
        self.0.run_with(&[("PATH", &path)], &arguments)
    }

    fn shows(&self, arguments: &[&str]) -> String {
        let run = self.audit(arguments);
        assert_eq!((run.code, &*run.err), (Some(0), ""), "{arguments:?}");
        let times = regex::Regex::new(r"20\d\d-\d\d-\d\dT[0-9:.]+Z").unwrap();
        times
            .replace_all(&run.out, "2026-11-02T09:14:07Z")
            .into_owned()
    }
}

/// Delegates to the own policy what that one has no rule for, and what it has one for.
const CENTRAL: &str = "\
version: 1
repositories:
  - repository: acme-org/infra
    delegate: [ws:affected_stacks:create, ws:instances:create]
    permissions: []
";

fn records() -> String {
    let stage = Stage::with_policy(POLICY);
    let policies = Repository::new("acme-org/policies", 9, 4567);
    stage
        .github
        .add_repository(policies.with_file("main", "central.yml", CENTRAL));
    let deploy = |branch: &str| {
        Job::push(&stage.repository, branch)
            .with_workflow("deploy-production.yml")
            .with_environment("production")
    };
    let central = ("policy", "acme-org/policies/central.yml@main");
    let mut log = String::new();
    for (job, inputs) in [
        (
            deploy("main"),
            &[(
                "permission",
                "ws:deployments:create, ws:affected_stacks:create",
            )][..],
        ),
        (
            deploy("feature/x"),
            &[("permission", "ws:deployments:create")],
        ),
        (stage.push(), &[("permission", "ws:locks:create")]),
        (
            stage.push(),
            &[
                (
                    "permission",
                    "ws:affected_stacks:create, ws:instances:create",
                ),
                central,
            ],
        ),
        (
            stage.push(),
            &[("permission", "ws:locks:delete"), ("policy", "gone.yml")],
        ),
    ] {
        log.push_str(&stage.run(&job, inputs).stdout);
    }
    stage
        .github
        .set_token(TokenRecipe::new().claim("aud", "somebody-else"));
    log.push_str(&stage.ask(&stage.push(), "ws:locks:delete").stdout);
    log
}

/// The same records again and again, of another branch each time, up to this many.
fn repeated(log: &str, count: usize, mut to: impl std::io::Write) {
    let lines = log.lines().filter(|line| line.starts_with('{'));
    let lines: Vec<_> = lines.collect();
    for number in 0..count {
        let branch = format!("feature/x{}", number / lines.len() % 20_000);
        let line = lines[number % lines.len()].replace("feature/x", &branch);
        writeln!(to, "{line}").unwrap();
    }
}

#[test]
fn a_long_log_shows_how_far_it_is_on_a_terminal() {
    let logs = Logs::new();
    let mut log = Vec::new();
    repeated(&logs.log(), 2_000, &mut log);
    logs.0.write("long.jsonl", log);
    let bar = regex::Regex::new(r"\d+ % of \d+\.\d+ MiB, \S+ left").unwrap();
    for (term, is_shown) in [("xterm", true), ("dumb", false)] {
        let arguments = ["audit", "verify", "long.jsonl", "--policy", "policy.yml"];
        let mut command = logs.0.command(&arguments);
        command.env("TERM", term);
        let shown = shown_on_a_terminal(command, |command, terminal| {
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(terminal());
        });
        assert_eq!(bar.is_match(&shown), is_shown, "{shown:?}");
    }
}

#[test]
#[ignore = "2 GB of records: `AUDIT_BINARY=… cargo test --test cli audit_command:: -- --ignored --nocapture` with a release build, and `.ci/run product`"]
fn a_million_records_in_bounded_memory() {
    let binary = release_build("AUDIT_BINARY");
    let logs = Logs::new();
    let policies = ["--policy", "policy.yml", "--policy", "central.yml"];
    let mut peaks = Vec::new();
    for count in [10_000, 1_000_000] {
        let path = logs.0.path("many.jsonl");
        let file = std::fs::File::create(&path).unwrap();
        repeated(&logs.log(), count, BufWriter::with_capacity(1 << 20, file));
        let size = path.metadata().unwrap().len();
        let mut command = Command::new(&binary);
        command.current_dir(&logs.0.0).env_clear();
        command
            .args(["audit", "verify", "many.jsonl"])
            .args(policies);
        let measured = memory::measure(&mut command);
        std::fs::remove_file(&path).unwrap();
        let printed = String::from_utf8(measured.output.stdout).unwrap();
        assert_eq!(measured.output.status.code(), Some(0), "{printed}");
        assert!(
            printed.contains("0 decided differently, 0 malformed"),
            "{printed}"
        );
        println!(
            "{count} records, {:.2} GB: {:.1} s, peak memory {:.1} MB",
            size as f64 / 1e9,
            measured.time.as_secs_f64(),
            measured.kilobytes as f64 / 1024.0
        );
        peaks.push(measured.kilobytes);
    }
    assert!(peaks[1] < peaks[0] + 32_768, "{peaks:?}");
}

#[test]
fn records_are_shown_as_a_table() {
    let logs = Logs::new();
    assert_snapshot!(logs.shows(&["show", "audit.jsonl"]), @r"
    time                  decision                         permission                 repository      workflow               branch     environment  actor
    2026-11-02T09:14:07Z  allowed                          ws:deployments:create      acme-org/infra  deploy-production.yml  main       production   octocat
    2026-11-02T09:14:07Z  allowed                          ws:affected_stacks:create  acme-org/infra  deploy-production.yml  main       production   octocat
    2026-11-02T09:14:07Z  denied (no_rule_matches)         ws:deployments:create      acme-org/infra  deploy-production.yml  feature/x  production   octocat
    2026-11-02T09:14:07Z  denied (expired)                 ws:locks:create            acme-org/infra  deploy-production.yml  main       -            octocat
    2026-11-02T09:14:07Z  allowed                          ws:affected_stacks:create  acme-org/infra  deploy-production.yml  main       -            octocat
    2026-11-02T09:14:07Z  denied (permission_not_granted)  ws:instances:create        acme-org/infra  deploy-production.yml  main       -            octocat
    2026-11-02T09:14:07Z  error (policy_not_found)         ws:locks:delete            acme-org/infra  deploy-production.yml  main       -            octocat
    2026-11-02T09:14:07Z  error (token_invalid)            ws:locks:delete            -               -                      -          -            -

    3 allowed, 3 denied, 2 errors
    ");
    assert_snapshot!(logs.shows(&["show", "audit.jsonl", "--decision", "denied", "--permission", "Deployments Create"]), @"
    time                  decision                  permission             repository      workflow               branch     environment  actor
    2026-11-02T09:14:07Z  denied (no_rule_matches)  ws:deployments:create  acme-org/infra  deploy-production.yml  feature/x  production   octocat

    0 allowed, 1 denied, 0 errors; 7 records are hidden by the filter
    ");
    assert!(
        logs.shows(&["show", "audit.jsonl", "--repository", "ACME-org/infra"])
            .contains("\n3 allowed, 3 denied, 1 error; 1 record is hidden by the filter")
    );
    for nobody in [
        ["--repository", "acme-org/other"],
        ["--since", "2999-01-31"],
        ["--until", "2020-01-31T12:00:00Z"],
    ] {
        let shown = logs.shows(&["show", "audit.jsonl", nobody[0], nobody[1]]);
        assert!(
            shown.contains("\n0 allowed, 0 denied, 0 errors; 8 records are hidden by the filter\n"),
            "{shown}"
        );
    }
    let json = logs.shows(&[
        "show",
        "audit.jsonl",
        "--format",
        "json",
        "--decision",
        "error",
    ]);
    let reasons: Vec<_> = json
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["data"]["reason"].clone())
        .collect();
    assert_eq!(reasons, ["policy_not_found", "token_invalid"]);
}

#[test]
fn decisions_are_made_again() {
    let logs = Logs::new();
    let policies = ["--policy", "policy.yml", "--policy", "central.yml"];
    let log = logs.log();
    let others = log
        .lines()
        .filter(|line| !line.starts_with('{') && !line.is_empty());
    let others = format!("; {} lines are not records", others.count());
    let verify = |more: &[&str]| {
        let shown = logs.shows(&[&["verify", "audit.jsonl"], more].concat());
        shown.replace(&others, "; 99 lines are not records")
    };
    assert_snapshot!(verify(&policies), @"8 records: 6 decided the same, 0 decided differently, 0 malformed, 2 without a decision to repeat, 0 without their policy; 99 lines are not records");
    assert_snapshot!(verify(&["--policy", "policy.yml"]), @"
    2 records: no policy with SHA-256 95ccbfc7943355a8efe8b0ab0123ec8159211bddce7a1d87784564f0d79df6bf was found
    8 records: 4 decided the same, 0 decided differently, 0 malformed, 2 without a decision to repeat, 2 without their policy; 99 lines are not records
    ");
    // The records of the central policy also need the own one.
    assert_snapshot!(verify(&["--policy", "central.yml"]), @"
    6 records: no policy with SHA-256 1ab2b4940ef0034d03587b86144005c807266ecd5c4d80bc615319fbc74bd2e9 was found
    8 records: 0 decided the same, 0 decided differently, 0 malformed, 2 without a decision to repeat, 6 without their policy; 99 lines are not records
    ");
    assert_eq!(
        logs.audit(&["verify", "audit.jsonl", "--strict"]).code,
        Some(1)
    );
    assert_eq!(logs.audit(&["verify", "gone.jsonl"]).code, Some(2));
    assert_eq!(
        logs.audit(&["verify", "audit.jsonl", "--policy", "gone.yml"])
            .code,
        Some(2)
    );
}

#[test]
fn lines_that_are_not_records_are_counted() {
    let logs = Logs::new();
    let log = logs.log();
    let record = log.lines().find(|line| line.starts_with('{')).unwrap();
    let start = &record[..50];
    let others = format!("hello\n{record}\n\n{{\"a\":1}}\n##[group]x\n{start}\n \t\r\n");
    logs.0.write("mixed.jsonl", others);
    let verify = |more: &[&str]| {
        let arguments = [
            "verify",
            "mixed.jsonl",
            "--policy",
            "policy.yml",
            "--strict",
        ];
        logs.shows(&[&arguments, more].concat())
    };
    assert_snapshot!(verify(&[]), @"1 record: 1 decided the same, 0 decided differently, 0 malformed, 0 without a decision to repeat, 0 without their policy; 4 lines are not records");
    let json: Value = serde_json::from_str(&verify(&["--format", "json"])).unwrap();
    assert_eq!(json["other_lines"], 4);
    assert_eq!(json["records"], 1);
}

#[test]
fn policies_are_found_in_the_history_of_a_clone() {
    let logs = Logs::new();
    logs.0.git(&["init", "--quiet"]);
    logs.0.git(&["add", "policy.yml", "central.yml"]);
    logs.0.git(&["commit", "--quiet", "-m", "policies"]);
    logs.0.write("policy.yml", "version: 1\npermissions: []\n");
    logs.0.git(&["commit", "--quiet", "-am", "another"]);
    let shown = logs.shows(&["verify", "audit.jsonl", "--git", "."]);
    assert!(
        shown.contains("6 decided the same, 0 decided differently, 0 malformed, 2 without"),
        "{shown}"
    );
}

#[test]
fn a_record_that_was_changed_is_found() {
    let logs = Logs::new();
    let log = logs.log();
    let policies = ["--policy", "policy.yml", "--policy", "central.yml"];
    for (from, to) in [
        // Another job than the one that was allowed.
        ("\"branch\":\"main\"", "\"branch\":\"evil\""),
        (
            "\"environment\":\"production\"",
            "\"environment\":\"staging\"",
        ),
        // A denial made a grant, whole and in part.
        ("\"decision\":\"denied\"", "\"decision\":\"allowed\""),
        ("\"reason\":\"no_rule_matches\"", "\"reason\":\"expired\""),
        ("\"rule\":{\"line\":3", "\"rule\":{\"line\":4"),
        ("\"specversion\":\"1.0\"", "\"specversion\":\"2.0\""),
        (
            "\"subject\":\"ws:locks:create\"",
            "\"subject\":\"ws locks\"",
        ),
        ("\"time\":\"20", "\"time\":\"x"),
    ] {
        assert!(log.contains(from), "{from} in {log}");
        logs.0.write("changed.jsonl", log.replace(from, to));
        let run = logs.audit(&[&["verify", "changed.jsonl"], &policies[..]].concat());
        assert_eq!(run.code, Some(1), "{from}: {}", run.out);
        assert!(run.out.starts_with("changed.jsonl:"), "{from}: {}", run.out);
    }
    // The content of a line is printed as text.
    let evil = "{\"type\":\"dev.repo-permissions.check.allowed\u{1b}[31m\n{\"x";
    let long = format!(
        "{{\"type\":\"dev.repo-permissions.check.{}\n{log}",
        "x".repeat(3 << 20)
    );
    for text in [evil.to_owned(), long] {
        logs.0.write("evil.jsonl", text);
        let run = logs.audit(&["verify", "evil.jsonl"]);
        assert_eq!(run.code, Some(1));
        assert!(
            !run.out.contains('\u{1b}') && run.out.contains("1 malformed"),
            "{}",
            run.out
        );
        let run = logs.audit(&["show", "evil.jsonl"]);
        assert_eq!(run.code, Some(0));
        assert!(
            run.err.starts_with("warning: evil.jsonl, line 1: "),
            "{}",
            run.err
        );
    }
}
