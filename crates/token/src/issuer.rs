//! Whose tokens are accepted: one issuer, compared as exact text.

use std::fmt;

use url::Url;

const GITHUB_COM: &str = "https://token.actions.githubusercontent.com";

/// An issuer of OIDC tokens for Actions, in one of GitHub's forms. Its text is what a token's `iss`
/// has to be, to the letter, and its keys are on its own origin, so that no token can name another place.
///
/// Source: docs.github.com, "OpenID Connect reference"; GHES admin guide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    text: String,
    /// The length of the part before `/ENTERPRISE`.
    base: usize,
}

impl Issuer {
    /// The issuer of a server (`GITHUB_SERVER_URL`): github.com, a ghe.com tenant, or a GHES host.
    pub fn of_server(server: &Url) -> Self {
        let host = server.host_str().unwrap_or_default();
        let text = if host == "github.com" {
            GITHUB_COM.to_owned()
        } else if host.ends_with(".ghe.com") {
            format!("https://token.actions.{host}")
        } else {
            let origin = server.origin().ascii_serialization();
            format!("{origin}/_services/token")
        };
        Self {
            base: text.len(),
            text,
        }
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
        if !is_protected(&url) || !slug_ok {
            return Err(wrong());
        }
        Ok(Self {
            base: text.len() - slug.len(),
            text: text.to_owned(),
        })
    }

    /// The text of `iss`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where its keys are, if that is known: an issuer with an enterprise slug says it by discovery.
    pub fn keys_url(&self) -> Option<String> {
        let has_slug = self.base < self.text.len();
        (!has_slug).then(|| format!("{}/.well-known/jwks", self.text))
    }

    /// Where its discovery document is.
    pub fn discovery_url(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.text)
    }

    /// The issuer that a text names, if it differs from this one in the enterprise slug alone.
    pub fn sibling(&self, text: &str) -> Option<Self> {
        let other = Self::parse(text).ok()?;
        let is_sibling = other.text.get(..other.base) == self.text.get(..self.base);
        is_sibling.then_some(other)
    }
}

fn is_slug(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Whether what is sent to a URL is safe from the network: HTTPS, or this machine (a local GitHub in
/// tests; nothing leaves the machine).
pub fn is_protected(url: &Url) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => is_loopback(url),
        _ => false,
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
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
    fn siblings_differ_in_their_slug_alone() {
        let ghes = "https://ghes.example.com/_services/token";
        let tenant = "https://token.actions.acme.ghe.com";
        for base in [GITHUB_COM, ghes, tenant] {
            let (plain, slug) = (base.to_owned(), format!("{base}/acme"));
            for (one, other) in [(&plain, &slug), (&slug, &plain), (&slug, &slug)] {
                let sibling = Issuer::parse(one).unwrap().sibling(other).unwrap();
                assert_eq!(sibling.as_str(), other);
            }
            assert_eq!(
                Issuer::parse(&plain).unwrap().keys_url(),
                Some(format!("{base}/.well-known/jwks"))
            );
            assert_eq!(Issuer::parse(&slug).unwrap().keys_url(), None);
        }
        for other in [
            ghes,
            tenant,
            "https://token.actions.githubusercontent.com.evil.example/_services/token",
            "https://evil.example/_services/token",
            "https://token.actions.githubusercontent.com/a/b",
            "evil",
        ] {
            assert_eq!(Issuer::parse(GITHUB_COM).unwrap().sibling(other), None);
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
