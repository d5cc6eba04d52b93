//! A survey that is stopped goes on where it was, and tells the same.

use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use simulator::github::{Endpoint, Fault, FaultRule, Repository};

use super::stage::{ALL, Run, Stage, asking};

const POLICY: &str = "\
version: 1
repositories:
  - {repository: acme-org/r1, repository_id: 1, permissions: []}
  - {repository: acme-org/r2, repository_id: 77, permissions: []}
  - {repository: acme-org/moved, repository_id: 5, permissions: []}
  - {repository: acme-org/gone, permissions: []}
  - {repository: acme-org/before, permissions: []}
  - {repository: {glob: acme-org/r*}, owner_id: 8, permissions: []}
  - {repository: {glob: acme-org/nothing-*}, permissions: []}
";
const ARGUMENTS: &str = "--policy policy.yml --page-size 2";

fn stage(name: &str) -> Stage {
    let stage = Stage::new(name);
    stage.write("policy.yml", POLICY);
    let central = asking(
        "push",
        ALL,
        "permission: 'a:b', policy: acme-org/policies/p.yml@main",
    );
    let own = asking("push", "", "permission: 'a:b'");
    for id in 1..=7 {
        let text = if id % 2 == 0 { &central } else { &own };
        stage.repository(&format!("r{id}"), id, &[("a.yml", text)]);
    }
    let after = Repository::new("acme-org/after", 9, 7);
    stage
        .github
        .add_repository(after.with_former_name("acme-org/before"));
    stage
}

/// Starts the program and ends it while it waits for the answer to the request of this number.
fn stopped_at(stage: &Stage, number: usize, signal: Signal) -> Run {
    stage.github.clear_records();
    let (endpoint, nth) = match number {
        1..=4 => (Endpoint::GraphQl, number),
        _ => (Endpoint::Repository, number - 4),
    };
    stage
        .github
        .add_fault(FaultRule::nth(endpoint, nth, Fault::Stall));
    let mut command = stage.command(&format!("{ARGUMENTS} --state s"));
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while stage.github.requests().len() < number {
        assert!(started.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(2));
    }
    kill(Pid::from_raw(child.id() as i32), signal).unwrap();
    let output = child.wait_with_output().unwrap();
    stage.github.clear_faults();
    Run {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn it_goes_on_from_any_request() {
    let stage = stage("resume");
    let expected = stage.run(ARGUMENTS).timeless();
    // Four pages, then two names that no repository has.
    assert_eq!(stage.github.requests().len(), 4 + 3);
    for signal in [Signal::SIGKILL, Signal::SIGINT, Signal::SIGTERM] {
        for number in 1..=6 {
            let _ = std::fs::remove_file(stage.directory.join("s"));
            let stopped = stopped_at(&stage, number, signal);
            assert_eq!(stopped.out, "");
            if signal != Signal::SIGKILL {
                let done = 2 * (number - 1).min(4);
                let how_far = match done {
                    0 => "before the first repository".to_owned(),
                    _ => format!("after {done} of 8 repositories"),
                };
                let said = format!(
                    "error: stopped {how_far}: interrupted; the same command goes on from there\n"
                );
                assert_eq!((stopped.code, &*stopped.err), (Some(2), &*said));
            }
            stage.github.clear_records();
            let run = stage.run(&format!("{ARGUMENTS} --state s"));
            assert_eq!((run.code, &*run.err), (Some(1), ""), "{number}");
            assert_eq!(run.timeless(), expected, "{signal} {number}");
            // Only what was not answered is asked again.
            let asked = stage.github.requests_to(Endpoint::GraphQl).len()
                + stage.github.requests_to(Endpoint::Repository).len();
            assert_eq!(asked, 6 - (number - 1), "{signal} {number}");
        }
    }
}

#[test]
fn it_goes_on_again_and_again() {
    let stage = stage("often");
    let expected = stage.run(ARGUMENTS).timeless();
    for _ in 0..4 {
        stopped_at(&stage, 2, Signal::SIGKILL);
    }
    let run = stage.run(&format!("{ARGUMENTS} --state s"));
    assert_eq!(run.timeless(), expected);
}

#[test]
fn what_was_half_written_is_cut_off() {
    let stage = stage("half");
    let expected = stage.run(ARGUMENTS).timeless();
    stopped_at(&stage, 3, Signal::SIGKILL);
    let whole = stage.read("s");
    let second = whole.match_indices('\n').map(|(at, _)| at + 1);
    let mut ends: Vec<_> = second.collect();
    ends.pop();
    // At the end of each line with something after it, and in the middle of each.
    let tails = [
        "{\"repository\":{\"repository\":\"acme-org/twice\"",
        "\u{0}\u{0}\u{0}\n{}\n",
    ];
    let at_ends = ends.iter().flat_map(|end| tails.map(|tail| (*end, tail)));
    let in_lines = ends.iter().map(|end| (end + 20, ""));
    for (cut, tail) in at_ends.chain(in_lines) {
        stage.write("s", &format!("{}{tail}", &whole[..cut]));
        let run = stage.run(&format!("{ARGUMENTS} --state s"));
        assert_eq!(run.err, "", "{cut} {tail}");
        assert_eq!(run.timeless(), expected, "{cut} {tail}");
    }
}

#[test]
fn what_is_done_is_only_printed() {
    let stage = stage("done");
    let first = stage.run(&format!("{ARGUMENTS} --state s"));
    stage.github.clear_records();
    let mut command = stage.command(&format!("{ARGUMENTS} --state s"));
    let again = Run::of(command.env_remove("GITHUB_TOKEN"));
    assert_eq!((again.code, &*again.err), (Some(1), ""));
    assert_eq!(again.out, first.out);
    let json = stage
        .run(&format!("{ARGUMENTS} --state s --format json"))
        .json();
    assert_eq!(json["summary"]["repositories"], 8);
    assert_eq!(stage.github.requests().len(), 0);
}

#[test]
fn a_state_is_for_one_survey() {
    let stage = stage("other");
    assert_eq!(stage.run("--state s").code, Some(1));
    let refused = |arguments: &str| {
        let run = stage.run(arguments);
        assert_eq!((run.code, &*run.out), (Some(2), ""), "{arguments}");
        run.err
    };
    insta::assert_snapshot!(refused("--state s --policy policy.yml").replace(&analysis::sha256(POLICY.as_bytes())[..16], "SHA256"), @"error: `s` is of another survey (`policy none`), this one has `policy SHA256`: give another file, or delete it");
    insta::assert_snapshot!(refused("--state s --action gate"), @"error: `s` is of another survey (`action repo-permissions`), this one has `action gate`: give another file, or delete it");
    insta::assert_snapshot!(refused("--state s --api-url https://api.github.com").replace(&stage.github.api_url(), "URL"), @"error: `s` is of another survey (`API URL`), this one has `API https://api.github.com`: give another file, or delete it");
    let before = stage.read("s");
    stage.write("s", &before.replacen("\"version\":1", "\"version\":2", 1));
    insta::assert_snapshot!(refused("--state s"), @"error: `s` is of another version of this program: give another file");
    stage.write("notes.txt", "my notes\n");
    insta::assert_snapshot!(refused("--state notes.txt"), @"error: `notes.txt` is no state of a survey");
    assert_eq!(stage.read("notes.txt"), "my notes\n");
    insta::assert_snapshot!(refused("--state none/s"), @"error: `none/s` cannot be used: No such file or directory (os error 2)");
}
