//! The job's token: asked for as the toolkit does, verified with ring.

use crate::client::{Received, send};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde_json::{Value, json};
use simulator::github::{
    Answer, JobCredentials, Permissions, Repository, Signature, TestKey, TokenRecipe, verify_jwt,
};
use simulator::{GitHub, Job};

fn start() -> (GitHub, JobCredentials) {
    let github = GitHub::start().unwrap();
    let repository = Repository::new("acme/infra", 1, 10);
    let job = Job::push(&repository, "main").with_environment("production");
    let credentials = github.register_job(1, job.claims(), Permissions::usual());
    (github, credentials)
}

fn ask(credentials: &JobCredentials, more: &str, authorization: &str) -> Received {
    let url = format!("{}{more}", credentials.id_token_request_url);
    send("GET", &url, &[("Authorization", authorization)], "").unwrap()
}

fn token(credentials: &JobCredentials) -> String {
    let bearer = format!("bearer {}", credentials.id_token_request_token);
    let answer = ask(credentials, "&audience=gate", &bearer).json();
    answer["value"].as_str().unwrap().to_owned()
}

fn part(token: &str, index: usize) -> Value {
    let bytes = URL_SAFE_NO_PAD
        .decode(token.split('.').nth(index).unwrap())
        .unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[test]
fn a_token_verifies_with_the_published_key() {
    let (github, credentials) = start();
    let token = token(&credentials);
    let keys = send(
        "GET",
        &format!("{}/.well-known/jwks", github.issuer()),
        &[],
        "",
    )
    .unwrap()
    .json();
    let key = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["kid"] == part(&token, 0)["kid"])
        .unwrap();
    let number = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    RsaPublicKeyComponents {
        n: number("n"),
        e: number("e"),
    }
    .verify(
        &RSA_PKCS1_2048_8192_SHA256,
        signed.as_bytes(),
        &URL_SAFE_NO_PAD.decode(signature).unwrap(),
    )
    .unwrap();
    let claims = part(&token, 1);
    assert_eq!(claims["iss"], github.issuer());
    assert_eq!(
        (&claims["aud"], &claims["environment"]),
        (&json!("gate"), &json!("production"))
    );
    let time = |name: &str| claims[name].as_i64().unwrap();
    assert_eq!(
        (time("exp") - time("iat"), time("iat") - time("nbf")),
        (300, 300)
    );
    assert_eq!(github.minted_tokens(), [token]);
}

#[test]
fn the_request_must_be_right() {
    let (_github, credentials) = start();
    let bearer = format!("Bearer {}", credentials.id_token_request_token);
    assert_eq!(ask(&credentials, "", "Bearer other").status, 401);
    assert_eq!(
        ask(&credentials, "&audience=a&audience=b", &bearer).status,
        400
    );
    let without_audience = ask(&credentials, "", &bearer).json();
    let claims = part(without_audience["value"].as_str().unwrap(), 1);
    assert_eq!(claims["aud"], "https://github.com/acme");
    let (url, _) = credentials.id_token_request_url.split_once('?').unwrap();
    let answer = send(
        "GET",
        &format!("{url}?audience=a"),
        &[("Authorization", &bearer)],
        "",
    );
    assert_eq!(answer.unwrap().status, 400);
}

#[test]
fn recipes_change_what_is_minted() {
    let (github, credentials) = start();
    github.set_token(
        TokenRecipe::new()
            .claim("ref", "refs/heads/evil")
            .without_claim("sha")
            .header("typ", "X"),
    );
    let changed = token(&credentials);
    assert_eq!(part(&changed, 1)["ref"], "refs/heads/evil");
    assert!(part(&changed, 1).get("sha").is_none());
    assert_eq!(part(&changed, 0)["typ"], "X");
    assert!(verify_jwt(&changed, TestKey::Signing1).is_some());

    github.set_token(TokenRecipe::new().signed_by(TestKey::Signing2));
    assert!(verify_jwt(&token(&credentials), TestKey::Signing2).is_some());

    github.set_token(
        TokenRecipe::new()
            .header("alg", "none")
            .signature(Signature::Empty),
    );
    assert!(token(&credentials).ends_with('.'));

    github.set_token(TokenRecipe::new().raw_token("not.a.token"));
    assert_eq!(token(&credentials), "not.a.token");

    github.set_token(TokenRecipe::new().raw_answer(Answer::new(200, "text/html", "<p>")));
    let bearer = format!("Bearer {}", credentials.id_token_request_token);
    assert_eq!(ask(&credentials, "&audience=a", &bearer).text(), "<p>");
}
