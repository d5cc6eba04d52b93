//! GraphQL: what is valid, what it costs, and what comes back.

use serde_json::{Value, json};
use simulator::GitHub;
use simulator::github::{
    Endpoint, Level, Organization, Permissions, QueryFault, RateLimits, Repository,
};
use std::time::Duration;

use crate::client::{Received, send};

/// Names, ids and the texts of one directory.
const QUERY: &str =
    "query Q($login: String!, $first: Int = 2, $after: String, $texts: Boolean = true) {
  repositoryOwner(login: $login) {
    login
    ... on Organization { databaseId }
    all: repositories(first: $first, after: $after, orderBy: {field: CREATED_AT, direction: ASC}) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes {
        databaseId nameWithOwner isArchived
        object(expression: \"HEAD:.github/workflows\") @include(if: $texts) {
          ... on Tree { entries { name type object { ... on Blob { text isTruncated isBinary } } } }
        }
      }
    }
  }
  rateLimit { cost nodeCount remaining }
}";

struct World {
    github: GitHub,
    token: String,
}

fn world() -> World {
    let github = GitHub::start().unwrap();
    github.add_repository(
        Repository::new("acme/infra", 1, 7)
            .private()
            .with_file("main", ".github/workflows/a.yml", "on: push")
            .with_file("main", ".github/workflows/d/b.yml", "on: pull_request"),
    );
    github.add_repository(Repository::new("acme/old", 2, 7).archived());
    github.add_organization(Organization::new("acme", 7, 3, |number, repository| {
        repository.with_file("main", ".github/workflows/n.yml", format!("# {number}"))
    }));
    let permissions = Permissions::none().with("contents", Level::Read);
    let token = github.add_token(&["acme"], permissions);
    World { github, token }
}

impl World {
    fn post(&self, query: &str, variables: Value) -> Received {
        let authorization = format!("Bearer {}", self.token);
        let body = json!({"query": query, "variables": variables}).to_string();
        let headers = [("Authorization", &*authorization)];
        send("POST", &self.github.graphql_url(), &headers, &body).unwrap()
    }

    fn ask(&self, variables: Value) -> Value {
        self.post(QUERY, variables).json()
    }

    fn message(&self, query: &str, variables: Value) -> String {
        let answer = self.post(query, variables).json();
        assert_eq!(answer.get("data"), None, "{answer}");
        answer["errors"][0]["message"].as_str().unwrap().to_owned()
    }
}

#[test]
fn pages_follow_each_other() {
    let world = world();
    let mut names = Vec::new();
    let mut after = Value::Null;
    loop {
        let answer = world.ask(json!({"login": "Acme", "after": after}));
        let owner = &answer["data"]["repositoryOwner"];
        assert_eq!(
            (&owner["login"], &owner["databaseId"]),
            (&json!("acme"), &json!(7))
        );
        assert_eq!(owner["all"]["totalCount"], 5);
        for node in owner["all"]["nodes"].as_array().unwrap() {
            names.push(node["nameWithOwner"].as_str().unwrap().to_owned());
        }
        after = owner["all"]["pageInfo"]["endCursor"].clone();
        if owner["all"]["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    let made = [
        "acme/service-00000",
        "acme/service-00001",
        "acme/service-00002",
    ];
    assert_eq!(names, [&["acme/infra", "acme/old"][..], &made].concat());
    world.github.assert_nothing_unexpected();
}

#[test]
fn texts_come_where_they_are_asked_for() {
    let world = world();
    let answer = world.ask(json!({"login": "acme"}));
    let nodes = &answer["data"]["repositoryOwner"]["all"]["nodes"];
    let file = json!({"name": "a.yml", "type": "blob",
        "object": {"text": "on: push", "isTruncated": false, "isBinary": false}});
    let directory = json!({"name": "d", "type": "tree", "object": {}});
    assert_eq!(nodes[0]["object"]["entries"], json!([file, directory]));
    assert_eq!(
        (&nodes[1]["object"], &nodes[1]["isArchived"]),
        (&Value::Null, &json!(true))
    );
    let answer = world.ask(json!({"login": "acme", "texts": false}));
    let node = &answer["data"]["repositoryOwner"]["all"]["nodes"][0];
    assert_eq!(node.get("object"), None);
    assert_eq!(
        world.ask(json!({"login": "nobody"}))["data"]["repositoryOwner"],
        Value::Null
    );
}

#[test]
fn large_and_binary_files_have_no_whole_text() {
    let world = world();
    world.github.edit_repository("acme/infra", |repository| {
        repository.set_file("main", ".github/workflows/a.yml", vec![b'#'; 512_001]);
        repository.set_file("main", ".github/workflows/d/b.yml", "");
        repository.set_file("main", ".github/workflows/c.yml", vec![0, 1]);
    });
    let answer = world.ask(json!({"login": "acme"}));
    let entries = &answer["data"]["repositoryOwner"]["all"]["nodes"][0]["object"]["entries"];
    let large = &entries[0]["object"];
    assert_eq!(
        (large["text"].as_str().unwrap().len(), &large["isTruncated"]),
        (512_000, &json!(true))
    );
    assert_eq!(
        entries[1]["object"],
        json!({"text": null, "isTruncated": false, "isBinary": true})
    );
}

#[test]
fn queries_that_are_not_valid_are_refused() {
    let world = world();
    let login = json!({"login": "acme"});
    for (from, to, variables, message) in [
        (
            "databaseId nameWithOwner",
            "id2",
            &login,
            "Cannot query field \"id2\" on type \"Repository\".",
        ),
        (
            "first: $first, ",
            "",
            &login,
            "Variable \"$first\" is never used in operation \"Q\".",
        ),
        (
            "$first: Int = 2",
            "$first: String",
            &login,
            "Variable \"$first\" of type \"String\" used in position expecting type \"Int\".",
        ),
        (
            "(login: $login)",
            "(name: $login)",
            &login,
            "Field \"repositoryOwner\" argument \"login\" of type \"String!\" is required, but it was not provided.",
        ),
        (
            "{ hasNextPage endCursor }",
            "",
            &login,
            "Field \"pageInfo\" of type \"PageInfo!\" must have a selection of subfields. Did you mean \"pageInfo { ... }\"?",
        ),
        (
            "",
            "",
            &json!({}),
            "Variable $login of type String! was provided invalid value",
        ),
        (
            "",
            "",
            &json!({"login": "acme", "first": "2"}),
            "Variable $first of type Int was provided invalid value",
        ),
        (
            "",
            "",
            &json!({"login": "acme", "first": 101}),
            "Requesting 101 records on the `all` connection exceeds the `first` limit of 100 records.",
        ),
        (
            "",
            "",
            &json!({"login": "acme", "first": null}),
            "You must provide a `first` or `last` value to properly paginate the `all` connection.",
        ),
    ] {
        assert_eq!(
            world.message(&QUERY.replace(from, to), variables.clone()),
            message
        );
    }
    let cursor = world.ask(json!({"login": "acme", "after": "x"}));
    assert_eq!(cursor["errors"][0]["type"], "INVALID_CURSOR_ARGUMENTS");
    let anonymous = send("POST", &world.github.graphql_url(), &[], "{}").unwrap();
    assert_eq!(anonymous.status, 401);
}

#[test]
fn points_are_counted_and_run_out() {
    let world = world();
    assert_eq!(
        world.ask(json!({"login": "acme"}))["data"]["rateLimit"],
        Value::Null
    );
    world.github.set_rate_limits(RateLimits {
        graphql: 3,
        core: 1,
        window: Duration::from_secs(3600),
    });
    let first = world.post(QUERY, json!({"login": "acme", "first": 100}));
    let limit = json!({"cost": 1, "nodeCount": 100, "remaining": 2});
    assert_eq!(first.json()["data"]["rateLimit"], limit);
    assert!(
        first.head.contains("X-RateLimit-Remaining: 2")
            && first.head.contains("X-RateLimit-Resource: graphql")
    );
    // A hundred connections inside of one: 101 requests, 1.01 points.
    let nested = "query N {repositoryOwner(login: \"acme\") {repositories(first: 100, orderBy: {field: CREATED_AT, direction: ASC}) {nodes {owner {repositories(first: 1, orderBy: {field: CREATED_AT, direction: ASC}) {totalCount}}}}} rateLimit {cost nodeCount}}";
    let answer = world.post(nested, Value::Null).json();
    assert_eq!(
        answer["data"]["rateLimit"],
        json!({"cost": 1, "nodeCount": 200})
    );
    world.ask(json!({"login": "acme"}));
    let refused = world.post(QUERY, json!({"login": "acme"}));
    assert_eq!(
        (refused.status, &refused.json()["errors"][0]["type"]),
        (200, &json!("RATE_LIMIT"))
    );
    assert!(refused.head.contains("X-RateLimit-Remaining: 0"));
    assert_eq!(world.github.used(), (3, 0));

    let authorization = format!("Bearer {}", world.token);
    let url = format!("{}/repos/acme/service-00002", world.github.api_url());
    let get = || send("GET", &url, &[("Authorization", &*authorization)], "").unwrap();
    assert_eq!(
        (get().json()["id"].clone(), get().status),
        (json!(7_000_002), 403)
    );
}

#[test]
fn what_is_too_much_is_not_answered() {
    let world = world();
    world
        .github
        .set_query_fault("acme/old", Some(QueryFault::Saml));
    world
        .github
        .set_query_fault("acme/infra", Some(QueryFault::ResourceLimits));
    let answer = world.ask(json!({"login": "acme"}));
    let nodes = &answer["data"]["repositoryOwner"]["all"]["nodes"];
    assert_eq!(
        (&nodes[0]["object"], &nodes[1]),
        (&Value::Null, &Value::Null)
    );
    let path = |error: usize| answer["errors"][error]["path"].to_string();
    assert_eq!(path(0), r#"["repositoryOwner","all","nodes",0,"object"]"#);
    assert_eq!(path(1), r#"["repositoryOwner","all","nodes",1]"#);
    world.github.set_query_fault("acme/infra", None);
    world.github.set_query_capacity(8);
    // `on: push` and `on: pull_request`, of which one is in another directory.
    assert_eq!(world.post(QUERY, json!({"login": "acme"})).status, 200);
    world.github.set_query_capacity(7);
    assert_eq!(world.post(QUERY, json!({"login": "acme"})).status, 502);
    assert_eq!(
        world
            .post(QUERY, json!({"login": "acme", "texts": false}))
            .status,
        200
    );
    assert_eq!(world.github.requests_to(Endpoint::GraphQl).len(), 4);
}

#[test]
fn a_former_name_leads_to_the_new_one() {
    let world = world();
    world.github.edit_repository("acme/infra", |repository| {
        repository.former_names.push("acme/before".into());
    });
    let authorization = format!("Bearer {}", world.token);
    let get = |path: &str| {
        let url = format!("{}{path}", world.github.api_url());
        send("GET", &url, &[("Authorization", &*authorization)], "").unwrap()
    };
    let moved = get("/repos/acme/before");
    assert_eq!(moved.status, 301);
    assert!(moved.head.contains(&format!(
        "Location: {}/repositories/1",
        world.github.api_url()
    )));
    assert_eq!(get("/repositories/1").json()["full_name"], "acme/infra");
    assert_eq!(
        (
            get("/repositories/9").status,
            get("/repos/acme/none").status
        ),
        (404, 404)
    );
}
