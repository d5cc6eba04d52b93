//! The server without its sockets: a policy, one job with a token, and an issuer whose keys never change.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use github::FetchKeysError;
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};
use token::KeySet;
use tokio::runtime::Runtime;

use crate::audit;
use crate::check::Checker;
use crate::config::Config;
use crate::deciding::Decider;
use crate::endpoints::{self, Endpoints};
use crate::forward_auth;
use crate::keys::{FetchKeys, KeyStore, Renewed};
use crate::metrics::Metrics;
use crate::policy::PolicyFile;
use crate::request_line::strict;
use crate::routes::Family;
use crate::slow::SlowLane;

/// The permission that the policy grants to the job.
pub const GRANTED: &str = "ws:locks:create";
/// One that it grants to nobody.
pub const REFUSED: &str = "ws:locks:delete";
/// Host of the routes that name one.
pub const HOST: &str = "api.acme.example";

const AUDIENCE: &str = "https://gate.acme.example";
const ISSUER: &str = "https://token.actions.githubusercontent.com";
const KID: &str = "k1";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const POLICY: &str = "\
version: 1
repositories:
  - repository: acme-org/infra
    permissions:
      - permission: ws:locks:create
        branch: main
";

/// Runs what the server runs: its decisions need a runtime with workers.
pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build();
    runtime.expect("a runtime")
});

static PAIR: LazyLock<RsaKeyPair> = LazyLock::new(|| {
    let pem = include_str!("../../../../simulator/keys/signing-1.pem");
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(base64).expect("a PEM file");
    RsaKeyPair::from_pkcs8(&der).expect("an RSA key")
});

/// The one token that the issuer signed for this server.
pub static TOKEN: LazyLock<String> = LazyLock::new(|| {
    let now = Timestamp::now().as_second();
    let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = encode(json!({"alg": "RS256", "kid": KID}));
    let claims = encode(json!({
        "iss": ISSUER, "aud": AUDIENCE, "iat": now, "nbf": now, "exp": now + 24 * 60 * 60,
        "repository": "acme-org/infra", "repository_id": "123", "repository_owner_id": "4567",
        "ref": "refs/heads/main", "event_name": "push",
    }));
    let message = format!("{header}.{claims}");
    let mut signature = vec![0; PAIR.public().modulus_len()];
    PAIR.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        message.as_bytes(),
        &mut signature,
    )
    .expect("a signature");
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
});

/// The issuer.
#[derive(Debug)]
pub struct Issuer;

impl FetchKeys for Issuer {
    async fn fetch(&self) -> Result<KeySet, FetchKeysError> {
        let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(PAIR.public_key());
        let encode = |bytes| URL_SAFE_NO_PAD.encode(bytes);
        let (n, e) = (encode(public.n), encode(public.e));
        let key = json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KID, "n": n, "e": e});
        let keys = json!({ "keys": [key] }).to_string();
        Ok(KeySet::parse(keys.as_bytes()).expect("a key set"))
    }
}

/// Replaces `TOKEN` by the token, so that a corpus need not hold it.
pub fn with_token(data: &[u8]) -> Vec<u8> {
    replaced(data, b"TOKEN", TOKEN.as_bytes())
}

/// Replaces every occurrence of `place`.
pub fn replaced(data: &[u8], place: &[u8], with: &[u8]) -> Vec<u8> {
    let mut made = Vec::new();
    let mut rest = data;
    while let Some(at) = rest.windows(place.len()).position(|seen| seen == place) {
        made.extend_from_slice(&rest[..at]);
        made.extend_from_slice(with);
        rest = &rest[at + place.len()..];
    }
    made.extend_from_slice(rest);
    made
}

/// Routes for one family of headers, which [`request_head`](super::request_head) knows too.
pub fn configuration(family: Family, detail: &str) -> Config {
    let text = format!(
        "version: 1
audience: {AUDIENCE}
owners: [4567]
max_token_age: 24h
detail: {detail}
policy: {{ file: policy.yml, stale: 24h }}
routes:
  headers: {}
  table:
    - {{ method: [GET, POST], host: {HOST}, path: '/locks/{{id}}', permission: {GRANTED} }}
    - {{ method: GET, path: /, permission: {GRANTED} }}
    - {{ method: DELETE, path: '/locks/{{id}}', permission: {REFUSED} }}
    - {{ method: [GET, POST], path: '/admin/{{id}}/', permission: {REFUSED} }}
",
        family.name()
    );
    Config::parse(&text, std::path::Path::new("/etc/gate")).expect("a configuration")
}

/// Returns the routes of a server with this configuration: those of proxies, and `more`.
pub fn router(config: Config, more: Router<Arc<Endpoints<Issuer>>>) -> Router {
    let metrics = Metrics::new();
    let (audit, _writer) = audit::start(std::io::sink(), Arc::clone(&metrics)).expect("a thread");
    let keys = Arc::new(KeyStore::new(Issuer, Arc::clone(&metrics)));
    let renewed = RUNTIME.block_on(keys.renewed(KID));
    assert!(matches!(renewed, Renewed::Keys(_)));
    let decider = Arc::new(Decider {
        policy: policy(&metrics),
        own: None,
        own_is_required: false,
        lookups: None,
        slow: SlowLane::default(),
    });
    let family = config.routes.as_ref().map(|routes| routes.headers);
    let checker = Checker {
        config,
        keys,
        decider,
        audit,
    };
    let endpoints = Arc::new(Endpoints { checker, metrics });
    let router = endpoints::router(endpoints, forward_auth::routes(family).merge(more));
    match family {
        Some(Family::Request) => strict(router),
        _ => router,
    }
}

fn policy(metrics: &Arc<Metrics>) -> Arc<crate::policy::PolicyStore> {
    static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let name = format!("repo-permissions-fuzz-{}-{number}.yml", std::process::id());
    let file = std::env::temp_dir().join(name);
    std::fs::write(&file, POLICY).expect("a file");
    let opened = PolicyFile::open(&file, DAY, DAY, false, Arc::clone(metrics));
    _ = std::fs::remove_file(&file);
    Arc::clone(opened.store())
}
