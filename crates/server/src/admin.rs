//! The endpoints that operators ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::json;

use crate::audit::AuditCondition;
use crate::keys::{FetchKeys, KeyStore};
use crate::metrics::Metrics;
use crate::policy::{Condition, PolicyStore};

const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the endpoints share.
#[derive(Debug)]
pub struct Admin<F> {
    /// The issuer's keys.
    pub keys: Arc<KeyStore<F>>,
    /// The policy.
    pub policy: Arc<PolicyStore>,
    /// Whether audit records can be kept.
    pub audit: Arc<AuditCondition>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// Whether the server is about to end.
    pub is_ending: AtomicBool,
}

/// Returns the routes.
pub fn router<F: FetchKeys>(admin: Arc<Admin<F>>) -> Router {
    Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(admin)
}

/// Ready once keys and a policy are there and neither is too old, while records can be kept, until the server ends.
async fn ready<F: FetchKeys>(State(admin): State<Arc<Admin<F>>>) -> Response {
    let keys = admin.keys.current().is_some();
    let (policy, problem) = match admin.policy.condition() {
        Condition::Current => ("current", None),
        Condition::Stale(problem) => ("stale", Some(problem)),
        Condition::Unavailable(problem) => ("unavailable", Some(problem)),
    };
    let is_ending = admin.is_ending.load(Ordering::Relaxed);
    let audit = admin.audit.word();
    let can_decide = keys && policy != "unavailable" && audit == "current";
    let (status, word) = match (can_decide, is_ending) {
        (_, true) => (StatusCode::SERVICE_UNAVAILABLE, "ending"),
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "not ready"),
        (true, _) if policy == "stale" => (StatusCode::OK, "degraded"),
        (true, _) => (StatusCode::OK, "ready"),
    };
    let of_keys = admin.keys.problem().filter(|_| !keys);
    let problem = problem
        .into_iter()
        .chain(of_keys)
        .chain(admin.audit.problem())
        .reduce(|all, more| all + "; " + &more);
    let keys = if keys { "current" } else { "unavailable" };
    let body =
        json!({"status": word, "keys": keys, "policy": policy, "audit": audit, "problem": problem});
    let json = [(CONTENT_TYPE, "application/json")];
    (status, json, format!("{body}\n")).into_response()
}

async fn metrics<F: FetchKeys>(State(admin): State<Arc<Admin<F>>>) -> Response {
    let text = admin.metrics.text(admin.keys.age(), admin.policy.age());
    ([(CONTENT_TYPE, METRICS)], text).into_response()
}
