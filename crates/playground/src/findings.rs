//! The findings of `lint` in a policy.

use std::collections::BTreeSet;

use analysis::lint::{FindingRow, LintOptions, lint};
use analysis::report::lint_page;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::policy::PolicyText;

/// Returns the findings in file order, each with the page that explains it. `workflows` are the names of the workflow
/// files, if they are known.
pub(super) fn findings(
    policy: &PolicyText,
    workflows: Option<BTreeSet<String>>,
    repository: Option<&str>,
    now: Timestamp,
) -> Value {
    let options = LintOptions {
        now: Some(now),
        workflows,
        repository: repository.map(str::to_owned),
    };
    let name = policy.name("policy");
    let findings = lint(&policy.0, policy.format(), &options);
    let findings = findings.iter().map(|finding| {
        let page = lint_page(finding.code);
        json!({ "finding": FindingRow::of(&name, finding), "page": page })
    });
    findings.collect()
}
