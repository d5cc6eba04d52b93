//! Signatures with another algorithm or another key.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding,
};
use serde_json::{Value, json};

use super::{
    Case, attacker, base64, case, claims, header, honest, jwk, message, ours, rsa, signed, with,
    with_header,
};

/// Algorithms other than RS256, named in the header or hidden behind `RS256`.
pub fn algorithms() -> Vec<Case> {
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
    // The public key, in each published form, as the secret of a MAC.
    let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(ours().public_key());
    let pkcs1 = ours().public_key().as_ref().to_vec();
    let spki = spki(&pkcs1);
    let pem = |label: &str, der: &[u8]| {
        let text = STANDARD.encode(der);
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

/// Wraps a PKCS#1 key in a `SubjectPublicKeyInfo`, as certificates do (RFC 3279).
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

/// Header members that ask for something.
pub fn headers() -> Vec<Case> {
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
    // Verification ignores keys, and URLs of keys, in the token itself.
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
    // RFC 7797: claims that are not base64-encoded.
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
    cases.push(case(signed(&text), "unsupported extension"));
    cases
}

/// Key sets with other keys under the token's `kid`.
pub fn key_sets() -> Vec<Case> {
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
        // Leading zeros do not make a key longer.
        (
            one("n", n_of(&[&[0; 128][..], &odd(128)].concat())),
            Some("1024 bits"),
        ),
        (
            one("n", n_of(&[&[0][..], &odd(256)].concat())),
            Some("starts with a zero byte"),
        ),
        (one("n", n_of(&[0xfe; 256])), Some("is even")),
        (
            one("n", n_of(&odd(1025))),
            Some("8200 bits, expected 2048 to 8192"),
        ),
        (one("n", n_of(&odd(8192))), Some("65536 bits")),
        (one("n", n_of(&odd(256))), Some("signature")),
        (one("e", Value::Null), Some("not for RS256")),
        (
            one("e", n_of(&[])),
            Some("its exponent is not an odd number"),
        ),
        (
            one("e", n_of(&[0])),
            Some("its exponent is not an odd number"),
        ),
        (
            one("e", n_of(&[1])),
            Some("its exponent is not an odd number"),
        ),
        (
            one("e", n_of(&[2])),
            Some("its exponent is not an odd number"),
        ),
        (
            one("e", n_of(&[0xff; 5])),
            Some("its exponent is not an odd number"),
        ),
        (
            one("e", n_of(&[0xff; 256])),
            Some("its exponent is not an odd number"),
        ),
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
