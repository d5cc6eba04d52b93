//! Selects the proxy for a URL.

use std::net::{IpAddr, Ipv6Addr};

use hyper_util::client::proxy::matcher::Matcher;
use url::{Host, Url};

use super::{InvalidNetwork, host_of};

/// The proxies of a client.
#[derive(Debug)]
pub(super) struct Proxies {
    /// For `https://` URLs.
    https: Option<Url>,
    /// For `http://` URLs.
    http: Option<Url>,
    /// Matches all hosts that `NO_PROXY` does not name.
    not_excepted: Matcher,
}

impl Proxies {
    /// Parses the values of `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.
    ///
    /// # Errors
    /// A proxy is not a URL.
    pub(super) fn read(
        https: Option<&str>,
        http: Option<&str>,
        no_proxy: Option<&str>,
    ) -> Result<Self, InvalidNetwork> {
        let not_excepted = Matcher::builder()
            .all("http://any.invalid")
            .no(no_proxy.unwrap_or_default())
            .build();
        Ok(Self {
            https: proxy("HTTPS_PROXY", https)?,
            http: proxy("HTTP_PROXY", http)?,
            not_excepted,
        })
    }

    /// Returns the proxy for a URL. Loopback never has one, whatever the variables say: its requests may be
    /// unencrypted, and must not leave the machine.
    pub(super) fn of(&self, url: &Url) -> Option<&Url> {
        if is_this_machine(url) {
            return None;
        }
        let proxy = match url.scheme() {
            "https" => &self.https,
            _ => &self.http,
        };
        let uri: http::Uri = url.as_str().parse().ok()?;
        let is_proxied = self.not_excepted.intercept(&uri).is_some();
        proxy.as_ref().filter(|_| is_proxied)
    }

    /// Returns the host of a URL and the proxy in front of it, without its credentials, for messages.
    pub(super) fn host_and_proxy(&self, url: &Url) -> String {
        let host = host_of(url);
        match self.of(url) {
            Some(proxy) => format!("{host} through the proxy {}", host_of(proxy)),
            None => host,
        }
    }
}

fn proxy(variable: &'static str, value: Option<&str>) -> Result<Option<Url>, InvalidNetwork> {
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let value = match value.contains("://") {
        true => value.to_owned(),
        false => format!("http://{value}"),
    };
    let url = Url::parse(&value)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    // Without the value, which can contain a password.
    url.map(Some).ok_or(InvalidNetwork::Proxy(variable))
}

/// Returns whether a URL names the machine that this program runs on.
///
/// Source: RFC 6761, section 6.3, for the names.
fn is_this_machine(url: &Url) -> bool {
    let is_loopback = |address: Ipv6Addr| match address.to_ipv4() {
        // A mapped or compatible address. `::1` looks like the latter.
        Some(mapped) if !address.is_loopback() => mapped.is_loopback(),
        _ => address.is_loopback(),
    };
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => is_loopback(address),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(proxies: &Proxies, url: &str) -> Option<String> {
        let url = Url::parse(url).unwrap();
        proxies.of(&url).map(ToString::to_string)
    }

    #[test]
    fn this_machine_is_reached_directly() {
        let proxy = Some("http://proxy.example:3128");
        let proxies = Proxies::read(proxy, proxy, None).unwrap();
        for host in [
            "localhost",
            "LOCALHOST",
            "localhost.",
            "a.b.localhost",
            "127.0.0.1",
            "127.255.3.4",
            "127.1",
            "0x7f000001",
            "2130706433",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:5]",
            "[::127.0.0.1]",
        ] {
            for scheme in ["http", "https"] {
                assert_eq!(of(&proxies, &format!("{scheme}://{host}:8080/x")), None);
            }
        }
        for host in [
            "localhost.example",
            "notlocalhost",
            "128.0.0.1",
            "10.0.0.1",
            "[::2]",
            "[::ffff:10.0.0.1]",
            "[2001:db8::1]",
            "127.0.0.1.example",
        ] {
            let url = of(&proxies, &format!("http://{host}/"));
            assert_eq!(url.as_deref(), Some("http://proxy.example:3128/"), "{host}");
        }
    }

    #[test]
    fn variables_say_which_proxy() {
        let (https, http) = ("http://user:secret@one.example:1", "two.example:2");
        let no_proxy = Some("direct.example, 10.0.0.0/8");
        let proxies = Proxies::read(Some(https), Some(http), no_proxy).unwrap();
        let way = |url: &str| proxies.host_and_proxy(&Url::parse(url).unwrap());
        assert_eq!(
            way("https://api.github.com/x"),
            "api.github.com through the proxy one.example:1"
        );
        assert_eq!(
            way("http://api.github.com:8080/x"),
            "api.github.com:8080 through the proxy two.example:2"
        );
        for direct in [
            "direct.example",
            "a.direct.example",
            "10.1.2.3",
            "localhost",
        ] {
            assert_eq!(way(&format!("https://{direct}/x")), direct);
        }
        let none = Proxies::read(None, Some(""), Some("*")).unwrap();
        assert_eq!(of(&none, "http://api.github.com"), None);
        for wrong in ["http://", "socks5://a.example:1", "a b", "://"] {
            let error = Proxies::read(Some(wrong), None, None).unwrap_err();
            assert_eq!(error, InvalidNetwork::Proxy("HTTPS_PROXY"));
        }
    }
}
