//! Primary rate limits: the pages "Rate limits for the REST API" and "Rate limits and query limits for the
//! GraphQL API".

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::access::credentials;
use super::http::{Answer, Request};
use super::route::{Endpoint, Route};

/// Rate limits of each token. GitHub's own window is an hour.
#[derive(Debug, Clone, Copy)]
pub struct RateLimits {
    /// GraphQL points.
    pub graphql: u64,
    /// REST requests.
    pub core: u64,
    /// Length of a window. The next window starts with the first request after it.
    pub window: Duration,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            graphql: 5_000,
            core: 5_000,
            window: Duration::from_secs(3600),
        }
    }
}

/// API with its own limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Resource {
    Core,
    GraphQl,
}

impl Resource {
    fn of(route: &Route) -> Option<Self> {
        match route.endpoint {
            Endpoint::Token | Endpoint::Keys | Endpoint::Discovery | Endpoint::Unknown => None,
            Endpoint::GraphQl => Some(Self::GraphQl),
            _ => Some(Self::Core),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::GraphQl => "graphql",
        }
    }
}

/// Usage of a token in its current window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) limit: u64,
    pub(crate) used: u64,
    pub(crate) reset: Timestamp,
}

impl Usage {
    pub(crate) fn remaining(self) -> u64 {
        self.limit.saturating_sub(self.used)
    }
}

/// Usage of all tokens. Without limits nothing is counted, as on an Enterprise Server.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    limits: Option<RateLimits>,
    windows: BTreeMap<(String, Resource), Usage>,
    total: BTreeMap<Resource, u64>,
}

impl Limits {
    pub(crate) fn set(&mut self, limits: RateLimits) {
        self.limits = Some(limits);
        self.windows.clear();
    }

    /// Returns the total usage of all windows.
    pub(crate) fn total(&self, resource: Resource) -> u64 {
        self.total.get(&resource).copied().unwrap_or_default()
    }

    /// Returns the usage of a token, or `None` without limits.
    pub(crate) fn usage(&mut self, token: &str, resource: Resource) -> Option<Usage> {
        let limits = self.limits?;
        let now = Timestamp::now();
        let fresh = Usage {
            limit: match resource {
                Resource::Core => limits.core,
                Resource::GraphQl => limits.graphql,
            },
            used: 0,
            reset: now + limits.window,
        };
        let usage = self
            .windows
            .entry((token.to_owned(), resource))
            .or_insert(fresh);
        if usage.reset.as_second() <= now.as_second() {
            *usage = fresh;
        }
        Some(*usage)
    }

    /// Takes points, or returns `false` if too few are left.
    pub(crate) fn take(&mut self, token: &str, resource: Resource, points: u64) -> bool {
        let Some(usage) = self.usage(token, resource) else {
            return true;
        };
        let may = usage.remaining() >= points;
        if let (true, Some(window)) = (may, self.windows.get_mut(&(token.to_owned(), resource))) {
            window.used += points;
            *self.total.entry(resource).or_default() += points;
        }
        may
    }

    /// Gives the point of a REST request back.
    pub(crate) fn give_back(&mut self, token: &str, route: &Route) {
        let Some(resource) = Resource::of(route) else {
            return;
        };
        if let Some(window) = self.windows.get_mut(&(token.to_owned(), resource)) {
            window.used = window.used.saturating_sub(1);
            let total = self.total.entry(resource).or_default();
            *total = total.saturating_sub(1);
        }
    }

    /// Returns a refusal if a REST request exceeds the limit.
    pub(crate) fn refusal(&mut self, route: &Route, request: &Request) -> Option<Answer> {
        let token = credentials(request).unwrap_or_default();
        let refused =
            Resource::of(route) == Some(Resource::Core) && !self.take(token, Resource::Core, 1);
        refused.then(|| Answer::error(403, "API rate limit exceeded for user ID 1."))
    }

    /// Adds the rate limit headers of the API.
    pub(crate) fn stamp(&mut self, route: &Route, request: &Request, answer: Answer) -> Answer {
        let token = credentials(request).unwrap_or_default();
        let usage =
            Resource::of(route).and_then(|resource| Some((resource, self.usage(token, resource)?)));
        let Some((resource, usage)) = usage else {
            return answer;
        };
        let reset = usage.reset.as_second();
        [
            ("X-RateLimit-Limit", usage.limit.to_string()),
            ("X-RateLimit-Remaining", usage.remaining().to_string()),
            ("X-RateLimit-Used", usage.used.to_string()),
            ("X-RateLimit-Reset", reset.to_string()),
            ("X-RateLimit-Resource", resource.name().to_owned()),
        ]
        .iter()
        .fold(answer, |answer, (name, value)| {
            answer.with_header(name, value)
        })
    }
}
