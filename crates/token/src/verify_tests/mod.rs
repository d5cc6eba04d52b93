//! Table of forged and malformed tokens. Each part also has honest tokens, which differ from the others in
//! one detail and are valid.

mod claims;
mod signatures;
mod texts;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaEncoding, RsaKeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

use super::*;

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://token.actions.githubusercontent.com";
const AUDIENCE: &str = "repo-permissions";

/// A token, the keys and issuer to verify it with, and a part of the error; `None` if the token is valid.
struct Case {
    token: String,
    keys: Value,
    issuer: &'static str,
    refused: Option<&'static str>,
}

#[test]
#[expect(clippy::print_stdout, reason = "the counts are documented")]
fn token_attacks() {
    let parts = [
        ("algorithms", signatures::algorithms()),
        ("headers", signatures::headers()),
        ("key sets", signatures::key_sets()),
        ("issuers", claims::issuers()),
        ("audiences", claims::audiences()),
        ("times", claims::times()),
        ("JSON", texts::json_texts()),
        ("encodings", texts::encodings()),
        ("sizes and parts", texts::sizes()),
    ];
    let (mut refused, mut accepted) = (0, 0);
    for (part, cases) in parts {
        let honest = cases.iter().filter(|case| case.refused.is_none()).count();
        assert!(honest > 0, "{part} has no honest token");
        for case in &cases {
            check(part, case);
        }
        accepted += honest;
        refused += cases.len() - honest;
        println!(
            "{part}: {} refused, {honest} accepted",
            cases.len() - honest
        );
    }
    println!("token attacks: {refused} refused, {accepted} honest ones accepted");
}

fn check(part: &str, case: &Case) {
    let shown: String = case.token.chars().take(2000).collect();
    let keys = KeySet::parse(case.keys.to_string().as_bytes());
    let result = keys.map_err(TokenInvalid::from).and_then(|keys| {
        let issuer = Issuer::parse(case.issuer).unwrap();
        let expected = Expected {
            issuer: &issuer,
            audience: AUDIENCE,
            now: Timestamp::from_second(NOW).unwrap(),
        };
        verify(&case.token, &keys, &expected)
    });
    match (result, case.refused) {
        (Ok(_), None) => {}
        (Err(error), Some(why)) => {
            let error = error.to_string();
            assert!(
                error.contains(why),
                "{part}: {error:?} should say {why:?}\n{shown}"
            );
        }
        (Ok(_), Some(why)) => panic!("{part}: accepted, expected {why:?}\n{shown}"),
        (Err(error), None) => panic!("{part}: {error}\n{shown}"),
    }
}

// ---- keys and tokens

fn pair(pem: &str) -> RsaKeyPair {
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap()
}

fn ours() -> RsaKeyPair {
    pair(include_str!("../../../../simulator/keys/signing-1.pem"))
}

fn attacker() -> RsaKeyPair {
    pair(include_str!("../../../../simulator/keys/attacker.pem"))
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn jwk(pair: &RsaKeyPair, kid: &str) -> Value {
    let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": base64(public.n), "e": base64(public.e)})
}

fn our_keys() -> Value {
    json!({"keys": [jwk(&ours(), "k1")]})
}

fn header() -> Value {
    json!({"alg": "RS256", "kid": "k1", "typ": "JWT"})
}

fn claims() -> Value {
    json!({"iss": ISSUER, "aud": AUDIENCE, "iat": NOW, "nbf": NOW - 300, "exp": NOW + 300, "repository": "acme/infra"})
}

/// Sets a field; `Null` removes it.
fn with(mut object: Value, name: &str, value: Value) -> Value {
    let fields = object.as_object_mut().unwrap();
    match value {
        Value::Null => fields.remove(name),
        value => fields.insert(name.to_owned(), value),
    };
    object
}

/// Returns the text to sign: header and claims, joined by a dot.
fn message(header: &Value, claims: &Value) -> String {
    format!(
        "{}.{}",
        base64(header.to_string()),
        base64(claims.to_string())
    )
}

fn rsa(pair: &RsaKeyPair, encoding: &'static dyn RsaEncoding, message: &str) -> String {
    let mut signature = vec![0; pair.public().modulus_len()];
    let random = SystemRandom::new();
    pair.sign(encoding, &random, message.as_bytes(), &mut signature)
        .unwrap();
    format!("{message}.{}", base64(signature))
}

/// Signs as the issuer does.
fn signed(message: &str) -> String {
    rsa(&ours(), &RSA_PKCS1_SHA256, message)
}

fn case(token: String, refused: impl Into<Option<&'static str>>) -> Case {
    Case {
        token,
        keys: our_keys(),
        issuer: ISSUER,
        refused: refused.into(),
    }
}

fn with_header(name: &str, value: Value, refused: impl Into<Option<&'static str>>) -> Case {
    case(
        signed(&message(&with(header(), name, value), &claims())),
        refused,
    )
}

fn with_claim(name: &str, value: Value, refused: impl Into<Option<&'static str>>) -> Case {
    case(
        signed(&message(&header(), &with(claims(), name, value))),
        refused,
    )
}

fn honest() -> String {
    signed(&message(&header(), &claims()))
}
