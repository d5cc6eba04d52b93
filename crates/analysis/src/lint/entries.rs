//! Lints of a policy's lists: `unpinned-repository`, `top-level-ignored`, `grants-nothing`.

use super::catalogue::{GRANTS_NOTHING, TOP_LEVEL_IGNORED, UNPINNED_REPOSITORY};
use super::finding::Finding;
use super::findings::Findings;
use engine::policy::{Entry, Kind, Policy, Position, quoted};

pub(super) fn check(policy: &Policy, findings: &mut Findings<'_>) {
    if let (Some(rules), Some((repositories, _))) = (&policy.permissions, &policy.repositories) {
        let at = rules.first().map_or(*repositories, |rule| rule.position);
        let length = findings.source.rest_of_line(at);
        let message = "the rules at the top apply only to the repository that contains this file";
        findings.push(
            Finding::new(&TOP_LEVEL_IGNORED, at, length, message.to_owned()).help(
                "as the policy of another repository, this file is invalid: move them into an entry of `repositories`",
            ),
        );
    }
    let entries = policy.repositories.iter().flat_map(|(_, entries)| entries);
    for entry in entries {
        check_entry(entry, findings);
    }
    let is_empty = |list: &[_]| list.is_empty();
    let top_is_empty = policy
        .permissions
        .as_ref()
        .is_none_or(|list| is_empty(list));
    let no_entries = policy
        .repositories
        .as_ref()
        .is_none_or(|(_, entries)| entries.is_empty());
    if top_is_empty && no_entries {
        let at = Position::START;
        let length = findings.source.rest_of_line(at);
        let message = "the policy has no rules, so it denies everything".to_owned();
        findings.push(
            Finding::new(&GRANTS_NOTHING, at, length, message).help("add rules to `permissions`"),
        );
    }
}

fn check_entry(entry: &Entry, findings: &mut Findings<'_>) {
    let names = &*entry.repository.list;
    if let ([name], None) = (names, entry.repository_id)
        && matches!(name.kind, Kind::Literal | Kind::Exact)
    {
        let message = format!("the entry names {} without its id", quoted(&name.text));
        let finding = findings.pattern(&UNPINNED_REPOSITORY, name, message);
        findings.push(finding.help(
            "add `repository_id`, which a later repository with the same name does not have (`gh api repos/OWNER/NAME --jq .id`)",
        ));
    }
    if entry.permissions.is_empty() {
        let length = findings.source.rest_of_line(entry.position);
        let message = "the entry has no rules, so it grants nothing".to_owned();
        findings.push(
            Finding::new(&GRANTS_NOTHING, entry.position, length, message)
                .help("add rules to its `permissions`, or remove it"),
        );
    }
}
