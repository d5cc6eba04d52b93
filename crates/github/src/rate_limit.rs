//! GitHub's rate limits.
//!
//! Source: docs.github.com, "Rate limits for the REST API", "Rate limits and query limits for the GraphQL
//! API" and "Best practices for using the REST API".

use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;

use crate::http::Response;

/// The primary limit in a response. An Enterprise Server has none by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Number of requests or points per window.
    pub limit: u64,
    /// Number left in this window.
    pub remaining: u64,
    /// Start of the next window.
    pub resets: Timestamp,
}

impl RateLimit {
    pub(super) fn of(response: &Response) -> Option<Self> {
        let number = |name| response.header(name)?.trim().parse().ok();
        let resets: i64 = response.header("x-ratelimit-reset")?.trim().parse().ok()?;
        Some(Self {
            limit: number("x-ratelimit-limit")?,
            remaining: number("x-ratelimit-remaining")?,
            resets: Timestamp::from_second(resets).ok()?,
        })
    }
}

/// The rate limit that rejected a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limited {
    /// The primary limit is exhausted until this time.
    Until(Timestamp),
    /// A secondary limit, with the pause that GitHub asks for, if any.
    For(Option<Duration>),
}

impl Limited {
    /// Returns the rate limit that a response reports. `message` is the response's message; GraphQL sends it
    /// with status 200.
    pub(super) fn of(response: &Response, message: &str) -> Option<Self> {
        let says_so = message.to_ascii_lowercase().contains("rate limit");
        let by_status = match response.status {
            StatusCode::TOO_MANY_REQUESTS => true,
            StatusCode::FORBIDDEN => says_so || response.header("retry-after").is_some(),
            StatusCode::OK => says_so,
            _ => false,
        };
        if !by_status {
            return None;
        }
        if let Some(pause) = response.retry_after() {
            return Some(Self::For(Some(pause)));
        }
        Some(match RateLimit::of(response) {
            Some(limit) if limit.remaining == 0 => Self::Until(limit.resets),
            _ => Self::For(None),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &str)]) -> Response {
        let headers = headers.iter();
        Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: headers
                .map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap()))
                .collect::<http::HeaderMap>(),
            body: Vec::new(),
        }
    }

    #[test]
    fn what_a_refusal_asks_for() {
        const NONE_LEFT: [(&str, &str); 3] = [
            ("x-ratelimit-limit", "5000"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "1800000000"),
        ];
        let until = Limited::Until(Timestamp::from_second(1_800_000_000).unwrap());
        let seconds = |n| Limited::For(Some(Duration::from_secs(n)));
        let secondary = "You have exceeded a secondary rate limit.";
        let exceeded = "API rate limit already exceeded for user ID 1.";
        let both = [&NONE_LEFT[..], &[("retry-after", "7")]].concat();
        for (status, headers, message, expected) in [
            (200, &NONE_LEFT[..], exceeded, Some(until)),
            (403, &NONE_LEFT, exceeded, Some(until)),
            (429, &NONE_LEFT, "", Some(until)),
            (403, &[("retry-after", "60")], secondary, Some(seconds(60))),
            (429, &both, secondary, Some(seconds(7))),
            (403, &[], secondary, Some(Limited::For(None))),
            (
                200,
                &[("x-ratelimit-remaining", "9")],
                secondary,
                Some(Limited::For(None)),
            ),
            // The last point was for this answer.
            (200, &NONE_LEFT, "", None),
            (
                403,
                &NONE_LEFT,
                "Resource not accessible by integration",
                None,
            ),
            (404, &both, exceeded, None),
        ] {
            let limited = Limited::of(&answer(status, headers), message);
            assert_eq!(limited, expected, "{status} {headers:?} {message}");
        }
    }
}
