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
        "routes": {"headers": "x-original", "table": [
            {"method": ["POST"], "host": "Api.example", "path": "/a/{id}/", "permission": "a:b"},
            {"method": "GET", "path": "/", "permission": "c:d"},
        ]},
    })
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

#[test]
fn schema_and_program_accept_the_same() {
    let schema = Schema::new(SCHEMA);
    assert!(schema.is_valid(&whole()) && is_read(&whole()));
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
        json!("api.example:80"),
        json!([]),
        json!([1]),
        json!(["GET"]),
        json!(["get"]),
        json!({}),
    ];
    let mut places = Vec::new();
    pointers(&whole(), "", &mut places);
    let mut compared = 0;
    for place in places.iter().filter(|place| !place.is_empty()) {
        let (parent, name) = place.rsplit_once('/').unwrap();
        let mut variants = Vec::new();
        for value in &values {
            let mut changed = whole();
            *changed.pointer_mut(place).unwrap() = value.clone();
            variants.push(changed);
        }
        let mut without = whole();
        if let Some(members) = without.pointer_mut(parent).unwrap().as_object_mut() {
            members.remove(name);
            variants.push(without);
            let mut more = whole();
            more.pointer_mut(parent).unwrap()["unknown"] = json!(1);
            variants.push(more);
        }
        for variant in variants {
            // What a schema cannot say: whose issuer, and which addresses need a permit.
            let is_said = !["/issuer", "/listen", "/admin"].contains(&place.as_str())
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
    assert!(compared > 800, "{compared}");
}

#[test]
fn every_key_is_described() {
    let schema = Schema::new(SCHEMA);
    for pointer in [
        "",
        "/properties/policy",
        "/properties/routes",
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
    assert_eq!(config.policy.file, directory.join("policy.yml"));
    let policy = engine::policy::Policy::parse(&file("policy.yml"), engine::policy::Format::Yaml);
    let (_, entries) = policy.unwrap().repositories.unwrap();
    assert_eq!(entries.len(), 1);
}
