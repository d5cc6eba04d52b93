//! Ambiguous, truncated and modified texts.

#![expect(clippy::string_slice, reason = "tokens and these texts are ASCII")]

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use ring::signature::RSA_PKCS1_SHA256;
use serde_json::json;

use super::super::MAX_TOKEN;
use super::{
    Case, NOW, attacker, base64, case, claims, header, honest, message, rsa, signed, with,
};

/// Headers and claims that two JSON parsers could read differently.
pub fn json_texts() -> Vec<Case> {
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
    // Duplicate members, before and after the original, with another or the same value.
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

/// Other encodings of the same bytes: a valid token has exactly one text.
pub fn encodings() -> Vec<Case> {
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
    // These are signed in that encoding, so that only the encoding is invalid.
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
    // The last bits of the signature: 256 bytes leave four unused.
    let (head, signature) = token.rsplit_once('.').unwrap();
    let other = last_bits(signature);
    assert_ne!(other, signature);
    cases.push(case(format!("{head}.{other}"), "base64url"));
    // Base64's standard alphabet.
    let standard = signature.replace('-', "+").replace('_', "/");
    assert_ne!(standard, signature);
    cases.push(case(format!("{head}.{standard}"), "base64url"));
    cases
}

/// Changes the unused bits of the last character.
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

/// Truncated, concatenated and oversized tokens, and tokens with one changed character.
pub fn sizes() -> Vec<Case> {
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
        // JWS as JSON (RFC 7515, section 7.2), which some libraries accept as a token.
        json!({"protected": parts[0], "payload": parts[1], "signature": parts[2]}).to_string(),
        "x".repeat(MAX_TOKEN),
        ".".repeat(MAX_TOKEN),
    ] {
        cases.push(case(broken, "the OIDC token"));
    }
    // Exactly the limit is valid; one byte more is not.
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
