//! Claims of another issuer, service or time.

use serde_json::{Value, json};

use super::{Case, ISSUER, NOW, case, honest, with_claim};

/// Other spellings of the public issuer and of an enterprise's own.
pub fn issuers() -> Vec<Case> {
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

pub fn audiences() -> Vec<Case> {
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

/// Times around the leeway, and values that are not times.
pub fn times() -> Vec<Case> {
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
    // Verification assumes no lifetime.
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
