//! The REST API over real connections.

use crate::client::{Received, send};
use serde_json::{Value, json};
use simulator::GitHub;
use simulator::github::{
    App, Delivery, Level, Permissions, Repository, Signature, TestKey, blob_sha, mint_jwt,
};

const POLICY: &str = "version: 1\n";

struct World {
    github: GitHub,
    token: String,
}

fn world(permissions: Permissions) -> World {
    let github = GitHub::start().unwrap();
    let infra = Repository::new("acme/infra", 1, 10)
        .private()
        .with_file("main", ".github/repo-permissions.yml", POLICY)
        .with_file("feature/x", ".github/repo-permissions.yml", "other");
    github.add_repository(infra);
    github.add_repository(Repository::new("acme/secret", 2, 10).private());
    github.add_repository(Repository::new("acme/open", 3, 10).with_file("main", "a.yml", "a"));
    let token = github
        .register_job(1, serde_json::Map::new(), permissions)
        .github_token;
    World { github, token }
}

impl World {
    fn get(&self, path: &str, accept: &str) -> Received {
        let authorization = format!("Bearer {}", self.token);
        let headers = [
            ("Authorization", authorization.as_str()),
            ("Accept", accept),
        ];
        send(
            "GET",
            &format!("{}{path}", self.github.api_url()),
            &headers,
            "",
        )
        .unwrap()
    }

    fn write(&self, method: &str, path: &str, body: &Value) -> Received {
        let authorization = format!("Bearer {}", self.token);
        let url = format!("{}{path}", self.github.api_url());
        send(
            method,
            &url,
            &[("Authorization", &authorization)],
            &body.to_string(),
        )
        .unwrap()
    }

    fn head_sha(&self) -> String {
        let repository = self.github.repository("acme/infra").unwrap();
        repository.branch_sha("main").unwrap().to_string()
    }
}

const RAW: &str = "application/vnd.github.raw+json";
const JSON: &str = "application/vnd.github+json";
const FILE: &str = "/repos/acme/infra/contents/.github/repo-permissions.yml";

#[test]
fn a_file_comes_raw_from_the_default_branch() {
    let world = world(Permissions::usual());
    let answer = world.get(FILE, RAW);
    assert_eq!((answer.status, answer.text().as_str()), (200, POLICY));
    assert!(
        answer
            .head
            .contains("Content-Type: application/vnd.github.raw+json; charset=utf-8")
    );
    assert_eq!(
        world.get(&format!("{FILE}?ref=feature/x"), RAW).text(),
        "other"
    );
    assert_eq!(
        world
            .get(&format!("{FILE}?ref=refs%2Fheads%2Ffeature%2Fx"), RAW)
            .text(),
        "other"
    );
    let at_commit = world.get(&format!("{FILE}?ref={}", world.head_sha()), RAW);
    assert_eq!(at_commit.text(), POLICY);
    world.github.assert_nothing_unexpected();
}

#[test]
fn a_file_comes_as_json_with_its_blob_sha() {
    let world = world(Permissions::usual());
    let file = world.get(FILE, JSON).json();
    assert_eq!(file["sha"], blob_sha(POLICY.as_bytes()));
    assert_eq!(
        (&file["encoding"], &file["content"]),
        (&json!("base64"), &json!("dmVyc2lvbjogMQo=\n"))
    );
    world.github.edit_repository("acme/infra", |repository| {
        repository.set_file("main", "large.yml", vec![b'x'; (1 << 20) + 1]);
    });
    let large = world
        .get("/repos/acme/infra/contents/large.yml", JSON)
        .json();
    assert_eq!(
        (&large["encoding"], &large["content"]),
        (&json!("none"), &json!(""))
    );
    let directory = world.get("/repos/acme/infra/contents/.github", JSON).json();
    assert_eq!(directory[0]["name"], "repo-permissions.yml");
}

#[test]
fn what_is_not_there_or_not_allowed_is_404_401_or_403() {
    let world = world(Permissions::none());
    assert_eq!(world.get(FILE, RAW).status, 403);
    assert_eq!(world.get("/repos/acme/secret/contents/a", RAW).status, 404);
    assert_eq!(
        world.get("/repos/acme/open/contents/a.yml", RAW).status,
        200
    );
    assert_eq!(
        world.get("/repos/acme/open/contents/b.yml", RAW).json()["status"],
        "404"
    );
    let bad = send(
        "GET",
        &format!("{}{FILE}", world.github.api_url()),
        &[("Authorization", "Bearer x")],
        "",
    );
    assert_eq!(bad.unwrap().json()["message"], "Bad credentials");
    let anonymous = send("GET", &format!("{}{FILE}", world.github.api_url()), &[], "");
    assert_eq!(anonymous.unwrap().status, 404);
}

#[test]
fn commits_are_resolved() {
    let world = world(Permissions::usual());
    let sha = world
        .get(
            "/repos/acme/infra/commits/HEAD",
            "application/vnd.github.sha",
        )
        .text();
    assert_eq!(sha, world.head_sha());
    assert_eq!(
        world.get("/repos/acme/infra/commits/main", JSON).json()["sha"],
        sha
    );
    assert_eq!(
        world.get("/repos/acme/infra/commits/none", JSON).status,
        422
    );
    assert_eq!(
        world.get("/repos/acme/infra", JSON).json()["default_branch"],
        "main"
    );
}

#[test]
fn check_runs_are_made_changed_and_refused() {
    let world = world(Permissions::usual());
    let body = json!({"name": "n", "head_sha": world.head_sha(), "status": "completed", "conclusion": "failure",
        "output": {"title": "t", "summary": "s"}});
    let created = world.write("POST", "/repos/acme/infra/check-runs", &body);
    assert_eq!(created.status, 201);
    let path = format!("/repos/acme/infra/check-runs/{}", created.json()["id"]);
    assert_eq!(
        world
            .write("PATCH", &path, &json!({"conclusion": "success"}))
            .status,
        200
    );
    let runs = world.github.check_runs();
    assert_eq!(
        (
            runs.len(),
            runs[0].conclusion.as_deref(),
            runs[0].title.as_str()
        ),
        (1, Some("success"), "t")
    );
    assert_eq!(runs[0].requests.len(), 2);
    let unknown = json!({"name": "n", "head_sha": "0".repeat(40)});
    assert_eq!(
        world
            .write("POST", "/repos/acme/infra/check-runs", &unknown)
            .status,
        422
    );
    let nameless = world.write(
        "POST",
        "/repos/acme/infra/check-runs",
        &json!({"head_sha": world.head_sha()}),
    );
    assert_eq!(nameless.json()["errors"][0]["field"], "name");
}

#[test]
fn statuses_are_made_and_refused() {
    let world = world(Permissions::usual().with("checks", Level::Read));
    let path = format!("/repos/acme/infra/statuses/{}", world.head_sha());
    let body =
        |length| json!({"state": "success", "context": "c", "description": "é".repeat(length)});
    assert_eq!(world.write("POST", &path, &body(140)).status, 201);
    let refused = world.write("POST", &path, &body(141));
    assert_eq!(refused.status, 422);
    assert_eq!(
        refused.json()["errors"][0]["message"],
        "description is too long (maximum is 140 characters)"
    );
    assert_eq!(world.github.statuses().len(), 1);
    let forbidden = world.write("POST", "/repos/acme/infra/check-runs", &json!({}));
    assert_eq!(
        forbidden.json()["message"],
        "Resource not accessible by integration"
    );
}

fn app_jwt(claims: Value, key: TestKey) -> String {
    let header = json!({"alg": "RS256", "typ": "JWT"});
    let object = |value: Value| value.as_object().cloned().unwrap();
    mint_jwt(&object(header), &object(claims), &Signature::Rs256(key)).unwrap()
}

#[test]
fn an_app_gets_a_narrow_token_and_gives_it_back() {
    let mut world = world(Permissions::none());
    let app = App::new("gate", 99, "Iv23liTEST");
    world
        .github
        .install_app(app, &["acme/infra", "acme/secret"], Permissions::usual());
    let now = jiff::Timestamp::now().as_second();
    let claims = json!({"iat": now - 60, "exp": now + 540, "iss": "Iv23liTEST"});
    world.token = app_jwt(claims.clone(), TestKey::App);
    let installation = world.get("/repos/acme/infra/installation", JSON);
    assert_eq!(world.get("/repos/acme/open/installation", JSON).status, 404);
    let path = format!(
        "/app/installations/{}/access_tokens",
        installation.json()["id"]
    );
    let too_much = json!({"permissions": {"administration": "write"}});
    assert_eq!(world.write("POST", &path, &too_much).status, 422);
    let asked = json!({"repositories": ["infra"], "permissions": {"contents": "read"}});
    let token = world.write("POST", &path, &asked);
    assert_eq!(
        (token.status, &token.json()["permissions"]),
        (201, &json!({"contents": "read"}))
    );
    world.token = token.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(world.get(FILE, RAW).status, 200);
    assert_eq!(world.get("/repos/acme/secret/contents/a", RAW).status, 404);
    assert_eq!(
        world
            .write("POST", "/repos/acme/infra/check-runs", &json!({}))
            .status,
        403
    );
    assert_eq!(
        world
            .write("DELETE", "/installation/token", &json!({}))
            .status,
        204
    );
    assert_eq!(world.get(FILE, RAW).status, 401);
}

#[test]
fn an_app_must_prove_itself() {
    let mut world = world(Permissions::none());
    world.github.install_app(
        App::new("gate", 99, "Iv23liTEST"),
        &["acme/infra"],
        Permissions::usual(),
    );
    let now = jiff::Timestamp::now().as_second();
    let good = json!({"iat": now - 60, "exp": now + 540, "iss": "99"});
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    for (claims, key, status) in [
        (good.clone(), TestKey::App, 200),
        (good.clone(), TestKey::Attacker, 401),
        (with("iss", json!("other")), TestKey::App, 401),
        (with("iat", json!(now + 60)), TestKey::App, 401),
        (with("exp", json!(now - 1)), TestKey::App, 401),
        (with("exp", json!(now + 700)), TestKey::App, 401),
    ] {
        world.token = app_jwt(claims.clone(), key);
        assert_eq!(
            world.get("/repos/acme/infra/installation", JSON).status,
            status,
            "{claims} {key:?}"
        );
    }
}

/// Source: GitHub's OpenAPI description, `apps/list-webhook-deliveries`.
#[test]
fn deliveries_are_listed_by_their_outcome() {
    let mut world = world(Permissions::none());
    let app = App::new("gate", 99, "Iv23liTEST");
    world
        .github
        .install_app(app.clone(), &["acme/infra"], Permissions::usual());
    let now = jiff::Timestamp::now().as_second();
    let claims = json!({"iat": now - 60, "exp": now + 540, "iss": "99"});
    world.token = app_jwt(claims, TestKey::App);
    for status in [202, 302, 404, 0, 599] {
        let delivery = Delivery::new(&app, "push", &json!({}));
        world.github.keep_delivery(&delivery, status);
    }
    let list = |query: &str| {
        let page = world.get(&format!("/app/hook/deliveries{query}"), JSON);
        let mut lines = page.head.lines();
        let link = lines.find_map(|line| line.strip_prefix("Link: "));
        let link = link.map(str::to_owned);
        let all = page.json().as_array().cloned().unwrap_or_default();
        let codes: Vec<_> = all
            .iter()
            .filter_map(|one| one["status_code"].as_u64())
            .collect();
        (page.status, codes, link)
    };
    assert_eq!(list("").1, [599, 502, 404, 302, 202]);
    assert_eq!(list("?status=success").1, [302, 202]);
    assert_eq!(list("?status=failure").1, [599, 502, 404]);
    assert_eq!(list("?status=failed").0, 422);
    assert_eq!(list("?cursor=v1_7").0, 400);
    let (_, codes, link) = list("?status=failure&per_page=2");
    assert_eq!(codes, [599, 502]);
    let link = link.unwrap();
    let (_, next) = link.split_once("/app/hook/deliveries").unwrap();
    let (next, _) = next.split_once(">; rel=\"next\"").unwrap();
    assert!(next.starts_with("?status=failure&per_page=2&cursor="));
    let (_, codes, link) = list(next);
    assert_eq!((codes, link), (vec![404], None));
    // GitHub forgets what a cursor names.
    world.github.forget_deliveries(jiff::Timestamp::now());
    assert_eq!(list(next).0, 400);
}

#[test]
fn unknown_requests_are_noticed() {
    let github = GitHub::builder().api_at_root().start().unwrap();
    let answer = send("GET", &format!("{}/user", github.api_url()), &[], "").unwrap();
    assert_eq!(answer.status, 404);
    let complaint = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        github.assert_nothing_unexpected()
    }));
    assert!(complaint.is_err());
}
