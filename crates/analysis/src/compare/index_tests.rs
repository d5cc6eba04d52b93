//! The index of the comparison leaves out no grant that can share a job.

use super::*;
use engine::policy::Format;

/// The sentences of the access that a change of the rules adds and removes, among many other rules.
fn changes_among(siblings: usize, old: &str, new: &str) -> String {
    let policy = |rules: &str| {
        let siblings = (0..siblings).map(|number| {
            format!(
                "  - {{ permission: a:b, workflow: s-{number}.yml, branch: [main, {{ glob: 'release/**' }}], \
                 environment: 'x{number}.*' }}\n"
            )
        });
        let siblings: String = siblings.collect();
        let text = match rules.starts_with("repositories:") {
            true => format!("version: 1\npermissions:\n{siblings}{rules}"),
            false => format!("version: 1\npermissions:\n{siblings}{rules}"),
        };
        Policy::parse(&text, Format::Yaml).unwrap()
    };
    let (old, new) = (policy(old), policy(new));
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    let comparison = compare(&old, &new, now).unwrap();
    let mut text = String::new();
    for (sign, list) in [("+", &comparison.added), ("-", &comparison.removed)] {
        for change in list {
            assert!(change.example.is_some(), "{change:?}");
            text.push_str(&format!(
                "{sign} {}: {}\n",
                change.section.phrase().plain(),
                change.sentence(sign == "+").plain(),
            ));
        }
    }
    text
}
