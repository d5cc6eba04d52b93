//! Primary rate limits: the pages "Rate limits for the REST API" and "Rate limits and query limits for the
//! GraphQL API".

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::access::credentials;
use super::http::{Answer, Request};
use super::route::{Endpoint, Route};

/// How much each token may ask for. GitHub's own window is an hour.
#[derive(Debug, Clone, Copy)]
pub struct RateLimits {
    /// Points of GraphQL.
    pub graphql: u64,
    /// Requests of the REST API.
    pub core: u64,
    /// When a window ends, the next one starts with the next request.
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

/// What a limit is for.
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

/// Where a token stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    pub(crate) limit: u64,
    pub(crate) used: u64,
    pub(crate) reset: Timestamp,
}

impl Standing {
    pub(crate) fn remaining(self) -> u64 {
        self.limit.saturating_sub(self.used)
    }
}

/// What all tokens have used. Without limits nothing is counted, as on an Enterprise Server.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    limits: Option<RateLimits>,
    windows: BTreeMap<(String, Resource), Standing>,
    total: BTreeMap<Resource, u64>,
}

impl Limits {
    pub(crate) fn set(&mut self, limits: RateLimits) {
        self.limits = Some(limits);
        self.windows.clear();
    }

    /// Everything that was taken so far, in all windows.
    pub(crate) fn total(&self, resource: Resource) -> u64 {
        self.total.get(&resource).copied().unwrap_or_default()
    }

    /// Where a token stands; `None` without limits.
    pub(crate) fn standing(&mut self, token: &str, resource: Resource) -> Option<Standing> {
        let limits = self.limits?;
        let now = Timestamp::now();
        let fresh = Standing {
            limit: match resource {
                Resource::Core => limits.core,
                Resource::GraphQl => limits.graphql,
            },
            used: 0,
            reset: now + limits.window,
        };
        let standing = self
            .windows
            .entry((token.to_owned(), resource))
            .or_insert(fresh);
        if standing.reset.as_second() <= now.as_second() {
            *standing = fresh;
        }
        Some(*standing)
    }

    /// False when there is not that much left.
    pub(crate) fn take(&mut self, token: &str, resource: Resource, points: u64) -> bool {
        let Some(standing) = self.standing(token, resource) else {
            return true;
        };
        let may = standing.remaining() >= points;
        if let (true, Some(window)) = (may, self.windows.get_mut(&(token.to_owned(), resource))) {
            window.used += points;
            *self.total.entry(resource).or_default() += points;
        }
        may
    }

    /// Refuses a request of the REST API that is one too many.
    pub(crate) fn refusal(&mut self, route: &Route, request: &Request) -> Option<Answer> {
        let token = credentials(request).unwrap_or_default();
        let refused =
            Resource::of(route) == Some(Resource::Core) && !self.take(token, Resource::Core, 1);
        refused.then(|| Answer::error(403, "API rate limit exceeded for user ID 1."))
    }

    /// The headers that every answer of the API has.
    pub(crate) fn stamp(&mut self, route: &Route, request: &Request, answer: Answer) -> Answer {
        let token = credentials(request).unwrap_or_default();
        let standing = Resource::of(route)
            .and_then(|resource| Some((resource, self.standing(token, resource)?)));
        let Some((resource, standing)) = standing else {
            return answer;
        };
        let reset = standing.reset.as_second();
        [
            ("X-RateLimit-Limit", standing.limit.to_string()),
            ("X-RateLimit-Remaining", standing.remaining().to_string()),
            ("X-RateLimit-Used", standing.used.to_string()),
            ("X-RateLimit-Reset", reset.to_string()),
            ("X-RateLimit-Resource", resource.name().to_owned()),
        ]
        .iter()
        .fold(answer, |answer, (name, value)| {
            answer.with_header(name, value)
        })
    }
}
