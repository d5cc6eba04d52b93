//! The endpoint of a request, and the parts of its path.

use std::slice::from_ref;

use super::http::Request;

/// Endpoint of a request, by which faults and assertions select requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// The job's OIDC token: `GET …/idtoken/…`.
    Token,
    /// The issuer's key set: `GET {issuer}/.well-known/jwks`.
    Keys,
    /// `GET {issuer}/.well-known/openid-configuration`.
    Discovery,
    /// `GET /repos/{owner}/{repo}/contents/{path}`.
    Contents,
    /// `GET /repos/{owner}/{repo}/commits/{ref}`.
    Commit,
    /// `GET /repos/{owner}/{repo}/compare/{base}...{head}`.
    Compare,
    /// `GET /repos/{owner}/{repo}/pulls/{number}`.
    PullRequest,
    /// `GET /repos/{owner}/{repo}`.
    Repository,
    /// `GET /repositories/{id}`, the target of a redirect from a former name.
    RepositoryById,
    /// `POST /graphql`, beside the REST API.
    GraphQl,
    /// `GET /repos/{owner}/{repo}/git/ref/{ref}`.
    GitRef,
    /// `GET /repos/{owner}/{repo}/git/tags/{sha}`.
    GitTag,
    /// `GET /repos/{owner}/{repo}/actions/runs/{id}`.
    Run,
    /// `POST /repos/{owner}/{repo}/actions/runs/{id}/deployment_protection_rule`.
    Review,
    /// `GET /app/hook/deliveries`.
    HookDeliveries,
    /// `GET /app/hook/deliveries/{id}`.
    HookDelivery,
    /// `POST /repos/{owner}/{repo}/check-runs`.
    CheckRun,
    /// `PATCH /repos/{owner}/{repo}/check-runs/{id}`.
    CheckRunUpdate,
    /// `POST /repos/{owner}/{repo}/statuses/{sha}`.
    Status,
    /// `GET /app`.
    App,
    /// `GET /repos/{owner}/{repo}/installation`.
    Installation,
    /// `POST /app/installations/{id}/access_tokens`.
    AccessToken,
    /// `DELETE /installation/token`.
    RevokeToken,
    /// `GET /{owner}/{repo}/releases/download/{tag}/{file}`, and the target of its redirect.
    ReleaseAsset,
    /// `POST /hooks/{secret}`: a webhook's, on a [`Receiver`](crate::Receiver).
    Webhook,
    /// `POST …/v1/logs`: a collector's, on a [`Receiver`](crate::Receiver).
    Logs,
    /// `POST /access/v1/evaluations`: a permission server's, on a [`Receiver`](crate::Receiver).
    Evaluations,
    /// An unknown URL: 404, counted as unexpected.
    Unknown,
}

/// The parts of a request's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) endpoint: Endpoint,
    /// Empty where the path names the repository by its id.
    pub(crate) owner: String,
    pub(crate) repository: String,
    /// Rest of the path: a file, a ref, a SHA or an id.
    pub(crate) rest: String,
}

impl Route {
    pub(crate) fn of(request: &Request, api_prefix: &str) -> Self {
        if let Some(route) = Self::beside_the_api(request, api_prefix) {
            return route;
        }
        let segments = request.segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let method = request.method.as_str();
        if let ("GET", [owner, repository, "releases", rest @ ..]) = (method, segments.as_slice()) {
            return Self::in_repository(Endpoint::ReleaseAsset, owner, repository, rest);
        }
        let prefix = api_prefix.split('/').filter(|part| !part.is_empty());
        let prefix: Vec<&str> = prefix.collect();
        match segments.strip_prefix(prefix.as_slice()) {
            Some(segments) => Self::in_the_api(method, segments),
            None => Self::plain(Endpoint::Unknown),
        }
    }

    /// Returns the owner and the name of the repository.
    pub(crate) fn name(&self) -> (&str, &str) {
        (&self.owner, &self.repository)
    }

    fn plain(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            owner: String::new(),
            repository: String::new(),
            rest: String::new(),
        }
    }

    fn in_repository(endpoint: Endpoint, owner: &str, repository: &str, rest: &[&str]) -> Self {
        Self {
            endpoint,
            owner: owner.into(),
            repository: repository.into(),
            rest: rest.join("/"),
        }
    }

    /// Returns the route of the token, of an issuer's document, of GraphQL and of a receiver.
    fn beside_the_api(request: &Request, api_prefix: &str) -> Option<Self> {
        Some(match (request.method.as_str(), request.path.as_str()) {
            ("GET", path) if path.starts_with(ISSUER) => {
                let rest = path.strip_prefix(ISSUER).unwrap_or_default();
                let (slug, document) = rest.split_once("/.well-known/").unwrap_or((rest, ""));
                let of_issuer = |endpoint| Self {
                    rest: slug.trim_start_matches('/').to_owned(),
                    ..Self::plain(endpoint)
                };
                match document {
                    "jwks" => of_issuer(Endpoint::Keys),
                    "openid-configuration" => of_issuer(Endpoint::Discovery),
                    _ => Self::plain(Endpoint::Unknown),
                }
            }
            ("GET", path) if path.starts_with("/actions/idtoken/") => Self::plain(Endpoint::Token),
            // `/api/graphql` with `/api/v3`, `/graphql` with the API at the root.
            ("POST", path) if path == graphql_path(api_prefix) => Self::plain(Endpoint::GraphQl),
            ("POST", path) if path.starts_with("/hooks/") => Self::plain(Endpoint::Webhook),
            ("POST", "/access/v1/evaluations") => Self::plain(Endpoint::Evaluations),
            ("POST", path) if path.ends_with("/v1/logs") => Self::plain(Endpoint::Logs),
            _ => return None,
        })
    }

    /// Returns the route of a path below the API's prefix.
    fn in_the_api(method: &str, segments: &[&str]) -> Self {
        // Below a repository's id are the resources that are below its name.
        if let ["repositories", id, first, rest @ ..] = segments {
            let by_name = [&["repos", "", *id, *first], rest].concat();
            return Self::in_the_api(method, &by_name);
        }
        let (endpoint, owner, name, rest) = match (method, segments) {
            ("GET", ["repos", owner, name]) => (Endpoint::Repository, *owner, *name, &[][..]),
            ("GET", ["repositories", id]) => (Endpoint::RepositoryById, "", "", from_ref(id)),
            ("GET", ["repos", owner, name, "contents", rest @ ..]) => {
                (Endpoint::Contents, *owner, *name, rest)
            }
            ("GET", ["repos", owner, name, "commits", rest @ ..]) if !rest.is_empty() => {
                (Endpoint::Commit, *owner, *name, rest)
            }
            ("GET", ["repos", owner, name, "compare", rest @ ..]) if !rest.is_empty() => {
                (Endpoint::Compare, *owner, *name, rest)
            }
            ("GET", ["repos", owner, name, "pulls", number]) => {
                (Endpoint::PullRequest, *owner, *name, from_ref(number))
            }
            ("GET", ["repos", owner, name, "git", "ref", rest @ ..]) if !rest.is_empty() => {
                (Endpoint::GitRef, *owner, *name, rest)
            }
            ("GET", ["repos", owner, name, "git", "tags", sha]) => {
                (Endpoint::GitTag, *owner, *name, from_ref(sha))
            }
            ("GET", ["repos", owner, name, "actions", "runs", id]) => {
                (Endpoint::Run, *owner, *name, from_ref(id))
            }
            (
                "POST",
                [
                    "repos",
                    owner,
                    name,
                    "actions",
                    "runs",
                    id,
                    "deployment_protection_rule",
                ],
            ) => (Endpoint::Review, *owner, *name, from_ref(id)),
            ("GET", ["app", "hook", "deliveries"]) => {
                return Self::plain(Endpoint::HookDeliveries);
            }
            ("GET", ["app", "hook", "deliveries", id]) => {
                (Endpoint::HookDelivery, "", "", from_ref(id))
            }
            ("POST", ["repos", owner, name, "check-runs"]) => {
                (Endpoint::CheckRun, *owner, *name, &[][..])
            }
            ("PATCH", ["repos", owner, name, "check-runs", id]) => {
                (Endpoint::CheckRunUpdate, *owner, *name, from_ref(id))
            }
            ("POST", ["repos", owner, name, "statuses", sha]) => {
                (Endpoint::Status, *owner, *name, from_ref(sha))
            }
            ("GET", ["app"]) => return Self::plain(Endpoint::App),
            ("GET", ["repos", owner, name, "installation"]) => {
                (Endpoint::Installation, *owner, *name, &[][..])
            }
            ("POST", ["app", "installations", id, "access_tokens"]) => {
                (Endpoint::AccessToken, "", "", from_ref(id))
            }
            ("DELETE", ["installation", "token"]) => return Self::plain(Endpoint::RevokeToken),
            _ => return Self::plain(Endpoint::Unknown),
        };
        Self::in_repository(endpoint, owner, name, rest)
    }
}

/// Path of the issuer. An enterprise's slug is another segment.
const ISSUER: &str = "/_services/token";

/// Returns the path of the GraphQL API.
pub(crate) fn graphql_path(api_prefix: &str) -> String {
    format!("{}/graphql", api_prefix.trim_end_matches("/v3"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(method: &str, path: &str, prefix: &str) -> Route {
        let request = Request {
            method: method.into(),
            path: path.into(),
            query: String::new(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        Route::of(&request, prefix)
    }

    #[test]
    fn paths_are_taken_apart_under_the_api_prefix() {
        let found = route(
            "GET",
            "/api/v3/repos/o/r/contents/.github/repo-permissions.yml",
            "/api/v3",
        );
        assert_eq!(
            (found.endpoint, found.rest.as_str()),
            (Endpoint::Contents, ".github/repo-permissions.yml")
        );
        assert_eq!(
            route("GET", "/repos/o/r/commits/feature%2Fx", "").rest,
            "feature/x"
        );
        let by_id = route("GET", "/repositories/7/contents/a/b", "");
        assert_eq!(
            (by_id.endpoint, by_id.name(), by_id.rest.as_str()),
            (Endpoint::Contents, ("", "7"), "a/b")
        );
        assert_eq!(
            route("GET", "/repositories/7", "").endpoint,
            Endpoint::RepositoryById
        );
        assert_eq!(
            route("GET", "/repos/o/r", "/api/v3").endpoint,
            Endpoint::Unknown
        );
        assert_eq!(route("PUT", "/repos/o/r", "").endpoint, Endpoint::Unknown);
    }
}
