//! GitHub Apps: their JWT, installations and tokens. The REST page "GitHub Apps" and the page
//! "Generating a JSON Web Token (JWT) for a GitHub App".

use jiff::Timestamp;
use serde_json::{Value, json};

use super::access::{Access, AppIdentity, Permissions, credentials};
use super::app::{App, Installation};
use super::http::{Answer, Request};
use super::jwt;
use super::route::Route;
use super::state::State;
use crate::unique::hex;

/// Maximum lifetime of a JWT in seconds.
const MAX_LIFETIME: i64 = 600;

/// Returns the App itself.
pub(crate) fn app(state: &State, request: &Request) -> Result<Answer, Answer> {
    let app = authenticate(state, request)?;
    Ok(Answer::json(
        200,
        &json!({
            "id": app.id, "slug": app.slug, "client_id": app.client_id, "name": app.slug,
            "owner": {"login": "acme-org", "type": "Organization"},
        }),
    ))
}

pub(crate) fn installation(
    state: &State,
    route: &Route,
    request: &Request,
) -> Result<Answer, Answer> {
    let app = authenticate(state, request)?;
    let repository = state.repository(&route.owner, &route.repository);
    let former = format!("{}/{}", route.owner, route.repository);
    if let (None, Some(renamed)) = (&repository, state.renamed(&former)) {
        let location = format!(
            "{}/repositories/{}/installation",
            state.api_url(),
            renamed.id
        );
        let moved = Answer::error(301, "Moved Permanently");
        return Ok(moved.with_header("Location", &location));
    }
    let found = repository.and_then(|repository| {
        state.installations.iter().find(|installation| {
            installation.app_id == app.id && installation.repositories.contains(&repository.id)
        })
    });
    let installation = found.ok_or_else(|| Answer::error(404, "Not Found"))?;
    Ok(Answer::json(
        200,
        &json!({
            "id": installation.id, "app_id": app.id, "app_slug": app.slug, "client_id": app.client_id,
            "account": {"login": route.owner, "type": "Organization"},
            "target_type": "Organization", "repository_selection": "selected",
            "permissions": installation.permissions.to_json(), "events": [], "suspended_at": null,
            "access_tokens_url": format!("{}/app/installations/{}/access_tokens", state.api_url(), installation.id),
        }),
    ))
}

pub(crate) fn access_token(
    state: &mut State,
    route: &Route,
    request: &Request,
) -> Result<Answer, Answer> {
    let app = authenticate(state, request)?.clone();
    let installation = state
        .installations
        .iter()
        .find(|installation| {
            installation.app_id == app.id && installation.id.to_string() == route.rest
        })
        .cloned()
        .ok_or_else(|| Answer::error(404, "Not Found"))?;
    let body = if request.body.is_empty() {
        json!({})
    } else {
        request
            .json()
            .ok_or_else(|| Answer::error(400, "Problems parsing JSON"))?
    };
    let repositories = requested_repositories(state, &installation, &body)?;
    let permissions = requested_permissions(&installation, &body)?;
    let token = format!("ghs_{}", hex(18));
    let expires = Timestamp::now() + state.installation_token_lifetime;
    let narrowed = repositories != installation.repositories;
    let answer = json!({
        "token": token, "expires_at": expires.strftime("%FT%TZ").to_string(), "permissions": permissions.to_json(),
        "repository_selection": if narrowed { "selected" } else { "all" },
    });
    state.access.insert(
        token,
        Access {
            app: AppIdentity {
                slug: app.slug,
                id: app.id,
            },
            permissions,
            repositories,
            owners: Vec::new(),
            expires,
        },
    );
    Ok(Answer::json(201, &answer))
}

pub(crate) fn revoke(state: &mut State, request: &Request) -> Result<Answer, Answer> {
    let token = credentials(request).unwrap_or_default().to_owned();
    match state.access.remove(&token) {
        Some(_) => Ok(Answer::empty(204)),
        None => Err(Answer::error(401, "Bad credentials")),
    }
}

/// Returns the App of the request's JWT. The messages are GitHub's.
pub(super) fn authenticate<'a>(state: &'a State, request: &Request) -> Result<&'a App, Answer> {
    let token = credentials(request)
        .ok_or_else(|| Answer::error(401, "A JSON web token could not be decoded"))?;
    let (app, claims) = state
        .apps
        .iter()
        .find_map(|app| {
            let claims = jwt::verify(token, app.key)?;
            let issuer = claims.get("iss")?;
            let issuer = issuer
                .as_str()
                .map_or_else(|| issuer.to_string(), str::to_owned);
            (issuer == app.client_id || issuer == app.id.to_string()).then_some((app, claims))
        })
        .ok_or_else(|| Answer::error(401, "A JSON web token could not be decoded"))?;
    let now = Timestamp::now().as_second();
    let time = |name: &str| claims.get(name).and_then(Value::as_i64);
    match (time("iat"), time("exp")) {
        (Some(issued), _) if issued > now => Err(Answer::error(
            401,
            "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
        )),
        (Some(_), Some(expires)) if expires <= now => Err(Answer::error(
            401,
            "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
        )),
        (Some(issued), Some(expires))
            if expires > now + MAX_LIFETIME || expires > issued + MAX_LIFETIME + 60 =>
        {
            Err(Answer::error(
                401,
                "'Expiration time' claim ('exp') is too far in the future",
            ))
        }
        (Some(_), Some(_)) => Ok(app),
        _ => Err(Answer::error(
            401,
            "Missing 'issued at' or 'expiration' claim in assertion",
        )),
    }
}

fn requested_repositories(
    state: &State,
    installation: &Installation,
    body: &Value,
) -> Result<Vec<u64>, Answer> {
    let names = body.get("repositories").and_then(Value::as_array);
    let ids = body.get("repository_ids").and_then(Value::as_array);
    let asked: Vec<Option<u64>> = match (names, ids) {
        (None, None) => return Ok(installation.repositories.clone()),
        (Some(names), _) => names
            .iter()
            .map(|name| named(state, installation, name.as_str()?))
            .collect(),
        (None, Some(ids)) => ids.iter().map(Value::as_u64).collect(),
    };
    asked
        .into_iter()
        .collect::<Option<Vec<u64>>>()
        .filter(|asked| asked.iter().all(|id| installation.repositories.contains(id)))
        .ok_or_else(|| Answer::error(422, "There is at least one repository that does not exist or is not accessible to the parent installation."))
}

/// Finds a repository of the installation's account. The request names it without the owner.
fn named(state: &State, installation: &Installation, name: &str) -> Option<u64> {
    state
        .repositories
        .iter()
        .find(|repository| {
            repository.name.eq_ignore_ascii_case(name)
                && installation.repositories.contains(&repository.id)
        })
        .map(|repository| repository.id)
}

fn requested_permissions(installation: &Installation, body: &Value) -> Result<Permissions, Answer> {
    let Some(asked) = body.get("permissions").and_then(Value::as_object) else {
        return Ok(installation.permissions.clone());
    };
    Permissions::from_json(asked)
        .filter(|asked| installation.permissions.covers(asked))
        .ok_or_else(|| {
            Answer::error(
                422,
                "The permissions requested are not granted to this installation.",
            )
        })
}
