//! Whose tokens are accepted: one issuer, compared as exact text.

use std::fmt;

use url::Url;

use crate::http::is_protected;

const GITHUB_COM: &str = "https://token.actions.githubusercontent.com";

/// An issuer of OIDC tokens for Actions, in one of GitHub's forms. Its text is what a token's `iss`
/// has to be, to the letter, and its keys are under that URL, so no discovery is needed and no token
/// can name another place.
///
/// Source: docs.github.com, "OpenID Connect reference"; GHES admin guide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer(String);

impl Issuer {
    /// The issuer of a server (`GITHUB_SERVER_URL`): github.com, a ghe.com tenant, or a GHES host.
    pub fn of_server(server: &Url) -> Self {
        let host = server.host_str().unwrap_or_default();
        if host == "github.com" {
            return Self(GITHUB_COM.to_owned());
        }
        if host.ends_with(".ghe.com") {
            return Self(format!("https://token.actions.{host}"));
        }
        Self(format!(
            "{}/_services/token",
            server.origin().ascii_serialization()
        ))
    }

    /// Reads the input `issuer`: one of the three forms, with one enterprise slug at most.
    ///
    /// # Errors
    /// What is expected, as a sentence for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is not an issuer of GitHub Actions: expected `{GITHUB_COM}`, \
                 `https://token.actions.TENANT.ghe.com` or `https://HOST/_services/token`, \
                 with `/ENTERPRISE` after it where the enterprise has its own"
            )
        };
        let url = Url::parse(text).map_err(|_| wrong())?;
        let origin = url.origin().ascii_serialization();
        let rest = text.strip_prefix(origin.as_str()).ok_or_else(wrong)?;
        let host = url.host_str().unwrap_or_default();
        let tenant = host
            .strip_prefix("token.actions.")
            .and_then(|host| host.strip_suffix(".ghe.com"));
        let slug = if origin == GITHUB_COM || tenant.is_some_and(is_slug) {
            rest
        } else {
            rest.strip_prefix("/_services/token").ok_or_else(wrong)?
        };
        let slug_ok = slug.is_empty() || slug.strip_prefix('/').is_some_and(is_slug);
        (is_protected(&url) && slug_ok)
            .then(|| Self(text.to_owned()))
            .ok_or_else(wrong)
    }

    /// The text of `iss`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where its keys are: on the issuer's own host.
    pub fn keys_url(&self) -> String {
        format!("{}/.well-known/jwks", self.0)
    }
}

fn is_slug(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_issuer_of_a_server() {
        for (server, issuer) in [
            ("https://github.com", GITHUB_COM),
            (
                "https://acme.ghe.com/",
                "https://token.actions.acme.ghe.com",
            ),
            (
                "https://ghes.example.com",
                "https://ghes.example.com/_services/token",
            ),
            (
                "https://ghes.example.com:8443/",
                "https://ghes.example.com:8443/_services/token",
            ),
            (
                "http://127.0.0.1:4000",
                "http://127.0.0.1:4000/_services/token",
            ),
            (
                "https://github.com.evil.example",
                "https://github.com.evil.example/_services/token",
            ),
        ] {
            let made = Issuer::of_server(&Url::parse(server).unwrap());
            assert_eq!(made.as_str(), issuer);
            assert_eq!(Issuer::parse(issuer).unwrap(), made);
        }
    }

    #[test]
    fn issuer_spoofs_are_refused() {
        for text in [
            "https://token.actions.githubusercontent.com/acme-1",
            "https://token.actions.acme.ghe.com/acme",
            "https://ghes.example.com/_services/token/acme",
            "http://localhost:1/_services/token",
        ] {
            assert_eq!(Issuer::parse(text).unwrap().as_str(), text);
        }
        for text in [
            "",
            "github.com",
            "http://token.actions.githubusercontent.com",
            "http://ghes.example.com/_services/token",
            "https://token.actions.githubusercontent.com/",
            "https://token.actions.githubusercontent.com/a/b",
            "https://token.actions.githubusercontent.com/a%2fb",
            "https://token.actions.githubusercontent.com.evil.example",
            "https://token.actions.githubusercontent.com@evil.example",
            "https://token.actions.githubusercontent.com:443",
            "https://token.actions.githubusercontent.com?x",
            "https://token.actions.githubusercontent.com/#x",
            "https://TOKEN.actions.githubusercontent.com",
            "https://token.actions.a.b.ghe.com",
            "https://user@ghes.example.com/_services/token",
            "https://ghes.example.com/_services/token/../x",
            "https://ghes.example.com/_services/tokens",
            "https://ghes.example.com",
            "https://\u{0261}ithub.com/_services/token",
            "javascript:alert(1)",
        ] {
            assert!(Issuer::parse(text).is_err(), "{text}");
        }
    }
}
