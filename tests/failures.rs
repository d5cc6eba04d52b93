//! Faults of the network, the runner and the clock: the outcome is right or an error, never a grant
//! that should not be, and never late.

#![allow(
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails may panic"
)]

mod support;

use std::time::Duration;

use simulator::github::{Endpoint, Fault, FaultRule};
use simulator::runner::{FileCommands, Signal};
use support::{POLICY, Stage, assert_outcome};

const AFFECTED: &str = "ws:affected_stacks:create";
const DEPLOY: &str = "ws:deployments:create";

#[test]
fn passing_faults_are_survived() {
    for endpoint in [Endpoint::Token, Endpoint::Keys, Endpoint::Contents] {
        for fault in [
            Fault::Delay(Duration::from_millis(300)),
            Fault::Reset,
            Fault::Garbage,
            Fault::Truncate,
            Fault::too_many_requests(1),
            Fault::status(500, "x"),
            Fault::status(502, "x"),
            Fault::status(503, "x"),
            Fault::status(504, "x"),
        ] {
            let stage = Stage::with_policy(POLICY);
            stage.github.add_fault(FaultRule::first(endpoint, 2, fault));
            let step = stage.ask(&stage.push(), AFFECTED);
            assert_outcome(&stage, &step, "allowed", "granted");
        }
    }
}

#[test]
fn a_status_is_repeated_and_a_check_run_is_not() {
    let stage = Stage::with_policy(POLICY);
    stage.github.add_fault(FaultRule::first(
        Endpoint::Status,
        2,
        Fault::status(502, "x"),
    ));
    stage.github.add_fault(FaultRule::first(
        Endpoint::CheckRun,
        1,
        Fault::status(502, "x"),
    ));
    let step = stage.ask(&stage.push(), AFFECTED);
    assert_outcome(&stage, &step, "allowed", "granted");
    assert_eq!(stage.github.statuses().len(), 1);
    assert_eq!(stage.github.requests_to(Endpoint::CheckRun).len(), 1);
    assert!(
        step.stdout
            .contains("the check run was not created: GitHub answered 502")
    );
}

#[test]
fn lasting_faults_end_within_the_time() {
    for endpoint in [
        Endpoint::Token,
        Endpoint::Keys,
        Endpoint::Contents,
        Endpoint::Commit,
        Endpoint::CheckRun,
        Endpoint::Status,
    ] {
        for fault in [
            Fault::Stall,
            Fault::Trickle(Duration::from_millis(200)),
            Fault::Huge(100 << 20),
            Fault::too_many_requests(3600),
            Fault::RedirectElsewhere(302),
        ] {
            let stage = Stage::with_policy(POLICY);
            stage
                .github
                .add_fault(FaultRule::always(endpoint, fault.clone()));
            let step = stage.run(&stage.push(), &[("permission", AFFECTED), ("timeout", "3")]);
            assert!(
                step.duration < Duration::from_secs(5),
                "{endpoint:?} {fault:?}: {:?}",
                step.duration
            );
            let (decision, reason) = match endpoint {
                Endpoint::Token | Endpoint::Keys => ("error", "token_unavailable"),
                Endpoint::Contents if matches!(fault, Fault::Huge(_)) => {
                    ("error", "policy_invalid")
                }
                // An answer that trickles in within the time is an answer.
                Endpoint::Contents => ("error", "policy_unreadable"),
                _ => ("allowed", "granted"),
            };
            if matches!(fault, Fault::Trickle(_)) && step.output("decision") == "allowed" {
                continue;
            }
            assert_outcome(&stage, &step, decision, reason);
        }
    }
}

#[test]
fn a_redirect_within_the_host_is_followed_by_a_read() {
    let stage = Stage::with_policy(POLICY);
    let target = "/api/v3/repos/acme-org/infra/contents/.github/repo-permissions.yml?again";
    stage.github.add_fault(FaultRule::first(
        Endpoint::Contents,
        1,
        Fault::Redirect(301, target.into()),
    ));
    let step = stage.ask(&stage.push(), AFFECTED);
    assert_outcome(&stage, &step, "allowed", "granted");
}

#[test]
fn file_commands_that_cannot_be_written() {
    for files in [
        FileCommands::Missing,
        FileCommands::Directories,
        FileCommands::Full,
        FileCommands::Unset,
    ] {
        let stage = Stage::with_policy(POLICY);
        let runner = stage.runner.clone().file_commands(files);
        for (permission, code, decision) in [
            (AFFECTED, 0, "allowed (granted): "),
            (DEPLOY, 1, "denied (no_rule_matches): "),
        ] {
            let step = runner
                .run(&stage.github, &stage.push(), &[("permission", permission)])
                .unwrap();
            assert_eq!(step.exit_code(), Some(code), "{files:?}\n{}", step.stdout);
            assert!(
                step.last_line().starts_with(decision),
                "{files:?}\n{}",
                step.stdout
            );
            assert!(step.stdout.contains("`GITHUB_OUTPUT` cannot be written"));
        }
        assert_eq!(stage.github.check_runs().len(), 2);
    }
}

#[test]
fn cancellation_ends_within_five_seconds_and_never_grants() {
    for signal in [Signal::Terminate, Signal::Interrupt] {
        for endpoint in [Endpoint::Token, Endpoint::Contents, Endpoint::CheckRun] {
            let stage = Stage::with_policy(POLICY);
            stage
                .github
                .add_fault(FaultRule::always(endpoint, Fault::Stall));
            let runner = stage
                .runner
                .clone()
                .signal_after(signal, Duration::from_millis(700));
            let step = runner
                .run(&stage.github, &stage.push(), &[("permission", AFFECTED)])
                .unwrap();
            assert_outcome(&stage, &step, "error", "cancelled");
            assert!(
                step.duration < Duration::from_secs(6),
                "{:?}",
                step.duration
            );
            if endpoint != Endpoint::CheckRun {
                assert_eq!(
                    stage.github.check_runs()[0].conclusion.as_deref(),
                    Some("failure")
                );
                assert_eq!(stage.github.statuses()[0].state, "error");
            }
        }
    }
}
