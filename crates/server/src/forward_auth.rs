//! The endpoints that proxies ask.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::{HeaderValue, StatusCode, Uri};
use tower_http::request_id::{
    MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer,
};
use tower_http::timeout::TimeoutLayer;

use crate::answer::Answer;
use crate::check::{Checker, random_id};
use crate::keys::FetchKeys;
use crate::metrics::{Counted, Metrics};
use engine::policy::PermissionKey;

/// Prefix of the paths that name a permission.
const PREFIX: &str = "/v1/forward-auth/";
/// Maximum time of a request; proxies wait less.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What the endpoints share.
#[derive(Debug)]
pub struct Endpoints<F> {
    /// Checks requests.
    pub checker: Checker<F>,
    /// Counts answers.
    pub metrics: Arc<Metrics>,
}

/// Returns the routes. They read no body.
pub fn router<F: FetchKeys>(endpoints: Arc<Endpoints<F>>) -> Router {
    Router::new()
        .route("/v1/forward-auth/{*permission}", any(permission_in_path))
        .fallback(|| async { not_found() })
        .with_state(endpoints)
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            TIMEOUT,
        ))
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(RandomId))
}

/// Names requests that have no `X-Request-ID`.
#[derive(Clone, Copy, Debug)]
struct RandomId;

impl MakeRequestId for RandomId {
    fn make_request_id<B>(&mut self, _: &http::Request<B>) -> Option<RequestId> {
        let id = HeaderValue::try_from(random_id()?).ok()?;
        Some(RequestId::new(id))
    }
}

/// `/v1/forward-auth/PERMISSION`: the proxy's own configuration names the permission, so no client can change it.
async fn permission_in_path<F: FetchKeys>(
    State(endpoints): State<Arc<Endpoints<F>>>,
    request: Request,
) -> Response {
    let pending = endpoints.begin();
    // The body is none of the server's business.
    let (head, _) = request.into_parts();
    pending.end(match permission_of(&head.uri) {
        Some(permission) => endpoints.checker.check(&permission, &head.headers).await,
        None => Answer::bad_request(
            "the path does not end in a permission key, as in `/v1/forward-auth/ws:deployments:create`",
        ),
    })
}

impl<F> Endpoints<F> {
    fn begin(&self) -> Pending<'_> {
        Pending {
            metrics: &self.metrics,
            started: Instant::now(),
            _counted: self.metrics.request(),
        }
    }
}

/// A request without an answer.
struct Pending<'m> {
    metrics: &'m Metrics,
    started: Instant,
    _counted: Counted,
}

impl Pending<'_> {
    fn end(self, answer: Answer) -> Response {
        let status = answer.status().as_u16();
        let reason = answer
            .reason()
            .map_or("unavailable", |reason| reason.code());
        self.metrics
            .answered(status, reason, self.started.elapsed());
        answer.into_response()
    }
}

/// Returns the permission that a path ends in. `%3A` is `:`; no other character of a key needs an escape.
fn permission_of(uri: &Uri) -> Option<PermissionKey> {
    let text = uri.path().strip_prefix(PREFIX)?;
    let text = text.replace("%3A", ":").replace("%3a", ":");
    let key = PermissionKey::parse(text.as_str().into()).ok()?;
    // A display name is none here: a path has one form.
    (key.as_str() == text).then_some(key)
}

fn not_found() -> Response {
    let answer = Answer::bad_request("this server has no such endpoint").into_response();
    (StatusCode::NOT_FOUND, answer).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_names_one_permission() {
        for (path, key) in [
            ("/v1/forward-auth/ws:locks:create", Some("ws:locks:create")),
            (
                "/v1/forward-auth/ws%3Alocks%3acreate",
                Some("ws:locks:create"),
            ),
            (
                "/v1/forward-auth/ws:locks:create?x=a:b",
                Some("ws:locks:create"),
            ),
            ("/v1/forward-auth/ws:locks:create/", None),
            ("/v1/forward-auth/ws:locks:create/../a:b", None),
            ("/v1/forward-auth//a:b", None),
            ("/v1/forward-auth/a%2Fb:c", None),
            ("/v1/forward-auth/%61:b", None),
            ("/v1/forward-auth/a%253Ab", None),
            ("/v1/forward-auth/Locks%20Create", None),
            ("/v1/forward-auth/A:B", None),
            ("/v1/forward-auth/a", None),
        ] {
            let found = permission_of(&path.parse().unwrap());
            assert_eq!(found.as_ref().map(PermissionKey::as_str), key, "{path}");
        }
    }
}
