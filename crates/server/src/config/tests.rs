use std::time::Duration;

use super::*;
use crate::config::PolicyPlace;
use analysis::report::Detail;

const LEAST: &str =
    "version: 1\naudience: https://a.example\nowners: [1]\npolicy: { file: p.yml }\n";

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(text, Path::new("/etc/gate")).map_err(|invalid| {
        let lines: Vec<_> = invalid.iter().map(ToString::to_string).collect();
        lines.join("\n")
    })
}

#[test]
fn the_defaults_are_narrow() {
    let config = parse(LEAST).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.admin.to_string(), "127.0.0.1:9090");
    let issuer = "https://token.actions.githubusercontent.com";
    assert_eq!(config.issuer.as_str(), issuer);
    assert_eq!(config.max_token_age, Duration::from_secs(900));
    assert_eq!(config.detail, Detail::Reason);
    let place = PolicyPlace::File("/etc/gate/p.yml".into());
    assert_eq!(config.policy.place, place);
    assert!(config.github.is_none());
    assert_eq!(config.policy.refresh, Duration::from_secs(30));
    assert_eq!(config.policy.stale, Duration::from_secs(600));
}

#[test]
fn every_value_is_read() {
    let config = parse(
        "version: 1\nlisten: unix:run/gate.sock\nadmin: '[::1]:9'\nissuer: https://ghes.example.com/_services/token\n\
         audience: a\nowners: [4567, 8]\nmax_token_age: 5m\nca_bundle: /roots.pem\ndetail: full\n\
         policy: { file: /p.json, refresh: 1m, stale: 1h }\n",
    )
    .unwrap();
    assert_eq!(config.listen.to_string(), "unix:/etc/gate/run/gate.sock");
    assert_eq!(config.admin.to_string(), "[::1]:9");
    assert_eq!(config.issuer.server(), "https://ghes.example.com");
    assert_eq!(config.owners, [4567, 8]);
    assert_eq!(config.max_token_age, Duration::from_secs(300));
    assert_eq!(config.ca_bundle.as_deref(), Some(Path::new("/roots.pem")));
    assert_eq!(config.detail, Detail::Full);
    assert_eq!(config.policy.stale, Duration::from_secs(3600));
    let json = r#"{"version": 1, "audience": "a", "owners": [1], "policy": {"file": "p.yml"}}"#;
    parse(json).unwrap();
}

#[test]
fn mistakes_are_named_with_their_line() {
    for (from, to, expected) in [
        (
            "owners: [1]",
            "owner: [1]",
            "line 3, column 1: unknown key `owner`",
        ),
        ("owners: [1]\n", "", "`owners` is missing"),
        (
            "owners: [1]",
            "owners: []",
            "`owners` is empty: no token would count",
        ),
        (
            "owners: [1]",
            "owners: [acme]",
            "expected a positive integer",
        ),
        (
            "owners: [1]",
            "owners: ['1']",
            "expected a positive integer",
        ),
        (
            "owners: [1]",
            "owners: 1",
            "`owners` is an integer (`1`), expected a list (write `[1]`)",
        ),
        ("owners: [1]", "owners: acme", "expected a list (start each"),
        ("audience: https://a.example\n", "", "`audience` is missing"),
        (
            "https://a.example",
            "repo-permissions",
            "the audience of the action's tokens",
        ),
        ("https://a.example", "''", "`audience` is empty"),
        (
            "https://a.example",
            "[a, b]",
            "`audience` is a list, expected a string",
        ),
        ("version: 1", "version: 2", "`version` is `2`, expected `1`"),
        ("version: 1\n", "", "`version` is missing"),
        ("{ file: p.yml }", "{ refresh: 1m }", "`file` is missing"),
        (
            "{ file: p.yml }",
            "{ file: p.yml, refresh: 1d }",
            "expected a duration",
        ),
        (
            "{ file: p.yml }",
            "{ file: p.yml, path: a.yml }",
            "`policy` has a second place; the first one is at line 4",
        ),
        (
            "{ file: p.yml }",
            "{ file: p.yml, delegate: [a:b] }",
            "`delegate` belongs to `path`",
        ),
        (
            "{ file: p.yml }",
            "{ path: a.yml }",
            "`delegate` is missing",
        ),
        (
            "{ file: p.yml }",
            "{ path: a.yml, delegate: [] }",
            "`policy.delegate` is empty",
        ),
        (
            "{ file: p.yml }",
            "{ path: a.yml, delegate: a:b }",
            "`policy.delegate` is a string (`a:b`), expected a list (write `[a:b]`)",
        ),
        (
            "{ file: p.yml }",
            "{ path: a.yml, delegate: [Locks] }",
            "`Locks` is not a permission key",
        ),
        (
            "{ file: p.yml }",
            "{ path: ../a.yml, delegate: [a:b] }",
            "has an empty, `.` or `..` segment",
        ),
        (
            "{ file: p.yml }",
            "{ path: ./a.yml, delegate: [a:b] }",
            "is not one in the repository of a job",
        ),
        (
            "{ file: p.yml }",
            "{ path: o/r/a.yml@main, delegate: [a:b] }",
            "is not one in the repository of a job",
        ),
        (
            "{ file: p.yml }",
            "{ path: a.yml, delegate: [a:b] }",
            "line 4, column 1: `policy` is at GitHub, and `github` is missing",
        ),
        (
            "{ file: p.yml }",
            "{ repository: o/r/a.yml@main }",
            "`policy` is at GitHub, and `github` is missing",
        ),
        (
            "{ file: p.yml }",
            "{ repository: o/r/a.yml }",
            "is not `OWNER/REPO/PATH@REF`",
        ),
        (
            "{ file: p.yml }",
            "{ repository: o/r/a.yml@refs/pull/7/merge }",
            "is the ref of a pull request",
        ),
        (
            "{ file: p.yml }",
            "{ file: p.yml, files: a }",
            "unknown key `files`",
        ),
        (
            "version: 1",
            "version: 1\nversion: 1",
            "duplicate key `version`",
        ),
        (
            "version: 1",
            "version: 1\ndeployments: []",
            "line 2, column 1: `deployments` needs webhooks",
        ),
        (
            "version: 1",
            "version: 1\ndeployments: []",
            "line 2, column 1: `deployments` is empty",
        ),
        (
            "version: 1",
            "version: 1\ndeployments: [{ environment: { exact: a, glob: 'b*' }, permission: a:b }]",
            "line 2, column 30: a pattern must have exactly one of `exact`, `glob`, `regex`",
        ),
        (
            "version: 1",
            "version: 1\ndeployments: [{ environment: {}, permission: a:b }]",
            "a pattern must have exactly one of",
        ),
        (
            "version: 1",
            "version: 1\ndeployments: [{ environment: { exact: '' }, permission: a:b }]",
            "`exact` is empty",
        ),
        (
            "version: 1",
            "version: 1\ndeployments: [{ environment: 'a(', permission: a:b }]",
            "is not valid",
        ),
        (
            "version: 1",
            "version: 1\ndeployments: [{ environment: a }]",
            "`permission` is missing",
        ),
        (
            "version: 1",
            "version: 1\ndeployments: [{ permission: a:b }]",
            "`environment` is missing",
        ),
        (
            "version: 1",
            "version: 1\ndeployments: [{ environment: { globe: a }, permission: a:b }]",
            "unknown key `globe`",
        ),
        (
            "version: 1",
            "version: 1\nlisten: 0.0.0.0:80",
            "`listen` is `0.0.0.0:80`, which other machines reach",
        ),
        (
            "version: 1",
            "version: 1\nadmin: '[::]:80'",
            "`admin` is `[::]:80`, which other machines reach",
        ),
        (
            "version: 1",
            "version: 1\nlisten: localhost:80",
            "expected an address (write `127.0.0.1:80`)",
        ),
        (
            "version: 1",
            "version: 1\nlisten: 80",
            "`listen` is `80`, expected an address (write `127.0.0.1:80`)",
        ),
        (
            "version: 1",
            "version: 1\nadmin: :9090",
            "expected an address (write `127.0.0.1:9090`)",
        ),
        (
            "version: 1",
            "version: 1\nlisten: gate.example:80",
            "expected an address (write `127.0.0.1:8080`, `[::1]:8080`",
        ),
        (
            "version: 1",
            "version: 1\nlisten: 65536",
            "expected an address (write `127.0.0.1:8080`, `[::1]:8080`",
        ),
        (
            "version: 1",
            "version: 1\nlisten: 'unix:'",
            "expected an address",
        ),
        (
            "version: 1",
            "version: 1\nlisten: 127.0.0.1:9\nadmin: 127.0.0.1:9",
            "`listen` and `admin` are both `127.0.0.1:9`",
        ),
        (
            "version: 1",
            "version: 1\nlisten: 127.0.0.1:9090",
            "`listen` and `admin` are both `127.0.0.1:9090`",
        ),
        (
            "version: 1",
            "version: 1\nadmin: 127.0.0.1:8080",
            "`listen` and `admin` are both `127.0.0.1:8080`",
        ),
        (
            "version: 1",
            "version: 1\ninsecure_listen: yes",
            "`insecure_listen`",
        ),
        (
            "version: 1",
            "version: 1\nissuer: https://evil.example",
            "is not an issuer of GitHub Actions",
        ),
        ("version: 1", "version: 1\ngithub: {}", "`app` is missing"),
        (
            "version: 1",
            "version: 1\ngithub: { app: { client_id: a } }",
            "`private_key_file` is missing",
        ),
        (
            "version: 1",
            "version: 1\ngithub: { app: { private_key_file: a } }",
            "`client_id` is missing",
        ),
        (
            "version: 1",
            "version: 1\ngithub: { api_url: 'http://ghes.example/api/v3', app: { client_id: a, private_key_file: a } }",
            "`api_url` is `http://ghes.example/api/v3`, expected an https URL",
        ),
        (
            "version: 1",
            "version: 1\ngithub: { api_url: 'https:/ghes.example/api/v3', app: { client_id: a, private_key_file: a } }",
            "`api_url` is `https:/ghes.example/api/v3`, expected an https URL",
        ),
        (
            "version: 1",
            "version: 1\ngithub: { api_url: 'https://u@ghes.example/', app: { client_id: a, private_key_file: a } }",
            "expected an https URL",
        ),
        (
            "version: 1",
            "version: 1\ngithub: { app: { client_id: a, private_key_file: a, private_key: b } }",
            "unknown key `private_key`",
        ),
        ("version: 1", "version: 1\ndetail: all", "`detail` is `all`"),
        (
            "version: 1",
            "version: 1\nmax_token_age:",
            "`max_token_age` has no value",
        ),
        (
            "version: 1",
            "version: 1\nmax_token_age: [1m]",
            "`max_token_age` is a list, expected a duration",
        ),
        ("version: 1", "version: &v 1", "anchor"),
        (
            "version: 1",
            "version: 1\nroutes: { headers: x-original, table: [] }",
            "`table` is empty",
        ),
        (
            "version: 1",
            "version: 1\nroutes: { headers: x-original }",
            "`table` is missing",
        ),
    ] {
        assert!(LEAST.contains(from), "{from}");
        let error = parse(&LEAST.replace(from, to)).unwrap_err();
        assert!(error.contains(expected), "{to}: {error}");
    }
    let open = LEAST.replace(
        "version: 1",
        "version: 1\nlisten: 0.0.0.0:80\ninsecure_listen: true",
    );
    assert_eq!(parse(&open).unwrap().listen.to_string(), "0.0.0.0:80");
}

/// What is there and not valid is not called missing too.
#[test]
fn one_mistake_is_one_problem() {
    let app = "app: { client_id: Iv1, private_key: app.pem }";
    for (from, to, expected) in [
        (
            "{ file: p.yml }",
            format!("{{ repository: acme-org/p/p.yml@main }}\ngithub: {{ {app} }}"),
            "unknown key `private_key`",
        ),
        (
            "version: 1",
            format!(
                "version: 1\ndeployments: [{{ environment: a, permission: 'a:b' }}]\ngithub: {{ {app} }}"
            ),
            "unknown key `private_key`",
        ),
        (
            "version: 1",
            "version: 1\nlisten: 0.0.0.0:80\ninsecure_listen: yes".to_owned(),
            "`insecure_listen`",
        ),
    ] {
        let text = LEAST.replace(from, &to);
        let invalid = Config::parse(&text, Path::new("/etc/gate")).unwrap_err();
        let problems: Vec<String> = invalid.iter().map(|one| one.message.clone()).collect();
        assert!(
            matches!(&*problems, [only] if only.contains(expected)),
            "{text}: {problems:?}"
        );
    }
}

/// The advice is a configuration that the same place accepts.
#[test]
fn the_example_of_a_table_is_one() {
    let text = format!("{LEAST}routes: {{ headers: x-original, table: [] }}\n");
    let invalid = Config::parse(&text, Path::new("/etc/gate")).unwrap_err();
    let help = invalid.iter().next().unwrap().help.clone().unwrap();
    let example = help.split('`').nth(1).unwrap();
    parse(&text.replace("table: []", example)).unwrap();
}

/// The advice is a value that the same place accepts.
#[test]
fn durations_without_a_unit() {
    for (written, advice) in [
        ("15", "write `15s`, `15m` or `15h`"),
        ("'15'", "write `15s`, `15m` or `15h`"),
        ("900", "write `900s` or `900m`"),
        ("86400", "write `86400s`"),
        ("86401", "write `30s`, `10m` or `1h`, at most a day"),
        ("0", "write `30s`, `10m` or `1h`, at most a day"),
        ("015", "write `30s`, `10m` or `1h`, at most a day"),
        ("1.5", "write `30s`, `10m` or `1h`, at most a day"),
        ("1d", "write `30s`, `10m` or `1h`, at most a day"),
    ] {
        let at_the_top = format!("{LEAST}max_token_age: {written}\n");
        let in_the_policy = LEAST.replace("p.yml", &format!("p.yml, stale: {written}"));
        for text in [at_the_top, in_the_policy] {
            let invalid = Config::parse(&text, Path::new("/etc/gate")).unwrap_err();
            let problem = invalid.iter().next().unwrap();
            assert!(problem.message.contains("expected a duration"), "{problem}");
            assert_eq!(problem.help.as_deref(), Some(advice), "{written}");
        }
    }
}

#[test]
fn policies_at_github_are_read() {
    const APP: &str =
        "github: { app: { client_id: Iv1, private_key_file: app.pem, webhook_secret_file: /s } }\n";
    let with = |policy: &str, more: &str| {
        let text = LEAST.replace("{ file: p.yml }", policy);
        parse(&format!("{text}{APP}{more}")).unwrap()
    };
    let config = with("{ repository: acme/rules/a/p.yml@main, stale: 1h }", "");
    let PolicyPlace::Repository {
        repository,
        path,
        reference,
    } = &config.policy.place
    else {
        panic!("{config:?}");
    };
    let source = format!("{repository} {path} {reference}");
    assert_eq!(source, "acme/rules a/p.yml main");
    assert_eq!(config.policy.stale, Duration::from_secs(3600));
    let github = config.github.unwrap();
    assert_eq!(github.api_url, "https://api.github.com");
    assert_eq!(github.app.client_id, "Iv1");
    assert_eq!(github.app.private_key_file, Path::new("/etc/gate/app.pem"));
    let secret = github.app.webhook_secret_file.as_deref();
    assert_eq!(secret, Some(Path::new("/s")));
    let more = "deployments: [{ environment: { glob: 'prod-*' }, permission: a:b }, { environment: '*', permission: c:d }]\n";
    let config = with("{ file: p.yml }", more);
    let kinds = config
        .deployments
        .iter()
        .map(|rule| rule.environment.kind.name());
    assert_eq!(kinds.collect::<Vec<_>>(), ["glob", "any"]);
    let config = with("{ path: p.json, delegate: [a:b, c:d] }", "");
    let PolicyPlace::Own { path, delegate } = &config.policy.place else {
        panic!("{config:?}");
    };
    assert_eq!((path.as_str(), delegate.len()), ("p.json", 2));
    // The API of the issuer's server.
    for (issuer, url) in [
        (
            "https://token.actions.acme.ghe.com",
            "https://api.acme.ghe.com",
        ),
        (
            "https://ghes.example/_services/token/slug",
            "https://ghes.example/api/v3",
        ),
    ] {
        let config = with("{ file: p.yml }", &format!("issuer: {issuer}\n"));
        assert_eq!(config.github.unwrap().api_url, url);
    }
}

const ROUTES: &str = "routes:
  headers: x-forwarded
  table:
    - { method: [POST], host: API.acme.example, path: '/deployments/{id}', permission: ws:deployments:create }
    - { method: GET, path: /locks, permission: ws:locks:read }
";

#[test]
fn routes_are_read() {
    let config = parse(&format!("{LEAST}{ROUTES}")).unwrap();
    let routes = config.routes.unwrap();
    assert_eq!(routes.headers.name(), "x-forwarded");
    let permission = |method, host: &str, path| {
        let host = host.to_owned();
        let request = crate::routes::OriginalRequest { method, host, path };
        routes
            .table
            .permission(&request)
            .map(|key| key.as_str().to_owned())
    };
    for (method, host, path, expected) in [
        (
            "POST",
            "api.acme.example",
            "/deployments/7",
            Some("ws:deployments:create"),
        ),
        ("PUT", "api.acme.example", "/deployments/7", None),
        ("POST", "api.acme.example", "/deployments/7/x", None),
        ("POST", "other.example", "/deployments/7", None),
        ("GET", "other.example", "/locks", Some("ws:locks:read")),
        ("HEAD", "other.example", "/locks", None),
    ] {
        assert_eq!(
            permission(method, host, path).as_deref(),
            expected,
            "{method} {host} {path}"
        );
    }
}

#[test]
fn mistakes_in_routes_are_named_with_their_line() {
    for (from, to, expected) in [
        (
            "x-forwarded",
            "x-forwarded-uri",
            "line 6, column 12: `headers` is `x-forwarded-uri`",
        ),
        ("  headers: x-forwarded\n", "", "`headers` is missing"),
        ("[POST]", "[post]", "`method` is `post`"),
        ("[POST]", "[]", "`method` is missing"),
        ("[POST]", "'*'", "`method` is `*`"),
        (
            "API.acme.example",
            "api.acme.example:443",
            "expected a host without a port",
        ),
        (
            "API.acme.example",
            "'*.acme.example'",
            "expected a host without a port",
        ),
        (
            "/deployments/{id}",
            "/deployments/{id}/**",
            "line 8, column 55: `path` is `/deployments/{id}/**`",
        ),
        (
            "/deployments/{id}",
            "/a%2fb",
            "others can be read in two ways",
        ),
        ("/deployments/{id}", "/a/../b", "`path` is `/a/../b`"),
        ("path: '/deployments/{id}', ", "", "`path` is missing"),
        (
            "ws:deployments:create",
            "Deploy",
            "`Deploy` is not a permission",
        ),
        (", permission: ws:locks:read", "", "`permission` is missing"),
        (
            "ws:locks:read",
            "ws:locks:read, query: a",
            "unknown key `query`",
        ),
    ] {
        assert!(ROUTES.contains(from), "{from}");
        let error = parse(&format!("{LEAST}{}", ROUTES.replace(from, to))).unwrap_err();
        assert!(error.contains(expected), "{to}: {error}");
    }
    for (route, expected) in [
        (
            "{ method: [PUT, POST], path: '/{a}/7', permission: a:b }",
            Some("line 10, column 7: a request can match this route and the one at line 8"),
        ),
        (
            "{ method: POST, host: api.acme.example, path: '/deployments/7', permission: a:b }",
            Some("at line 8"),
        ),
        (
            "{ method: POST, host: api.acme.example, path: '/deployments/7', permission: ws:deployments:create }",
            None,
        ),
        (
            "{ method: PUT, host: api.acme.example, path: '/deployments/7', permission: a:b }",
            None,
        ),
        (
            "{ method: POST, host: other.example, path: '/deployments/7', permission: a:b }",
            None,
        ),
        (
            "{ method: POST, host: api.acme.example, path: '/deployments/7/', permission: a:b }",
            None,
        ),
    ] {
        let parsed = parse(&format!("{LEAST}{ROUTES}    - {route}\n"));
        match expected {
            None => assert!(parsed.is_ok(), "{route}: {parsed:?}"),
            Some(expected) => assert!(parsed.unwrap_err().contains(expected), "{route}"),
        }
    }
}
