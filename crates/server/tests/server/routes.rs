//! The shared endpoints: attacks A43, A44 and A54 where text of the client decides which permission is needed.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::support::http::{Answer, read_answer};
use crate::support::{DEPLOY, POLICY, Stage, bearer};

/// A table in which one path needs what the job has, and the others what it lacks.
fn routes(headers: &str) -> String {
    format!(
        "routes:\n  headers: {headers}\n  table:\n    \
         - {{ method: [POST, PUT], host: api.example, path: '/deployments/{{id}}', permission: ws:deployments:create }}\n    \
         - {{ method: [DELETE], host: api.example, path: '/deployments/{{id}}', permission: ws:deployments:delete }}\n    \
         - {{ method: [POST], host: api.example, path: /admin, permission: ws:admin:write }}\n"
    )
}

struct Shared {
    stage: Stage,
    token: String,
    family: &'static str,
}

impl Shared {
    fn new(family: &'static str) -> Self {
        let stage = Stage::with(POLICY, &routes(family));
        let token = stage.token(&stage.deploy());
        Self {
            stage,
            token,
            family,
        }
    }

    /// Describes a request as a proxy of the family does, with more headers of the client.
    fn ask(&self, method: &str, host: &str, path: &str, more: &[&str]) -> Answer {
        let more = more.iter().map(|header| (*header).to_owned());
        let token = std::iter::once(bearer(&self.token));
        if self.family == "request" {
            let mut request = format!(
                "{method} /v1/ext-authz{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
            );
            for header in token.chain(more) {
                request += &format!("{header}\r\n");
            }
            request += "\r\n";
            return crate::support::http::exchange(&self.stage.server.address, request.as_bytes());
        }
        let start = match self.family {
            "x-forwarded" => "X-Forwarded",
            _ => "X-Original",
        };
        let own = [
            format!("{start}-Method: {method}"),
            format!("{start}-Host: {host}"),
            format!("{start}-Uri: {path}"),
        ];
        let headers: Vec<_> = own.into_iter().chain(token).chain(more).collect();
        self.stage.server.send("GET", "/v1/forward-auth", &headers)
    }
}

const FAMILIES: [&str; 3] = ["x-forwarded", "x-original", "request"];

#[test]
fn a_route_names_the_permission() {
    for family in FAMILIES {
        let shared = Shared::new(family);
        for (method, host, path, status, reason) in [
            ("POST", "api.example", "/deployments/7", 200, "granted"),
            (
                "PUT",
                "API.example:8443",
                "/deployments/7?x=/../admin",
                200,
                "granted",
            ),
            (
                "DELETE",
                "api.example",
                "/deployments/7",
                403,
                "permission_not_granted",
            ),
            (
                "POST",
                "api.example",
                "/admin",
                403,
                "permission_not_granted",
            ),
            ("GET", "api.example", "/deployments/7", 403, "input_invalid"),
            (
                "POST",
                "other.example",
                "/deployments/7",
                403,
                "input_invalid",
            ),
            (
                "POST",
                "api.example.",
                "/deployments/7",
                403,
                "input_invalid",
            ),
            (
                "POST",
                "api.example",
                "/deployments/7/",
                403,
                "input_invalid",
            ),
            ("POST", "api.example", "/deployments", 403, "input_invalid"),
            ("POST", "api.example", "/", 403, "input_invalid"),
            (
                "POST",
                "api.example",
                "/Deployments/7",
                403,
                "input_invalid",
            ),
        ] {
            let answer = shared.ask(method, host, path, &[]);
            let seen = (answer.status, answer.reason());
            assert_eq!(seen, (status, reason), "{family}: {method} {host} {path}");
        }
        // The path that names a permission goes on, and the other family is refused.
        assert_eq!(shared.stage.server.ask(DEPLOY, &shared.token).status, 200);
        let other = match family {
            "request" => "/v1/forward-auth",
            _ => "/v1/ext-authz/deployments/7",
        };
        let headers = [bearer(&shared.token)];
        for other in [other, "/v1/forward-auth/"] {
            let answer = shared.stage.server.send("POST", other, &headers);
            let seen = (answer.status, answer.reason());
            assert_eq!(seen, (403, "input_invalid"), "{family}: {other}");
        }
    }
    let without = Stage::new();
    let token = bearer(&without.token(&without.deploy()));
    for target in ["/v1/forward-auth", "/v1/ext-authz/deployments/7"] {
        assert_eq!(
            without
                .server
                .send("POST", target, std::slice::from_ref(&token))
                .status,
            403
        );
    }
}

/// A43: the client sends the headers of another family, an alias, or its own copy of the proxy's.
#[test]
fn a43_forwarded_headers_of_the_client() {
    for family in FAMILIES {
        let shared = Shared::new(family);
        let ask = |more: &[&str]| shared.ask("POST", "api.example", "/deployments/7", more);
        assert_eq!(ask(&[]).status, 200);
        assert_eq!(
            ask(&[
                "X-Forwarded-For: a",
                "X-Forwarded-For: b",
                "X-Forwarded-Proto: https",
                "X-Forwarded-Port: 443",
                "X-Forwarded-Server: proxy-1"
            ])
            .status,
            200
        );
        for name in [
            "X-Forwarded-Uri",
            "X-Forwarded-Method",
            "X-Forwarded-Host",
            "X_Forwarded_Uri",
            "x_forwarded-uri",
            "X-Original-URI",
            "X-Original-Method",
            "X-Original-Host",
            "X_Original_URI",
            "X-Original-URL",
            "X-Rewrite-URL",
            "X_Rewrite_URL",
            "X-Forwarded-Prefix",
            "X-Forwarded-Path",
            "Forwarded",
        ] {
            for value in ["/deployments/7", "POST", "/admin", ""] {
                let header = format!("{name}: {value}");
                let answer = ask(&[&header]);
                let seen = (answer.status, answer.reason());
                assert_eq!(seen, (403, "input_invalid"), "{family}: {header}");
            }
        }
        let host = ask(&["Host: api.example"]);
        let is_refused = host.status == 403 || host.status == 400;
        assert_eq!(is_refused, family == "request", "{host:?}");
        let second = bearer("x.y.z");
        assert_eq!(ask(&[&second]).status, 401);
    }
}

/// A44: paths that proxy, server and upstream could read differently.
#[test]
fn a44_paths_that_are_read_twice() {
    for family in FAMILIES {
        let shared = Shared::new(family);
        for path in [
            "/deployments/../admin",
            "/deployments/./7",
            "/deployments/%2e%2e/admin",
            "/deployments/..%2fadmin",
            "//deployments/7",
            "/deployments//7",
            "/deployments/7//",
            "/deployments/7/..",
            "/deployments/..",
            "/deployments/%37",
            "/deployments/a%2fb",
            "/deployments/a%2Fb",
            "/deployments/a%5cb",
            "/deployments/a\\b",
            "/deployments/..\\admin",
            "/deployments/7#",
            "/deployments/7#/../../admin",
            "/deployments/%23",
            "/deployments/%00",
            "/deployments/7%20",
            "/deployments/%c0%ae%c0%ae",
            "/deployments/%u002e",
            "/deployments/7,8",
            "/deployments/*",
            "/deployments/{id}",
            "/deployments/a:b",
        ] {
            let answer = shared.ask("POST", "api.example", path, &[]);
            // The parser refuses it.
            let expected = if family == "request" && path.contains('#') {
                400
            } else {
                403
            };
            assert_eq!(answer.status, expected, "{family}: {path}: {answer:?}");
        }
        assert_eq!(
            shared
                .ask("POST", "api.example", "/deployments/7", &[])
                .status,
            200
        );
    }
    let shared = Shared::new("request");
    for target in [
        "http://api.example/v1/ext-authz/deployments/7",
        "/v1/ext-authz",
        "/v1/ext-authz-x/deployments/7",
        "/v1/../v1/ext-authz/deployments/7",
        "*",
        "/v1/ext-authz//deployments/7",
    ] {
        let answer = shared
            .stage
            .server
            .send("POST", target, &[bearer(&shared.token)]);
        assert!(
            matches!(answer.status, 400 | 403 | 404),
            "{target}: {answer:?}"
        );
    }
}

/// A54: method overrides, path parameters, double encoding.
#[test]
fn a54_overrides_parameters_and_double_encoding() {
    for family in FAMILIES {
        let shared = Shared::new(family);
        for path in [
            "/deployments/7;v=1",
            "/deployments;/7",
            "/deployments/..;/admin",
            "/deployments/%252e%252e/admin",
            "/deployments/%25",
            "/deployments/a%252fb",
            "/deployments/7;",
            "/;/deployments/7",
        ] {
            let answer = shared.ask("POST", "api.example", path, &[]);
            assert_eq!(
                (answer.status, answer.reason()),
                (403, "input_invalid"),
                "{family}: {path}"
            );
        }
        for header in [
            "X-HTTP-Method-Override: DELETE",
            "X-HTTP-Method: DELETE",
            "X-Method-Override: DELETE",
            "X_HTTP_Method_Override: DELETE",
            "x-http-method-override:",
        ] {
            let answer = shared.ask("POST", "api.example", "/deployments/7", &[header]);
            assert_eq!(
                (answer.status, answer.reason()),
                (403, "input_invalid"),
                "{family}: {header}"
            );
        }
        for method in ["post", "Post", "POST,DELETE"] {
            assert_ne!(
                shared
                    .ask(method, "api.example", "/deployments/7", &[])
                    .status,
                200,
                "{method}"
            );
        }
        assert_eq!(
            shared
                .ask("POST", "api.example", "/deployments/7", &[])
                .status,
            200
        );
    }
}

/// A body that nobody reads must not become the next request of the connection.
#[test]
fn a_body_ends_the_connection() {
    let shared = Shared::new("request");
    let stage = &shared.stage;
    let mut stream = std::net::TcpStream::connect(&stage.server.address).unwrap();
    let next = format!(
        "POST /v1/ext-authz/deployments/7 HTTP/1.1\r\nHost: api.example\r\n{}\r\n\r\n",
        bearer(&shared.token)
    );
    write!(
        stream,
        "POST /v1/ext-authz/admin HTTP/1.1\r\nHost: api.example\r\nContent-Length: {}\r\n{}\r\n\r\n{next}",
        next.len(),
        bearer(&shared.token)
    )
    .unwrap();
    let answer = read_answer(&mut stream);
    assert_eq!(
        (answer.status, answer.header("connection")),
        (403, Some("close"))
    );
    assert_eq!(read_answer(&mut stream).status, 0);
}

/// Mutations of an honest request whose permission the job lacks: none of them is granted.
#[test]
fn mutated_requests_are_granted_nothing() {
    let mut random = 1_u64;
    let mut below = move |limit: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(random >> 33).unwrap() % limit
    };
    let pieces = [
        "/",
        "//",
        "..",
        ".",
        "%2e",
        "%2f",
        "%252f",
        ";",
        "\\",
        "#",
        "?",
        "/../",
        "/admin",
        "/deployments/7",
        "%00",
        "a",
        "/v1/forward-auth/",
        "http://api.example",
    ];
    let headers = [
        "X-Forwarded-Uri: /deployments/7",
        "X_Forwarded_Uri: /deployments/7",
        "X-Original-URI: /deployments/7",
        "X-Forwarded-Method: POST",
        "X-HTTP-Method-Override: POST",
        "X-Rewrite-URL: /deployments/7",
        "Host: api.example",
        "Forwarded: host=api.example",
        "X-Repo-Permissions-Reason: granted",
        "X-Padding: 1",
    ];
    let mut asked = 0;
    for family in FAMILIES {
        let shared = Shared::new(family);
        for _ in 0..250 {
            let mut path = "/admin".to_owned();
            for _ in 0..=below(3) {
                let at = below(path.len() + 1);
                path.insert_str(at, pieces[below(pieces.len())]);
            }
            let more: Vec<_> = (0..below(3))
                .map(|_| headers[below(headers.len())])
                .collect();
            let answer = shared.ask("POST", "api.example", &path, &more);
            asked += 1;
            // A mutation can be an honest request to the other route.
            let is_honest = path.split(['?', '#']).next().is_some_and(|path| {
                path.strip_prefix("/deployments/")
                    .is_some_and(|rest| !rest.contains('/'))
            });
            assert!(
                answer.status != 200 || is_honest,
                "{family}: {path} {more:?}"
            );
        }
    }
    println!("{asked} mutated requests, none granted wrongly");
}

/// A44: a length of zero in an odd form means that there is not a body, so the request behind it is looked at.
#[test]
fn a44_a_fragment_behind_a_body_of_no_length() {
    let shared = Shared::new("request");
    let token = bearer(&shared.token);
    let zeros = "0".repeat(40);
    let blanks = " ".repeat(40);
    for length in [
        "Content-Length: 0".to_owned(),
        format!("Content-Length: {zeros}"),
        format!("Content-Length:{blanks}0"),
        format!("Content-Length: 0{blanks}"),
        "Content-Length: 0\r\nContent-Length: 00".to_owned(),
        "Content-Length: 00\r\nContent-Length: 0".to_owned(),
    ] {
        let asked = |path: &str| {
            let request = format!(
                "POST /v1/ext-authz/deployments/1 HTTP/1.1\r\nHost: api.example\r\n{length}\r\n\r\n\
                 POST /v1/ext-authz/{path} HTTP/1.1\r\nHost: api.example\r\nConnection: close\r\n{token}\r\n\r\n"
            );
            let mut stream = TcpStream::connect(&shared.stage.server.address).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut text = String::new();
            _ = stream.read_to_string(&mut text);
            text
        };
        assert!(!asked("deployments/7#b").contains("granted"), "{length:?}");
        let honest = asked("deployments/7");
        assert!(honest.contains("granted"), "{length:?}: {honest}");
    }
}

/// A44: what follows a body is not a request where a `#` counts: whatever answers it, the connection ends.
#[test]
fn a44_a_fragment_behind_a_body_that_nobody_reads() {
    let shared = Shared::new("request");
    let token = bearer(&shared.token);
    for (first, body) in [
        ("POST /nowhere", "["),
        ("GET /access/v1/evaluation", "["),
        ("GET /.well-known/authzen-configuration", "["),
        ("OPTIONS /v1/ext-authz", "["),
        ("POST /v1/ext-authz/deployments/7", "["),
        ("POST /access/v1/evaluation", "[\n"),
    ] {
        for fragment in ["#b", ""] {
            let request = format!(
                "{first} HTTP/1.1\r\nHost: api.example\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}\
                 POST /v1/ext-authz/deployments/7{fragment} HTTP/1.1\r\nHost: api.example\r\nConnection: close\r\n{token}\r\n\r\n",
                body.len()
            );
            let mut stream = TcpStream::connect(&shared.stage.server.address).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut text = String::new();
            // The server may reset what it did not read.
            _ = stream.read_to_string(&mut text);
            assert!(text.matches("HTTP/1.1 ").count() <= 1, "{first}: {text}");
            assert!(!text.contains("granted"), "{first}: {text}");
        }
    }
    assert_eq!(
        shared
            .ask("POST", "api.example", "/deployments/7", &[])
            .status,
        200
    );
}
