//! Takes the deliveries of the App's webhooks. None of them decides by itself.

mod delivery;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::header::{CONTENT_LENGTH, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::app::{GitHubApp, MAX_PAYLOAD, WebhookSecrets};
use crate::deployments::{Attempt, DeploymentRequest, Deployments, Handled};
use crate::log;
use crate::metrics::Metrics;
use crate::policy::{CentralPolicy, OwnPolicies};
use delivery::{Delivery, Refusal, header};
use github::http::Budget;

/// Maximum time for the body of a delivery.
const READ: Duration = Duration::from_secs(5);
/// Unit of the memory for the deliveries that are read at a time, in bytes. Nobody knows yet who sends them.
const UNIT: usize = 64 << 10;
/// Their memory in units: for eight of the maximum size, or for 640 usual ones.
const READING: usize = 8 * MAX_PAYLOAD / UNIT;

/// Maximum time of a review, within the ten seconds that GitHub waits for the answer to a delivery.
const REVIEW: Duration = Duration::from_secs(8);

/// What deliveries can do.
#[derive(Debug)]
pub struct Webhooks {
    /// Secrets of their signatures.
    pub secrets: WebhookSecrets,
    /// The App.
    pub app: Arc<GitHubApp>,
    /// Ids of the accounts whose deliveries count.
    pub owners: Vec<u64>,
    /// The central policy, which a push can change.
    pub central: Option<Arc<CentralPolicy>>,
    /// The repositories' own policies, which a push can change.
    pub own: Option<Arc<OwnPolicies>>,
    /// Reviews deployments, if the configuration names environments.
    pub deployments: Option<Arc<Deployments>>,
    /// URL of GitHub's API.
    pub api_url: String,
    /// Counts deliveries.
    pub metrics: Arc<Metrics>,
}

#[derive(Debug)]
struct Shared {
    webhooks: Webhooks,
    reading: Semaphore,
}

/// Returns the route.
pub fn router(webhooks: Webhooks) -> Router {
    let shared = Shared {
        webhooks,
        reading: Semaphore::new(READING),
    };
    Router::new()
        .route("/webhooks/github", post(receive))
        .with_state(Arc::new(shared))
}

/// What becomes of a delivery that GitHub signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    /// The server does something about it.
    Accepted,
    /// It is nothing to this server.
    Ignored,
}

async fn receive(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let webhooks = &shared.webhooks;
    let (head, body) = request.into_parts();
    let read = shared.read(&head.headers, body).await;
    let taken = match read {
        Ok(body) => webhooks.take(&head.headers, &body).await,
        Err(refusal) => Err(refusal),
    };
    let (status, what) = match &taken {
        Ok(Taken::Accepted) => (StatusCode::ACCEPTED, "accepted"),
        Ok(Taken::Ignored) => (StatusCode::ACCEPTED, "ignored"),
        Err(refusal) => (refusal.status(), "refused"),
    };
    webhooks.metrics.delivered(what);
    let message = match &taken {
        Ok(_) => what.to_owned(),
        Err(refusal) => {
            // What anyone can send is counted only.
            if refusal.is_signed() {
                log::warning("delivery_refused", &[("why", refusal)]);
            }
            refusal.to_string()
        }
    };
    let mut response = (status, format!("{message}\n")).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let after = http::HeaderValue::from_static("5");
        response.headers_mut().insert(RETRY_AFTER, after);
    }
    response
}

impl Shared {
    /// Reads a body. Only one that can be a delivery gets memory.
    async fn read(&self, headers: &HeaderMap, body: Body) -> Result<Bytes, Refusal> {
        header(headers, "x-github-event")?;
        let signature = header(headers, "x-hub-signature-256")?;
        if !WebhookSecrets::can_verify(signature) {
            return Err(Refusal::Signature);
        }
        let length = header(headers, CONTENT_LENGTH.as_str()).unwrap_or_default();
        let length = length.parse().unwrap_or(MAX_PAYLOAD);
        if length > MAX_PAYLOAD {
            return Err(Refusal::TooLarge);
        }
        let units = u32::try_from(length.div_ceil(UNIT).max(1)).unwrap_or(u32::MAX);
        let place = self.reading.try_acquire_many(units);
        let _place = place.map_err(|_| Refusal::Busy)?;
        match timeout(READ, to_bytes(body, length)).await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(_)) | Err(_) => Err(Refusal::TooLarge),
        }
    }
}

impl Webhooks {
    /// Takes a delivery, if GitHub sent it for this App.
    async fn take(&self, headers: &HeaderMap, body: &[u8]) -> Result<Taken, Refusal> {
        let signature = header(headers, "x-hub-signature-256")?;
        if !self.secrets.verify(body, signature) {
            return Err(Refusal::Signature);
        }
        let event = header(headers, "x-github-event")?;
        self.check_app(headers).await?;
        let delivery = Delivery::parse(headers, body)?;
        if event == "ping" {
            return Ok(Taken::Accepted);
        }
        let Some(repository) = delivery.repository else {
            return match event {
                // It must not look reviewed.
                "deployment_protection_rule" => {
                    Err(Refusal::Shape("it names no repository".to_owned()))
                }
                _ => Ok(Taken::Ignored),
            };
        };
        if !self.owners.contains(&repository.owner.id) {
            return Ok(Taken::Ignored);
        }
        match event {
            "push" => {
                self.pushed(repository.id);
                Ok(Taken::Accepted)
            }
            "deployment_protection_rule" => self.review(body).await,
            _ => Ok(Taken::Ignored),
        }
    }

    /// Checks that the delivery is one of this App's: two Apps can have the same secret.
    ///
    /// Source: docs.github.com, "Webhook events and payloads", "Delivery headers".
    async fn check_app(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let kind = header(headers, "x-github-hook-installation-target-type")?;
        let id = header(headers, "x-github-hook-installation-target-id")?;
        let own = self.app.id().await.map_err(Refusal::Unavailable)?;
        match kind == "integration" && id == own.to_string() {
            true => Ok(()),
            false => Err(Refusal::OtherApp),
        }
    }

    /// Reviews a deployment. The delivery succeeds only once the review is posted: GitHub keeps what failed, and the
    /// reconciler asks for it.
    async fn review(&self, body: &[u8]) -> Result<Taken, Refusal> {
        let Some(deployments) = &self.deployments else {
            let why = "the configuration has no `deployments`, and a job waits for this App";
            log::warning("deployment_ignored", &[("why", &why)]);
            return Ok(Taken::Ignored);
        };
        let request = DeploymentRequest::parse(body, &self.api_url)?;
        let budget = Budget::until(tokio::time::Instant::now() + REVIEW);
        match deployments.handle(&request, budget, Attempt::Soon).await? {
            Handled::Ignored => Ok(Taken::Ignored),
            Handled::Approved | Handled::Rejected | Handled::Already => Ok(Taken::Accepted),
        }
    }

    /// Lets the policies of a repository be read sooner. A push decides nothing: GitHub is asked.
    fn pushed(&self, repository: u64) {
        if let Some(central) = &self.central {
            central.hasten(repository);
        }
        if let Some(own) = &self.own {
            own.hasten(repository);
        }
    }
}
