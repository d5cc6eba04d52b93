//! Asks a server to decide, in the place of a policy: the input `server`.
//!
//! The server gets the job's token, which the step verified, by AuthZEN's Authorization API 1.0. Nothing but a whole
//! answer with one boolean for each permission counts.

mod answer;

use http::StatusCode;
use http::header::{ACCEPT, CONTENT_TYPE};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;

pub use self::answer::Answer;
use self::answer::shown;
use analysis::report::Failure;
use analysis::report::text::visible;
use engine::decision::Reason;
use engine::policy::{PermissionKey, quoted};
use engine::{RepositoryName, unique_json};
use github::http::{Budget, Client, HttpError, Response, Retry, collect, host_of};
use token::{is_https_or_loopback, written_url};

/// Maximum size of an answer in bytes. The traces in it have a quarter of that.
const MAX_ANSWER: usize = 1 << 20;

/// A server that decides.
#[derive(Clone, Debug)]
pub struct Server {
    url: Url,
}

impl Server {
    /// Parses the input.
    ///
    /// # Errors
    /// It is not the origin of a server.
    pub fn parse(text: &str) -> Result<Self, String> {
        let seen = quoted(&visible(text));
        let invalid = |why: &str| {
            format!("`server` is {seen}, {why}: write its origin, as in `https://HOST[:PORT]`")
        };
        let url = Url::parse(text).map_err(|_| invalid("which is not a URL"))?;
        if !url.username().is_empty() || url.password().is_some() {
            // Without the text, which has a password.
            return Err(
                "`server` has a user name or a password: write its origin, as in `https://HOST[:PORT]`"
                    .to_owned(),
            );
        }
        if written_url(text).is_none() {
            return Err(invalid("which does not name a host after `https://`"));
        }
        if !is_https_or_loopback(&url) {
            return Err(invalid("which would send the job's token without TLS"));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("which is more than an origin"));
        }
        Ok(Self { url })
    }

    /// Returns its origin, the default audience of the token.
    pub fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    /// Returns `HOST[:PORT]`, for reports.
    pub fn host(&self) -> String {
        host_of(&self.url)
    }

    /// Asks whether the job of a token may use permissions.
    ///
    /// # Errors
    /// The server cannot be reached, its answer is not whole, or it says that it cannot decide.
    pub async fn ask(
        &self,
        client: &Client,
        budget: Budget,
        token: &SecretString,
        repository: &RepositoryName,
        permissions: &[PermissionKey],
    ) -> Result<Answer, Failure> {
        let mut url = self.url.clone();
        url.set_path("/access/v1/evaluations");
        let body = json!({
            "subject": {"type": "github_actions_job", "id": token.expose_secret()},
            "resource": {"type": "repository", "id": repository.to_string()},
            "evaluations": permissions
                .iter()
                .map(|permission| json!({"action": {"name": permission.as_str()}}))
                .collect::<Vec<_>>(),
        });
        let body = body.to_string();
        let host = client.host_and_proxy(&url);
        let attempt = || async {
            let response = client
                .post(&url)
                .header(ACCEPT, "application/json")
                .header(CONTENT_TYPE, "application/json")
                .body(body.clone())
                .send()
                .await
                .map_err(|error| client.failure(&error, &url))?;
            collect(http::Response::from(response), MAX_ANSWER, &host).await
        };
        // A question changes nothing but the server's log, so it may be asked again.
        let response = budget.run(Retry::Safe, &host, attempt).await;
        let response = response.map_err(|error| self.unreachable(&error))?;
        let answer = whole(&response)
            .and_then(|()| answer::read(&response.body, permissions))
            .map_err(|why| self.unavailable(&why))?;
        answer.map_err(|(reason, words)| {
            let message = format!("{} {}", self.decided_by(), words);
            Failure::new(reason, message)
        })
    }

    fn unreachable(&self, error: &HttpError) -> Failure {
        self.unavailable(&format!("cannot be asked: {error}"))
    }

    fn unavailable(&self, why: &str) -> Failure {
        let message = format!("the server `{}` {why}", self.host());
        Failure::new(Reason::ServerUnavailable, message)
    }

    fn decided_by(&self) -> String {
        format!("decided by {}:", self.host())
    }
}

/// Checks that a response is a whole answer in JSON.
fn whole(response: &Response) -> Result<(), String> {
    if response.status.is_redirection() {
        let status = response.status.as_u16();
        return Err(format!(
            "answered {status}, and redirects are not followed: name the host that answers"
        ));
    }
    if response.status != StatusCode::OK {
        return Err(format!("answered {}", described(response)));
    }
    let kind = response.header(CONTENT_TYPE.as_str()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(format!(
            "answered with the type {}, expected `application/json`",
            quoted(&visible(kind))
        ));
    }
    if !response.is_delimited() {
        return Err("answered without a length, so the answer may have broken off".to_owned());
    }
    Ok(())
}

/// Returns the status of an error, with the words of a problem detail (RFC 9457).
fn described(response: &Response) -> String {
    let status = response.status.as_u16();
    let problem = unique_json(&response.body).ok();
    let words = problem.as_ref().and_then(|problem| problem.get("detail"));
    match words.and_then(serde_json::Value::as_str) {
        Some(words) => format!("{status} ({})", shown(words)),
        None => status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_origin_is_a_server() {
        for (text, origin, host) in [
            (
                "https://gate.acme.example",
                "https://gate.acme.example",
                "gate.acme.example",
            ),
            (
                "https://GATE.acme.example/",
                "https://gate.acme.example",
                "gate.acme.example",
            ),
            (
                "https://gate.acme.example:443",
                "https://gate.acme.example",
                "gate.acme.example",
            ),
            ("https://gate:8443", "https://gate:8443", "gate:8443"),
            (
                "http://127.0.0.1:8080",
                "http://127.0.0.1:8080",
                "127.0.0.1:8080",
            ),
            ("http://[::1]:8080", "http://[::1]:8080", "[::1]:8080"),
        ] {
            let server = Server::parse(text).unwrap();
            assert_eq!((&*server.origin(), &*server.host()), (origin, host));
        }
        for text in [
            "",
            "gate.acme.example",
            "gate:8443",
            "http://gate.acme.example",
            "http://127.0.0.1.acme.example",
            "ftp://gate.acme.example",
            "https://gate.acme.example/access",
            "https://gate.acme.example?a=1",
            "https://gate.acme.example#a",
            "https://user@gate.acme.example",
            "https://user:hidden@gate.acme.example",
        ] {
            let message = Server::parse(text).unwrap_err();
            assert!(message.contains("write its origin"), "{message}");
            assert!(!message.contains("hidden"), "{message}");
        }
    }
}
