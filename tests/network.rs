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

use simulator::{GitHub, Job};
use support::proxy::Proxy;
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
    let message = untrusting.output("message");
    assert!(
        message.contains("certificate of localhost:") && message.contains("`ca-bundle`"),
        "{message}"
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
    let proxy = Proxy::start(None);
    job.proxy = vec![
        ("HTTPS_PROXY".into(), proxy.url.clone()),
        ("https_proxy".into(), proxy.url.clone()),
    ];
    let step = runner().trusting(&github).run(&github, &job, &ASK).unwrap();
    assert_eq!(step.output("reason"), "granted", "{}", step.stdout);
    let before = proxy.heads().len();
    assert!(before >= 2);
    // NO_PROXY takes the host out.
    job.proxy.push(("NO_PROXY".into(), "localhost".into()));
    let step = runner().trusting(&github).run(&github, &job, &ASK).unwrap();
    assert_eq!(step.output("reason"), "granted", "{}", step.stdout);
    assert_eq!(proxy.heads().len(), before);
}
