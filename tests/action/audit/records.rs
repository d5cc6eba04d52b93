//! The records themselves, in the log and in the file.

use serde_json::Value;

use super::{file, records};
use crate::support::{POLICY, Stage, assert_outcome};

#[test]
fn every_check_is_recorded_in_the_log_and_in_the_file() {
    let stage = Stage::with_policy(&POLICY.replace("version: 1", "version: 1\nworkspace: acme"));
    let audit = ("audit-log", "audit.jsonl");
    let asked = (
        "permission",
        "ws:affected_stacks:create, ws:deployments:create",
    );
    let step = stage.run(&stage.push(), &[asked, audit]);
    assert_outcome(&stage, &step, "denied", "no_rule_matches");
    let written = records(&file(&step, "audit.jsonl"));
    assert_eq!(written, records(&step.stdout));
    assert_eq!(written.len(), 2);
    let [allowed, denied] = &written[..] else {
        panic!()
    };
    for (record, decision, subject) in [
        (allowed, "allowed", "ws:affected_stacks:create"),
        (denied, "denied", "ws:deployments:create"),
    ] {
        assert_eq!(record["specversion"], "1.0");
        assert_eq!(
            record["type"],
            format!("dev.repo-permissions.check.{decision}")
        );
        assert_eq!(record["subject"], subject);
        assert_eq!(
            record["source"],
            format!("{}/acme-org/infra", stage.github.server_url())
        );
        let data = &record["data"];
        assert_eq!(data["decision"], decision);
        assert_eq!(data["context"]["branch"], "main");
        assert_eq!(data["workspace"], "acme");
        assert_eq!(data["policy"]["blob"], step.output("policy-sha"));
        let token = stage.github.minted_tokens().pop().unwrap();
        assert_eq!(data["token"]["sha256"], analysis::sha256(token.as_bytes()));
        assert!(!data["token"]["jti"].as_str().unwrap().is_empty());
    }
    assert_ne!(allowed["id"], denied["id"]);
    assert_eq!(allowed["data"]["rule"]["line"], 9);
    assert_eq!(
        denied["data"]["nearest"]["failed"],
        serde_json::json!(["environment"])
    );
}

#[test]
fn errors_are_recorded_too() {
    let stage = Stage::with_policy(POLICY);
    let job = stage.push().with_id_token(false);
    let step = stage.run(
        &job,
        &[
            ("permission", "ws:locks:create"),
            ("audit-log", "audit.jsonl"),
        ],
    );
    assert_outcome(&stage, &step, "error", "token_unavailable");
    let written = records(&file(&step, "audit.jsonl"));
    assert_eq!(written.len(), 1);
    assert_eq!(written[0]["type"], "dev.repo-permissions.check.error");
    assert_eq!(written[0]["data"]["reason"], "token_unavailable");
    assert_eq!(written[0]["data"]["run_id"], job.run_id.to_string());
    assert_eq!(written[0]["data"]["token"], Value::Null);
}

#[test]
fn a_record_starts_on_a_line_of_its_own() {
    let stage = Stage::with_policy(POLICY);
    for (before, kept) in [("", ""), ("{}\n", "{}\n"), ("{}", "{}\n")] {
        let runner = stage.runner.clone();
        let runner = runner.workspace_file("audit.jsonl", before);
        let inputs = [
            ("permission", "ws:affected_stacks:create"),
            ("audit-log", "audit.jsonl"),
        ];
        let step = runner.run(&stage.github, &stage.push(), &inputs).unwrap();
        let written = file(&step, "audit.jsonl");
        let record = written.strip_prefix(kept).unwrap();
        assert!(record.starts_with("{\"") && record.ends_with("}\n"));
        assert_eq!(record.lines().count(), 1, "{written}");
    }
}

#[test]
fn the_file_stays_in_the_workspace() {
    let stage = Stage::with_policy(POLICY);
    for path in [
        "../audit.jsonl",
        "/tmp/audit-of-repo-permissions.jsonl",
        "..",
        "missing/audit.jsonl",
    ] {
        let step = stage.run(
            &stage.push(),
            &[
                ("permission", "ws:affected_stacks:create"),
                ("audit-log", path),
            ],
        );
        assert_outcome(&stage, &step, "allowed", "granted");
        assert!(
            step.stdout
                .contains("could not be written, its records are in this log"),
            "{path}: {}",
            step.stdout
        );
        assert_eq!(records(&step.stdout).len(), 1);
    }
    assert!(!std::path::Path::new("/tmp/audit-of-repo-permissions.jsonl").exists());
}
