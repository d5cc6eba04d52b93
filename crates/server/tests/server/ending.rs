//! How the server ends.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::{DEPLOY, Server, Stage, wait_for};

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

/// Whatever a client has begun, the end comes within the time that systemd and Kubernetes leave.
#[test]
fn clients_that_do_not_go_on_do_not_keep_it() {
    let mut stage = Stage::new();
    let token = stage.token(&stage.deploy());
    assert_eq!(stage.server.ask(DEPLOY, &token).status, 200);
    let mut half = TcpStream::connect(&stage.server.address).unwrap();
    half.write_all(b"GET /v1/forward-auth/a:b HTTP/1.1\r\nHost: a\r\n")
        .unwrap();
    let mut deaf = TcpStream::connect(&stage.server.address).unwrap();
    deaf.set_write_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    let many = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1000);
    while deaf.write_all(&many).is_ok() {}
    let started = Instant::now();
    stage.server.signal(Signal::SIGTERM);
    let (status, audit) = stage.server.end();
    assert_eq!((status.code(), audit.len()), (Some(0), 1));
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn a_log_that_nobody_reads_does_not_keep_it() {
    let stage = Stage::new();
    let token = stage.token(&stage.deploy());
    let mut server = Server::start_unread(&stage.directory.path("server.yml"));
    server.wait_until_ready();
    let full = (0..5000).find(|_| server.ask(DEPLOY, &token).status == 503);
    assert!(full.is_some());
    let started = Instant::now();
    server.signal(Signal::SIGTERM);
    let (status, _) = server.end();
    assert_eq!(status.code(), Some(2));
    assert!(
        started.elapsed() < Duration::from_secs(15),
        "{:?}",
        started.elapsed()
    );
    assert!(
        server.said().contains("audit records are lost"),
        "{}",
        server.said()
    );
}
