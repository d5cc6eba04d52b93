//! The one issuer whose tokens are valid, compared as exact text.

use std::fmt;

use url::Url;

const GITHUB_COM: &str = "https://token.actions.githubusercontent.com";

/// An issuer of OIDC tokens for Actions, in one of GitHub's forms. A token's `iss` must equal its text, and
/// its keys are on its own origin, so that no token can lead to other keys.
///
/// Source: docs.github.com, "OpenID Connect reference"; GHES admin guide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    text: String,
    /// The length of the part before `/ENTERPRISE`.
    base: usize,
}

/// A text that is none of the forms of an issuer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an issuer of GitHub Actions: expected `{GITHUB_COM}`, \
     `https://token.actions.TENANT.ghe.com` or `https://HOST/_services/token`, \
     followed by `/ENTERPRISE` if the enterprise has its own issuer"
)]
pub struct InvalidIssuer(String);

impl Issuer {
    /// Returns the issuer of a server (`GITHUB_SERVER_URL`): github.com, a ghe.com tenant, or a GHES host.
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

    /// Parses the input `issuer`: one of the three forms, with at most one enterprise slug.
    ///
    /// # Errors
    /// The text has another form.
    pub fn parse(text: &str) -> Result<Self, InvalidIssuer> {
        let invalid = || InvalidIssuer(text.to_owned());
        let url = Url::parse(text).map_err(|_| invalid())?;
        let origin = url.origin().ascii_serialization();
        let rest = text.strip_prefix(origin.as_str()).ok_or_else(invalid)?;
        let host = url.host_str().unwrap_or_default();
        let tenant = host
            .strip_prefix("token.actions.")
            .and_then(|host| host.strip_suffix(".ghe.com"));
        let slug = if origin == GITHUB_COM || tenant.is_some_and(is_slug) {
            rest
        } else {
            rest.strip_prefix("/_services/token").ok_or_else(invalid)?
        };
        let slug_ok = slug.is_empty() || slug.strip_prefix('/').is_some_and(is_slug);
        if !is_https_or_loopback(&url) || !slug_ok {
            return Err(invalid());
        }
        Ok(Self {
            base: text.len() - slug.len(),
            text: text.to_owned(),
        })
    }

    /// Returns the URL of the server whose jobs have this issuer, without a final slash: the inverse of
    /// [`Issuer::of_server`].
    pub fn server(&self) -> String {
        let base = self.text.get(..self.base).unwrap_or_default();
        if base == GITHUB_COM {
            "https://github.com".to_owned()
        } else if let Some(host) = base.strip_prefix("https://token.actions.") {
            format!("https://{host}")
        } else {
            base.strip_suffix("/_services/token")
                .unwrap_or(base)
                .to_owned()
        }
    }

    /// Returns the URL of that server's REST API, as in `GITHUB_API_URL`.
    pub fn api_url(&self) -> String {
        let server = self.server();
        match server.strip_prefix("https://") {
            Some("github.com") => "https://api.github.com".to_owned(),
            Some(host) if host.ends_with(".ghe.com") => format!("https://api.{host}"),
            _ => format!("{server}/api/v3"),
        }
    }

    /// Returns the text of `iss`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the URL of the keys, or `None` for an issuer with an enterprise slug, whose discovery document
    /// names it.
    pub fn keys_url(&self) -> Option<String> {
        let has_slug = self.base < self.text.len();
        (!has_slug).then(|| format!("{}/.well-known/jwks", self.text))
    }

    /// Returns the URL of the discovery document.
    pub fn discovery_url(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.text)
    }

    /// Parses an issuer and returns it if it differs from this one in the enterprise slug only.
    pub fn sibling(&self, text: &str) -> Option<Self> {
        let other = Self::parse(text).ok()?;
        let is_sibling = other.text.get(..other.base) == self.text.get(..self.base);
        is_sibling.then_some(other)
    }
}

fn is_slug(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Parses a URL that a person wrote: `SCHEME://HOST`, and what follows. [`Url::parse`] also takes `https:HOST`,
/// `https:/HOST`, `https:\\HOST`, white space and line breaks, as browsers do, so that its host need not be what a
/// reader sees.
pub fn written_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let authority = text.get(url.scheme().len()..)?.strip_prefix("://")?;
    let is_other = |c: char| c == '\\' || c.is_whitespace() || c.is_control();
    (!authority.starts_with('/') && !text.contains(is_other)).then_some(url)
}

/// Returns whether the network cannot read requests to a URL: HTTPS, or loopback (a local GitHub in tests).
pub fn is_https_or_loopback(url: &Url) -> bool {
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
    fn a_url_names_its_host_as_it_is_written() {
        for (text, host) in [
            ("https://ghes.example/api/v3", Some("ghes.example")),
            ("HTTPS://GHES.example:8443?a#b", Some("ghes.example")),
            ("http://[::1]:80/", Some("[::1]")),
            ("https:ghes.example", None),
            ("https:/ghes.example/api", None),
            ("https:'/ghes.example/api", None),
            ("https:///ghes.example", None),
            ("https:\\\\ghes.example", None),
            ("https:/\\ghes.example", None),
            ("https://ghes.example\\@evil.example", None),
            ("https://ghes.exa\nmple", None),
            ("https://ghes.exa\tmple", None),
            (" https://ghes.example", None),
            ("https://ghes.example\u{a0}", None),
            ("mailto:a@ghes.example", None),
            ("ghes.example", None),
            ("https://", None),
            ("", None),
        ] {
            let url = written_url(text);
            let seen = url.as_ref().and_then(Url::host_str);
            assert_eq!(seen, host, "{text:?}");
        }
    }

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
            assert_eq!(made.server(), server.trim_end_matches('/'));
            let slug = Issuer::parse(&format!("{issuer}/acme")).unwrap();
            assert_eq!(slug.server(), server.trim_end_matches('/'));
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
