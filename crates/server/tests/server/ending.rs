//! How the server ends.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::{DEPLOY, Stage, wait_for};

#[test]
fn a_signal_lets_it_drain_and_finish() {
    let mut stage = Stage::new();
    let token = stage.token(&stage.deploy());
    assert_eq!(stage.server.ask(DEPLOY, &token).status, 200);
    let started = std::time::Instant::now();
    stage.server.signal(Signal::SIGTERM);
    wait_for("the drain", || {
        (stage.server.admin("/readyz").status == 503).then_some(())
    });
    assert_eq!(stage.server.admin("/readyz").json()["status"], "ending");
    assert_eq!(stage.server.admin("/livez").status, 200);
    // Load balancers have not noticed yet.
    assert_eq!(stage.server.ask(DEPLOY, &token).status, 200);
    let (status, audit) = stage.server.end();
    assert_eq!((status.code(), audit.len()), (Some(0), 2));
    assert!(started.elapsed() >= Duration::from_secs(5));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut stage = Stage::new();
    stage.server.signal(Signal::SIGTERM);
    stage.server.logs("ending");
    let started = std::time::Instant::now();
    stage.server.signal(Signal::SIGTERM);
    let (status, _) = stage.server.end();
    assert_eq!(status.code(), Some(2));
    assert!(started.elapsed() < Duration::from_secs(3));
}
