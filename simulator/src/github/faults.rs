//! What can go wrong between a client and GitHub, on demand.

use std::time::Duration;

use super::http::Answer;
use super::route::Endpoint;

/// What happens to a request instead of, or on top of, its answer.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The right answer, later.
    Delay(Duration),
    /// Never an answer; the connection stays open.
    Stall,
    /// The connection is reset (TCP RST) before anything is done.
    Reset,
    /// The request is carried out, then the connection is reset: the client cannot know whether it was.
    ResetAfter,
    /// Bytes that are not HTTP, then the connection is closed.
    Garbage,
    /// This answer instead; nothing is done.
    Answer(Answer),
    /// The right answer under another status.
    WithStatus(u16),
    /// The right answer under another `Content-Type`.
    ContentType(String),
    /// The right answer with further headers.
    Headers(Vec<(String, String)>),
    /// The right answer's body cut in half, under the full `Content-Length`, then closed.
    Truncate,
    /// The same without `Content-Length`: nothing but the end of the connection says where the body ends.
    TruncateUnframed,
    /// A 200 whose body is this many bytes of spaces, streamed.
    Huge(usize),
    /// The right answer, one byte at a time with this pause between.
    Trickle(Duration),
    /// With this status to the same path on another host, see [`GitHub::elsewhere_requests`](crate::GitHub::elsewhere_requests).
    RedirectElsewhere(u16),
    /// With this status to this path on the same host.
    Redirect(u16, String),
    /// With this status to where the request came for.
    RedirectLoop(u16),
}

impl Fault {
    /// An error in GitHub's shape.
    #[must_use]
    pub fn status(status: u16, message: &str) -> Self {
        Self::Answer(Answer::error(status, message))
    }

    /// 429 with `Retry-After` in seconds.
    #[must_use]
    pub fn too_many_requests(retry_after: u64) -> Self {
        Self::Answer(
            Answer::error(429, "You have exceeded a secondary rate limit")
                .with_header("Retry-After", &retry_after.to_string()),
        )
    }
}

/// Which requests a [`Fault`] meets. Rules are tried in order; the first that applies is used alone.
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
    /// Every request to `endpoint`.
    #[must_use]
    pub fn always(endpoint: Endpoint, fault: Fault) -> Self {
        Self::between(endpoint, 0, usize::MAX, fault)
    }

    /// The first `count` requests to `endpoint`, counted from when the rule is given.
    #[must_use]
    pub fn first(endpoint: Endpoint, count: usize, fault: Fault) -> Self {
        Self::between(endpoint, 0, count, fault)
    }

    /// Only the `number`th request to `endpoint`, from 1.
    #[must_use]
    pub fn nth(endpoint: Endpoint, number: usize, fault: Fault) -> Self {
        Self::between(endpoint, number.saturating_sub(1), number, fault)
    }

    /// Every request to `endpoint` but the first `count`.
    #[must_use]
    pub fn after(endpoint: Endpoint, count: usize, fault: Fault) -> Self {
        Self::between(endpoint, count, usize::MAX, fault)
    }

    /// Only so many of the requests that it would meet.
    #[must_use]
    pub fn times(mut self, count: usize) -> Self {
        self.until = self.from.saturating_add(count);
        self
    }

    /// Only requests whose path, with its query, contains `part`; others do not count.
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

/// The fault for a request; every rule that names its endpoint counts it.
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
