//! How the server ends.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::http::exchange;
use crate::support::{DEPLOY, POLICY, Server, Stage, bearer, command, output, wait_for};

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

/// Without them, nobody learns later what the server granted.
#[test]
fn records_that_nobody_could_read_end_it_at_the_start() {
    let stage = Stage::new();
    let config = stage.directory.path("server.yml");
    let server = command(&config);
    let by_shell = |script: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", script, "sh"]).arg(server.get_program());
        shell.args(server.get_args());
        output(&mut shell)
    };
    for script in [r#"exec "$@" >&-"#, r#"exec "$@" >/dev/null"#] {
        let (code, _, error) = by_shell(script);
        assert_eq!(code, Some(2), "{script}: {error}");
        assert!(
            error.contains("standard output is closed or the null device"),
            "{error}"
        );
    }
}

/// A process that does not outlive its test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// Whatever reads the log is stuck: policies are renewed all the same, and SIGTERM ends the server.
#[test]
fn a_log_that_nobody_reads_holds_up_nothing() {
    let stage = Stage::new();
    let (log, mut stuck) = std::io::pipe().unwrap();
    let server = command(&stage.directory.path("server.yml"))
        .stdout(File::create(stage.directory.path("records")).unwrap())
        .stderr(stuck.try_clone().unwrap())
        .spawn();
    let mut server = Ended(server.unwrap());
    let mut log = BufReader::new(log).lines();
    let mut address = || {
        let line: Value = serde_json::from_str(&log.next().unwrap().unwrap()).unwrap();
        assert_eq!(line["event"], "listening");
        line["address"].as_str().unwrap().to_owned()
    };
    let (listen, admin) = (address(), address());
    let get = |address: &str, target: &str, header: &str| {
        let request =
            format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{header}\r\n\r\n");
        exchange(address, request.as_bytes())
    };
    let ready = || get(&admin, "/readyz", "Accept: */*");
    wait_for("readiness", || (ready().status == 200).then_some(()));
    // The pipe is full, and stays it.
    let filled = std::thread::spawn(move || stuck.write_all(&[b'x'; 1 << 20]));
    std::thread::sleep(Duration::from_millis(300));
    assert!(!filled.is_finished());
    stage.directory.write("policy.yml", "version: 2\n");
    wait_for("the invalid policy", || {
        (ready().json()["status"] == "degraded").then_some(())
    });
    let token = bearer(&stage.token(&stage.deploy()));
    let deploy = || get(&listen, &format!("/v1/forward-auth/{DEPLOY}"), &token).status;
    assert_eq!(deploy(), 200);
    let without = POLICY.replace("branch: main", "branch: other");
    stage.directory.write("policy.yml", without);
    wait_for("the next policy", || (deploy() == 403).then_some(()));
    let metrics = get(&admin, "/metrics", "Accept: */*").body;
    assert!(metrics.contains("\nrepo_permissions_log_lines_dropped_total 0\n"));
    kill(
        Pid::from_raw(server.0.id().try_into().unwrap()),
        Signal::SIGTERM,
    )
    .unwrap();
    let status = wait_for("the end", || server.0.try_wait().unwrap());
    assert_eq!(status.code(), Some(0));
    drop(log);
    assert!(filled.join().unwrap().is_err());
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
