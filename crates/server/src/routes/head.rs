//! The original request, as the proxy describes it.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue};

use super::path;

/// Family of headers in which the proxy describes the original request. The others are refused, because a client can
/// send them through a proxy that sets only its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `X-Forwarded-Method`, `X-Forwarded-Uri`, `X-Forwarded-Host`.
    Forwarded,
    /// `X-Original-Method`, `X-Original-URI`, `X-Original-Host`.
    Original,
    /// The request itself, below a prefix of the path.
    Request,
}

/// A request as the upstream would get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginalRequest<'h> {
    /// Method.
    pub method: &'h str,
    /// Host in lower case, without a port.
    pub host: String,
    /// Unambiguous path, without the query.
    pub path: &'h str,
}

/// Why a request is refused.
pub type Refusal = Cow<'static, str>;

/// Beginnings of the headers that describe an original request to some program; `_` counts as `-`, because many
/// programs make no difference.
const FORWARDING: [&str; 4] = ["x-forwarded", "x-original", "x-rewrite", "forwarded"];
/// Forwarding headers that name neither method nor host nor path. Traefik sets all of them, load balancers most.
const IGNORED: [&str; 4] = [
    "x-forwarded-for",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-forwarded-server",
];
/// Headers that change the method for some upstreams.
const OVERRIDES: [&str; 3] = [
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
];

impl Family {
    /// Returns the name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forwarded => "x-forwarded",
            Self::Original => "x-original",
            Self::Request => "request",
        }
    }

    /// Returns the headers for method, path and host.
    fn headers(self) -> [&'static str; 3] {
        match self {
            Self::Forwarded => ["x-forwarded-method", "x-forwarded-uri", "x-forwarded-host"],
            Self::Original => ["x-original-method", "x-original-uri", "x-original-host"],
            Self::Request => ["", "", ""],
        }
    }
}

impl<'h> OriginalRequest<'h> {
    /// Takes the original request from headers.
    ///
    /// # Errors
    /// A header is missing, twice there or of another family, or the path is ambiguous.
    pub fn of_headers(family: Family, headers: &'h HeaderMap) -> Result<Self, Refusal> {
        let named = family.headers();
        refuse_others(headers, &named)?;
        let [method, uri, host] = named.map(|name| only(headers, name));
        Self::new(method?, host?, uri?)
    }

    /// Takes the original request from a request with its own method, host and path.
    ///
    /// # Errors
    /// `Host` is missing or twice there, a header describes another request, or the path is ambiguous.
    pub fn of_request(
        method: &'h str,
        target: &'h str,
        headers: &'h HeaderMap,
    ) -> Result<Self, Refusal> {
        refuse_others(headers, &[])?;
        Self::new(method, only(headers, "host")?, target)
    }

    fn new(method: &'h str, host: &str, target: &'h str) -> Result<Self, Refusal> {
        if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err("the method is not one of upper-case letters".into());
        }
        let host = without_port(host).ok_or("the host is not a name or an address")?;
        let path = path::unambiguous(target).ok_or(
            "the path could be read in two ways: it needs single slashes and the characters `A-Z a-z 0-9 - . _ ~` only",
        )?;
        Ok(Self { method, host, path })
    }
}

/// Returns the only value of a header.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Result<&'h str, Refusal> {
    let mut values = headers.get_all(name).iter();
    match (values.next().map(HeaderValue::to_str), values.next()) {
        (Some(Ok(value)), None) => Ok(value),
        (None, _) => Err(format!("the header `{name}` is missing").into()),
        (Some(Err(_)), None) => {
            Err(format!("the header `{name}` has characters other than visible ASCII").into())
        }
        _ => Err(format!("the header `{name}` is more than one value").into()),
    }
}

/// Refuses headers that describe the original request and are not those of the family.
fn refuse_others(headers: &HeaderMap, named: &[&str]) -> Result<(), Refusal> {
    for name in headers.keys() {
        let name = name.as_str();
        let alias = name.replace('_', "-");
        let is_forwarding = FORWARDING.iter().any(|start| alias.starts_with(start));
        if is_forwarding && !named.contains(&name) && !IGNORED.contains(&alias.as_str()) {
            return Err(format!("the header `{name}` describes another request").into());
        }
        if OVERRIDES.contains(&alias.as_str()) {
            return Err(format!("the header `{name}` would change the method").into());
        }
    }
    Ok(())
}

/// Returns a host in lower case, without its port.
pub fn without_port(host: &str) -> Option<String> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            let is_address = |byte: u8| byte.is_ascii_hexdigit() || b":.".contains(&byte);
            if address.is_empty() || !address.bytes().all(is_address) {
                return None;
            }
            (host.get(..address.len() + 2)?, port)
        }
        None => {
            let (name, port) = host.split_at(host.find(':').unwrap_or(host.len()));
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            if name.is_empty() || !name.bytes().all(is_name) {
                return None;
            }
            (name, port)
        }
    };
    let is_port = match port.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_digit()),
        None => port.is_empty(),
    };
    is_port.then(|| name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    const FORWARDED: [(&str, &str); 3] = [
        ("x-forwarded-method", "POST"),
        ("x-forwarded-uri", "/a?b"),
        ("x-forwarded-host", "API.example:8443"),
    ];
    const ORIGINAL: [(&str, &str); 3] = [
        ("x-original-method", "POST"),
        ("x-original-uri", "/a?b"),
        ("x-original-host", "api.example"),
    ];

    #[test]
    fn one_family_describes_the_request() {
        let expected = OriginalRequest {
            method: "POST",
            host: "api.example".to_owned(),
            path: "/a",
        };
        for (family, given, other) in [
            (Family::Forwarded, FORWARDED, ORIGINAL),
            (Family::Original, ORIGINAL, FORWARDED),
        ] {
            let of = |pairs: &[(&str, &str)]| {
                let headers = headers(pairs);
                OriginalRequest::of_headers(family, &headers).map(|request| request == expected)
            };
            assert_eq!(of(&given), Ok(true));
            let ignored = [
                ("x-forwarded-for", "a"),
                ("x-forwarded-for", "b"),
                ("x-forwarded-proto", "c"),
                ("x-forwarded-port", "443"),
                ("x-forwarded-server", "d"),
            ];
            assert_eq!(of(&[&given[..], &ignored].concat()), Ok(true));
            for (index, foreign) in other.into_iter().enumerate() {
                let mut without = given.to_vec();
                let header = without.remove(index);
                assert!(of(&without).is_err(), "without {header:?}");
                // No other family stands in.
                without.push(foreign);
                assert!(of(&without).is_err(), "{foreign:?} for {header:?}");
                let twice = [&given[..], &[header]].concat();
                assert!(of(&twice).is_err(), "{header:?} twice");
                let both = [&given[..], &[foreign]].concat();
                assert!(of(&both).is_err(), "{foreign:?} as well");
                let alias = (&*header.0.replace('-', "_"), header.1);
                let aliased = [&given[..], &[alias]].concat();
                assert!(of(&aliased).is_err(), "{alias:?} as well");
            }
            for name in [
                "x-forwarded-prefix",
                "x-forwarded-path",
                "x-forwarded-port-uri",
                "x-forwarded",
                "forwarded",
                "x-original-url",
                "x-rewrite-url",
                "x_forwarded_uri",
                "x-http-method-override",
                "x_http_method_override",
                "x-method-override",
                "x-http-method",
            ] {
                let more = [&given[..], &[(name, "x")]].concat();
                assert!(of(&more).is_err(), "{name}");
                assert!(
                    OriginalRequest::of_request(
                        "GET",
                        "/a",
                        &headers(&[("host", "a"), (name, "x")])
                    )
                    .is_err()
                );
            }
        }
    }

    #[test]
    fn hosts_and_methods() {
        let of = |method, host| {
            let headers = headers(&[("host", host)]);
            OriginalRequest::of_request(method, "/", &headers).map(|request| request.host)
        };
        for (host, expected) in [
            ("A.example", "a.example"),
            ("a.example:80", "a.example"),
            ("a.example:", "a.example"),
            ("127.0.0.1:9", "127.0.0.1"),
            ("[::1]:9", "[::1]"),
            ("[::1]", "[::1]"),
        ] {
            assert_eq!(of("GET", host).as_deref(), Ok(expected));
        }
        for host in [
            "",
            ":80",
            "a b",
            "a/b",
            "a@b",
            "a:b",
            "a:80:80",
            "a,b",
            "[::1",
            "[]",
            "[a]b",
            "a.example:80x",
            "http://a",
            "a\\b",
            "a%2e",
            "a?b",
            "a#b",
        ] {
            assert!(of("GET", host).is_err(), "{host}");
        }
        for method in ["", "get", "Get", "GET ", "GET,POST", "X-Y"] {
            assert!(of(method, "a").is_err(), "{method}");
        }
        let twice = headers(&[("host", "a"), ("host", "b")]);
        assert!(OriginalRequest::of_request("GET", "/", &twice).is_err());
    }
}
