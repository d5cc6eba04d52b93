//! Every way to write a token that is not the job's, as one table. Each part of it has honest tokens
//! too, which differ in one thing and are accepted.

#![expect(clippy::string_slice, reason = "tokens and these texts are ASCII")]

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

use super::*;

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://token.actions.githubusercontent.com";
const AUDIENCE: &str = "repo-permissions";

/// A token, what it is held against, and a part of the error; `None` when it is accepted.
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
        ("algorithms", algorithms()),
        ("headers", headers()),
        ("key sets", key_sets()),
        ("issuers", issuers()),
        ("audiences", audiences()),
        ("times", times()),
        ("JSON", json_texts()),
        ("encodings", encodings()),
        ("sizes and parts", sizes()),
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

fn our_keys() -> Value {
    json!({"keys": [jwk(&ours(), "k1")]})
}

fn header() -> Value {
    json!({"alg": "RS256", "kid": "k1", "typ": "JWT"})
}

fn claims() -> Value {
    json!({"iss": ISSUER, "aud": AUDIENCE, "iat": NOW, "nbf": NOW - 300, "exp": NOW + 300, "repository": "acme/infra"})
}

/// `Null` takes the field out.
fn with(mut object: Value, name: &str, value: Value) -> Value {
    let fields = object.as_object_mut().unwrap();
    match value {
        Value::Null => fields.remove(name),
        value => fields.insert(name.to_owned(), value),
    };
    object
}

/// What is signed: header and claims as they are written, with a dot between.
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

/// As the issuer signs.
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

// ---- the parts of the table

/// Others than RS256, in the header and beneath a header that says RS256.
fn algorithms() -> Vec<Case> {
    let mut cases = vec![case(honest(), None)];
    let of = |alg: &str| message(&with(header(), "alg", json!(alg)), &claims());
    let lying = of("RS256");
    let mut add = |alg: &str, sign: &dyn Fn(&str) -> String| {
        cases.push(case(sign(&of(alg)), "expected `RS256`"));
        cases.push(case(sign(&lying), "signature"));
    };
    let rsa_of =
        |encoding: &'static dyn RsaEncoding| move |text: &str| rsa(&ours(), encoding, text);
    add("RS384", &rsa_of(&RSA_PKCS1_SHA384));
    add("RS512", &rsa_of(&RSA_PKCS1_SHA512));
    add("PS256", &rsa_of(&RSA_PSS_SHA256));
    add("PS384", &rsa_of(&RSA_PSS_SHA384));
    add("PS512", &rsa_of(&RSA_PSS_SHA512));
    // The public key, in every form that it is published in, as the secret of a MAC.
    let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(ours().public_key());
    let pkcs1 = ours().public_key().as_ref().to_vec();
    let spki = spki(&pkcs1);
    let pem = |label: &str, der: &[u8]| {
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        let lines: Vec<&str> = text
            .as_bytes()
            .chunks(64)
            .map(|line| std::str::from_utf8(line).unwrap())
            .collect();
        format!(
            "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
            lines.join("\n")
        )
        .into_bytes()
    };
    let secrets = [
        pem("PUBLIC KEY", &spki),
        pem("RSA PUBLIC KEY", &pkcs1),
        spki,
        pkcs1,
        public.n.clone(),
        base64(&public.n).into_bytes(),
        jwk(&ours(), "k1").to_string().into_bytes(),
        b"k1".to_vec(),
        Vec::new(),
    ];
    for (alg, algorithm) in [
        ("HS256", hmac::HMAC_SHA256),
        ("HS384", hmac::HMAC_SHA384),
        ("HS512", hmac::HMAC_SHA512),
    ] {
        for secret in &secrets {
            let key = hmac::Key::new(algorithm, secret);
            add(alg, &|text| {
                format!("{text}.{}", base64(hmac::sign(&key, text.as_bytes())))
            });
        }
    }
    let random = SystemRandom::new();
    for (alg, algorithm) in [
        ("ES256", &ECDSA_P256_SHA256_FIXED_SIGNING),
        ("ES384", &ECDSA_P384_SHA384_FIXED_SIGNING),
    ] {
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
        add(alg, &|text| {
            format!(
                "{text}.{}",
                base64(pair.sign(&random, text.as_bytes()).unwrap())
            )
        });
    }
    let document = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
    let edwards = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
    add("EdDSA", &|text| {
        format!("{text}.{}", base64(edwards.sign(text.as_bytes())))
    });
    for unsigned in ["none", "None", "NONE", "nOnE"] {
        add(unsigned, &|text| format!("{text}."));
    }
    for spelled in [
        "rs256", "RS256 ", " RS256", "RS-256", "RS256\0", "RSA256", "RSA-OAEP", "ES512", "ES256K",
        "",
    ] {
        cases.push(case(signed(&of(spelled)), "expected `RS256`"));
    }
    for value in [
        json!(256),
        json!(["RS256"]),
        json!({"RS256": 1}),
        json!(true),
    ] {
        cases.push(with_header("alg", value, "header"));
    }
    cases.push(with_header("alg", Value::Null, "no `alg`"));
    cases.push(case(
        rsa(&attacker(), &RSA_PKCS1_SHA256, &lying),
        "signature",
    ));
    cases
}

/// The key of a certificate: the PKCS#1 key as the bit string of a `SubjectPublicKeyInfo` (RFC 3279).
fn spki(pkcs1: &[u8]) -> Vec<u8> {
    let length =
        |length: usize| [&[0x82][..], &u16::try_from(length).unwrap().to_be_bytes()].concat();
    let algorithm = [
        0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
    ];
    let bits = [&[0x03][..], &length(pkcs1.len() + 1), &[0], pkcs1].concat();
    let body = [&algorithm[..], &bits].concat();
    [&[0x30][..], &length(body.len()), &body].concat()
}

/// What a header can ask for.
fn headers() -> Vec<Case> {
    let mut cases = vec![case(honest(), None)];
    for (kid, why) in [
        (Value::Null, "no `kid`"),
        (json!(""), "no `kid`"),
        (json!("k2"), "no key of the issuer has the id `k2`"),
        (json!("K1"), "no key of the issuer"),
        (json!("k1 "), "no key of the issuer"),
        (json!("k1\0"), "no key of the issuer"),
        (json!("k"), "no key of the issuer"),
        (json!("../../../dev/null"), "no key of the issuer"),
        (json!("x' UNION SELECT 'k1"), "no key of the issuer"),
        (json!("https://evil.example/k1"), "no key of the issuer"),
        (json!(1), "header"),
        (json!(["k1"]), "header"),
        (json!({"kid": "k1"}), "header"),
    ] {
        cases.push(with_header("kid", kid, why));
    }
    for crit in [
        json!(["exp"]),
        json!(["b64"]),
        json!([]),
        json!("exp"),
        json!(true),
    ] {
        cases.push(with_header("crit", crit, "`crit`"));
    }
    // A key or an address of a key that the token brings along: never looked at.
    let (mine, theirs) = (jwk(&ours(), "k1"), jwk(&attacker(), "k1"));
    for (name, theirs, mine) in [
        ("jwk", theirs, mine),
        (
            "jku",
            json!("https://evil.example/jwks"),
            json!("https://evil.example/jwks"),
        ),
        (
            "x5u",
            json!("https://evil.example/cert.pem"),
            json!("file:///etc/passwd"),
        ),
        (
            "x5c",
            json!([STANDARD_NO_PAD.encode("certificate")]),
            json!(["x"]),
        ),
        (
            "x5t",
            json!("ykNaY4qM_ta4k2TgZOCEYLkcYlA"),
            json!("ykNaY4qM_ta4k2TgZOCEYLkcYlA"),
        ),
        ("x5t#S256", json!("x"), json!("x")),
        ("zip", json!("DEF"), json!("DEF")),
    ] {
        let header = with(header(), name, theirs);
        let forged = rsa(&attacker(), &RSA_PKCS1_SHA256, &message(&header, &claims()));
        cases.push(case(forged, "signature"));
        cases.push(with_header(name, mine, None));
    }
    // RFC 7797: the claims as they are, not as base64.
    let raw = with(with(header(), "b64", json!(false)), "crit", json!(["b64"]));
    let text = format!(
        "{}.{}",
        base64(raw.to_string()),
        claims().to_string().replace('.', "%2E")
    );
    cases.push(case(signed(&text), "`crit`"));
    let raw = with(header(), "b64", json!(false));
    let text = format!(
        "{}.{}",
        base64(raw.to_string()),
        claims().to_string().replace('.', "%2E")
    );
    cases.push(case(signed(&text), "base64url"));
    cases
}

/// What stands under the token's `kid`.
fn key_sets() -> Vec<Case> {
    let good = jwk(&ours(), "k1");
    let (other, twin) = (jwk(&attacker(), "k0"), jwk(&attacker(), "k1"));
    let n_of = |bytes: &[u8]| json!(base64(bytes));
    let odd = |bytes: usize| {
        let mut modulus = vec![0xff; bytes];
        modulus[0] = 0x80;
        modulus
    };
    let one = |name: &str, value: Value| json!([with(good.clone(), name, value)]);
    let ec = json!({"kty": "EC", "crv": "P-256", "kid": "k1", "use": "sig", "alg": "ES256", "x": "AA", "y": "AA"});
    let oct = json!({"kty": "oct", "kid": "k1", "alg": "HS256", "k": "AA"});
    let table: Vec<(Value, Option<&'static str>)> = vec![
        (json!([good]), None),
        (json!([other, {"kty": "EC"}, {}, 1, null, good]), None),
        (one("use", Value::Null), None),
        (one("alg", Value::Null), None),
        (one("key_ops", json!(["verify"])), None),
        (one("x5c", json!(["certificate"])), None),
        (one("use", json!("enc")), Some("not for RS256")),
        (one("use", json!("SIG")), Some("not for RS256")),
        (one("use", json!(1)), Some("not for RS256")),
        (one("alg", json!("RS512")), Some("not for RS256")),
        (one("alg", json!("PS256")), Some("not for RS256")),
        (one("alg", json!("RSA-OAEP")), Some("not for RS256")),
        (one("alg", json!("none")), Some("not for RS256")),
        (one("alg", json!("HS256")), Some("not for RS256")),
        (
            one("key_ops", json!(["encrypt", "wrapKey"])),
            Some("not for RS256"),
        ),
        (one("key_ops", json!(["sign"])), Some("not for RS256")),
        (one("key_ops", json!([])), Some("not for RS256")),
        (one("kty", json!("EC")), Some("not for RS256")),
        (one("kty", json!("oct")), Some("not for RS256")),
        (one("kty", json!("OKP")), Some("not for RS256")),
        (one("kty", json!("rsa")), Some("not for RS256")),
        (one("kty", Value::Null), Some("not for RS256")),
        (json!([ec]), Some("not for RS256")),
        (json!([oct]), Some("not for RS256")),
        (one("n", Value::Null), Some("not for RS256")),
        (one("n", json!(1)), Some("not for RS256")),
        (one("n", json!("!")), Some("not base64url")),
        (one("n", json!("")), Some("0 bits")),
        (one("n", json!("AA")), Some("0 bits")),
        (one("n", n_of(&odd(64))), Some("512 bits")),
        (one("n", n_of(&odd(128))), Some("1024 bits")),
        (one("n", n_of(&odd(192))), Some("1536 bits")),
        (
            one("n", n_of(&[&[0x7f][..], &odd(255)].concat())),
            Some("2047 bits"),
        ),
        // Zeros in front make no key longer.
        (
            one("n", n_of(&[&[0; 128][..], &odd(128)].concat())),
            Some("1024 bits"),
        ),
        // Longer than ring verifies with.
        (one("n", n_of(&odd(1025))), Some("signature")),
        (one("n", n_of(&odd(8192))), Some("signature")),
        (one("n", n_of(&odd(256))), Some("signature")),
        (one("e", Value::Null), Some("not for RS256")),
        (one("e", n_of(&[])), Some("signature")),
        (one("e", n_of(&[0])), Some("signature")),
        (one("e", n_of(&[1])), Some("signature")),
        (one("e", n_of(&[2])), Some("signature")),
        (one("e", n_of(&[0xff; 5])), Some("signature")),
        (one("e", n_of(&[0xff; 256])), Some("signature")),
        (one("kid", Value::Null), Some("no key of the issuer")),
        (one("kid", json!(1)), Some("no key of the issuer")),
        (one("kid", json!("k2")), Some("no key of the issuer")),
        (json!([good, good]), Some("two keys")),
        (json!([good, twin]), Some("two keys")),
        (json!([twin, good]), Some("two keys")),
        (json!([ec, good]), Some("two keys")),
        (json!([twin]), Some("signature")),
        (json!([other]), Some("no key of the issuer")),
        (json!([]), Some("empty")),
        (json!({}), Some("not valid")),
        (json!("k1"), Some("not valid")),
        (Value::Null, Some("not valid")),
    ];
    let mut cases: Vec<Case> = table
        .into_iter()
        .map(|(keys, refused)| Case {
            keys: json!({ "keys": keys }),
            ..case(honest(), refused)
        })
        .collect();
    for document in [
        json!({}),
        json!([good]),
        json!({"Keys": [good]}),
        json!(good),
    ] {
        cases.push(Case {
            keys: document,
            ..case(honest(), "not valid")
        });
    }
    cases
}

/// Other forms of the issuer, for the public one and for an enterprise's own.
fn issuers() -> Vec<Case> {
    const ACME: &str = "https://token.actions.githubusercontent.com/acme";
    let mut cases = vec![case(honest(), None)];
    cases.push(Case {
        issuer: ACME,
        ..with_claim("iss", json!(ACME), None)
    });
    for expected in [ISSUER, ACME] {
        let other = if expected == ISSUER { ACME } else { ISSUER };
        let (_, host) = expected.split_once("://").unwrap();
        let forms: Vec<Value> = [
            other.to_owned(),
            format!("{expected}/"),
            format!("{expected}/other"),
            format!("{expected}/a/b"),
            format!("{expected}/a%2Fb"),
            format!("{expected}/.."),
            format!("{expected}?x"),
            format!("{expected}#x"),
            format!("{expected}.evil.example"),
            format!("{expected}@evil.example"),
            format!("{expected} "),
            format!(" {expected}"),
            format!("{expected}\n"),
            format!("{expected}\0"),
            format!("http://{host}"),
            format!("HTTPS://{host}"),
            format!("https://evil@{host}"),
            format!("https://evil.example/{host}"),
            format!("https://evil.example#{host}"),
            host.to_owned(),
            expected.to_uppercase(),
            expected.replace("token.", "TOKEN."),
            expected.replace(".com", ".com."),
            expected.replace(".com", ".com:443"),
            expected.replace("github", "g\u{131}thub"),
            expected.replace("actions", "act\u{456}ons"),
            expected.replace('.', "\u{3002}"),
            expected.replace("token.actions", "xn--token.actions"),
            String::new(),
        ]
        .into_iter()
        .map(Value::from)
        .chain([
            json!([expected]),
            json!({expected: true}),
            json!(1),
            json!(true),
            Value::Null,
        ])
        .collect();
        for form in forms {
            cases.push(Case {
                issuer: expected,
                ..with_claim("iss", form, "`iss`")
            });
        }
    }
    cases
}

fn audiences() -> Vec<Case> {
    let mut cases = vec![case(honest(), None)];
    for audience in [
        json!("https://github.com/acme"),
        json!("sts.amazonaws.com"),
        json!("repo-permissions "),
        json!(" repo-permissions"),
        json!("Repo-Permissions"),
        json!("repo-permissions/"),
        json!("repo-permissions\0"),
        json!("repo-permission"),
        json!("repo-permissions,other"),
        json!("repo\u{2010}permissions"),
        json!(""),
        json!(["repo-permissions"]),
        json!(["repo-permissions", "other"]),
        json!(["other", "repo-permissions"]),
        json!([]),
        json!({"repo-permissions": true}),
        json!(1),
        json!(true),
        Value::Null,
    ] {
        cases.push(with_claim("aud", audience, "`aud`"));
    }
    cases
}

/// Each second around the leeway, and times that are none.
fn times() -> Vec<Case> {
    let mut cases = vec![with_claim("nbf", Value::Null, None)];
    for (claim, edge, good) in [
        ("exp", NOW - 60, 1),
        ("nbf", NOW + 60, -1),
        ("iat", NOW + 60, -1),
    ] {
        let why = match claim {
            "exp" => "`exp`",
            "nbf" => "`nbf`",
            _ => "`iat`",
        };
        for seconds in [0, 1, 2, 30, 59] {
            cases.push(with_claim(claim, json!(edge + good * seconds), None));
        }
        for seconds in [1, 2, 30, 3600, 1_000_000_000] {
            cases.push(with_claim(claim, json!(edge - good * seconds), why));
        }
        for none in [
            json!(i64::MAX),
            json!(u64::MAX),
            json!(-1.0e300),
            json!(NOW.to_string()),
            json!("soon"),
            json!(NOW as f64 + 0.5),
            json!(1.0e40),
            json!([NOW]),
            json!({}),
            json!(true),
            json!(false),
        ] {
            cases.push(with_claim(claim, none, "the OIDC token"));
        }
    }
    // No lifetime is assumed.
    cases.push(with_claim("exp", json!(NOW + 21_600), None));
    cases.push(with_claim("iat", json!(NOW - 21_600), None));
    cases.push(with_claim("nbf", json!(0), None));
    cases.push(with_claim("exp", json!(0), "`exp`"));
    cases.push(with_claim("exp", json!(-NOW), "`exp`"));
    cases.push(with_claim("exp", json!(i64::MIN), "`exp`"));
    cases.push(with_claim("exp", Value::Null, "`exp`"));
    cases.push(with_claim("iat", Value::Null, "`iat`"));
    cases
}

/// Texts of header and claims that two readers could read in two ways.
fn json_texts() -> Vec<Case> {
    let (header_text, claims_text) = (header().to_string(), claims().to_string());
    let of =
        |header: &[u8], claims: &[u8]| signed(&format!("{}.{}", base64(header), base64(claims)));
    let spaced = format!(" {}\n", claims_text.replace("\":", "\" : "));
    let mut cases = vec![
        case(honest(), None),
        case(of(header_text.as_bytes(), spaced.as_bytes()), None),
        case(
            of(
                header_text.as_bytes(),
                claims_text.replace("acme", "\\u0061cme").as_bytes(),
            ),
            None,
        ),
    ];
    // A member twice, before and after; also where both are the same.
    for (name, value) in [
        ("iss", json!("https://evil.example")),
        ("aud", json!("other")),
        ("exp", json!(NOW + 300)),
        ("repository", json!("evil/x")),
        ("repository", json!("acme/infra")),
    ] {
        let member = format!("\"{name}\":{value}");
        let inner = claims_text.trim_matches(['{', '}']);
        for text in [
            format!("{{{member},{inner}}}"),
            format!("{{{inner},{member}}}"),
        ] {
            cases.push(case(of(header_text.as_bytes(), text.as_bytes()), "claims"));
        }
        let escaped = format!(
            "{{{inner},\"\\u{:04x}{}\":{value}}}",
            name.as_bytes()[0],
            &name[1..]
        );
        cases.push(case(
            of(header_text.as_bytes(), escaped.as_bytes()),
            "claims",
        ));
    }
    for (name, value) in [
        ("alg", "none"),
        ("alg", "RS256"),
        ("kid", "k2"),
        ("kid", "k1"),
    ] {
        let inner = header_text.trim_matches(['{', '}']);
        for text in [
            format!("{{\"{name}\":\"{value}\",{inner}}}"),
            format!("{{{inner},\"{name}\":\"{value}\"}}"),
        ] {
            cases.push(case(of(text.as_bytes(), claims_text.as_bytes()), "header"));
        }
    }
    let deep = "[".repeat(5000) + &"]".repeat(5000);
    for text in [
        String::new(),
        "null".to_owned(),
        "1".to_owned(),
        "[]".to_owned(),
        "\"text\"".to_owned(),
        "{".to_owned(),
        format!("[{claims_text}]"),
        format!("{claims_text}{claims_text}"),
        format!("{claims_text} x"),
        format!("{claims_text}\0"),
        format!("\u{feff}{claims_text}"),
        claims_text.replace('"', "'"),
        claims_text.replace("acme", "\\ud800"),
        claims_text.replace("acme", "\\x61cme"),
        claims_text.replace("acme", "\n"),
        claims_text.replacen('{', "{,", 1),
        claims_text.replacen('{', "{/**/", 1),
        claims_text.replacen('}', ",}", 1),
        claims_text.replacen('{', &format!("{{\"x\":{deep},"), 1),
        claims_text.replace(&NOW.to_string(), &format!("0{NOW}")),
        claims_text.replace(&NOW.to_string(), "NaN"),
    ] {
        cases.push(case(of(header_text.as_bytes(), text.as_bytes()), "claims"));
    }
    for text in [
        "",
        "null",
        "[]",
        "{",
        "RS256",
        "{\"alg\":\"RS256\",\"kid\":\"k1\"}x",
    ] {
        cases.push(case(of(text.as_bytes(), claims_text.as_bytes()), "header"));
    }
    let latin = [claims_text.as_bytes(), b"\xff"].concat();
    cases.push(case(of(header_text.as_bytes(), &latin), "claims"));
    cases
}

/// Other writings of the same bytes: a token that is accepted has one text only.
fn encodings() -> Vec<Case> {
    let token = honest();
    let parts: Vec<&str> = token.split('.').collect();
    let mut cases = vec![case(token.clone(), None)];
    for index in 0..3 {
        let put = |text: String| {
            let mut parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
            parts[index] = text;
            parts.join(".")
        };
        let part = parts[index];
        let middle = part.len() / 2;
        for text in [
            format!("{part}="),
            format!("{part}=="),
            format!("={part}"),
            format!(" {part}"),
            format!("{part} "),
            format!("{part}\n"),
            format!("{part}\r\n"),
            format!("{part}\0"),
            format!("{} {}", &part[..middle], &part[middle..]),
            format!("{}\n{}", &part[..middle], &part[middle..]),
            format!("{}%3D{}", &part[..middle], &part[middle..]),
            format!("{part}A"),
            format!("{part}AAAA"),
            format!("\u{feff}{part}"),
        ] {
            cases.push(case(put(text), "the"));
        }
    }
    // Signed in that writing, so that nothing but the writing is wrong.
    let claims_text = claims().to_string();
    let header_text = header().to_string();
    for pad in 0..3 {
        let header_text = format!("{header_text}{}", " ".repeat(pad));
        let claims_text = format!("{claims_text}{}", " ".repeat(pad));
        cases.push(case(
            signed(&format!(
                "{}.{}",
                base64(&header_text),
                base64(&claims_text)
            )),
            None,
        ));
        for (header_part, claims_part) in [
            (URL_SAFE.encode(&header_text), base64(&claims_text)),
            (base64(&header_text), URL_SAFE.encode(&claims_text)),
            (last_bits(&base64(&header_text)), base64(&claims_text)),
            (base64(&header_text), last_bits(&base64(&claims_text))),
        ] {
            let text = format!("{header_part}.{claims_part}");
            if text != format!("{}.{}", base64(&header_text), base64(&claims_text)) {
                cases.push(case(signed(&text), "base64url"));
            }
        }
    }
    // The signature's own last bits: 256 bytes leave four of them over.
    let (head, signature) = token.rsplit_once('.').unwrap();
    let other = last_bits(signature);
    assert_ne!(other, signature);
    cases.push(case(format!("{head}.{other}"), "base64url"));
    // The standard alphabet, where the two differ.
    let standard = signature.replace('-', "+").replace('_', "/");
    assert_ne!(standard, signature);
    cases.push(case(format!("{head}.{standard}"), "base64url"));
    cases
}

/// The same bytes with another last character, where base64 leaves bits over.
fn last_bits(text: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    if text.len().is_multiple_of(4) {
        return text.to_owned();
    }
    let (head, last) = text.split_at(text.len() - 1);
    let index = ALPHABET
        .iter()
        .position(|byte| last.as_bytes()[0] == *byte)
        .unwrap();
    format!("{head}{}", char::from(ALPHABET[index ^ 1]))
}

/// Cut off, put together, changed at each place, and larger than the limit.
fn sizes() -> Vec<Case> {
    let token = honest();
    let mut cases = vec![case(token.clone(), None)];
    for end in 0..token.len() {
        cases.push(case(token[..end].to_owned(), "the OIDC token"));
        cases.push(case(token[end + 1..].to_owned(), "the OIDC token"));
    }
    for place in 0..token.len() {
        let old = token.as_bytes()[place];
        let new = if old == b'A' { 'Q' } else { 'A' };
        let changed = format!("{}{new}{}", &token[..place], &token[place + 1..]);
        cases.push(case(changed, ""));
    }
    let parts: Vec<&str> = token.split('.').collect();
    let evil = base64(with(claims(), "repository", json!("evil/x")).to_string());
    let forged = rsa(
        &attacker(),
        &RSA_PKCS1_SHA256,
        &message(&header(), &claims()),
    );
    for broken in [
        format!("{}.{evil}.{}", parts[0], parts[2]),
        format!(
            "{}.{}.{}",
            parts[0],
            parts[1],
            forged.rsplit_once('.').unwrap().1
        ),
        format!("{}.{}.{}", parts[0], parts[1], base64([0; 256])),
        format!("{}.{}.{}", parts[0], parts[1], base64([0xff; 256])),
        format!("{}.{}.{}", parts[0], parts[1], base64([1])),
        format!("{}.{}.{}", parts[0], parts[1], base64([0; 512])),
        format!("{}.{}.", parts[0], parts[1]),
        format!("..{}", parts[2]),
        "..".to_owned(),
        "a.b.c".to_owned(),
        format!("{token}.x"),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{}.{}", parts[1], parts[2]),
        format!("{}..{}", parts[0], parts[2]),
        token.repeat(2),
        // JWS as JSON (RFC 7515, section 7.2), which libraries take for a token too.
        json!({"protected": parts[0], "payload": parts[1], "signature": parts[2]}).to_string(),
        "x".repeat(MAX_TOKEN),
        ".".repeat(MAX_TOKEN),
    ] {
        cases.push(case(broken, "the OIDC token"));
    }
    // To the byte: the limit is accepted, one more is not.
    let padded = |fill: usize| message(&header(), &with(claims(), "x", json!("y".repeat(fill))));
    let with_signature = |text: &str| text.len() + 1 + parts[2].len();
    let lengths: BTreeMap<usize, usize> = (23_900..24_400)
        .map(|fill| (with_signature(&padded(fill)), fill))
        .collect();
    let largest = lengths.range(..=MAX_TOKEN).next_back().unwrap();
    let next = lengths.range(MAX_TOKEN + 1..).next().unwrap();
    assert!(largest.0 + 2 > MAX_TOKEN, "{largest:?}");
    cases.push(case(signed(&padded(*largest.1)), None));
    cases.push(case(signed(&padded(*next.1)), "the limit is 32768"));
    cases.push(case(signed(&padded(1 << 20)), "the limit is 32768"));
    cases
}
