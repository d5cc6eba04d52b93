//! A file of cases, in YAML and in JSON, run against a policy of its own.

use analysis::PolicyRepository;
use analysis::cases::{Coverage, PolicyFile, Suite, run as run_cases};
use jiff::Timestamp;

use super::places::Lines;

const POLICY: &str = "\
version: 1
permissions:
  - permission: ws:deployments:create
    branch: main
    environment: production
    events: [push, pull_request_target]
    expires: 2027-01-31
  - permission: [a:b, ws:locks:delete]
    branch: release/.*
    claims: { actor: octocat }
";
const CLAIMS: &str = r#"{"repository": "acme-org/infra", "ref": "refs/heads/main"}"#;

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for name in ["t.yml", "t.json"] {
        let lines = Lines::of(text);
        let errors = match Suite::parse(name, text) {
            Err(errors) => errors,
            Ok(suite) => {
                let policy = PolicyFile {
                    name: "p.yml",
                    text: Ok(POLICY),
                    repository: PolicyRepository::Unknown,
                };
                let mut coverage = Coverage::default();
                let read = |file: &str| match file {
                    "missing" => Err("it is missing"),
                    "policy" => Ok(POLICY),
                    _ => Ok(CLAIMS),
                };
                let now = Timestamp::UNIX_EPOCH;
                let all = &|| true;
                match run_cases(&suite, &policy, read, now, all, &mut coverage, &mut 10) {
                    Err(errors) => errors,
                    Ok(results) => {
                        assert!(!results.is_empty());
                        for result in &results {
                            lines.assert_inside(result.position);
                            assert!(!result.message.is_empty());
                        }
                        assert!(coverage.uncovered().count() <= coverage.rules());
                        continue;
                    }
                }
            }
        };
        assert!(!errors.is_empty());
        for error in &errors {
            assert!(!error.text().is_empty());
            if let (true, Some(position)) = (error.file == name, error.position) {
                lines.assert_inside(position);
            }
        }
    }
}
