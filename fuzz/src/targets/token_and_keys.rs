//! A token against a key set. Nobody here has the private key but this target: whatever verifies was
//! signed by it, for us and for now.
//!
//! The input is lines. `T`: a token, and after it a key set, or nothing for the real one. `S`: a header
//! and claims, which are signed with the real key, and after them a key set likewise.

use std::sync::LazyLock;

use ::engine::Claims;
use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{
    GeneralPurpose, GeneralPurposeConfig, STANDARD, URL_SAFE_NO_PAD,
};
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};
use token::{Expected, Issuer, JobVariables, KeySet, SignedClaims, TokenInvalid, verify};

const ISSUER: &str = "https://token.actions.githubusercontent.com";
const AUDIENCE: &str = "repo-permissions";
const KID: &str = "k1";
const NOW: i64 = 1_800_000_000;
const LEEWAY: i64 = 60;

static PAIR: LazyLock<RsaKeyPair> = LazyLock::new(|| {
    let pem = include_str!("../../../simulator/keys/signing-1.pem");
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(base64).expect("a PEM file");
    RsaKeyPair::from_pkcs8(&der).expect("an RSA key")
});
static JWKS: LazyLock<String> = LazyLock::new(|| {
    let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(PAIR.public_key());
    let encode = |bytes| URL_SAFE_NO_PAD.encode(bytes);
    let (n, e) = (encode(public.n), encode(public.e));
    let key = json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": KID, "n": n, "e": e});
    json!({ "keys": [key] }).to_string()
});
/// The one token that was issued, for [`JobVariables`] as below.
static TOKEN: LazyLock<String> = LazyLock::new(|| {
    sign(
        &json!({"typ": "JWT", "alg": "RS256", "kid": KID}).to_string(),
        &json!({
            "iss": ISSUER, "aud": AUDIENCE, "iat": NOW, "nbf": NOW - 300, "exp": NOW + 300,
            "repository": "acme-org/infra", "repository_id": "123", "run_id": "1",
            "run_attempt": "1", "sha": "0123", "event_name": "push", "check_run_id": "39",
        })
        .to_string(),
    )
});

pub fn run(data: &[u8]) {
    let Ok(input) = std::str::from_utf8(data) else {
        return;
    };
    let (kind, rest) = input.split_once('\n').unwrap_or((input, ""));
    match kind {
        "T" => {
            let (token, keys) = rest.split_once('\n').unwrap_or((rest, ""));
            // So that a corpus need not hold it.
            let token = token.replace("TOKEN", &TOKEN);
            given(&token, keys);
        }
        "S" => {
            let (header, rest) = rest.split_once('\n').unwrap_or((rest, ""));
            let (claims, keys) = rest.split_once('\n').unwrap_or((rest, ""));
            signed(header, claims, keys);
        }
        _ => {}
    }
}

/// A token from outside.
fn given(token: &str, keys: &str) {
    let Some((keys, claims)) = verified(token, keys) else {
        return;
    };
    let message = |token: &str| {
        token
            .rsplit_once('.')
            .map(|(message, _)| message.to_owned())
    };
    assert_eq!(message(token), message(&TOKEN), "nobody signed this");
    assert!(trusts_us(&keys, KID), "not our key: {keys}");
    job()
        .agree_with(&claims)
        .expect("the token that was issued");
}

/// A token that we sign, whatever it says.
fn signed(header: &str, claims: &str, keys: &str) {
    let token = sign(header, claims);
    let Some((keys, signed)) = verified(&token, keys) else {
        // What is said in the usual way is taken.
        if keys.is_empty()
            && header == r#"{"alg":"RS256","kid":"k1"}"#
            && token.len() < token::MAX_TOKEN
            // A claim that is given twice is refused.
            && serde_json::from_str::<Claims>(claims).is_ok()
            && let Ok(claims) = serde_json::from_str::<Value>(claims)
        {
            assert!(!is_for_us_now(&claims), "{claims}");
        }
        return;
    };
    let header: Value = serde_json::from_str(header).expect("a header");
    assert_eq!(header["alg"], "RS256");
    assert!(header["crit"].is_null());
    let kid = header["kid"].as_str().expect("the id of the key");
    assert!(trusts_us(&keys, kid), "not our key: {keys}");
    let claims: Value = serde_json::from_str(claims).expect("claims");
    assert!(is_for_us_now(&claims), "{claims}");
    let same: Claims = serde_json::from_value(claims.clone()).expect("an object");
    assert_eq!(signed.as_claims(), &same);
    let of_this_job = [
        "repository_id",
        "run_id",
        "run_attempt",
        "sha",
        "event_name",
        "check_run_id",
    ]
    .iter()
    .zip(["123", "1", "1", "0123", "push", "39"])
    .all(|(name, value)| claims[name] == value);
    let repository = claims["repository"].as_str().unwrap_or("");
    let is_ours = of_this_job && repository.eq_ignore_ascii_case("acme-org/infra");
    assert_eq!(job().agree_with(&signed).is_ok(), is_ours, "{claims}");
}

/// Returns the claims of a valid token, and the key set that verified it.
fn verified(token: &str, keys: &str) -> Option<(Value, SignedClaims)> {
    let keys = match keys {
        "" => &*JWKS,
        keys => keys,
    };
    let set = KeySet::parse(keys.as_bytes()).ok()?;
    let issuer = Issuer::parse(ISSUER).expect("an issuer");
    let expected = Expected {
        issuer: &issuer,
        audience: AUDIENCE,
        now: Timestamp::from_second(NOW).expect("a time"),
    };
    match verify(token, &set, &expected) {
        Ok(claims) => Some((serde_json::from_str(keys).expect("a key set"), claims)),
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert!(!error.is_unknown_key() || matches!(error, TokenInvalid::Key(_)));
            None
        }
    }
}

/// Whether exactly one key of the set has the id, and it is our public key, for RS256 signatures.
fn trusts_us(keys: &Value, kid: &str) -> bool {
    let list = keys["keys"].as_array().into_iter().flatten();
    let named: Vec<_> = list.filter(|key| key["kid"] == kid).collect();
    let [key] = named.as_slice() else {
        return false;
    };
    // Any way of writing it.
    let lenient = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let lenient = GeneralPurpose::new(&URL_SAFE, lenient);
    let number = |name: &str| {
        let bytes = lenient.decode(key[name].as_str().unwrap_or("")).ok()?;
        Some(
            bytes
                .into_iter()
                .skip_while(|byte| *byte == 0)
                .collect::<Vec<u8>>(),
        )
    };
    let ours = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(PAIR.public_key());
    let absent_or = |name: &str, value: &str| key[name].is_null() || key[name] == value;
    number("n") == Some(ours.n)
        && number("e") == Some(ours.e)
        && key["kty"] == "RSA"
        && absent_or("use", "sig")
        && absent_or("alg", "RS256")
        && (key["key_ops"].is_null()
            || key["key_ops"]
                .as_array()
                .is_some_and(|ops| ops.contains(&"verify".into())))
}

fn is_for_us_now(claims: &Value) -> bool {
    let range = Timestamp::MIN.as_second()..=Timestamp::MAX.as_second();
    let time = |name: &str| claims[name].as_i64().filter(|time| range.contains(time));
    claims["iss"] == ISSUER
        && claims["aud"] == AUDIENCE
        && time("exp").is_some_and(|exp| exp >= NOW - LEEWAY)
        && time("iat").is_some_and(|iat| iat <= NOW + LEEWAY)
        && (claims.get("nbf").is_none() || time("nbf").is_some_and(|nbf| nbf <= NOW + LEEWAY))
}

fn job() -> JobVariables {
    JobVariables {
        repository: "acme-org/infra".to_owned(),
        repository_id: "123".to_owned(),
        run_id: "1".to_owned(),
        run_attempt: "1".to_owned(),
        sha: "0123".to_owned(),
        event_name: "push".to_owned(),
        check_run_id: Some("39".to_owned()),
    }
}

fn sign(header: &str, claims: &str) -> String {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let message = format!(
        "{}.{}",
        encode(header.as_bytes()),
        encode(claims.as_bytes())
    );
    let mut signature = vec![0; PAIR.public().modulus_len()];
    let random = SystemRandom::new();
    PAIR.sign(
        &RSA_PKCS1_SHA256,
        &random,
        message.as_bytes(),
        &mut signature,
    )
    .expect("a signature");
    format!("{message}.{}", encode(&signature))
}
