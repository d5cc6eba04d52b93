//! Network and server faults on demand.

use std::time::Duration;

use super::http::Answer;
use super::route::Endpoint;

/// A fault that replaces or changes the response to a request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Delays the correct response.
    Delay(Duration),
    /// Sends no response and keeps the connection open.
    Stall,
    /// Resets the connection (TCP RST) before the request is processed.
    Reset,
    /// Processes the request and then resets the connection, so that the client does not know the result.
    ResetAfter,
    /// Sends bytes that are not HTTP, then closes the connection.
    Garbage,
    /// Sends this response without processing the request.
    Answer(Answer),
    /// Sends the correct response with another status.
    WithStatus(u16),
    /// Sends the correct response with another `Content-Type`.
    ContentType(String),
    /// Sends the correct response with additional headers.
    Headers(Vec<(String, String)>),
    /// Sends half of the body with the full `Content-Length`, then closes the connection.
    Truncate,
    /// Sends half of the body without `Content-Length`, so that only the end of the connection delimits it.
    TruncateUnframed,
    /// Streams a 200 with a body of this many spaces.
    Huge(usize),
    /// Sends the correct response byte by byte, with this pause.
    Trickle(Duration),
    /// Redirects with this status to the same path on another host, see
    /// [`GitHub::elsewhere_requests`](crate::GitHub::elsewhere_requests).
    RedirectElsewhere(u16),
    /// Redirects with this status to this path on the same host.
    Redirect(u16, String),
    /// Redirects with this status to the same URL.
    RedirectLoop(u16),
}

impl Fault {
    /// Returns an error in GitHub's format.
    #[must_use]
    pub fn status(status: u16, message: &str) -> Self {
        Self::Answer(Answer::error(status, message))
    }

    /// Returns 429 with `Retry-After` in seconds.
    #[must_use]
    pub fn too_many_requests(retry_after: u64) -> Self {
        Self::Answer(
            Answer::error(429, "You have exceeded a secondary rate limit")
                .with_header("Retry-After", &retry_after.to_string()),
        )
    }
}

/// Selects the requests that a [`Fault`] affects. The first matching rule applies.
#[derive(Debug, Clone)]
pub struct FaultRule {
    endpoint: Endpoint,
    path_contains: Option<String>,
    from: usize,
    until: usize,
    seen: usize,
    fault: Fault,
}

impl FaultRule {
    /// Affects every request to `endpoint`.
    #[must_use]
    pub fn always(endpoint: Endpoint, fault: Fault) -> Self {
        Self::between(endpoint, 0, usize::MAX, fault)
    }

    /// Affects the first `count` requests to `endpoint` after the rule is added.
    #[must_use]
    pub fn first(endpoint: Endpoint, count: usize, fault: Fault) -> Self {
        Self::between(endpoint, 0, count, fault)
    }

    /// Affects only the `number`th request to `endpoint`, from 1.
    #[must_use]
    pub fn nth(endpoint: Endpoint, number: usize, fault: Fault) -> Self {
        Self::between(endpoint, number.saturating_sub(1), number, fault)
    }

    /// Affects every request to `endpoint` except the first `count`.
    #[must_use]
    pub fn after(endpoint: Endpoint, count: usize, fault: Fault) -> Self {
        Self::between(endpoint, count, usize::MAX, fault)
    }

    /// Limits the rule to this number of requests.
    #[must_use]
    pub fn times(mut self, count: usize) -> Self {
        self.until = self.from.saturating_add(count);
        self
    }

    /// Limits the rule to requests whose path and query contain `part`; others do not count.
    #[must_use]
    pub fn path_contains(mut self, part: &str) -> Self {
        self.path_contains = Some(part.into());
        self
    }

    fn between(endpoint: Endpoint, from: usize, until: usize, fault: Fault) -> Self {
        Self {
            endpoint,
            path_contains: None,
            from,
            until,
            seen: 0,
            fault,
        }
    }

    fn take(&mut self, endpoint: Endpoint, path: &str) -> Option<Fault> {
        let applies = self.endpoint == endpoint
            && self
                .path_contains
                .as_deref()
                .is_none_or(|part| path.contains(part));
        if !applies {
            return None;
        }
        let number = self.seen;
        self.seen += 1;
        (self.from..self.until)
            .contains(&number)
            .then(|| self.fault.clone())
    }
}

/// Returns the fault for a request. Every rule for its endpoint counts the request.
pub(crate) fn choose(rules: &mut [FaultRule], endpoint: Endpoint, path: &str) -> Option<Fault> {
    let mut chosen = None;
    for rule in rules {
        let fault = rule.take(endpoint, path);
        if chosen.is_none() {
            chosen = fault;
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_count_their_own_requests() {
        let mut rules = [
            FaultRule::nth(Endpoint::Contents, 2, Fault::Reset),
            FaultRule::always(Endpoint::Contents, Fault::Stall).path_contains("policy"),
            FaultRule::after(Endpoint::Keys, 1, Fault::Garbage).times(1),
        ];
        assert!(choose(&mut rules, Endpoint::Contents, "/other").is_none());
        assert!(matches!(
            choose(&mut rules, Endpoint::Contents, "/policy"),
            Some(Fault::Reset)
        ));
        assert!(matches!(
            choose(&mut rules, Endpoint::Contents, "/policy"),
            Some(Fault::Stall)
        ));
        assert!(choose(&mut rules, Endpoint::Keys, "/policy").is_none());
        assert!(matches!(
            choose(&mut rules, Endpoint::Keys, "/"),
            Some(Fault::Garbage)
        ));
        assert!(choose(&mut rules, Endpoint::Keys, "/").is_none());
    }
}
