//! The OIDC provider of the Actions runtime: the token endpoint, the tokens, and the issuer's documents.
//!
//! Shapes: `oidc-utils.ts` in actions/toolkit, and GitHub's page "OpenID Connect reference".

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::access::{Access, AppIdentity, Permissions, credentials};
use super::http::{Answer, Request};
use super::issuer::{LIFETIME, NOT_BEFORE_SKEW, RegisteredJob, SlugKeys};
use super::jwt::{self, Signature};
use super::keys::TestKey;
use super::state::State;
use crate::unique::{guid, hex};

/// Credentials that the runner passes to the steps of a job.
#[derive(Debug, Clone)]
pub struct JobCredentials {
    /// `ACTIONS_ID_TOKEN_REQUEST_URL`, which has a query.
    pub id_token_request_url: String,
    /// `ACTIONS_ID_TOKEN_REQUEST_TOKEN`, and `ACTIONS_RUNTIME_TOKEN`.
    pub id_token_request_token: String,
    /// `${{ github.token }}`.
    pub github_token: String,
}

/// Starts a job. `claims` are those of its repository, workflow and event; minting a token adds the times,
/// `iss`, `aud` and `jti`.
pub(crate) fn register(
    state: &mut State,
    repository_id: u64,
    claims: Map<String, Value>,
    permissions: Permissions,
) -> JobCredentials {
    let path = format!(
        "/actions/idtoken/{}//idtoken/{}/{}",
        state.jobs.len() + 222,
        guid(),
        guid()
    );
    let credentials = JobCredentials {
        id_token_request_url: format!("{}{path}?api-version=2.0", state.server_url),
        id_token_request_token: format!("eyJ{}.{}.{}", hex(20), hex(40), hex(60)),
        github_token: format!("ghs_{}", hex(18)),
    };
    state.jobs.push(RegisteredJob {
        request_token: credentials.id_token_request_token.clone(),
        path,
        claims,
    });
    state.access.insert(
        credentials.github_token.clone(),
        Access {
            app: AppIdentity::github_actions(),
            permissions,
            repositories: vec![repository_id],
            owners: Vec::new(),
            expires: Timestamp::now() + jiff::SignedDuration::from_hours(6),
        },
    );
    credentials
}

pub(crate) fn token(state: &mut State, request: &Request) -> Result<Answer, Answer> {
    let job = state
        .jobs
        .iter()
        .find(|job| job.path == request.path)
        .ok_or_else(|| Answer::error(404, "Not Found"))?;
    if credentials(request) != Some(job.request_token.as_str()) {
        return Err(Answer::json(401, &json!({"message": "Invalid token"})));
    }
    let pairs = request.query_pairs();
    let values = |name: &str| {
        pairs
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
            .collect::<Vec<_>>()
    };
    if values("api-version") != ["2.0"] {
        return Err(Answer::json(
            400,
            &json!({"message": "No api-version was given"}),
        ));
    }
    let audience = match values("audience").as_slice() {
        // GitHub's default audience is the owner's page.
        [] => format!(
            "https://github.com/{}",
            claim_text(&job.claims, "repository_owner")
        ),
        [audience] => audience.clone(),
        _ => {
            return Err(Answer::json(
                400,
                &json!({"message": "audience was given more than once"}),
            ));
        }
    };
    if let Some(answer) = &state.recipe.answer {
        return Ok(answer.clone());
    }
    let token = match &state.recipe.token {
        Some(token) => token.clone(),
        None => {
            let claims = job.claims.clone();
            mint(state, claims, &audience)
                .map_err(|error| Answer::error(500, &error.to_string()))?
        }
    };
    state.minted.push(token.clone());
    Ok(Answer::json(
        200,
        &json!({"count": token.len(), "value": token}),
    ))
}

pub(crate) fn mint(
    state: &State,
    mut claims: Map<String, Value>,
    audience: &str,
) -> anyhow::Result<String> {
    let now = Timestamp::now().as_second();
    for (name, value) in [
        ("jti", Value::from(guid())),
        ("iss", state.issuer().into()),
        ("aud", audience.into()),
        ("iat", now.into()),
        ("nbf", (now - NOT_BEFORE_SKEW).into()),
        ("exp", (now + LIFETIME).into()),
    ] {
        claims.insert(name.into(), value);
    }
    let mut header = Map::new();
    for (name, value) in [
        ("alg", "RS256"),
        ("kid", TestKey::Signing1.kid()),
        ("typ", "JWT"),
        ("x5t", "ykNaY4qM_ta4k2TgZOCEYLkcYlA"),
    ] {
        header.insert(name.into(), value.into());
    }
    edit(&mut claims, &state.recipe.claims);
    edit(&mut header, &state.recipe.header);
    let signature = state
        .recipe
        .signature
        .clone()
        .unwrap_or(Signature::Rs256(TestKey::Signing1));
    jwt::mint(&header, &claims, &signature)
}

fn edit(object: &mut Map<String, Value>, edits: &[(String, Option<Value>)]) {
    for (name, value) in edits {
        match value {
            Some(value) => object.insert(name.clone(), value.clone()),
            None => object.remove(name),
        };
    }
}

fn claim_text<'a>(claims: &'a Map<String, Value>, name: &str) -> &'a str {
    claims.get(name).and_then(Value::as_str).unwrap_or_default()
}

pub(crate) fn keys(state: &State, slug: &str) -> Result<Answer, Answer> {
    match state.slug_keys {
        SlugKeys::Root if !slug.is_empty() => Err(Answer::error(404, "Not Found")),
        SlugKeys::Root | SlugKeys::Own => Ok(state.keys.clone()),
    }
}

pub(crate) fn discovery(state: &State, slug: &str) -> Answer {
    if let Some(answer) = &state.discovery {
        return answer.clone();
    }
    let root = state.issuer();
    let issuer = match slug {
        "" => root.clone(),
        slug => format!("{root}/{slug}"),
    };
    let with_keys = match state.slug_keys {
        SlugKeys::Root => &root,
        SlugKeys::Own => &issuer,
    };
    Answer::json(
        200,
        &json!({
            "issuer": issuer, "jwks_uri": format!("{with_keys}/.well-known/jwks"),
            "subject_types_supported": ["public", "pairwise"], "response_types_supported": ["id_token"],
            "id_token_signing_alg_values_supported": ["RS256"], "scopes_supported": ["openid"],
        }),
    )
}
