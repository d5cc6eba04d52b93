//! The JSON Schema of a record: every record is valid, and has no field that it does not describe.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{ALLOWED, DENIED, records};
use crate::support::schema::Schema;
use crate::support::{POLICY, Stage, root};

const SCHEMA: &str = include_str!("../../../schema/repo-permissions-audit.schema.json");

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

fn example() -> Value {
    serde_json::from_str(&read("examples/audit/denied.json")).unwrap()
}

/// The paths of a record's fields; those of `claims` are the token's business.
fn fields(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    let Some(members) = value.as_object() else {
        return;
    };
    for (name, member) in members {
        let path = format!("{path}/{name}");
        if name != "claims" {
            fields(member, &path, found);
        }
        found.insert(path);
    }
}

/// Whether the schema says something of a field: found through `$ref`, also where it can be null instead.
fn is_described(schema: &Schema, path: &str) -> bool {
    let resolved = |part: &Value| {
        let reference = part.pointer("/anyOf/1/$ref").unwrap_or(&part["$ref"]);
        let pointer = reference.as_str().map(|text| text.trim_start_matches('#'));
        pointer.map_or(part, |pointer| schema.at(pointer)).clone()
    };
    let mut part = schema.at("").clone();
    for name in path.split('/').skip(1) {
        part = resolved(&part)["properties"][name].clone();
    }
    resolved(&part)["description"].is_string()
}

#[test]
fn records_of_all_kinds_are_valid_and_described() {
    let schema = Schema::new(SCHEMA);
    let stage = Stage::with_policy(&POLICY.replace("version: 1", "version: 1\nworkspace: acme"));
    let (allowed, denied) = (stage.push(), stage.push().with_environment("staging"));
    let all = format!("{ALLOWED},{DENIED},ws:locks:create,a:b");
    let mut written = Vec::new();
    for (job, inputs) in [
        (&allowed, &[("permission", all.as_str())][..]),
        (&denied, &[("permission", DENIED)]),
        (&denied, &[("permission", DENIED), ("detail", "none")]),
        (&denied, &[("permission", DENIED), ("mode", "advisory")]),
        (
            &allowed,
            &[("permission", ALLOWED), ("policy", "missing.yml")],
        ),
        (&allowed, &[("permission", ALLOWED), ("policy", "a\nb")]),
        (
            &allowed,
            &[
                ("permission", ALLOWED),
                ("policy", "acme-org/other/p.yml@v1"),
            ],
        ),
        (&allowed, &[("permission", "no permission")]),
        (&allowed, &[]),
        (
            &stage.push().with_id_token(false),
            &[("permission", ALLOWED)],
        ),
    ] {
        let step = stage.run(job, inputs);
        let records = records(&step.stdout);
        assert!(!records.is_empty(), "{}", step.stdout);
        written.extend(records);
    }
    let mut found = BTreeSet::new();
    for record in &written {
        assert!(schema.is_valid(record), "{record:#}");
        fields(record, "", &mut found);
    }
    for path in &found {
        assert!(is_described(&schema, path), "{path}");
    }
    // And what is described is seen, but for what needs a central policy, a policy of an older ref, or a server.
    let data = schema
        .at("/definitions/data/properties")
        .as_object()
        .unwrap();
    let of_servers = ["decided_by", "resource"];
    for name in data
        .keys()
        .filter(|name| !of_servers.contains(&name.as_str()))
    {
        assert!(found.contains(&format!("/data/{name}")), "{name}");
    }
    assert!(written.iter().any(|record| record.get("subject").is_none()));
}

#[test]
fn the_example_is_a_record() {
    let schema = Schema::new(SCHEMA);
    let stage = Stage::with_policy(POLICY);
    let job = stage
        .push()
        .with_environment("production")
        .with_workflow("x.yml");
    let step = stage.run(&job, &[("permission", DENIED)]);
    let (mut of_example, mut of_step) = (BTreeSet::new(), BTreeSet::new());
    fields(&example(), "", &mut of_example);
    fields(&records(&step.stdout)[0], "", &mut of_step);
    assert_eq!(of_example, of_step);
    assert!(schema.is_valid(&example()));
    let shown = format!("```json\n{}```\n", read("examples/audit/denied.json"));
    assert!(read("docs/audit.md").contains(&shown));
}

#[test]
fn what_is_no_record_is_not_valid() {
    let schema = Schema::new(SCHEMA);
    for (path, value) in [
        ("/specversion", json!("0.3")),
        ("/id", json!("")),
        ("/subject", json!("")),
        ("/type", json!("dev.repo-permissions.check.granted")),
        ("/time", json!("2026-11-23 23:55:03Z")),
        ("/data", json!(null)),
        ("/data/schema_version", json!(2)),
        ("/data/decision", json!("allowed")),
        ("/data/reason", json!("granted")),
        ("/data/reason", json!("because")),
        ("/data/enforced", json!("true")),
        ("/data/rule", json!({"line": 0, "name": null})),
        ("/data/nearest", json!({"line": 1, "name": null})),
        ("/data/context/branch", json!(1)),
        ("/data/claims/ref", json!(["refs/heads/main"])),
        ("/data/policy/sha256", json!("1ab2")),
        ("/data/token/sha256", json!(null)),
        ("/data/run_id", json!(14_144_996_512_u64)),
        ("/data/duration_ms", json!(-1)),
    ] {
        let mut record = example();
        *record.pointer_mut(path).unwrap() = value;
        assert!(!schema.is_valid(&record), "{path}");
    }
    for name in ["specversion", "id", "source", "type", "time", "data"] {
        let mut record = example();
        record.as_object_mut().unwrap().remove(name);
        assert!(!schema.is_valid(&record), "{name}");
    }
    let mut newer = example();
    newer["data"]["new_field"] = json!(1);
    assert!(schema.is_valid(&newer));
}
