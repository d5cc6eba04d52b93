//! Real proxies with the configurations of `deploy/proxies`: whatever the server answers or suffers, nothing reaches the
//! API that should not.
//!
//! `NGINX`, `HAPROXY`, `CADDY`, `CADDY_LATEST` and `ENVOY` name the programs, `PROXY_MUTATIONS` the number of mutated
//! requests for each.

mod api;
mod authority;
mod process;

use std::time::Duration;

use crate::support::http::{Answer, exchange};
use crate::support::{Stage, bearer, wait_for};
use api::Api;
use authority::{Authority, Mode};
use process::{Kind, Proxy, Question};

const POLICY: &str = crate::support::POLICY;
const MUTATIONS: usize = 200;
/// Where Envoy's requests find their permission; the others name it themselves.
const ROUTES: &str = "routes:
  headers: request
  table:
    - { method: [POST], path: '/deployments/{id}', permission: ws:deployments:create }
    - { method: [POST], path: '/locks/{id}', permission: ws:locks:delete }
";

/// A job, a proxy, the server behind an authority that can break, and the API.
struct Chain {
    _stage: Stage,
    authority: Authority,
    api: Api,
    proxy: Proxy,
    may: String,
    may_not: String,
}

impl Chain {
    /// `None` where the proxy is not installed.
    fn start(kind: Kind, question: Question) -> Option<Self> {
        let program = kind.program()?;
        let more = match (kind, question) {
            (Kind::Envoy, _) => ROUTES.to_owned(),
            (_, Question::Shared) => ROUTES.replace("headers: request", "headers: x-forwarded"),
            (_, Question::Shipped) => String::new(),
        };
        let stage = Stage::with(POLICY, &more);
        let authority = Authority::start(&stage.server.address);
        let api = Api::start();
        let proxy = Proxy::start(
            kind,
            &program,
            &stage.directory,
            &authority.address,
            &api.address,
            question,
        );
        let may = stage.token(&stage.deploy());
        let may_not = stage.token(&stage.deploy().with_environment("staging"));
        let chain = Self {
            _stage: stage,
            authority,
            api,
            proxy,
            may,
            may_not,
        };
        wait_for("the proxy", || {
            (chain.post("/deployments/7", &[]).status == 401).then_some(())
        });
        Some(chain)
    }

    fn post(&self, path: &str, headers: &[&str]) -> Answer {
        let mut request =
            format!("POST {path} HTTP/1.1\r\nHost: deploy.example.com\r\nConnection: close\r\n");
        for header in headers {
            request += &format!("{header}\r\n");
        }
        request += "Content-Length: 2\r\n\r\n{}";
        exchange(&self.proxy.address, request.as_bytes())
    }

    fn deploy(&self, token: &str, more: &[&str]) -> Answer {
        let token = bearer(token);
        self.post("/deployments/7", &[&[token.as_str()], more].concat())
    }
}

/// Runs a test for all proxies at once: it mostly waits.
fn each_proxy(test: impl Fn(Kind, &Chain) + Sync) {
    std::thread::scope(|scope| {
        for kind in Kind::ALL {
            let test = &test;
            scope.spawn(move || match Chain::start(kind, Question::Shipped) {
                Some(chain) => test(kind, &chain),
                None => println!("not run: {kind:?} (not installed)"),
            });
        }
    });
}

#[test]
#[ignore = "needs proxies: .ci/outside/proxies runs it"]
fn only_what_is_granted_reaches_the_api() {
    each_proxy(|kind, chain| {
        let forged = [
            "X-Repo-Permissions-Repository: forged/forged",
            "X-Repo-Permissions-Reason: forged",
            "X-Repo-Permissions-Rule: forged",
        ];
        let granted = chain.deploy(&chain.may, &forged);
        assert_eq!(
            (granted.status, &*granted.body),
            (200, "created"),
            "{kind:?}: {granted:?}"
        );
        let [request] = &chain.api.take()[..] else {
            panic!("{kind:?}: one request")
        };
        assert!(
            request.starts_with("POST /deployments/7 HTTP/1."),
            "{request}"
        );
        assert!(
            api::has_only_the_servers_headers(request),
            "{kind:?}: {request}"
        );
        // The same name, as other programs read it.
        let alias = chain.deploy(
            &chain.may,
            &["X_Repo_Permissions_Repository: forged/forged"],
        );
        let arrived = chain.api.take().concat();
        assert!(!arrived.contains("forged"), "{kind:?}: {alias:?} {arrived}");
        let may_not = bearer(&chain.may_not);
        let may = bearer(&chain.may);
        let unsigned = bearer(&format!("{}x", chain.may));
        let big = bearer(&"a".repeat(31 << 10));
        for (name, headers, status, reason) in [
            ("no token", vec![], 401, ""),
            (
                "a token of another job",
                vec![&may_not],
                403,
                "no_rule_matches",
            ),
            ("a forged token", vec![&unsigned], 401, ""),
            ("a large token", vec![&big], 401, ""),
        ] {
            let headers: Vec<_> = headers.iter().map(|header| header.as_str()).collect();
            let answer = chain.post("/deployments/7", &headers);
            assert_eq!(answer.status, status, "{kind:?}: {name}: {answer:?}");
            assert_eq!(
                answer.header("www-authenticate").is_some(),
                status == 401 || kind.passes_denials()
            );
            if !reason.is_empty() {
                assert_eq!(
                    answer.header("x-repo-permissions-reason"),
                    Some(reason),
                    "{kind:?}"
                );
            }
        }
        for headers in [[&may, &may_not], [&may_not, &may], [&may, &may]] {
            let answer = chain.post("/deployments/7", &[headers[0], headers[1]]);
            assert!(
                matches!(answer.status, 400 | 401),
                "{kind:?}: two tokens: {answer:?}"
            );
        }
        let elsewhere = chain.post("/locks/7", &[&may]);
        assert_eq!(elsewhere.status, 403, "{kind:?}: {elsewhere:?}");
        let unknown = chain.post("/other", &[&may]);
        assert!(matches!(unknown.status, 403 | 404), "{kind:?}: {unknown:?}");
        assert_eq!(chain.api.take(), Vec::<String>::new(), "{kind:?}");
        println!("{kind:?}: grants and denials");
    });
}

/// One rule for many paths: the headers of the proxy count, and never those of the client.
#[test]
#[ignore = "needs proxies: .ci/outside/proxies runs it"]
fn a43_the_client_describes_no_request_to_the_shared_endpoint() {
    for kind in [Kind::Caddy, Kind::CaddyLatest, Kind::Traefik] {
        let Some(chain) = Chain::start(kind, Question::Shared) else {
            println!("not run: {kind:?} (not installed)");
            continue;
        };
        let may = bearer(&chain.may);
        let granted = chain.deploy(&chain.may, &[]);
        assert_eq!(granted.status, 200, "{kind:?}: {granted:?}");
        let requests = chain.api.take();
        assert!(
            api::has_only_the_servers_headers(&requests[0]),
            "{kind:?}: {requests:?}"
        );
        for header in [
            "X-Padding: 1",
            "X-Forwarded-Uri: /deployments/7",
            "X-Forwarded-Uri: /deployments/7\r\nX-Forwarded-Uri: /deployments/7",
            "X_Forwarded_Uri: /deployments/7",
            "X-Original-URI: /deployments/7",
            "X-Rewrite-URL: /deployments/7",
            "X-Forwarded-Prefix: /deployments",
            "X-Forwarded-Host: other.example",
            "X-HTTP-Method-Override: PUT",
            "Connection: X-Forwarded-Uri",
            "Connection: X-Forwarded-Uri, X-Forwarded-Method",
        ] {
            let answer = chain.post("/locks/7", &[&may, header]);
            assert!(
                matches!(answer.status, 400..=403),
                "{kind:?}: {header}: {answer:?}"
            );
            let requests = chain.api.take();
            assert!(requests.is_empty(), "{kind:?}: {header}: {requests:?}");
        }
    }
}

/// A permission is for a path and what is below it: other paths with the same beginning have none. What two programs
/// could read differently passes nowhere.
#[test]
#[ignore = "needs proxies: .ci/outside/proxies runs it"]
fn a44_a_permission_ends_with_its_segment() {
    each_proxy(|kind, chain| {
        let token = bearer(&chain.may);
        for path in [
            "/deploymentsX/admin",
            "/deployments-archive/1",
            "/deployments.bak",
            "/deployments:7",
            "/deployments,7",
            "/DEPLOYMENTS/7",
            "/deployments#/7",
            "/deployments/7#",
            "/deployments/7#/../../locks/7",
            "/deployments/\u{e9}",
            "/deployments/a@b",
            "/deployments/a|b",
            "/deployments/{7}",
        ] {
            let answer = chain.post(path, &[&token]);
            assert!(
                matches!(answer.status, 400 | 403 | 404),
                "{kind:?}: {path}: {answer:?}"
            );
            assert_eq!(chain.api.take(), Vec::<String>::new(), "{kind:?}: {path}");
        }
        let answer = chain.post("/deployments/a-7.b_~?c=%2F;d", &[&token]);
        assert_eq!(answer.status, 200, "{kind:?}: {answer:?}");
        assert_eq!(chain.api.take().len(), 1, "{kind:?}");
    });
}

/// `Connection` names headers that the next program removes, and an upgrade would open a way on which the proxy asks
/// nobody.
#[test]
#[ignore = "needs proxies: .ci/outside/proxies runs it"]
fn a43_hop_by_hop_headers_of_the_client() {
    each_proxy(|kind, chain| {
        for header in [
            "Connection: X-Repo-Permissions-Repository",
            "Connection: close, x-repo-permissions-repository",
            "Connection: Authorization",
            "Connection: X-Repo-Permissions-Repository, Authorization",
            "Connection: X_Repo_Permissions_Repository",
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
            "Connection: Upgrade\r\nUpgrade: websocket",
        ] {
            let answer = chain.deploy(&chain.may, &[header]);
            let requests = chain.api.take();
            let is_right = match answer.status {
                200 => requests.len() == 1 && api::has_only_the_servers_headers(&requests[0]),
                _ => matches!(answer.status, 400..=403) && requests.is_empty(),
            };
            assert!(is_right, "{kind:?}: {header}: {answer:?} {requests:?}");
        }
    });
}

/// Each answer and fault of the server. Only the whole answer 200 lets a request pass.
#[test]
#[ignore = "needs proxies: .ci/outside/proxies runs it"]
fn every_fault_of_the_server_fails_closed() {
    each_proxy(|kind, chain| {
        let mut rows = Vec::new();
        for mode in Mode::faults() {
            chain.authority.set(mode.clone());
            let started = std::time::Instant::now();
            let answer = chain.deploy(&chain.may, &[]);
            let reached = chain.api.take();
            // It waits for a grant that comes late, and nothing says so in its configuration.
            let is_late_grant = kind == Kind::Traefik && mode == Mode::Slow;
            assert_eq!(
                reached.len(),
                usize::from(is_late_grant),
                "{kind:?}: {mode:?}: {answer:?} {reached:?}"
            );
            // They wait once.
            let waited = started.elapsed();
            assert!(
                waited < kind.patience() + Duration::from_secs(4),
                "{kind:?}: {mode:?}: {waited:?}"
            );
            assert!(
                is_late_grant || !(200..=299).contains(&answer.status) || answer.body.is_empty(),
                "{kind:?}: {mode:?}: {answer:?}"
            );
            rows.push(format!("{mode:?} {}", answer.status));
        }
        // Nobody listens.
        let program = kind.program().unwrap();
        let directory = crate::support::Directory::new();
        let nobody = simulator::free_address().unwrap();
        let down = Proxy::start(
            kind,
            &program,
            &directory,
            &nobody,
            &chain.api.address,
            Question::Shipped,
        );
        let request = format!(
            "POST /deployments/7 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{}\r\nContent-Length: 0\r\n\r\n",
            bearer(&chain.may)
        );
        // Traefik listens before it has its routes.
        let answer = wait_for("the routes", || {
            let answer = exchange(&down.address, request.as_bytes());
            (answer.status != 404).then_some(answer)
        });
        assert!(answer.status >= 500, "{kind:?}: down: {answer:?}");
        assert!(
            chain.api.take().is_empty(),
            "{kind:?}: down let a request pass"
        );
        rows.push(format!("down {}", answer.status));
        // It recovers.
        chain.authority.set(Mode::Pass);
        wait_for("the recovery", || {
            (chain.deploy(&chain.may, &[]).status == 200).then_some(())
        });
        chain.api.take();
        println!("{kind:?}: {}", rows.join(", "));
    });
}

/// Two replicas behind nginx: one of them ends, and no request fails.
#[test]
#[ignore = "needs nginx: .ci/outside/proxies runs it"]
fn a_replica_that_ends_fails_no_request() {
    let Some(program) = Kind::Nginx.program() else {
        return println!("not run: two replicas (nginx is not installed)");
    };
    let mut stage = Stage::new();
    let second = crate::support::Server::start(&stage.directory.path("server.yml"));
    second.wait_until_ready();
    let api = Api::start();
    let directory = crate::support::Directory::new();
    let both = format!("{};\n    server {}", stage.server.address, second.address);
    let proxy = Proxy::start(
        Kind::Nginx,
        &program,
        &directory,
        &both,
        &api.address,
        Question::Shipped,
    );
    let token = bearer(&stage.token(&stage.deploy()));
    let request = format!(
        "POST /deployments/7 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{token}\r\nContent-Length: 0\r\n\r\n"
    );
    let is_over = std::sync::atomic::AtomicBool::new(false);
    let asked = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut asked = 0;
                    while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                        let answer = exchange(&proxy.address, request.as_bytes());
                        assert_eq!(answer.status, 200, "after {asked}: {answer:?}");
                        asked += 1;
                    }
                    asked
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(500));
        stage.server.signal(nix::sys::signal::Signal::SIGTERM);
        let (status, records) = stage.server.end();
        assert_eq!(status.code(), Some(0));
        assert!(records.len() > 10, "{}", records.len());
        std::thread::sleep(Duration::from_millis(500));
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .sum::<usize>()
    });
    println!("Nginx: {asked} requests while one of two replicas ended, 0 failed");
}

/// Mutations of a request that the job may not make: nothing arrives at the API that any upstream could take for it.
#[test]
#[ignore = "needs proxies: .ci/outside/proxies runs it"]
fn mutated_requests_reach_nothing_that_is_not_granted() {
    let count = std::env::var("PROXY_MUTATIONS")
        .ok()
        .and_then(|text| text.parse().ok());
    let count = count.unwrap_or(MUTATIONS);
    let pieces = [
        "/",
        "//",
        "/..",
        "/.",
        "/%2e%2e",
        "%2f",
        "%252f",
        "/..;",
        ";a=b",
        "\\",
        "/..\\",
        "#",
        "?",
        "/../",
        "/locks/7",
        "/deployments/7",
        "%00",
        "a",
        "%5c",
        "/%2e%2e%2f",
        "/./",
        "..",
        "%6cocks",
        "/LOCKS/7",
    ];
    let headers = [
        "X-Forwarded-Uri: /deployments/7",
        "X_Forwarded_Uri: /deployments/7",
        "X-Original-URI: /deployments/7",
        "X-Forwarded-Method: GET",
        "X-HTTP-Method-Override: GET",
        "X-Rewrite-URL: /locks/7",
        "X-Original-URL: /locks/7",
        "X-Forwarded-Prefix: /deployments",
        "Forwarded: host=a",
        "X-Padding: 1",
        "X-Forwarded-Host: other.example",
        "Connection: authorization",
        "Connection: x-repo-permissions-repository",
        "Transfer-Encoding: identity",
        "Authorization: Basic YTpi",
        "X-Repo-Permissions-Repository: forged/forged",
    ];
    each_proxy(|kind, chain| {
        let mut random = 7_u64;
        let mut below = move |limit: usize| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(random >> 33).unwrap() % limit
        };
        let token = bearer(&chain.may);
        let mut reached = 0;
        for number in 0..count {
            let mut path =
                ["/locks/7", "/deployments/7", "/deployments/../locks/7"][number % 3].to_owned();
            for _ in 0..=below(3) {
                let at = below(path.len() + 1);
                if path.is_char_boundary(at) {
                    path.insert_str(at, pieces[below(pieces.len())]);
                }
            }
            let mut more: Vec<_> = (0..below(3))
                .map(|_| headers[below(headers.len())])
                .collect();
            more.insert(below(more.len() + 1), &token);
            chain.post(&path, &more);
            for request in chain.api.take() {
                reached += 1;
                assert!(
                    !api::is_of_locks(&request) && api::has_only_the_servers_headers(&request),
                    "{kind:?}: {path} {more:?} became\n{request}"
                );
            }
        }
        println!("{kind:?}: {count} mutated requests, {reached} granted, none wrongly");
        // The proxy and the server still work.
        assert_eq!(chain.deploy(&chain.may, &[]).status, 200, "{kind:?}");
        assert_eq!(chain.api.take().len(), 1, "{kind:?}");
    });
}
