//! The endpoints that proxies ask.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use tower_http::request_id::{
    MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer,
};

use crate::answer::{Answer, problem};
use crate::check::{Checker, permission_key, random_id};
use crate::keys::FetchKeys;
use crate::metrics::{Counted, Metrics};
use crate::routes::{Family, OriginalRequest};
use engine::policy::PermissionKey;

/// Prefix of the paths that name a permission.
const PREFIX: &str = "/v1/forward-auth/";
/// Prefix of the paths that are those of original requests.
const EXT_AUTHZ: &str = "/v1/ext-authz";
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

/// Returns all routes: those of proxies, which read no body, and `more`.
pub fn router<F: FetchKeys>(
    endpoints: Arc<Endpoints<F>>,
    more: Router<Arc<Endpoints<F>>>,
) -> Router {
    let router = Router::new().route("/v1/forward-auth/{*permission}", any(permission_in_path));
    let routes = endpoints.checker.config.routes.as_ref();
    let router = match routes.map(|routes| routes.headers) {
        None => router,
        Some(Family::Request) => router
            .route("/v1/ext-authz/", any(route_of_request))
            .route("/v1/ext-authz/{*path}", any(route_of_request)),
        Some(Family::Forwarded | Family::Original) => {
            router.route("/v1/forward-auth", any(route_of_headers))
        }
    };
    router
        .merge(more)
        .fallback(|| async { problem(StatusCode::NOT_FOUND, "this server has no such endpoint") })
        .method_not_allowed_fallback(|| async {
            let message = "this endpoint has other methods: see `Allow`";
            problem(StatusCode::METHOD_NOT_ALLOWED, message)
        })
        .layer(from_fn_with_state(Arc::clone(&endpoints), in_time))
        .with_state(endpoints)
        .layer(PropagateRequestIdLayer::x_request_id())
        .layer(SetRequestIdLayer::x_request_id(RandomId))
}

/// Answers in time.
async fn in_time<F: FetchKeys>(
    State(endpoints): State<Arc<Endpoints<F>>>,
    request: Request,
    next: Next,
) -> Response {
    let pending = endpoints.begin();
    match tokio::time::timeout(TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => pending.end(Answer::Unavailable {
            reason: None,
            message: format!("there is no answer after {} s", TIMEOUT.as_secs()),
        }),
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

/// `/v1/forward-auth/PERMISSION`: the proxy's own configuration names the permission, so no client can change it.
async fn permission_in_path<F: FetchKeys>(
    State(endpoints): State<Arc<Endpoints<F>>>,
    request: Request,
) -> Response {
    let pending = endpoints.begin();
    let (head, _) = request.into_parts();
    let answer = match permission_of(&head.uri) {
        Some(permission) => endpoints.checker.check(&permission, &head.headers).await,
        None => Answer::refused(
            "the path does not end in a permission key, as in `/v1/forward-auth/ws:deployments:create`",
        ),
    };
    pending.end(answer)
}

/// `/v1/forward-auth`: headers of the proxy describe the original request.
async fn route_of_headers<F: FetchKeys>(
    State(endpoints): State<Arc<Endpoints<F>>>,
    request: Request,
) -> Response {
    let pending = endpoints.begin();
    let (head, _) = request.into_parts();
    let original = |family| OriginalRequest::of_headers(family, &head.headers);
    let answer = endpoints.by_route(original, &head.headers).await;
    pending.end(answer)
}

/// `/v1/ext-authz/ORIGINAL/PATH`: the request is the original one, below a prefix.
async fn route_of_request<F: FetchKeys>(
    State(endpoints): State<Arc<Endpoints<F>>>,
    request: Request,
) -> Response {
    let pending = endpoints.begin();
    let (head, _) = request.into_parts();
    let target = head.uri.path_and_query().map_or("", PathAndQuery::as_str);
    let target = target.strip_prefix(EXT_AUTHZ).unwrap_or_default();
    let original = |_| match head.uri.authority() {
        Some(_) => Err("the target of the request names another host".into()),
        None => OriginalRequest::of_request(head.method.as_str(), target, &head.headers),
    };
    let answer = endpoints.by_route(original, &head.headers).await;
    pending.end(answer)
}

impl<F: FetchKeys> Endpoints<F> {
    /// Finds the permission that a request needs, and checks it.
    async fn by_route<'h>(
        &self,
        original: impl FnOnce(Family) -> Result<OriginalRequest<'h>, Cow<'static, str>>,
        headers: &HeaderMap,
    ) -> Answer {
        let Some(routes) = &self.checker.config.routes else {
            return Answer::refused("this server has no routes");
        };
        match original(routes.headers) {
            Err(refusal) => Answer::refused(refusal),
            Ok(request) => match routes.table.permission(&request) {
                Some(permission) => self.checker.check(permission, headers).await,
                None => Answer::refused("no route of this server matches the request"),
            },
        }
    }
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
    permission_key(&text)
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
