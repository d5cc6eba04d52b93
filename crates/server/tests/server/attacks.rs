//! The attacks on a server, each with the honest request that it imitates.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use simulator::Job;
use simulator::github::{Endpoint, Repository, TestKey, TokenRecipe};
use simulator::runner::PullRequest;

use crate::support::api::{ApiStage, INFRA, POLICIES, POLICIES_ID, github};
use crate::support::http::{exchange, read_answer};
use crate::support::{AUDIENCE, DEPLOY, OWNER, POLICY, Server, Stage, bearer, configuration};

/// A53: one repository's own policy is slow on purpose. Only the jobs of that repository wait for it.
#[test]
fn a53_an_own_policy_that_is_slow_on_purpose() {
    let mut slow = "version: 1\npermissions:\n".to_owned();
    for number in 0..4000 {
        slow += &format!(
            "  - {{ permission: 'ws:deployments:create', branch: '(\\pL|\\pN){{1,6}}x{number}' }}\n"
        );
    }
    let github = github(POLICY);
    for (repository, policy) in [
        (POLICIES, &*slow),
        (
            INFRA,
            "version: 1\npermissions: [{ permission: 'ws:deployments:create', branch: main }]\n",
        ),
    ] {
        github.edit_repository(repository, |repository| {
            repository.set_file("main", ".github/gate.yml", policy);
        });
    }
    let config = "policy: { path: .github/gate.yml, delegate: ['ws:deployments:create'] }\n";
    let stage = ApiStage::unready(github, config);
    stage.server.wait_until_ready();
    assert_eq!(stage.ask().status, 200);
    let policies = Repository::new(POLICIES, POLICIES_ID, OWNER).private();
    let slow = stage.token(&Job::push(&policies, "main"));
    let (address, (answers, answered)) = (stage.server.address.clone(), channel());
    let request = format!(
        "GET /v1/forward-auth/{DEPLOY} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{}\r\n\r\n",
        bearer(&slow)
    );
    for _ in 0..4 {
        let (address, request, answers) = (address.clone(), request.clone(), answers.clone());
        std::thread::spawn(move || {
            // The test can end first.
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut text = String::new();
            if stream.read_to_string(&mut text).is_ok() {
                _ = answers.send(text);
            }
        });
    }
    std::thread::sleep(Duration::from_millis(500));
    for _ in 0..20 {
        assert_eq!(stage.ask().status, 200);
        assert_eq!(stage.server.admin("/livez").status, 200);
    }
    assert!(answered.try_iter().count() < 3, "all of them waited");
    // On a slow machine, some wait for longer than an answer may take.
    let texts = [
        "took too long",
        "takes longer than 10 s",
        "did not arrive in time",
    ];
    let first = answered.recv_timeout(Duration::from_secs(20)).unwrap();
    assert!(first.starts_with("HTTP/1.1 503"), "{first}");
    assert!(texts.iter().any(|text| first.contains(text)), "{first}");
    let logged = stage.server.logs("decision_too_long");
    assert_eq!(logged["repository"], POLICIES);
}

/// A43: headers that the client shapes. The permission is in the proxy's configuration, so none of them counts, and
/// there is one credential or none.
#[test]
fn a43_forwarded_headers_that_the_client_shapes() {
    let stage = Stage::new();
    let may = stage.token(&stage.deploy());
    let may_not = stage.token(&stage.deploy().with_environment("staging"));
    let target = format!("/v1/forward-auth/{DEPLOY}");
    for header in [
        "X-Forwarded-Uri: /v1/forward-auth/ws:locks:create",
        "X_Forwarded_Uri: /public",
        "X-Original-URI: /public",
        "X-Original-URL: /v1/forward-auth/ws:locks:create",
        "X-Rewrite-URL: /v1/forward-auth/ws:locks:create",
        "X-Forwarded-Method: OPTIONS",
        "X-HTTP-Method-Override: OPTIONS",
        "X-Forwarded-Prefix: /public",
        "X-Forwarded-Host: trusted.example",
        "X-Repo-Permissions-Reason: granted",
        "X-Repo-Permissions-Repository: acme-org/infra",
        "Forwarded: for=127.0.0.1;host=localhost",
        "Cookie: token=x",
        "Proxy-Authorization: Bearer x",
    ] {
        let with = |token: &str| [header.to_owned(), bearer(token)];
        let denied = stage.server.send("GET", &target, &with(&may_not));
        assert_eq!(
            (denied.status, denied.reason()),
            (403, "no_rule_matches"),
            "{header}"
        );
        let granted = stage.server.send("GET", &target, &with(&may));
        assert_eq!(granted.status, 200, "{header}");
        assert_eq!(
            granted.header("x-repo-permissions-repository"),
            Some("acme-org/infra")
        );
    }
    let (may, may_not) = (bearer(&may), bearer(&may_not));
    let joined = format!("{may},{}", may_not.trim_start_matches("Authorization: "));
    let query = format!(
        "{target}?access_token={}",
        may.trim_start_matches("Authorization: Bearer ")
    );
    for (target, headers) in [
        (&target, vec![may.clone(), may_not.clone()]),
        (&target, vec![may_not.clone(), may.clone()]),
        (&target, vec![may.clone(), may.clone()]),
        (
            &target,
            vec![may.clone(), "Authorization: Basic YTpi".to_owned()],
        ),
        (&target, vec![joined]),
        (
            &target,
            vec![may.replace("Authorization", "X-Authorization")],
        ),
        (&query, vec![]),
    ] {
        let answer = stage.server.send("GET", target, &headers);
        assert_eq!(answer.status, 401, "{headers:?}");
    }
    assert_eq!(stage.server.send("GET", &target, &[may]).status, 200);
}

/// A47: keys that nobody has. Ten thousand of them cost the issuer one request, and good tokens nothing.
#[test]
fn a47_a_storm_of_unknown_keys() {
    let stage = Stage::new();
    let good = stage.token(&stage.deploy());
    let before = stage.github.requests_to(Endpoint::Keys).len();
    let started = Instant::now();
    let parts: Vec<_> = good.split('.').collect();
    let unknown = |number: usize| {
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": format!("made-up-{number}")});
        let header = base64(header.to_string().as_bytes());
        format!("{header}.{}.{}", parts[1], parts[2])
    };
    let mut stream = TcpStream::connect(&stage.server.address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let mut refused = 0;
    for number in 0..10_000 {
        let is_good = number % 1000 == 999;
        let token = if is_good {
            good.clone()
        } else {
            unknown(number)
        };
        let request = format!(
            "GET /v1/forward-auth/{DEPLOY} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let status = read_answer(&mut stream).status;
        match is_good {
            true => assert_eq!(status, 200, "{number}"),
            // The first of a minute is known not to exist, the others wait for the next set.
            false if number == 0 => assert_eq!(status, 401),
            false => assert!([401, 503].contains(&status), "{number}: {status}"),
        }
        refused += usize::from(status == 401);
    }
    // The server asks again after a minute, which a busy machine may need for all of them.
    let minutes = usize::try_from(started.elapsed().as_secs() / 60).unwrap();
    let asked = stage.github.requests_to(Endpoint::Keys).len() - before;
    assert!((1..=1 + minutes).contains(&asked), "{asked}");
    assert_eq!(refused, asked);
}

/// A47: a stranger's made-up key does not make a job's new key one that does not exist.
#[test]
fn a47_a_key_that_is_published_after_a_made_up_one() {
    let stage = Stage::new();
    let known = stage.token(&stage.deploy());
    let ask = |token: &str| stage.server.ask(DEPLOY, token);
    let parts: Vec<_> = known.split('.').collect();
    let header = base64(br#"{"alg":"RS256","typ":"JWT","kid":"made-up"}"#);
    let made_up = format!("{header}.{}.{}", parts[1], parts[2]);
    assert_eq!(ask(&made_up).status, 401);
    let keys = [TestKey::Signing1, TestKey::Attacker].map(|key| key.jwk().unwrap());
    stage.github.set_keys(&json!({ "keys": keys }));
    stage
        .github
        .set_token(TokenRecipe::new().signed_by(TestKey::Attacker));
    let new = stage.token(&stage.deploy());
    let answer = ask(&new);
    assert_eq!((answer.status, answer.reason()), (503, "token_unavailable"));
    let after: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&after), "{after}");
    // The others do not wait.
    assert_eq!(ask(&known).status, 200);
    assert_eq!(ask(&made_up).status, 401);
    std::thread::sleep(Duration::from_secs(after));
    assert_eq!(ask(&new).status, 200);
    assert_eq!(ask(&known).status, 200);
}

fn base64(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let number = three
            .iter()
            .fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        let number = number << (8 * (3 - three.len()));
        for digit in 0..=three.len() {
            let index = number >> (18 - 6 * digit) & 63;
            write!(text, "{}", char::from(DIGITS[index as usize])).unwrap();
        }
    }
    text
}

/// A48: GitHub's issuer signs for every repository in the world, with any audience. Only the id of an account counts,
/// and it counts before the policy, which here would grant to everybody.
#[test]
fn a48_a_token_of_a_strangers_repository() {
    let policy = "version: 1\nrepositories:\n  - repository: '*'\n    permissions: [{ permission: 'ws:locks:create' }]\n";
    let stage = Stage::with(policy, "");
    for claims in [
        &[
            ("repository", json!("mallory/infra")),
            ("repository_owner", json!("mallory")),
            ("repository_owner_id", json!("666")),
        ][..],
        // The name of the real one, re-created or renamed into place.
        &[("repository_owner_id", json!("666"))],
        &[("repository_owner_id", json!("45670"))],
        &[("repository_owner_id", json!("04567"))],
        &[("repository_owner_id", json!("+4567"))],
        &[("repository_owner_id", json!("4567 "))],
        &[("repository_owner_id", json!(4567))],
        &[("repository_owner_id", json!(["4567"]))],
        &[("repository_owner_id", json!(""))],
        &[("repository_owner_id", Value::Null)],
    ] {
        let answer = stage
            .server
            .ask("ws:locks:create", &stage.token_with(claims));
        assert_eq!(
            (answer.status, answer.reason()),
            (403, "repository_not_found"),
            "{claims:?}"
        );
    }
    let own = stage.server.ask("ws:locks:create", &stage.token_with(&[]));
    assert_eq!(own.status, 200);
    // Strangers leave no record, so that they cannot fill the log.
    assert_eq!(stage.server.records(1).len(), 1);
}

/// A49: a pull request gets another base after its job began. The signed `base_ref` alone counts.
#[test]
fn a49_a_pull_request_that_is_retargeted() {
    let policy = POLICY.replace(
        "branch: main\n        environment: production",
        "branch: '*'\n        base: main\n        environment: production",
    );
    let stage = Stage::with(&policy, "");
    let repository = stage
        .repository
        .clone()
        .with_branch("feature")
        .with_branch("evil");
    let into = |base: &str| {
        let pull = PullRequest::same_repository(&repository, 7, "feature").into_base(base);
        Job::pull_request(&repository, pull)
            .with_workflow("deploy-production.yml")
            .with_environment("production")
    };
    assert_eq!(
        stage.server.ask(DEPLOY, &stage.token(&into("main"))).status,
        200
    );
    let evil = stage.token(&into("evil"));
    let target = format!("/v1/forward-auth/{DEPLOY}");
    for header in ["X-Forwarded-Base: main", "X-Base-Ref: main"] {
        let answer = stage
            .server
            .send("GET", &target, &[header.to_owned(), bearer(&evil)]);
        assert_eq!((answer.status, answer.reason()), (403, "no_rule_matches"));
    }
}

/// A51: a key that the issuer revoked. The next set without it ends its tokens.
#[test]
fn a51_a_key_that_was_revoked() {
    let stage = Stage::new();
    stage
        .github
        .set_token(TokenRecipe::new().signed_by(TestKey::Signing2));
    let token = stage.token(&stage.deploy());
    assert_eq!(stage.server.ask(DEPLOY, &token).status, 200);
    stage.github.set_keys(
        &json!({"keys": [TestKey::Signing1.jwk().unwrap(), TestKey::App.jwk().unwrap()]}),
    );
    // Any unknown key makes the server ask; the schedule does within ten minutes.
    stage
        .github
        .set_token(TokenRecipe::new().signed_by(TestKey::Attacker));
    assert_eq!(
        stage
            .server
            .ask(DEPLOY, &stage.token(&stage.deploy()))
            .status,
        401
    );
    let answer = stage.server.ask(DEPLOY, &token);
    assert_eq!((answer.status, answer.reason()), (401, "token_invalid"));
    stage.github.set_token(TokenRecipe::new());
    assert_eq!(
        stage
            .server
            .ask(DEPLOY, &stage.token(&stage.deploy()))
            .status,
        200
    );
}

/// A52: an API uses a job's token at another API. Each server has an audience of its own.
#[test]
fn a52_replay_by_an_upstream() {
    let stage = Stage::new();
    let other = "https://other.acme.example";
    let text = configuration(&stage.github, "").replace(AUDIENCE, other);
    stage.directory.write("other.yml", text);
    let second = Server::start(&stage.directory.path("other.yml"));
    second.wait_until_ready();
    let for_first = stage.token(&stage.deploy());
    let for_second = stage
        .github
        .mint_token(stage.deploy().claims(), other)
        .unwrap();
    assert_eq!(stage.server.ask(DEPLOY, &for_first).status, 200);
    assert_eq!(second.ask(DEPLOY, &for_second).status, 200);
    assert_eq!(second.ask(DEPLOY, &for_first).reason(), "token_invalid");
    assert_eq!(
        stage.server.ask(DEPLOY, &for_second).reason(),
        "token_invalid"
    );
}

/// A53: what is not verified costs nothing that others need: no record, no look-up, no connection for long.
#[test]
fn a53_exhaustion_by_the_unverified() {
    let stage = Stage::new();
    let target = format!("/v1/forward-auth/{DEPLOY}");
    let good = stage.token(&stage.deploy());
    let huge = "a".repeat(40 << 10);
    for headers in [
        vec![bearer(&huge)],
        vec![bearer(&"a".repeat(32 << 10))],
        vec![bearer("a.b.c")],
        vec![
            format!("X-Padding: {}", "a".repeat(30 << 10)),
            bearer(&good[1..]),
        ],
    ] {
        assert_eq!(stage.server.send("GET", &target, &headers).status, 401);
    }
    let head = format!("X-Padding: {}", "a".repeat(80 << 10));
    assert_eq!(
        stage
            .server
            .send("GET", &target, &[head, bearer(&good)])
            .status,
        431
    );
    let many = vec!["X: y".to_owned(); 200];
    assert_eq!(stage.server.send("GET", &target, &many).status, 431);
    for bytes in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /v1/forward-auth/a:b HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ] {
        assert_ne!(exchange(&stage.server.address, bytes).status, 200);
    }
    assert_eq!(stage.server.audit(), Vec::<String>::new());
    assert_eq!(stage.github.requests_to(Endpoint::Keys).len(), 1);
    // Connections beyond the limit are refused at once, and the others work on.
    let held: Vec<_> = (0..890)
        .map(|_| TcpStream::connect(&stage.server.address).unwrap())
        .collect();
    assert_eq!(stage.server.ask(DEPLOY, &good).status, 200);
    let more: Vec<_> = (0..20)
        .map(|_| TcpStream::connect(&stage.server.address).unwrap())
        .collect();
    let mut refused = 0;
    for mut stream in more {
        stream
            .set_read_timeout(Some(Duration::from_millis(200)))
            .unwrap();
        let mut bytes = [0; 12];
        let is_refused = stream.read_exact(&mut bytes).is_ok() && &bytes == b"HTTP/1.1 503";
        refused += usize::from(is_refused);
    }
    assert!(refused >= 10, "{refused}");
    drop(held);
    crate::support::wait_for("a free place", || {
        (stage.server.ask(DEPLOY, &good).status == 200).then_some(())
    });
}

/// A53: a client that takes no answer. The kernel keeps some, and then its connection ends.
#[test]
fn a53_a_client_that_does_not_read() {
    let stage = Stage::new();
    let mut deaf = TcpStream::connect(&stage.server.admin).unwrap();
    let many = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(4000);
    deaf.set_write_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    _ = deaf.write_all(&many);
    let is_over = |_: &u32| {
        std::thread::sleep(Duration::from_millis(500));
        // One asks for this number.
        stage.server.metric("repo_permissions_connections") < 2.0
    };
    assert!(!is_over(&0));
    assert!(
        (0..60).any(|turn| is_over(&turn)),
        "its connection did not end"
    );
}
