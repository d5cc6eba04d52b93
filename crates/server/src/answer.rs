//! Answers to a proxy: status, headers and body.

use std::borrow::Cow;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use engine::decision::Reason;
use engine::policy::PermissionKey;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::json;

use analysis::report::reason_page;

/// Protection space of the challenges (RFC 9110, section 11.5).
const REALM: &str = "repo-permissions";
const REASON: HeaderName = HeaderName::from_static("x-repo-permissions-reason");
const REPOSITORY: HeaderName = HeaderName::from_static("x-repo-permissions-repository");
const RULE: HeaderName = HeaderName::from_static("x-repo-permissions-rule");

/// An answer: one of 200, 401, 403 and 503, which every proxy understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The request may pass.
    Granted {
        /// Repository of the job.
        repository: String,
        /// The granting rule, if the configuration allows to show it.
        rule: Option<String>,
    },
    /// The request came without a bearer token.
    NoToken,
    /// The token is not valid here.
    TokenInvalid(String),
    /// The job may not.
    Denied {
        /// Why.
        reason: Reason,
        /// The same in words.
        message: String,
        /// The permission, if the request names one.
        permission: Option<PermissionKey>,
    },
    /// The token names a key that nobody has looked for at the issuer yet.
    KeyUnknown {
        /// Time until somebody may.
        after: Duration,
    },
    /// Nobody can say whether the job may.
    Unavailable {
        /// Why, if the reason is one of a check.
        reason: Option<Reason>,
        /// The same in words.
        message: String,
    },
}

impl Answer {
    /// Returns the answer to a request that names no permission, or names it ambiguously.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::Denied {
            reason: Reason::InputInvalid,
            message: message.into(),
            permission: None,
        }
    }

    /// Returns the status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Granted { .. } => StatusCode::OK,
            Self::NoToken | Self::TokenInvalid(_) => StatusCode::UNAUTHORIZED,
            Self::Denied { .. } => StatusCode::FORBIDDEN,
            Self::KeyUnknown { .. } | Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Returns whether nobody can say now whether the job may.
    pub fn is_unavailable(&self) -> bool {
        self.retry_after().is_some()
    }

    /// Returns the seconds after which another attempt can have another answer.
    fn retry_after(&self) -> Option<u64> {
        match self {
            // The next second begins after the time.
            Self::KeyUnknown { after } => Some(after.as_secs() + 1),
            Self::Unavailable { .. } => Some(5),
            Self::Granted { .. } | Self::NoToken | Self::TokenInvalid(_) | Self::Denied { .. } => {
                None
            }
        }
    }

    /// Returns the reason, unless the server refused the request before it was a check.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::Granted { .. } => Some(Reason::Granted),
            Self::NoToken | Self::KeyUnknown { .. } => Some(Reason::TokenUnavailable),
            Self::TokenInvalid(_) => Some(Reason::TokenInvalid),
            Self::Denied { reason, .. } => Some(*reason),
            Self::Unavailable { reason, .. } => *reason,
        }
    }

    /// Returns why; empty for a grant.
    pub fn message(&self) -> Cow<'_, str> {
        match self {
            Self::Granted { .. } => "".into(),
            Self::NoToken => {
                "the request has no bearer token: send the job's OIDC token as `Authorization: Bearer TOKEN`".into()
            }
            Self::KeyUnknown { .. } => {
                let after = self.retry_after().unwrap_or_default();
                format!(
                    "the token names a key that the issuer's keys here do not have, and the issuer cannot be asked \
                     again yet: try again after {after} s"
                )
                .into()
            }
            Self::TokenInvalid(message)
            | Self::Denied { message, .. }
            | Self::Unavailable { message, .. } => message.into(),
        }
    }

    fn permission(&self) -> Option<&PermissionKey> {
        match self {
            Self::Denied { permission, .. } => permission.as_ref(),
            _ => None,
        }
    }

    /// Returns the value of `WWW-Authenticate` (RFC 6750, section 3).
    fn challenge(&self) -> Option<String> {
        let realm = format!("Bearer realm=\"{REALM}\"");
        match self {
            Self::NoToken => Some(realm),
            Self::TokenInvalid(message) => Some(format!(
                "{realm}, error=\"invalid_token\", error_description=\"{}\"",
                described(message)
            )),
            Self::Denied {
                permission: Some(permission),
                ..
            } => Some(format!(
                "{realm}, error=\"insufficient_scope\", scope=\"{permission}\""
            )),
            Self::Denied { .. } => Some(format!("{realm}, error=\"insufficient_scope\"")),
            Self::Granted { .. } | Self::KeyUnknown { .. } | Self::Unavailable { .. } => None,
        }
    }

    /// Returns the body: a problem detail (RFC 9457).
    fn body(&self) -> String {
        let status = self.status();
        let reason = self.reason();
        // Without a page, the title is the status's (RFC 9457, section 4.2.1).
        let (kind, title) = match reason {
            Some(reason) => (reason_page(reason), title(status)),
            None => (
                "about:blank".to_owned(),
                status.canonical_reason().unwrap_or_default(),
            ),
        };
        let mut problem = json!({
            "type": kind,
            "title": title,
            "status": status.as_u16(),
            "detail": self.message(),
        });
        if let Some(problem) = problem.as_object_mut() {
            problem.extend(reason.map(|reason| ("reason".to_owned(), json!(reason))));
            let permission = self.permission().map(PermissionKey::as_str);
            problem.extend(permission.map(|key| ("permission".to_owned(), json!(key))));
        }
        problem.to_string()
    }
}

/// Returns the answer to a request that cannot be read.
pub fn problem(status: StatusCode, message: &str) -> Response {
    let problem = json!({
        "type": reason_page(Reason::InputInvalid),
        "title": title(status),
        "status": status.as_u16(),
        "detail": message,
        "reason": Reason::InputInvalid,
    });
    let headers = [
        (CONTENT_TYPE, "application/problem+json"),
        (CACHE_CONTROL, "no-store"),
        (REASON, Reason::InputInvalid.code()),
    ];
    (status, headers, problem.to_string()).into_response()
}

fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE => "The request cannot be read",
        StatusCode::METHOD_NOT_ALLOWED => "The endpoint has other methods",
        StatusCode::NOT_FOUND => "There is nothing here",
        StatusCode::UNAUTHORIZED => "The token does not count",
        StatusCode::FORBIDDEN => "The job may not do this",
        _ => "No decision is possible now",
    }
}

/// Returns a text with the characters of an `error_description` only (RFC 6750, section 3): printable ASCII
/// without `"` and `\`.
fn described(text: &str) -> String {
    let printable = text.chars().map(|c| match c {
        '"' | '\\' => '\'',
        ' '..='~' => c,
        _ => '?',
    });
    printable.take(300).collect()
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let is_granted = matches!(self, Self::Granted { .. });
        let body = match is_granted {
            true => Body::empty(),
            false => Body::from(self.body()),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        // Some gateways cache the answers of authorizers by default.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(reason) = self.reason() {
            headers.insert(REASON, HeaderValue::from_static(reason.code()));
        }
        if !is_granted {
            let json = HeaderValue::from_static("application/problem+json");
            headers.insert(CONTENT_TYPE, json);
        }
        if let Some(seconds) = self.retry_after() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        // Its characters are those of a header.
        if let Some(Ok(challenge)) = self.challenge().map(HeaderValue::try_from) {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if let Self::Granted { repository, rule } = self {
            let rule = rule.map(|rule| (RULE, rule));
            for (name, value) in [(REPOSITORY, repository)].into_iter().chain(rule) {
                if let Ok(value) = HeaderValue::try_from(value) {
                    headers.insert(name, value);
                }
            }
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(answer: Answer, name: &HeaderName) -> Option<String> {
        let response = answer.into_response();
        let value = response.headers().get(name)?;
        Some(value.to_str().unwrap().to_owned())
    }

    #[test]
    fn what_is_unavailable_says_when_to_try_again() {
        let unknown = |millis| Answer::KeyUnknown {
            after: Duration::from_millis(millis),
        };
        let unavailable = Answer::Unavailable {
            reason: None,
            message: String::new(),
        };
        for (answer, seconds) in [
            (unknown(0), Some("1")),
            (unknown(59_200), Some("60")),
            (unavailable, Some("5")),
            (Answer::NoToken, None),
        ] {
            assert_eq!(answer.is_unavailable(), seconds.is_some());
            let is_503 = answer.status() == StatusCode::SERVICE_UNAVAILABLE;
            assert_eq!(is_503, seconds.is_some());
            assert_eq!(header(answer, &RETRY_AFTER).as_deref(), seconds);
        }
    }

    #[test]
    fn challenges_follow_rfc_6750() {
        let key = PermissionKey::parse("ws:locks:create".into()).unwrap();
        let denied = |permission| Answer::Denied {
            reason: Reason::NoRuleMatches,
            message: "why".to_owned(),
            permission,
        };
        for (answer, challenge) in [
            (Answer::NoToken, Some("Bearer realm=\"repo-permissions\"")),
            (
                Answer::TokenInvalid("a \"b\\\" ü\n".to_owned()),
                Some(
                    "Bearer realm=\"repo-permissions\", error=\"invalid_token\", error_description=\"a 'b'' ??\"",
                ),
            ),
            (
                denied(Some(key)),
                Some(
                    "Bearer realm=\"repo-permissions\", error=\"insufficient_scope\", scope=\"ws:locks:create\"",
                ),
            ),
            (
                denied(None),
                Some("Bearer realm=\"repo-permissions\", error=\"insufficient_scope\""),
            ),
            (
                Answer::Unavailable {
                    reason: None,
                    message: String::new(),
                },
                None,
            ),
        ] {
            let seen = header(answer, &WWW_AUTHENTICATE);
            assert_eq!(seen.as_deref(), challenge);
        }
    }
}
