//! The schemas say what the readers say.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::support::directory::Directory;
use crate::support::schema::Schema;
use crate::support::{root, yaml};
use ::engine::policy::{CaseSensitivity, Entry, Format, Pattern, Policy, Rule};
use serde_json::{Value, json};

const POLICY: &str = include_str!("../../../schema/repo-permissions.schema.json");
const TESTS: &str = include_str!("../../../schema/repo-permissions-tests.schema.json");
const AUDIT: &str = include_str!("../../../schema/repo-permissions-audit.schema.json");

#[test]
fn the_command_prints_the_committed_files() {
    let directory = Directory::new();
    for (arguments, file) in [
        (&["schema"][..], POLICY),
        (&["schema", "policy"], POLICY),
        (&["schema", "tests"], TESTS),
        (&["schema", "audit"], AUDIT),
    ] {
        assert_eq!(directory.prints(arguments), file);
    }
    assert_eq!(directory.run(&["schema", "other"]).code, Some(2));
}

/// By the release that it belongs to, where it stays as it is; editors follow the newest one of the major version.
#[test]
fn each_is_named_by_its_version_and_what_init_writes_leads_to_it() {
    let place = "https://raw.githubusercontent.com/repo-permissions/repo-permissions";
    let mut names = BTreeSet::new();
    for path in files("schema") {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let schema: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(schema["$id"], format!("{place}/v{version}/schema/{name}"));
        names.insert(name);
    }
    let directory = Directory::with_workflows(&[("ci.yml", "on: push\njobs: {}\n")]);
    assert_eq!(directory.run(&["init"]).code, Some(0));
    for file in [crate::support::POLICY_PATH, crate::support::CASES_PATH] {
        let text = directory.read(file);
        let major = env!("CARGO_PKG_VERSION_MAJOR");
        let start = format!("# yaml-language-server: $schema={place}/v{major}/schema/");
        let named = text.lines().next().unwrap().strip_prefix(&start);
        assert!(names.contains(named.unwrap()), "{named:?}");
    }
}

#[test]
fn every_key_is_in_both() {
    let schema = Schema::new(POLICY);
    let pairs = [
        ("", &Policy::KEYS[..]),
        ("/definitions/entry", &Entry::KEYS),
        ("/definitions/rule", &Rule::KEYS),
        ("/definitions/pattern/anyOf/1", &Pattern::KEYS),
    ];
    for (pointer, keys) in pairs {
        let properties = schema.at(&format!("{pointer}/properties"));
        let known: BTreeSet<_> = properties
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(known, keys.iter().copied().collect(), "{pointer}");
        assert_eq!(
            schema.at(&format!("{pointer}/additionalProperties")),
            &json!(false)
        );
        for (key, property) in properties.as_object().unwrap() {
            assert!(
                property["description"].is_string(),
                "{pointer}/{key} is not described"
            );
        }
    }
}

/// Reads a policy as `lint` sees it: the structure, and every pattern.
pub fn check(text: &str, format: Format) -> Result<(), String> {
    let document = Policy::parse(text, format).map_err(|invalid| invalid.to_string())?;
    let rules = document.rules().flat_map(|rule| {
        let dimensions = [&rule.workflow, &rule.branch, &rule.base, &rule.environment];
        let claims = rule.claims.iter().map(|(_, patterns)| patterns);
        dimensions.into_iter().flatten().chain(claims)
    });
    let entries = document.repositories.iter().flat_map(|(_, list)| list);
    for patterns in rules.chain(entries.map(|entry| &entry.repository)) {
        let compiled = patterns.compile(CaseSensitivity::Sensitive);
        compiled.map_err(|problem| format!("{problem:?}"))?;
    }
    Ok(())
}

fn reads(text: &str, format: Format) -> bool {
    check(text, format).is_ok()
}

/// The files of a directory of this repository.
fn files(directory: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(root().join(directory)).unwrap();
    files.map(|file| file.unwrap().path()).collect()
}

/// The policies of the examples, and the files of cases beside them.
fn examples() -> (Vec<PathBuf>, Vec<PathBuf>) {
    let directories = [
        "examples/policies",
        "examples/repository/.github",
        "examples/atmos-pro/.github",
    ];
    let files = directories.into_iter().flat_map(files);
    files
        .filter(|path| path.is_file())
        .partition(|path| !path.to_str().unwrap().contains(".tests."))
}

/// The policy's text, whether the reader takes it, and what a validator sees.
fn policy(path: &Path) -> (bool, impl FnOnce() -> Value) {
    let text = std::fs::read_to_string(path).unwrap();
    let format = Format::of_path(path.to_str().unwrap());
    let is_read = reads(&text, format);
    let instance = move || match format {
        Format::Json => serde_json::from_str(&text).unwrap(),
        Format::Yaml => yaml::to_json(&text),
    };
    (is_read, instance)
}

#[test]
fn the_examples_are_valid() {
    let schema = Schema::new(POLICY);
    let (policies, cases) = examples();
    assert!(policies.len() >= 6 && cases.len() >= 3);
    for path in policies {
        let (is_read, instance) = policy(&path);
        assert!(is_read, "{path:?}");
        assert!(schema.is_valid(&instance()), "{path:?}");
    }
    let schema = Schema::new(TESTS);
    for path in cases {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(schema.is_valid(&yaml::to_json(&text)), "{path:?}");
    }
}

/// One thing each: valid, invalid, and what a schema cannot say. `.ci/run` shows them to a public
/// validator.
#[test]
fn the_small_policies_are_what_their_directory_says() {
    let schema = Schema::new(POLICY);
    for (directory, count, is_valid) in [("valid", 7, true), ("invalid", 42, false)] {
        let files = files(&format!("tests/project/schema/policies/{directory}"));
        assert!(files.len() >= count);
        for path in files {
            let (is_read, instance) = policy(&path);
            assert_eq!(is_read, is_valid, "{path:?}");
            assert_eq!(schema.is_valid(&instance()), is_valid, "{path:?}");
        }
    }
    for path in files("tests/project/schema/policies/unsaid") {
        assert!(!policy(&path).0, "{path:?}");
    }
}

/// A valid policy with a rule that has every key.
fn full() -> Value {
    json!({
        "version": 1,
        "workspace": "acme",
        "permissions": [],
        "repositories": [{
            "repository": "acme-org/infra",
            "repository_id": 1,
            "owner_id": 2,
            "permissions": [{
                "name": "a rule",
                "permission": ["ws:deployments:create", "locks DELETE"],
                "workflow": "deploy.yml",
                "branch": ["main", { "glob": "release/*" }],
                "environment": { "exact": "production" },
                "events": ["push"],
                "claims": { "runner_environment": "github-hosted" },
                "expires": "2027-01-31"
            }]
        }]
    })
}

/// Every single change of the full policy, where and to what, is valid for both or for neither.
#[test]
fn the_schema_and_the_reader_agree() {
    const ENTRY: &str = "/repositories/0";
    const RULE: &str = "/repositories/0/permissions/0";
    let schema = Schema::new(POLICY);
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!(2),
        json!(-1),
        json!(18_446_744_073_709_551_615_u64),
        json!(1.5),
        json!(""),
        json!("1"),
        json!("main"),
        json!("push"),
        json!("Push"),
        json!("*"),
        json!("a:b"),
        json!("A:b"),
        json!("a:"),
        json!(" Locks Create "),
        json!("Lock Create"),
        json!("ws:*"),
        json!("x".repeat(1024)),
        json!("x".repeat(1025)),
        json!("a:".repeat(127) + "bb"),
        json!("a:".repeat(128) + "b"),
        json!("2027-01-31"),
        json!("2027-1-31"),
        json!("2027-13-01"),
        json!("20270131"),
        json!("2027-01-31T12:00:00Z"),
        json!("2027-01-31t12:00:00.5+02:00"),
        json!("2027-01-31T12:00:00"),
        json!("2027-01-31 12:00:00Z"),
        json!("2027-01-31T25:00:00Z"),
        json!("2027-01-31T12:00:00Z[UTC]"),
        json!([]),
        json!([null]),
        json!([""]),
        json!([1]),
        json!(["a:b"]),
        json!(["a:b", "main"]),
        json!(["push", "pull_request_target"]),
        json!([["main"]]),
        json!([{}]),
        json!([{ "glob": "a/*" }, "main"]),
        json!([{ "permission": "a:b" }]),
        json!([{ "repository": "a/b", "permissions": [] }]),
        json!([{ "repository": "a/b" }]),
        json!([{ "permissions": [] }]),
        json!({}),
        json!({ "exact": "main" }),
        json!({ "regex": "a|b" }),
        json!({ "regex": "" }),
        json!({ "exact": 1 }),
        json!({ "exact": "a", "glob": "b" }),
        json!({ "glob": ["a"] }),
        json!({ "exakt": "a" }),
        json!({ "a": "b", "c": ["d", { "glob": "e" }] }),
        json!({ "a": {} }),
        json!({ "<<": "b" }),
    ];
    assert!(schema.is_valid(&full()));
    assert!(reads(&full().to_string(), Format::Json));
    let (mut valid, mut invalid) = (0, 0);
    for (place, keys) in [
        ("", &Policy::KEYS[..]),
        (ENTRY, &Entry::KEYS),
        (RULE, &Rule::KEYS),
    ] {
        for key in keys.iter().chain(&["unknown"]) {
            for value in values.iter().map(Some).chain([None]) {
                let mut policy = full();
                let object = policy.pointer_mut(place).unwrap().as_object_mut().unwrap();
                match value {
                    Some(value) => object.insert((*key).to_owned(), value.clone()),
                    None => object.remove(*key),
                };
                let read = reads(&policy.to_string(), Format::Json);
                assert_eq!(
                    schema.is_valid(&policy),
                    read,
                    "{place}/{key}: {value:?}, the reader says {read}"
                );
                *(if read { &mut valid } else { &mut invalid }) += 1;
            }
        }
    }
    assert!(valid > 100 && invalid > 500, "{valid} {invalid}");
    for root in [json!([]), json!("x"), json!(1), json!(null)] {
        assert!(!schema.is_valid(&root));
        assert!(!reads(&root.to_string(), Format::Json));
    }
}

/// The same for the file of cases, by the whole program: it is invalid when the exit code is 2.
#[test]
fn the_schema_and_the_reader_of_cases_agree() {
    let directory = Directory::new()
        .with("policy.yml", "version: 1\npermissions: []\n")
        .with("claims.json", "{}");
    let schema = Schema::new(TESTS);
    let full = json!({
        "policy": "policy.yml",
        "own_policy": "policy.yml",
        "policy_repository": "acme-org/infra",
        "tests": [{
            "name": "a case",
            "permission": "ws:deployments:create",
            "context": {
                "repository": "acme-org/infra",
                "repository_id": 1,
                "owner_id": 2,
                "workflow": "deploy.yml",
                "branch": "main",
                "environment": "production",
                "event": "push",
                "actor": "octocat",
                "claims": { "ref_protected": "true" }
            },
            "claims": { "ref": "refs/heads/main", "iat": 12 },
            "claims_file": "claims.json",
            "payload_file": "claims.json",
            "now": "2027-01-31T12:00:00Z",
            "expect": "denied"
        }]
    });
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(7),
        json!(1.5),
        json!(""),
        json!("a/b"),
        json!("a/b/c"),
        json!("a/.."),
        json!("ö/b"),
        json!("a:b"),
        json!("2027-01-31"),
        json!("2027-01-31T12:00:00Z"),
        json!("allowed"),
        json!("granted"),
        json!("token_invalid"),
        json!([]),
        json!(["a:b"]),
        json!({}),
        json!({ "a": "b", "n": 1 }),
        json!({ "a": true }),
        json!({ "a": "" }),
        json!({ "branch": "main" }),
    ];
    let keys = |place: &str| -> Vec<String> {
        let object = full.pointer(place).unwrap().as_object().unwrap();
        object.keys().cloned().collect()
    };
    let mut instances = vec![full.clone()];
    for place in ["", "/tests/0", "/tests/0/context"] {
        for key in keys(place) {
            // Texts that name files: which of them there are is not the schema's business.
            let file = ["policy", "own_policy", "claims_file", "payload_file"].contains(&&*key);
            let values = values
                .iter()
                .filter(|value| !file || value.as_str().is_none_or(str::is_empty));
            for value in values.map(Some).chain([None]) {
                let mut suite = full.clone();
                let object = suite.pointer_mut(place).unwrap().as_object_mut().unwrap();
                match value {
                    Some(value) => object.insert(key.clone(), value.clone()),
                    None => object.remove(&key),
                };
                instances.push(suite);
            }
        }
    }
    for keys in [
        &["context", "claims"][..],
        &["context", "claims_file"],
        &["claims", "claims_file"],
        &["claims", "claims_file", "payload_file"],
        &["context", "claims", "claims_file", "payload_file"],
    ] {
        let mut suite = full.clone();
        let case = suite["tests"][0].as_object_mut().unwrap();
        case.retain(|key, _| !keys.contains(&&**key));
        instances.push(suite);
    }
    for (number, suite) in instances.iter().enumerate() {
        let file = format!("{number}.json");
        directory.write(&file, suite.to_string());
        let run = directory.run(&["test", &file]);
        assert_eq!(
            schema.is_valid(suite),
            run.code != Some(2),
            "{suite:#}\n{}",
            run.err
        );
    }
}
