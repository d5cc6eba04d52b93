//! Passes requests to their handlers.

use super::http::{Answer, Request};
use super::route::{Endpoint, Route};
use super::state::State;
use super::{apps, checks, contents, graphql, oidc, receivers, releases, statuses};

/// Handles the request within the rate limits.
pub(crate) fn answer(state: &mut State, route: &Route, request: &Request) -> Answer {
    let refusal = state.limits.refusal(route, request);
    let answer = refusal.unwrap_or_else(|| handle(state, route, request));
    state.limits.stamp(route, request, answer)
}

fn handle(state: &mut State, route: &Route, request: &Request) -> Answer {
    let answer = match route.endpoint {
        Endpoint::Token => oidc::token(state, request),
        Endpoint::Keys => oidc::keys(state, &route.rest),
        Endpoint::Discovery => Ok(oidc::discovery(state, &route.rest)),
        Endpoint::Contents => contents::contents(state, route, request),
        Endpoint::Commit => contents::commit(state, route, request),
        Endpoint::Compare => contents::compare(state, route, request),
        Endpoint::PullRequest => contents::pull_request(state, route, request),
        Endpoint::Repository => contents::repository(state, route, request),
        Endpoint::RepositoryById => contents::repository_by_id(state, route, request),
        Endpoint::GraphQl => graphql::answer(state, request),
        Endpoint::CheckRun => checks::create(state, route, request),
        Endpoint::CheckRunUpdate => checks::update(state, route, request),
        Endpoint::Status => statuses::create(state, route, request),
        Endpoint::Installation => apps::installation(state, route, request),
        Endpoint::AccessToken => apps::access_token(state, route, request),
        Endpoint::RevokeToken => apps::revoke(state, request),
        Endpoint::ReleaseAsset => releases::asset(state, route, request),
        Endpoint::Webhook => Ok(receivers::webhook()),
        Endpoint::Logs => Ok(receivers::logs(request)),
        Endpoint::Evaluations => receivers::evaluations(state.authority.as_ref(), request),
        Endpoint::Unknown => Err(Answer::error(404, "Not Found")),
    };
    answer.unwrap_or_else(|refusal| refusal)
}
