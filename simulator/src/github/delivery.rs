//! Deliveries of webhooks: docs.github.com, "Webhook events and payloads" and "Validating webhook deliveries".

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use jiff::Timestamp;
use ring::hmac;
use serde_json::{Value, json};

use super::app::App;
use super::repository::Repository;
use super::run::Run;
use crate::unique::{guid, to_hex};

/// A delivery to an App's webhook, whose every part a test can change.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Name of the event.
    pub event: String,
    /// Id of the App that it is for.
    pub app_id: u64,
    /// `X-GitHub-Delivery`, which a redelivery repeats.
    pub id: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Delivery {
    /// Creates a delivery of an event.
    #[must_use]
    pub fn new(app: &App, event: &str, body: &Value) -> Self {
        Self {
            event: event.to_owned(),
            app_id: app.id,
            id: guid(),
            body: body.to_string().into_bytes(),
        }
    }

    /// Creates the delivery of a push to a branch.
    #[must_use]
    pub fn push(app: &App, installation: u64, repository: &Repository, branch: &str) -> Self {
        let body = json!({
            "ref": format!("refs/heads/{branch}"),
            "after": repository.branch_sha(branch).map(|sha| sha.to_string()),
            "repository": repository_json(repository),
            "installation": {"id": installation, "node_id": "MDIz"},
            "sender": {"login": "octocat", "id": 1},
            // A body can have what a request line must not.
            "head_commit": {"message": "Fix #7"},
        });
        Self::new(app, "push", &body)
    }

    /// Creates the request for a review of a run's jobs that wait for an environment.
    #[must_use]
    pub fn deployment(
        app: &App,
        installation: u64,
        repository: &Repository,
        run: &Run,
        (environment, api_url): (&str, &str),
    ) -> Self {
        let full_name = repository.full_name();
        let callback = format!(
            "{api_url}/repos/{full_name}/actions/runs/{}/deployment_protection_rule",
            run.id
        );
        let body = json!({
            "action": "requested", "environment": environment, "event": run.event,
            "sha": run.head_sha.as_str(), "ref": run.head_branch, "deployment_callback_url": callback,
            // As for `environment: { deployment: false }`.
            "deployment": null, "pull_requests": [],
            "repository": repository_json(repository),
            "installation": {"id": installation, "node_id": "MDIz"},
            "sender": {"login": run.actor, "id": 1},
        });
        Self::new(app, "deployment_protection_rule", &body)
    }

    /// Sends it, and returns the status of the answer, or 0 if there is none in ten seconds.
    pub(crate) fn send(&self, address: &str, path: &str, secret: &str) -> u16 {
        let exchange = || {
            let mut stream = TcpStream::connect(address).ok()?;
            stream
                .set_read_timeout(Some(Duration::from_secs(10)))
                .ok()?;
            // A receiver can answer before it has the whole body.
            _ = stream.write_all(&self.request(path, secret));
            let mut head = String::new();
            BufReader::new(stream).read_line(&mut head).ok()?;
            head.split(' ').nth(1)?.parse().ok()
        };
        exchange().unwrap_or_default()
    }

    /// Returns the lines of the head and the body of a request to `path`, signed with a secret.
    #[must_use]
    pub fn request(&self, path: &str, secret: &str) -> Vec<u8> {
        self.request_with(path, &self.signature(secret))
    }

    /// Returns the same with any signature.
    #[must_use]
    pub fn request_with(&self, path: &str, signature: &str) -> Vec<u8> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: gate\r\nUser-Agent: GitHub-Hookshot/044aadd\r\nContent-Type: application/json\r\n\
             X-GitHub-Event: {}\r\nX-GitHub-Delivery: {}\r\nX-GitHub-Hook-Installation-Target-Type: integration\r\n\
             X-GitHub-Hook-Installation-Target-ID: {}\r\nX-Hub-Signature-256: {signature}\r\nContent-Length: {}\r\n\r\n",
            self.event,
            self.id,
            self.app_id,
            self.body.len()
        );
        [head.as_bytes(), &self.body].concat()
    }

    /// Returns the value of `X-Hub-Signature-256`.
    #[must_use]
    pub fn signature(&self, secret: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let tag = hmac::sign(&key, &self.body);
        format!("sha256={}", to_hex(tag.as_ref()))
    }
}

/// Returns the fields of a repository in a delivery that receivers use.
fn repository_json(repository: &Repository) -> Value {
    json!({
        "id": repository.id, "name": repository.name, "full_name": repository.full_name(),
        "private": repository.private, "default_branch": repository.default_branch,
        "owner": {"login": repository.owner, "id": repository.owner_id, "type": "Organization"},
    })
}

/// A delivery with the status of its answer.
#[derive(Debug, Clone)]
pub(crate) struct Delivered {
    pub(crate) id: u64,
    pub(crate) at: Timestamp,
    pub(crate) status: u16,
    pub(crate) delivery: Delivery,
}

impl Delivered {
    /// Keeps a delivery. One without an answer, whose status is 0 here, has the status 502 at GitHub.
    pub(crate) fn new(id: u64, delivery: &Delivery, status: u16, at: Timestamp) -> Self {
        Self {
            id,
            at,
            status: if status == 0 { 502 } else { status },
            delivery: delivery.clone(),
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        let body: Value = serde_json::from_slice(&self.delivery.body).unwrap_or_default();
        let number = |pointer: &str| body.pointer(pointer).cloned().unwrap_or_default();
        json!({
            "id": self.id, "guid": self.delivery.id, "delivered_at": self.at.to_string(), "redelivery": false,
            "duration": 0.1, "status": if self.status < 300 { "OK" } else { "Failed" }, "status_code": self.status,
            "event": self.delivery.event, "action": number("/action"), "installation_id": number("/installation/id"),
            "repository_id": number("/repository/id"), "throttled_at": null,
        })
    }
}
