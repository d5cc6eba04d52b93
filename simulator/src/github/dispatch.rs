//! Passes requests to their handlers.

use super::access::credentials;
use super::http::{Answer, Request};
use super::route::{Endpoint, Route};
use super::state::State;
use super::{
    apps, checks, contents, deliveries, graphql, oidc, receivers, releases, runs, statuses,
};

/// Handles the request within the rate limits.
pub(crate) fn answer(state: &mut State, route: &Route, request: &Request) -> Answer {
    let refusal = state.limits.refusal(route, request);
    let answer = refusal.unwrap_or_else(|| {
        let route = match by_name(state, route) {
            Ok(route) => route,
            Err(refusal) => return refusal,
        };
        let answer = handle(state, &route, request);
        unless_known(state, &route, request, answer)
    });
    state.limits.stamp(route, request, answer)
}

/// Returns the route with the repository's name, if its path has the id.
fn by_name(state: &State, route: &Route) -> Result<Route, Answer> {
    let mut named = route.clone();
    if !route.repository.is_empty() && route.owner.is_empty() {
        let mut repositories = state.repositories.iter();
        let found = repositories.find(|repository| repository.id.to_string() == route.repository);
        let found = found.ok_or_else(|| Answer::error(404, "Not Found"))?;
        (named.owner, named.repository) = (found.owner.clone(), found.name.clone());
    }
    Ok(named)
}

/// Replaces an answer that the client has already by 304, which costs no point of the rate limit: docs.github.com, "Best
/// practices for using the REST API".
fn unless_known(state: &mut State, route: &Route, request: &Request, answer: Answer) -> Answer {
    let tag = answer.headers.iter().find(|(name, _)| name == "ETag");
    let tag = tag.map(|(_, tag)| tag.clone());
    match (tag, request.header("if-none-match")) {
        (Some(tag), Some(known)) if answer.status == 200 && tag == known => {
            let token = credentials(request).unwrap_or_default();
            state.limits.give_back(token, route);
            Answer::empty(304).with_header("ETag", &tag)
        }
        _ => answer,
    }
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
        Endpoint::GitRef => runs::git_ref(state, route, request),
        Endpoint::GitTag => runs::git_tag(state, route, request),
        Endpoint::Run => runs::run(state, route, request),
        Endpoint::Review => runs::review(state, route, request),
        Endpoint::HookDeliveries => deliveries::list(state, request),
        Endpoint::HookDelivery => deliveries::one(state, route, request),
        Endpoint::GraphQl => graphql::answer(state, request),
        Endpoint::CheckRun => checks::create(state, route, request),
        Endpoint::CheckRunUpdate => checks::update(state, route, request),
        Endpoint::Status => statuses::create(state, route, request),
        Endpoint::App => apps::app(state, request),
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
