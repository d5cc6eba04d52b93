//! TLS with a private authority, proxies, and both forms of base URL.

#![allow(
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails may panic"
)]

mod support;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use simulator::{GitHub, Job};
use support::{POLICY, repository, runner};

const ASK: [(&str, &str); 1] = [("permission", "ws:affected_stacks:create")];

fn tls() -> (GitHub, Job) {
    let github = GitHub::builder().tls(true).start().unwrap();
    let repository = repository().with_file("main", ".github/repo-permissions.yml", POLICY);
    github.add_repository(repository.clone());
    (github, Job::push(&repository, "main"))
}

#[test]
fn a_private_authority_is_trusted_only_through_ca_bundle() {
    let (github, job) = tls();
    let step = runner().trusting(&github).run(&github, &job, &ASK).unwrap();
    assert_eq!(
        (step.output("reason"), step.exit_code()),
        ("granted", Some(0)),
        "{}",
        step.stdout
    );
    assert_eq!(github.check_runs().len(), 1);
    // Neither without it, nor by a variable that an earlier step could set.
    let pem = step.workspace().join("simulator-ca.pem");
    let job = job.with_earlier_env("SSL_CERT_FILE", pem.to_str().unwrap());
    let untrusting = runner()
        .run(&github, &job, &[ASK[0], ("timeout", "4")])
        .unwrap();
    assert_eq!(
        (untrusting.output("reason"), untrusting.exit_code()),
        ("token_unavailable", Some(2))
    );
    assert!(
        untrusting.output("message").contains("certificate"),
        "{}",
        untrusting.output("message")
    );
}

#[test]
fn the_api_at_the_root_of_its_host() {
    let github = GitHub::builder().api_at_root().start().unwrap();
    let repository = repository().with_file("main", ".github/repo-permissions.yml", POLICY);
    github.add_repository(repository.clone());
    let step = runner()
        .run(&github, &Job::push(&repository, "main"), &ASK)
        .unwrap();
    assert_eq!(step.output("reason"), "granted");
    github.assert_nothing_unexpected();
}

#[test]
fn a_proxy_is_used_with_connect() {
    let (github, mut job) = tls();
    let connects = Arc::new(AtomicUsize::new(0));
    let proxy = connect_proxy(Arc::clone(&connects));
    job.proxy = vec![
        ("HTTPS_PROXY".into(), proxy.clone()),
        ("https_proxy".into(), proxy),
    ];
    let step = runner().trusting(&github).run(&github, &job, &ASK).unwrap();
    assert_eq!(step.output("reason"), "granted", "{}", step.stdout);
    assert!(connects.load(Ordering::SeqCst) >= 2);
    // NO_PROXY takes the host out.
    let before = connects.load(Ordering::SeqCst);
    job.proxy.push(("NO_PROXY".into(), "localhost".into()));
    let step = runner().trusting(&github).run(&github, &job, &ASK).unwrap();
    assert_eq!(step.output("reason"), "granted", "{}", step.stdout);
    assert_eq!(connects.load(Ordering::SeqCst), before);
}

/// A proxy that knows CONNECT only; gives its URL.
fn connect_proxy(connects: Arc<AtomicUsize>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let connects = Arc::clone(&connects);
            std::thread::spawn(move || tunnel(client.unwrap(), &connects));
        }
    });
    url
}

fn tunnel(mut client: TcpStream, connects: &AtomicUsize) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if client.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let target = head
        .strip_prefix("CONNECT ")
        .and_then(|rest| rest.split(' ').next());
    let Some(target) = target else { return };
    connects.fetch_add(1, Ordering::SeqCst);
    let server = TcpStream::connect(target.replace("localhost", "127.0.0.1")).unwrap();
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
    let pump = |mut from: TcpStream, mut to: TcpStream| {
        std::thread::spawn(move || {
            _ = std::io::copy(&mut from, &mut to);
            _ = to.shutdown(std::net::Shutdown::Write);
        })
    };
    let threads = [
        pump(client.try_clone().unwrap(), server.try_clone().unwrap()),
        pump(server, client),
    ];
    for thread in threads {
        thread.join().unwrap();
    }
}
