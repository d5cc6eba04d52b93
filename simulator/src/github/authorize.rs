//! Whether a token may do what its request asks for.

use std::borrow::Cow;

use jiff::Timestamp;

use super::access::{Access, Level, credentials};
use super::http::{Answer, Request};
use super::repository::Repository;
use super::state::State;

/// Returns the access of the request's token, or 401 for an unknown, revoked or expired token.
pub(crate) fn authenticate(state: &State, request: &Request) -> Result<Option<Access>, Answer> {
    if request.header("authorization").is_none() {
        return Ok(None);
    }
    credentials(request)
        .and_then(|token| state.access.get(token))
        .filter(|access| access.expires > Timestamp::now())
        .map(|access| Some(access.clone()))
        .ok_or_else(|| Answer::error(401, "Bad credentials"))
}

/// Returns the repository `owner/name` if the request has the permission.
///
/// As on GitHub, a private repository outside the token's access is 404, and a missing permission is 403.
pub(crate) fn authorize(
    state: &State,
    request: &Request,
    (owner, name): (&str, &str),
    permission: &str,
    needed: Level,
) -> Result<(Repository, Option<Access>), Answer> {
    let access = authenticate(state, request)?;
    let not_found = || Answer::error(404, "Not Found");
    // GitHub redirects a former name, and clients follow.
    let renamed = || state.renamed(&format!("{owner}/{name}")).map(Cow::Borrowed);
    let repository = state.repository(owner, name).or_else(renamed);
    let repository = repository.ok_or_else(not_found)?;
    let public_read = !repository.private && needed <= Level::Read;
    let Some(token) = &access else {
        return match (public_read, repository.private) {
            (true, _) => Ok((repository.into_owned(), access)),
            (false, true) => Err(not_found()),
            (false, false) => Err(Answer::error(401, "Requires authentication")),
        };
    };
    let own = token.covers(&repository);
    if public_read
        || (own && (permission == "metadata" || token.permissions.level(permission) >= needed))
    {
        Ok((repository.into_owned(), access))
    } else if own || !repository.private {
        Err(Answer::error(403, "Resource not accessible by integration"))
    } else {
        Err(not_found())
    }
}
