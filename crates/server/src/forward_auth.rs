//! The endpoints that proxies ask.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use http::uri::PathAndQuery;
use http::{HeaderMap, Uri};

use crate::answer::Answer;
use crate::check::permission_key;
use crate::endpoints::Endpoints;
use crate::keys::FetchKeys;
use crate::routes::{Family, OriginalRequest};
use engine::policy::PermissionKey;

/// Prefix of the paths that name a permission.
const PREFIX: &str = "/v1/forward-auth/";
/// Prefix of the paths that are those of original requests.
const EXT_AUTHZ: &str = "/v1/ext-authz";

/// Returns the routes. `family` is that of the requests whose permission is in the table of routes, if there is one. A
/// request of another family is refused like one without a permission, whatever its path.
pub fn routes<F: FetchKeys>(family: Option<Family>) -> Router<Arc<Endpoints<F>>> {
    let (of_headers, of_request) = match family {
        None => (any(no_route), any(no_route)),
        Some(Family::Request) => (any(no_route), any(route_of_request)),
        Some(Family::Forwarded | Family::Original) => (any(route_of_headers), any(no_route)),
    };
    Router::new()
        .route("/v1/forward-auth", of_headers)
        .route("/v1/forward-auth/", any(permission_in_path))
        .route("/v1/forward-auth/{*permission}", any(permission_in_path))
        .route(EXT_AUTHZ, of_request.clone())
        .route("/v1/ext-authz/", of_request.clone())
        .route("/v1/ext-authz/{*path}", of_request)
}

/// `/v1/forward-auth/PERMISSION`: the proxy's own configuration names the permission, so no client can change it.
async fn permission_in_path<F: FetchKeys>(
    State(endpoints): State<Arc<Endpoints<F>>>,
    request: Request,
) -> Response {
    let started = Instant::now();
    let (head, _) = request.into_parts();
    let answer = match permission_of(&head.uri) {
        Some(permission) => endpoints.checker.check(&permission, &head.headers).await,
        None => Answer::refused(
            "the path does not end in a permission key, as in `/v1/forward-auth/ws:deployments:create`",
        ),
    };
    endpoints.answered(answer, started)
}

/// `/v1/forward-auth`: headers of the proxy describe the original request.
async fn route_of_headers<F: FetchKeys>(
    State(endpoints): State<Arc<Endpoints<F>>>,
    request: Request,
) -> Response {
    let started = Instant::now();
    let (head, _) = request.into_parts();
    let original = |family| OriginalRequest::of_headers(family, &head.headers);
    let answer = endpoints.by_route(original, &head.headers).await;
    endpoints.answered(answer, started)
}

/// `/v1/ext-authz/ORIGINAL/PATH`: the request is the original one, below a prefix.
async fn route_of_request<F: FetchKeys>(
    State(endpoints): State<Arc<Endpoints<F>>>,
    request: Request,
) -> Response {
    let started = Instant::now();
    let (head, _) = request.into_parts();
    let target = head.uri.path_and_query().map_or("", PathAndQuery::as_str);
    let target = target.strip_prefix(EXT_AUTHZ).unwrap_or_default();
    let original = |_| match head.uri.authority() {
        Some(_) => Err("the target of the request names another host".into()),
        None => OriginalRequest::of_request(head.method.as_str(), target, &head.headers),
    };
    let answer = endpoints.by_route(original, &head.headers).await;
    endpoints.answered(answer, started)
}

/// The endpoint of a family of headers that this server does not read.
async fn no_route<F: FetchKeys>(State(endpoints): State<Arc<Endpoints<F>>>) -> Response {
    let message =
        "`routes.headers` of this server's configuration is another one, or there is none";
    endpoints.answered(Answer::refused(message), Instant::now())
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
