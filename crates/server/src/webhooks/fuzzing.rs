//! Deliveries: without a signature of the App's secret nothing of one is looked at, and with one its ids are exactly
//! those that it says.
//!
//! The input is headers, an empty line and a body. `SIGNED` in a header becomes the body's signature, and `API` in the
//! body the URL of GitHub's API.

#![allow(
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a target that finds something panics"
)]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use ring::hmac;
use serde_json::Value;
use url::Url;

use super::{Refusal, Taken, Webhooks};
use crate::audit;
use crate::config::Config;
use crate::deployments::DeploymentRequest;
use crate::fuzzing::stage::{RUNTIME, replaced};
use crate::metrics::Metrics;
use crate::sources::Sources;
use github::http::Network;

const SECRET: &str = "a secret of the webhooks";
const APP: u64 = 77;
const OWNER: u64 = 4567;
const SIGNATURE: &str = "x-hub-signature-256";

/// The part of the server that takes deliveries, with a GitHub that knows the App and nothing else.
static STAGE: LazyLock<Mutex<Webhooks>> = LazyLock::new(|| Mutex::new(webhooks()));

/// Takes a delivery.
pub fn run(data: &[u8]) {
    let end = data.windows(2).position(|two| two == b"\n\n");
    let (head, body) = end.map_or((data, &b""[..]), |end| (&data[..end], &data[end + 2..]));
    let Ok(head) = std::str::from_utf8(head) else {
        return;
    };
    let webhooks = STAGE.lock().unwrap_or_else(|lock| lock.into_inner());
    let body = &*replaced(body, b"API", webhooks.api_url.as_bytes());
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = format!("sha256={}", engine::hex(hmac::sign(&key, body).as_ref()));
    let mut headers = HeaderMap::new();
    for line in head.replace("SIGNED", &signature).lines() {
        let pair = line.split_once(':').unwrap_or((line, ""));
        let name = HeaderName::try_from(pair.0.trim());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(pair.1.trim())) {
            headers.append(name, value);
        }
    }
    let taken = RUNTIME.block_on(webhooks.take(&headers, body));
    check(&webhooks, &headers, body, &signature, &taken);
    let unsigned = RUNTIME.block_on(webhooks.take(&resigned(&headers, body), body));
    let is_signature = matches!(
        unsigned,
        Err(Refusal::Signature | Refusal::Header(SIGNATURE))
    );
    assert!(is_signature, "{unsigned:?}");
}

/// The same headers with a signature of another body.
fn resigned(headers: &HeaderMap, body: &[u8]) -> HeaderMap {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let other = hmac::sign(&key, &[body, b" "].concat());
    let mut headers = headers.clone();
    if headers.contains_key(SIGNATURE) {
        let value = format!("sha256={}", engine::hex(other.as_ref()));
        headers.insert(SIGNATURE, HeaderValue::try_from(value).expect("digits"));
    }
    headers
}

fn check(
    webhooks: &Webhooks,
    headers: &HeaderMap,
    body: &[u8],
    signature: &str,
    taken: &Result<Taken, Refusal>,
) {
    let only = |name: &str| {
        let mut values = headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    };
    let is_signed = only(SIGNATURE).is_some_and(|given| given.eq_ignore_ascii_case(signature));
    let refused = match taken {
        Err(refused) => refused,
        Ok(taken) => {
            assert!(is_signed, "nobody signed this");
            assert_eq!(
                only("x-github-hook-installation-target-type"),
                Some("integration")
            );
            let id = only("x-github-hook-installation-target-id");
            assert_eq!(id, Some(&*APP.to_string()));
            return accepted(only("x-github-event"), body, *taken);
        }
    };
    assert!(is_signed || !refused.is_signed(), "{refused:?}");
    assert!(refused.status().is_client_error() || refused.status().is_server_error());
    match refused {
        Refusal::Shape(_) => assert_eq!(refused.status(), StatusCode::BAD_REQUEST),
        Refusal::Signature => assert!(!is_signed),
        Refusal::Request(_) | Refusal::NotReviewed(_) => {
            assert_eq!(only("x-github-event"), Some("deployment_protection_rule"));
        }
        // GitHub answers at once, and the App is the one that it knows.
        Refusal::Unavailable(_) | Refusal::TooLarge | Refusal::Busy => panic!("{refused:?}"),
        Refusal::Header(_) | Refusal::OtherApp => {}
    }
    read(body, &webhooks.api_url);
}

fn accepted(event: Option<&str>, body: &[u8], taken: Taken) {
    let Some(value) = value_of(body) else {
        return;
    };
    let owner = &value["repository"]["owner"]["id"];
    match (event, taken) {
        (Some("ping"), taken) => assert_eq!(taken, Taken::Accepted),
        (Some("push"), Taken::Accepted) => {
            assert_eq!(owner, OWNER);
            assert!(value["repository"]["id"].is_u64());
        }
        (_, Taken::Accepted) => panic!("{event:?} is accepted"),
        // Nothing to this server: a deployment that counts fails here, because its repository is not there.
        (Some("push" | "deployment_protection_rule"), Taken::Ignored) => {
            assert!(*owner != OWNER || value["repository"].is_null(), "{value}");
        }
        (_, Taken::Ignored) => {}
    }
}

/// The body as a value. What the server passes over may be no text, or a number of any size.
fn value_of(body: &[u8]) -> Option<Value> {
    serde_json::from_str(&String::from_utf8_lossy(body)).ok()
}

/// A request for a review names exactly what the event does.
fn read(body: &[u8], api_url: &str) {
    let Ok(request) = DeploymentRequest::parse(body, api_url) else {
        return;
    };
    let Some(value) = value_of(body) else {
        return;
    };
    // A list in the place of an object is read by its order, which `Value` has no view of.
    let objects = ["", "/repository", "/repository/owner", "/workflow_run"];
    if objects
        .iter()
        .any(|at| value.pointer(at).is_some_and(Value::is_array))
    {
        return;
    }
    let (repository, run) = (&value["repository"], &value["workflow_run"]);
    assert_eq!(value["action"], "requested");
    assert_eq!(repository["id"], request.repository);
    assert_eq!(repository["full_name"], *request.full_name);
    assert_eq!(repository["owner"]["id"], request.owner);
    assert_eq!(value["environment"], *request.environment);
    assert!(!request.environment.is_empty());
    assert!(run.is_null() || run["id"] == request.run);
    let sha = value["sha"].as_str().filter(|sha| !sha.is_empty());
    assert_eq!(request.sha.as_deref(), sha);
    let callback = value["deployment_callback_url"].as_str().expect("a URL");
    let (callback, api) = (Url::parse(callback), Url::parse(api_url).expect("a URL"));
    let callback = callback.expect("a URL");
    assert_eq!(callback.origin(), api.origin());
    let end = format!("/actions/runs/{}/deployment_protection_rule", request.run);
    assert!(callback.as_str().ends_with(&end), "{callback}");
}

fn webhooks() -> Webhooks {
    let directory =
        std::env::temp_dir().join(format!("repo-permissions-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory");
    let pem = include_str!("../../../../simulator/keys/app-pkcs1.pem");
    for (name, text) in [("app.pem", pem), ("secret", SECRET)] {
        write(&directory.join(name), text);
    }
    let text = format!(
        "version: 1
audience: https://gate.acme.example
owners: [{OWNER}]
policy: {{ repository: acme-org/policies/central.yml@main }}
github: {{ api_url: '{}', app: {{ client_id: Iv1, private_key_file: app.pem, webhook_secret_file: secret }} }}
deployments: [{{ environment: '*', permission: ws:deployments:create }}]
",
        github()
    );
    let config = Config::parse(&text, &directory).expect("a configuration");
    let metrics = Metrics::new();
    let (audit, _writer) = audit::start(std::io::sink(), Arc::clone(&metrics)).expect("a thread");
    let nothing = |_: &str| None;
    let client = Network::of_variables(nothing, None)
        .client()
        .expect("a client");
    let sources = Sources::new(&config, &client, &audit, &metrics).expect("secrets");
    _ = std::fs::remove_dir_all(&directory);
    let webhooks = sources.webhooks.expect("webhooks");
    // Asked once, without an input that waits for it.
    let id = RUNTIME.block_on(webhooks.app.id());
    assert_eq!(id.expect("the App's id"), APP);
    webhooks
}

/// Writes a file that nobody else can read.
fn write(file: &Path, text: &str) {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    let options = options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(file).expect("a file");
    file.write_all(text.as_bytes()).expect("a file");
}

/// Starts a GitHub on loopback that knows the App, and no repository.
fn github() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            _ = answer(stream);
        }
    });
    format!("http://{address}")
}

fn answer(mut stream: std::net::TcpStream) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut piece = [0; 4096];
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let length = stream.read(&mut piece)?;
        if length == 0 {
            return Ok(());
        }
        head.extend_from_slice(&piece[..length]);
    }
    let (status, body) = match head.starts_with(b"GET /app ") {
        true => ("200 OK", format!("{{\"id\": {APP}}}")),
        false => ("404 Not Found", "{\"message\": \"Not Found\"}".to_owned()),
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}
