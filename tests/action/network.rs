//! TLS with a private authority, proxies, and both forms of base URL.

use crate::support::proxy::Proxy;
use crate::support::{POLICY, POLICY_PATH, repository, runner};
use simulator::{GitHub, Job};

const ASK: [(&str, &str); 1] = [("permission", "ws:affected_stacks:create")];

fn tls() -> (GitHub, Job) {
    let github = GitHub::builder().tls(true).start().unwrap();
    let repository = repository().with_file("main", POLICY_PATH, POLICY);
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
    let repository = repository().with_file("main", POLICY_PATH, POLICY);
    github.add_repository(repository.clone());
    let step = runner()
        .run(&github, &Job::push(&repository, "main"), &ASK)
        .unwrap();
    assert_eq!(step.output("reason"), "granted");
    github.assert_nothing_unexpected();
}

/// A GitHub that only a proxy finds.
fn behind_proxies() -> (GitHub, Job) {
    let github = GitHub::builder().tls(true).host("github.test");
    let github = github.start().unwrap();
    let repository = repository().with_file("main", POLICY_PATH, POLICY);
    github.add_repository(repository.clone());
    (github, Job::push(&repository, "main"))
}

#[test]
fn a_proxy_is_used_with_connect() {
    let (github, mut job) = behind_proxies();
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
    job.proxy.push(("NO_PROXY".into(), "github.test".into()));
    let ask = [ASK[0], ("timeout", "4")];
    let step = runner().trusting(&github).run(&github, &job, &ask).unwrap();
    assert_eq!(
        step.output("reason"),
        "token_unavailable",
        "{}",
        step.stdout
    );
    assert!(!step.output("message").contains("proxy"), "{}", step.stdout);
    assert_eq!(proxy.heads().len(), before);
}

#[test]
fn a_failure_at_a_proxy_names_the_proxy() {
    let (github, job) = behind_proxies();
    let refusing = "http://user:hush-hush@127.0.0.1:9";
    // One that speaks no HTTP, but TLS.
    let (other, _) = tls();
    let speechless = other
        .server_url()
        .replace("https://localhost", "http://user:hush-hush@127.0.0.1");
    for proxy in [refusing, &speechless] {
        let mut job = job.clone();
        job.proxy = vec![("HTTPS_PROXY".into(), proxy.to_owned())];
        let ask = [ASK[0], ("timeout", "4")];
        let step = runner().trusting(&github).run(&github, &job, &ask).unwrap();
        assert_eq!(
            step.output("reason"),
            "token_unavailable",
            "{}",
            step.stdout
        );
        let (_, address) = proxy.split_once('@').unwrap();
        let named = format!("github.test:{} through the proxy {address}", port(&github));
        assert!(step.output("message").contains(&named), "{}", step.stdout);
        assert!(!step.stdout.contains("hush-hush"), "{}", step.stdout);
    }
}

fn port(github: &GitHub) -> String {
    github.server_url().rsplit_once(':').unwrap().1.to_owned()
}

/// What is sent to this machine may be in the clear: nobody else may see it.
#[test]
fn this_machine_is_reached_without_a_proxy() {
    let lying = Proxy::start(None);
    let proxies = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];
    let receiver = simulator::Receiver::start(false).unwrap();
    let webhook = receiver
        .webhook_url("hush")
        .replace("127.0.0.1", "localhost");
    let plain = GitHub::start().unwrap();
    let (secure, job) = tls();
    plain.add_repository(job.repository.clone());
    for github in [&plain, &secure] {
        let mut job = job.clone();
        job.proxy = proxies.map(|name| (name.into(), lying.url.clone())).into();
        let inputs = [
            ASK[0],
            ("audit-webhook", &*webhook),
            (
                "audit-webhook-secret",
                "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
            ),
        ];
        let step = runner()
            .trusting(github)
            .run(github, &job, &inputs)
            .unwrap();
        assert_eq!(step.output("reason"), "granted", "{}", step.stdout);
    }
    assert_eq!(receiver.webhooks().len(), 2);
    assert_eq!(lying.heads(), Vec::<String>::new());
}

#[test]
fn a_bundle_without_a_certificate_is_named() {
    let (github, job) = tls();
    for text in [
        "",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let runner = runner().workspace_file("roots.pem", text);
        let inputs = [ASK[0], ("ca-bundle", "roots.pem")];
        let step = runner.run(&github, &job, &inputs).unwrap();
        assert_eq!(step.output("reason"), "input_invalid");
        let message = step.output("message");
        assert!(
            message.starts_with("`ca-bundle` is `roots.pem`: "),
            "{message}"
        );
    }
}
