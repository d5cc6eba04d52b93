//! GraphQL: the one query that is answered, what it costs, and what comes back.

use serde_json::{Value, json};
use simulator::GitHub;
use simulator::github::{
    Endpoint, Level, Organization, Permissions, QueryFault, RateLimits, Repository,
};
use std::time::Duration;

use crate::client::{Received, send};

const QUERY: &str = include_str!("../../src/github/repositories.graphql");

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

    /// Asks with these variables in place of the first page of two with texts.
    fn ask(&self, changed: Value) -> Received {
        let mut variables = json!({"login": "acme", "first": 2, "after": null, "texts": true});
        for (name, value) in changed.as_object().unwrap() {
            variables[name] = value.clone();
        }
        self.post(QUERY, variables)
    }

    fn nodes(&self, changed: Value) -> Value {
        self.ask(changed).json()["data"]["repositoryOwner"]["repositories"]["nodes"].clone()
    }
}

#[test]
fn pages_follow_each_other() {
    let world = world();
    let mut names = Vec::new();
    let mut after = Value::Null;
    loop {
        let answer = world.ask(json!({"login": "Acme", "after": after})).json();
        let owner = &answer["data"]["repositoryOwner"];
        assert_eq!(
            (&owner["login"], &owner["databaseId"]),
            (&json!("acme"), &json!(7))
        );
        assert_eq!(owner["repositories"]["totalCount"], 5);
        for node in owner["repositories"]["nodes"].as_array().unwrap() {
            names.push(node["nameWithOwner"].as_str().unwrap().to_owned());
        }
        after = owner["repositories"]["pageInfo"]["endCursor"].clone();
        if owner["repositories"]["pageInfo"]["hasNextPage"] == false {
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
    let nodes = world.nodes(json!({}));
    let file = json!({"name": "a.yml", "object": {"text": "on: push", "isTruncated": false}});
    let directory = json!({"name": "d", "object": {}});
    assert_eq!(
        nodes[0],
        json!({"databaseId": 1, "nameWithOwner": "acme/infra", "isArchived": false, "isFork": false,
            "isPrivate": true, "workflows": {"entries": [file, directory]}})
    );
    assert_eq!(
        (&nodes[1]["workflows"], &nodes[1]["isArchived"]),
        (&Value::Null, &json!(true))
    );
    let nodes = world.nodes(json!({"texts": false}));
    assert_eq!(nodes[0].get("workflows"), None);
    assert_eq!(
        world.ask(json!({"login": "nobody"})).json()["data"]["repositoryOwner"],
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
    let entries = &world.nodes(json!({}))[0]["workflows"]["entries"];
    let large = &entries[0]["object"];
    assert_eq!(
        (large["text"].as_str().unwrap().len(), &large["isTruncated"]),
        (512_000, &json!(true))
    );
    assert_eq!(
        entries[1]["object"],
        json!({"text": null, "isTruncated": false})
    );
}

#[test]
fn only_the_product_s_query_is_answered() {
    let world = world();
    let login = json!({"login": "acme", "first": 2, "after": null, "texts": true});
    let other = "only the query of `repositories.graphql` is modelled";
    for query in [
        "",
        &QUERY.replace("databaseId", "id"),
        &QUERY.replace("first: $first", "first: 100"),
        &format!("{QUERY} {QUERY}"),
    ] {
        let answer = world.post(query, login.clone()).json();
        assert_eq!(answer, json!({"errors": [{"message": other}]}));
    }
    // Its layout and its comments do not matter.
    let query = format!("# A comment.\n{}", QUERY.replace("\n", "\n\n  "));
    let answer = world.post(&query, login.clone()).json();
    assert_eq!(answer["data"]["repositoryOwner"]["login"], "acme");

    for (changed, message) in [
        (
            json!({"login": 1}),
            "Variable $login was provided invalid value",
        ),
        (
            json!({"first": "2"}),
            "Variable $first was provided invalid value",
        ),
        (
            json!({"first": null}),
            "Variable $first was provided invalid value",
        ),
        (
            json!({"first": 101}),
            "Requesting 101 records on the `repositories` connection exceeds the `first` limit of 100 records.",
        ),
        (
            json!({"texts": "yes"}),
            "Variable $texts was provided invalid value",
        ),
        (
            json!({"after": "x"}),
            "`\"x\"` does not appear to be a valid cursor.",
        ),
        (
            json!({"before": "x"}),
            "Variable $before was provided invalid value",
        ),
    ] {
        let answer = world.ask(changed).json();
        assert_eq!(answer["errors"][0]["message"], message);
        assert_eq!(answer.get("data"), None, "{answer}");
    }
    let missing = world.post(QUERY, json!({"login": "acme", "first": 2, "texts": true}));
    assert_eq!(
        missing.json()["errors"][0]["message"],
        "Variable $after was provided invalid value"
    );
    let anonymous = send("POST", &world.github.graphql_url(), &[], "{}").unwrap();
    assert_eq!(anonymous.status, 401);
}

#[test]
fn points_are_counted_and_run_out() {
    let world = world();
    assert_eq!(
        world.ask(json!({})).json()["data"]["rateLimit"],
        Value::Null
    );
    world.github.set_rate_limits(RateLimits {
        graphql: 3,
        core: 1,
        window: Duration::from_secs(3600),
    });
    let first = world.ask(json!({"first": 100}));
    assert_eq!(first.json()["data"]["rateLimit"], json!({"cost": 1}));
    assert!(
        first.head.contains("X-RateLimit-Remaining: 2")
            && first.head.contains("X-RateLimit-Resource: graphql")
    );
    world.ask(json!({}));
    world.ask(json!({"texts": false}));
    let refused = world.ask(json!({}));
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
    let answer = world.ask(json!({})).json();
    let nodes = &answer["data"]["repositoryOwner"]["repositories"]["nodes"];
    assert_eq!(
        (&nodes[0]["workflows"], &nodes[1]),
        (&Value::Null, &Value::Null)
    );
    let error = |number: usize| {
        let error = &answer["errors"][number];
        (error["path"].to_string(), error["type"].to_string())
    };
    assert_eq!(
        error(0),
        (
            r#"["repositoryOwner","repositories","nodes",0,"workflows"]"#.into(),
            r#""RESOURCE_LIMITS_EXCEEDED""#.into()
        )
    );
    assert_eq!(
        error(1),
        (
            r#"["repositoryOwner","repositories","nodes",1]"#.into(),
            r#""FORBIDDEN""#.into()
        )
    );
    world.github.set_query_fault("acme/infra", None);
    world.github.set_query_capacity(8);
    // `on: push` and `on: pull_request`, of which one is in another directory.
    assert_eq!(world.ask(json!({})).status, 200);
    world.github.set_query_capacity(7);
    assert_eq!(world.ask(json!({})).status, 502);
    assert_eq!(world.ask(json!({"texts": false})).status, 200);
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
