//! Takes the bearer token from a request.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::answer::Answer;
use token::MAX_TOKEN;

/// Returns the token of the one `Authorization` header.
///
/// Two headers, or two credentials in one, mean that proxy and upstream may look at different ones.
///
/// # Errors
/// There is no bearer token, or not exactly one.
pub fn token(headers: &HeaderMap) -> Result<&str, Answer> {
    let invalid = |message: &str| Answer::TokenInvalid(message.to_owned());
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Err(Answer::NoToken);
    };
    if values.next().is_some() {
        return Err(invalid(
            "the request has more than one `Authorization` header",
        ));
    }
    let value = value.as_bytes();
    let value = std::str::from_utf8(value)
        .ok()
        .filter(|text| text.is_ascii());
    let Some(value) = value else {
        return Err(invalid("the `Authorization` header is not ASCII"));
    };
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    if value.contains(',') {
        return Err(invalid(
            "the `Authorization` header has more than one credential",
        ));
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Answer::NoToken);
    }
    checked(rest.trim_start_matches(' '))
}

/// Returns a token that has the size and the characters of one (RFC 6750, section 2.1: `b64token`).
///
/// # Errors
/// It has not.
pub fn checked(token: &str) -> Result<&str, Answer> {
    let is_token_character = |byte| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=');
    // Without an early end, the compiler compares many characters at once.
    let are_all = token
        .bytes()
        .fold(true, |are_all, byte| are_all & is_token_character(byte));
    if token.is_empty() || !are_all {
        let message = "the token is empty, or has characters that no bearer token has";
        return Err(Answer::TokenInvalid(message.to_owned()));
    }
    if token.len() > MAX_TOKEN {
        return Err(Answer::TokenInvalid(format!(
            "the token has {} bytes, the limit is {MAX_TOKEN}",
            token.len()
        )));
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(values: &[&str]) -> Result<String, Answer> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        token(&headers).map(str::to_owned)
    }

    #[test]
    fn exactly_one_bearer_token_counts() {
        let longest = "a".repeat(MAX_TOKEN);
        for value in ["Bearer a.b-c_d", "bearer a.b-c_d", "BEARER   a.b-c_d"] {
            assert_eq!(of(&[value]).unwrap(), "a.b-c_d");
        }
        assert_eq!(of(&[&format!("Bearer {longest}")]).unwrap(), longest);
        for values in [
            &[][..],
            &["Basic YTpi"],
            &["Digest x"],
            &["Bearerx y"],
            &[""],
        ] {
            assert_eq!(of(values), Err(Answer::NoToken), "{values:?}");
        }
        let too_long = format!("Bearer {longest}a");
        for values in [
            &["Bearer"][..],
            &["Bearer "],
            &["Bearer a b"],
            &["Bearer a,Bearer b"],
            &["Bearer a, Basic YTpi"],
            &["Basic YTpi, Bearer a"],
            &["Bearer \"a\""],
            &["Bearer a;b"],
            &["Bearer a\t"],
            &["Bearer a", "Bearer b"],
            &["Bearer a", "Bearer a"],
            &["Bearer a", "Basic YTpi"],
            &["Basic YTpi", "Bearer a"],
            &[&too_long],
        ] {
            let seen = of(values);
            assert!(
                matches!(seen, Err(Answer::TokenInvalid(_))),
                "{values:?}: {seen:?}"
            );
        }
    }
}
