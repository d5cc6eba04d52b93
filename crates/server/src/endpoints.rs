//! What the endpoints of applications and proxies share, and what all their requests go through.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode};
use tower_http::request_id::{
    MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer,
};

use crate::answer::{Answer, problem};
use crate::check::{Checker, random_id};
use crate::keys::FetchKeys;
use crate::metrics::Metrics;

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

/// Returns these routes, and what all their requests go through.
pub fn router<F: FetchKeys>(
    endpoints: Arc<Endpoints<F>>,
    routes: Router<Arc<Endpoints<F>>>,
) -> Router {
    // One layer of three: axum puts each layer into a box of its own.
    let layers = (
        SetRequestIdLayer::x_request_id(RandomId),
        PropagateRequestIdLayer::x_request_id(),
        from_fn_with_state(Arc::clone(&endpoints), in_time),
    );
    routes
        .fallback(|| async { problem(StatusCode::NOT_FOUND, "this server has no such endpoint") })
        .method_not_allowed_fallback(|| async {
            let message = "this endpoint has other methods: see `Allow`";
            problem(StatusCode::METHOD_NOT_ALLOWED, message)
        })
        .layer(layers)
        .with_state(endpoints)
}

/// Answers in time.
async fn in_time<F: FetchKeys>(
    State(endpoints): State<Arc<Endpoints<F>>>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let _counted = endpoints.metrics.request();
    match tokio::time::timeout(TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let answer = Answer::Unavailable {
                reason: None,
                message: format!("the answer takes longer than {} s", TIMEOUT.as_secs()),
            };
            endpoints.answered(answer, started)
        }
    }
}

impl<F> Endpoints<F> {
    /// Counts an answer to a request that arrived at `started`, and returns it.
    pub fn answered(&self, answer: Answer, started: Instant) -> Response {
        let status = answer.status().as_u16();
        let reason = answer
            .reason()
            .map_or("unavailable", |reason| reason.code());
        self.metrics.answered(status, reason, started.elapsed());
        answer.into_response()
    }
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
