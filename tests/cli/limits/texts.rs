//! Policies at their limits.

use std::fmt::Write as _;

use ::engine::policy::MAX_FILE;

pub const HEAD: &str = "version: 1\npermissions:\n";

/// So many rules for one permission, each for a branch of its own.
pub fn rules(count: usize) -> String {
    let mut text = HEAD.to_owned();
    for number in 0..count {
        let _ = writeln!(text, "- permission: a:b\n  branch: b{number}");
    }
    text
}

/// The same in JSON, all in one line.
pub fn json_rules(count: usize) -> String {
    let rules: Vec<_> = (0..count)
        .map(|number| format!(r#"{{"permission":"a:b","branch":"b{number}"}}"#))
        .collect();
    format!(r#"{{"version":1,"permissions":[{}]}}"#, rules.join(","))
}

/// As large as a policy can be: entries of ten rules each, as a central policy has them.
pub fn largest() -> String {
    let mut text = "version: 1\nrepositories:\n".to_owned();
    let mut number = 0;
    loop {
        let mut entry = format!(
            "- repository: acme-org/service-{number}\n  repository_id: {}\n  permissions:\n",
            number + 1
        );
        for rule in 0..10 {
            let _ = writeln!(
                entry,
                "  - name: rule {rule}\n    permission: ws:deployments:create\n    workflow: deploy-{rule}.yml\n    branch: [main, release/.*]\n    environment: production"
            );
        }
        if text.len() + entry.len() > MAX_FILE {
            break;
        }
        text += &entry;
        number += 1;
    }
    let rest = MAX_FILE - text.len() - 2;
    let _ = writeln!(text, "#{}", "x".repeat(rest));
    assert_eq!(text.len(), MAX_FILE);
    text
}

/// One rule with a value of `key` inside.
pub fn rule(key: &str, value: &str) -> String {
    format!("{HEAD}- permission: a:b\n  {key}: {value}\n")
}

/// A list of patterns of one branch.
pub fn branches(patterns: impl Iterator<Item = String>) -> String {
    let mut text = rule("branch", "");
    for pattern in patterns {
        let _ = writeln!(text, "  - '{pattern}'");
    }
    text
}

/// Filled up to a length.
pub fn filled(before: &str, filling: &str, after: &str, length: usize) -> String {
    let count = (length - before.len() - after.len()) / filling.len();
    format!("{before}{}{after}", filling.repeat(count))
}

/// Cases that `policy.yml` denies and that expect a grant.
pub fn failing(count: usize) -> String {
    let case = |number| {
        format!(
            "- {{ name: c{number}, permission: a:b, context: {{ branch: main }}, expect: allowed }}\n"
        )
    };
    let cases: String = (0..count).map(case).collect();
    format!("policy: policy.yml\ntests:\n{cases}")
}
