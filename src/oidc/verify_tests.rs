use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

use super::*;

const NOW: i64 = 1_800_000_000;

fn pair(pem: &str) -> RsaKeyPair {
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap()
}

fn ours() -> RsaKeyPair {
    pair(include_str!("../../simulator/keys/signing-1.pem"))
}

fn attacker() -> RsaKeyPair {
    pair(include_str!("../../simulator/keys/attacker.pem"))
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn jwk(pair: &RsaKeyPair, kid: &str) -> Value {
    let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": base64(public.n), "e": base64(public.e)})
}

fn sign(
    pair: &RsaKeyPair,
    encoding: &'static dyn RsaEncoding,
    header: &Value,
    claims: &Value,
) -> String {
    let message = format!(
        "{}.{}",
        base64(header.to_string()),
        base64(claims.to_string())
    );
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(
        encoding,
        &SystemRandom::new(),
        message.as_bytes(),
        &mut signature,
    )
    .unwrap();
    format!("{message}.{}", base64(signature))
}

fn header() -> Value {
    json!({"alg": "RS256", "kid": "k1", "typ": "JWT"})
}

fn claims() -> Value {
    json!({
        "iss": "https://token.actions.githubusercontent.com", "aud": "repo-permissions",
        "iat": NOW, "nbf": NOW - 300, "exp": NOW + 300, "repository": "acme/infra",
    })
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    match value {
        Value::Null => object.as_object_mut().unwrap().remove(name),
        value => object
            .as_object_mut()
            .unwrap()
            .insert(name.to_owned(), value),
    };
    object
}

fn keys(keys: Value) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

fn check(token: &str, keys: &KeySet) -> Result<(), String> {
    let issuer = Issuer::parse("https://token.actions.githubusercontent.com").unwrap();
    let now = Timestamp::from_second(NOW).unwrap();
    let expected = Expected {
        issuer: &issuer,
        audience: "repo-permissions",
        now,
    };
    verify(token, keys, &expected)
        .map(|_| ())
        .map_err(|error| error.to_string())
}

fn check_claims(claims: &Value) -> Result<(), String> {
    let pair = ours();
    check(
        &sign(&pair, &RSA_PKCS1_SHA256, &header(), claims),
        &keys(json!([jwk(&pair, "k1")])),
    )
}

fn assert_refused(result: Result<(), String>, part: &str) {
    let error = result.expect_err(part);
    assert!(error.contains(part), "{error:?} should say {part:?}");
}

#[test]
fn a_token_of_ours_verifies() {
    assert_eq!(check_claims(&claims()), Ok(()));
    assert_eq!(check_claims(&with(claims(), "nbf", Value::Null)), Ok(()));
}

#[test]
fn algorithm_attacks() {
    let pair = ours();
    let set = keys(json!([jwk(&pair, "k1")]));
    let none = format!(
        "{}.{}.",
        base64(json!({"alg": "none", "kid": "k1"}).to_string()),
        base64(claims().to_string())
    );
    assert_refused(check(&none, &set), "signed with `none`");
    // HS256 with the public modulus as the secret.
    let hs_header = with(header(), "alg", json!("HS256"));
    let message = format!(
        "{}.{}",
        base64(hs_header.to_string()),
        base64(claims().to_string())
    );
    let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    let tag = ring::hmac::sign(
        &ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &public.n),
        message.as_bytes(),
    );
    assert_refused(
        check(&format!("{message}.{}", base64(tag)), &set),
        "signed with `HS256`",
    );
    for (alg, encoding) in [
        ("RS384", &RSA_PKCS1_SHA384 as &'static dyn RsaEncoding),
        ("PS256", &RSA_PSS_SHA256),
    ] {
        let honest = sign(
            &pair,
            encoding,
            &with(header(), "alg", json!(alg)),
            &claims(),
        );
        assert_refused(check(&honest, &set), &format!("signed with `{alg}`"));
        let lying = sign(&pair, encoding, &header(), &claims());
        assert_refused(check(&lying, &set), "signature");
    }
    for alg in ["rs256", "RS256 ", "ES256", "EdDSA", ""] {
        let token = sign(
            &pair,
            &RSA_PKCS1_SHA256,
            &with(header(), "alg", json!(alg)),
            &claims(),
        );
        assert_refused(check(&token, &set), "expected `RS256`");
    }
    assert_refused(
        check(
            &sign(&attacker(), &RSA_PKCS1_SHA256, &header(), &claims()),
            &set,
        ),
        "signature",
    );
}

#[test]
fn header_attacks() {
    let pair = ours();
    let set = keys(json!([jwk(&pair, "k1")]));
    let attackers = attacker();
    for (name, value, part) in [
        ("kid", Value::Null, "no `kid`"),
        ("kid", json!(""), "no `kid`"),
        ("kid", json!("k2"), "no key of the issuer has the id `k2`"),
        ("alg", Value::Null, "no `alg`"),
        ("crit", json!(["exp"]), "`crit`"),
    ] {
        let token = sign(
            &pair,
            &RSA_PKCS1_SHA256,
            &with(header(), name, value),
            &claims(),
        );
        assert_refused(check(&token, &set), part);
    }
    // The token's own key and key URL are not looked at.
    let own = with(
        with(header(), "jwk", jwk(&attackers, "k1")),
        "jku",
        json!("https://evil.example/jwks"),
    );
    assert_refused(
        check(&sign(&attackers, &RSA_PKCS1_SHA256, &own, &claims()), &set),
        "signature",
    );
}

#[test]
fn key_set_attacks() {
    let pair = ours();
    let token = sign(&pair, &RSA_PKCS1_SHA256, &header(), &claims());
    let good = jwk(&pair, "k1");
    for (key, part) in [
        (with(good.clone(), "use", json!("enc")), "not for RS256"),
        (with(good.clone(), "alg", json!("RS512")), "not for RS256"),
        (with(good.clone(), "kty", json!("EC")), "not for RS256"),
        (with(good.clone(), "kty", json!("oct")), "not for RS256"),
        (
            with(good.clone(), "key_ops", json!(["encrypt"])),
            "not for RS256",
        ),
        (with(good.clone(), "n", Value::Null), "not for RS256"),
        (with(good.clone(), "n", json!("!")), "not base64url"),
        (
            with(good.clone(), "n", json!(base64([0xff_u8; 128]))),
            "1024 bits",
        ),
        (
            with(
                good.clone(),
                "n",
                json!(base64([&[0; 128][..], &[0xff; 128]].concat())),
            ),
            "1024 bits",
        ),
        (with(good.clone(), "e", json!(base64([1]))), "signature"),
        (
            with(good.clone(), "kid", Value::Null),
            "no key of the issuer",
        ),
    ] {
        assert_refused(check(&token, &keys(json!([key]))), part);
    }
    for optional in ["use", "alg"] {
        assert_eq!(
            check(
                &token,
                &keys(json!([with(good.clone(), optional, Value::Null)]))
            ),
            Ok(())
        );
    }
    assert_refused(
        check(&token, &keys(json!([good, jwk(&attacker(), "k1")]))),
        "two keys",
    );
    assert_eq!(
        check(
            &token,
            &keys(json!([jwk(&attacker(), "k0"), {"kty": "EC"}, good]))
        ),
        Ok(())
    );
    for document in ["", "{}", "[]", r#"{"keys":{}}"#, r#"{"keys":[]}"#, "<html>"] {
        assert!(KeySet::parse(document.as_bytes()).is_err(), "{document}");
    }
}

#[test]
fn issuer_and_audience_are_exact() {
    for iss in [
        json!("https://token.actions.githubusercontent.com/"),
        json!("https://token.actions.githubusercontent.com/acme"),
        json!("https://token.actions.githubusercontent.com.evil.example"),
        json!("https://TOKEN.actions.githubusercontent.com"),
        json!(["https://token.actions.githubusercontent.com"]),
        Value::Null,
    ] {
        assert_refused(check_claims(&with(claims(), "iss", iss)), "`iss`");
    }
    for aud in [
        json!("https://github.com/acme"),
        json!("repo-permissions "),
        json!("Repo-Permissions"),
        json!(["repo-permissions"]),
        json!(["repo-permissions", "other"]),
        json!({"repo-permissions": true}),
        Value::Null,
    ] {
        assert_refused(check_claims(&with(claims(), "aud", aud)), "`aud`");
    }
}

#[test]
fn times_around_the_leeway() {
    for (claim, value, valid) in [
        ("exp", json!(NOW - 60), true),
        ("exp", json!(NOW - 61), false),
        ("exp", json!((NOW + 300).to_string()), false),
        ("exp", json!(i64::MAX), false),
        ("exp", Value::Null, false),
        ("nbf", json!(NOW + 60), true),
        ("nbf", json!(NOW + 61), false),
        ("nbf", json!("soon"), false),
        ("iat", json!(NOW + 60), true),
        ("iat", json!(NOW + 61), false),
        ("iat", json!(NOW - 21_600), true),
        ("iat", Value::Null, false),
    ] {
        let result = check_claims(&with(claims(), claim, value.clone()));
        assert_eq!(result.is_ok(), valid, "{claim} {value}: {result:?}");
        if !valid {
            assert_refused(result, &format!("`{claim}`"));
        }
    }
}

#[test]
fn broken_tokens() {
    let pair = ours();
    let set = keys(json!([jwk(&pair, "k1")]));
    let token = sign(&pair, &RSA_PKCS1_SHA256, &header(), &claims());
    let (head, signature) = token.rsplit_once('.').unwrap();
    for broken in [
        String::new(),
        ".".into(),
        "..".into(),
        "a.b.c".into(),
        head.into(),
        format!("{head}."),
        format!("{token}.x"),
        format!("{token}="),
        format!(" {token}"),
        format!("{token}\n"),
        format!("{head}.{}", signature.get(4..).unwrap()),
        token.get(..token.len() / 2).unwrap().into(),
    ] {
        assert!(check(&broken, &set).is_err(), "{broken}");
    }
    // Another payload under the same signature.
    let mut parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    parts[1] = base64(with(claims(), "repository", json!("evil/x")).to_string());
    assert_refused(check(&parts.join("."), &set), "signature");
    let huge = sign(
        &pair,
        &RSA_PKCS1_SHA256,
        &header(),
        &with(claims(), "x", json!("y".repeat(64 << 10))),
    );
    assert_refused(check(&huge, &set), "the limit is 32768");
    let list = sign(
        &pair,
        &RSA_PKCS1_SHA256,
        &header(),
        &json!(["not an object"]),
    );
    assert_refused(check(&list, &set), "not a JSON object");
}
