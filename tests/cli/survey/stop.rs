//! A survey that a signal stops: how far it was, and no result.

use std::process::Stdio;

use nix::sys::signal::Signal;
use simulator::github::{Endpoint, Fault, FaultRule, Repository};

use super::stage::{ALL, Stage, asking};
use crate::support::program::{Run, send, wait_for};

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

fn stage() -> Stage {
    let stage = Stage::new();
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
    let mut command = stage.command(ARGUMENTS);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for("request", || stage.github.requests().len() >= number);
    send(child.id(), signal);
    let output = child.wait_with_output().unwrap();
    stage.github.clear_faults();
    output.into()
}

#[test]
fn a_signal_at_any_request_stops_it() {
    let stage = stage();
    assert_eq!(stage.run(ARGUMENTS).code, Some(1));
    // Four pages, then two names that no repository has, of which one is redirected.
    assert_eq!(stage.github.requests().len(), 4 + 3);
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        for number in 1..=6 {
            let stopped = stopped_at(&stage, number, signal);
            let how_far = match number {
                1 => "before the first repository".to_owned(),
                2..=4 => format!("after {} of 8 repositories", 2 * (number - 1)),
                _ => "after 8 of 8 repositories".to_owned(),
            };
            assert_eq!(stopped.out, "");
            assert_eq!(stopped.err, format!("error: interrupted {how_far}\n"));
            assert_eq!(stopped.code, Some(2), "{signal} {number}");
        }
    }
    // It asks for nothing more, and leaves nothing but its output.
    assert_eq!(stage.github.requests().len(), 6);
    let files = std::fs::read_dir(&stage.directory.0).unwrap();
    let files = files.map(|file| file.unwrap().file_name());
    let files: Vec<_> = files.filter(|name| name != ".git").collect();
    assert_eq!(files, ["policy.yml"]);
}
