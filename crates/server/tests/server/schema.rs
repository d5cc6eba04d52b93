//! The JSON Schema of the configuration says what the program says.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::schema::Schema;

const SCHEMA: &str = include_str!("../../../../schema/repo-permissions-server.schema.json");

fn whole() -> Value {
    json!({
        "version": 1, "listen": "unix:/run/gate.sock", "admin": "[::1]:9090", "insecure_listen": false,
        "issuer": "https://ghes.example.com/_services/token", "audience": "https://deploy.example.com",
        "owners": [1, 2], "max_token_age": "5m", "ca_bundle": "roots.pem", "detail": "none",
        "policy": {"file": "policy.yml", "refresh": "1m", "stale": "2h"},
        "github": {"api_url": "https://ghes.example.com/api/v3", "app": {
            "client_id": "Iv1", "private_key_file": "app.pem", "webhook_secret_file": "secret",
        }},
        "deployments": [
            {"environment": "*", "permission": "a:b"},
            {"environment": {"glob": "prod-*"}, "permission": "c:d"},
        ],
        "routes": {"headers": "x-original", "table": [
            {"method": ["POST"], "host": "Api.example", "path": "/a/{id}/", "permission": "a:b"},
            {"method": "GET", "path": "/", "permission": "c:d"},
        ]},
    })
}

/// The same with the policy in another place.
fn with_policy(policy: Value) -> Value {
    let mut config = whole();
    config["policy"] = policy;
    config
}

fn wholes() -> [Value; 3] {
    [
        whole(),
        with_policy(
            json!({"repository": "acme/rules/a/p.yml@main", "refresh": "1m", "stale": "2h"}),
        ),
        with_policy(json!({"path": ".github/p.json", "delegate": ["a:b", "c:d"]})),
    ]
}

fn is_read(config: &Value) -> bool {
    server::Config::parse(&config.to_string(), Path::new("/")).is_ok()
}

/// Every place of a value, as a JSON pointer.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                pointers(member, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// Places whose strings a schema cannot judge: whose issuer and API, which addresses need a permit, which patterns
/// compile.
const UNSAID: [&str; 7] = [
    "/issuer",
    "/listen",
    "/admin",
    "/github/api_url",
    "/deployments/0/environment",
    "/deployments/1/environment",
    "/deployments/1/environment/glob",
];

/// Changes each place of a configuration below a pointer to each value, and returns how many are compared.
fn compare_variants(schema: &Schema, whole: &Value, below: &str, values: &[Value]) -> usize {
    let mut places = Vec::new();
    pointers(whole, "", &mut places);
    let mut compared = 0;
    let places = places.iter().filter(|place| place.starts_with(below));
    for place in places.filter(|place| !place.is_empty()) {
        let (parent, name) = place.rsplit_once('/').unwrap();
        let mut variants = Vec::new();
        for value in values {
            let mut changed = whole.clone();
            *changed.pointer_mut(place).unwrap() = value.clone();
            variants.push(changed);
        }
        let mut without = whole.clone();
        if let Some(members) = without.pointer_mut(parent).unwrap().as_object_mut() {
            members.remove(name);
            variants.push(without);
            let mut more = whole.clone();
            more.pointer_mut(parent).unwrap()["unknown"] = json!(1);
            variants.push(more);
        }
        for variant in variants {
            let is_said = !UNSAID.contains(&place.as_str())
                || variant
                    .pointer(place)
                    .is_none_or(|value| !value.is_string());
            if is_said {
                compared += 1;
                assert_eq!(
                    schema.is_valid(&variant),
                    is_read(&variant),
                    "{place}: {variant:#}"
                );
            }
        }
    }
    compared
}

#[test]
fn schema_and_program_accept_the_same() {
    let schema = Schema::new(SCHEMA);
    for whole in wholes() {
        assert!(schema.is_valid(&whole) && is_read(&whole), "{whole:#}");
    }
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!(-1),
        json!(1.5),
        json!(""),
        json!("1"),
        json!("a"),
        json!("repo-permissions"),
        json!("127.0.0.1:80"),
        json!("unix:"),
        json!("[::1]:80"),
        json!("30s"),
        json!("0s"),
        json!("01s"),
        json!("86400s"),
        json!("86401s"),
        json!("1440m"),
        json!("1441m"),
        json!("24h"),
        json!("25h"),
        json!("1d"),
        json!("full"),
        json!("x-forwarded"),
        json!("POST"),
        json!("post"),
        json!("/a"),
        json!("/a//b"),
        json!("/.."),
        json!("/{a}"),
        json!("/a%2f"),
        json!("a:b"),
        json!("A:B"),
        json!(" locks Create "),
        json!("Locks Rename"),
        json!("api.example:80"),
        json!("p.yml"),
        json!("a/p.json"),
        json!("a//p.yml"),
        json!("../p.yml"),
        json!("o/r/p.yml@main"),
        json!("o/r/p.yml"),
        json!("o/r/p.txt@main"),
        json!([]),
        json!([1]),
        json!(["GET"]),
        json!(["get"]),
        json!({}),
    ];
    let mut compared = 0;
    // Elsewhere, the second and the third are like the first.
    for (whole, below) in wholes().iter().zip(["", "/policy", "/policy"]) {
        compared += compare_variants(&schema, whole, below, &values);
    }
    assert!(compared > 800, "{compared}");
}

#[test]
fn a_permission_key_is_that_of_policies() {
    const OF_POLICIES: &str = include_str!("../../../../schema/repo-permissions.schema.json");
    let [of_server, of_policies] = [SCHEMA, OF_POLICIES].map(|text| {
        let schema: Value = serde_json::from_str(text).unwrap();
        schema["definitions"]["permissionKey"].clone()
    });
    assert!(of_server.is_object());
    assert_eq!(of_server, of_policies);
}

#[test]
fn an_environment_has_one_kind() {
    let schema = Schema::new(SCHEMA);
    for (environment, is_valid) in [
        (json!({"exact": "a"}), true),
        (json!({"regex": "a|b"}), true),
        (json!({"exact": "a", "glob": "b*"}), false),
        (json!({"exact": ""}), false),
        (json!({}), false),
        (json!(["a"]), false),
    ] {
        let mut config = whole();
        config["deployments"][0]["environment"] = environment.clone();
        let seen = (schema.is_valid(&config), is_read(&config));
        assert_eq!(seen, (is_valid, is_valid), "{environment}");
    }
}

#[test]
fn every_key_is_described() {
    let schema = Schema::new(SCHEMA);
    for pointer in [
        "",
        "/properties/policy",
        "/properties/github",
        "/properties/github/properties/app",
        "/properties/routes",
        "/properties/deployments/items",
        "/definitions/route",
    ] {
        let properties = schema
            .at(&format!("{pointer}/properties"))
            .as_object()
            .unwrap();
        for (key, property) in properties {
            assert!(property["description"].is_string(), "{pointer}/{key}");
        }
    }
}

#[test]
fn the_example_is_a_configuration() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/proxies/server.yml");
    server::Config::read(&file).unwrap();
}

/// The files in the ConfigMap of the manifests.
#[test]
fn the_manifests_have_a_configuration_and_a_policy() {
    let manifests = include_str!("../../../../deploy/kubernetes/server.yaml");
    let file = |name: &str| {
        let (_, text) = manifests.split_once(&format!("\n  {name}: |\n")).unwrap();
        let lines = text.lines().map_while(|line| line.strip_prefix("    "));
        lines.map(|line| format!("{line}\n")).collect::<String>()
    };
    let directory = Path::new("/etc/repo-permissions");
    let config = server::Config::parse(&file("server.yml"), directory).unwrap();
    let file_of_policy = server::PolicyPlace::File(directory.join("policy.yml"));
    assert_eq!(config.policy.place, file_of_policy);
    let policy = engine::policy::Policy::parse(&file("policy.yml"), engine::policy::Format::Yaml);
    let (_, entries) = policy.unwrap().repositories.unwrap();
    assert_eq!(entries.len(), 1);
}
