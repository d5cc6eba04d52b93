//! Writes a proposal as a policy.

use std::fmt::Write as _;

use super::model::{Ids, Proposal, Target};
use super::rule::{Evidence, Filter, ProposedRule};
use super::yaml::{comment, item, member, scalar};
use engine::policy::{Format, Kind, written};

/// Maximum number of places that one comment names.
const MAX_PLACES: usize = 3;
/// Start of a schema's URL for editors: the newest release of this major version, so that a policy's editor knows the keys
/// that the action knows.
pub(super) const SCHEMAS: &str = concat!(
    "https://raw.githubusercontent.com/repo-permissions/repo-permissions/v",
    env!("CARGO_PKG_VERSION_MAJOR"),
    "/schema/",
);

impl Proposal {
    /// Returns the text of the policy.
    pub fn policy(&self, target: &Target) -> String {
        let mut text =
            format!("# yaml-language-server: $schema={SCHEMAS}repo-permissions.schema.json\n#\n");
        comment(
            &mut text,
            0,
            "`repo-permissions init` proposed these rules from the workflow files. Review each rule and remove what you do not want; everything that no rule grants is denied.",
        );
        text.push_str("version: 1\n\n");
        let indent = start(&mut text, target);
        if self.rules.is_empty() {
            text.push_str(" []\n");
            let has_example = self.incomplete.is_empty();
            let words = match has_example {
                true => {
                    "No rule follows from the workflow files. The first one replaces `[]`, for example:"
                }
                false => "The first rule replaces `[]`.",
            };
            comment(&mut text, indent, words);
            for line in EXAMPLE.lines().filter(|_| has_example) {
                let _ = writeln!(text, "{:indent$}# {line}", "");
            }
        }
        for rule in &self.rules {
            text.push('\n');
            rule_text(&mut text, indent + 2, rule);
        }
        for incomplete in &self.incomplete {
            text.push('\n');
            comment(&mut text, indent + 2, &incomplete.reason);
            for rule in &incomplete.rules {
                let mut lines = String::new();
                rule_text(&mut lines, 0, rule);
                for line in lines.lines() {
                    let mark = if line.trim_start().starts_with('#') {
                        ""
                    } else {
                        "# "
                    };
                    let _ = writeln!(text, "{:1$}{mark}{line}", "", indent + 2);
                }
            }
        }
        if !self.notes.is_empty() {
            text.push('\n');
            comment(&mut text, 0, "To decide yourself:");
            for note in &self.notes {
                item(&mut text, 0, &note.to_string());
            }
        }
        text
    }
}

/// Writes the keys up to the list of rules, and returns their indentation.
fn start(text: &mut String, target: &Target) -> usize {
    match target {
        Target::Own => {
            text.push_str("permissions:");
            0
        }
        Target::Entry { repository, ids } => {
            text.push_str("repositories:\n");
            let name = scalar(&repository.to_string());
            match ids {
                Ok(Ids { repository, owner }) => {
                    comment(
                        text,
                        2,
                        "The ids pin the repository: another repository that takes over its name has different ids.",
                    );
                    let _ = write!(
                        text,
                        "  - repository: {name}\n    repository_id: {repository}\n    owner_id: {owner}\n"
                    );
                }
                Err(why) => {
                    comment(
                        text,
                        2,
                        &format!(
                            "Not pinned: {why}. Add `repository_id` and `owner_id`: `gh api repos/{repository} --jq '.id, .owner.id'` prints both."
                        ),
                    );
                    let _ = writeln!(text, "  - repository: {name}");
                }
            }
            text.push_str("    permissions:");
            4
        }
    }
}

const EXAMPLE: &str = "\
- name: production deploys
  permission: ws:deployments:create
  workflow: deploy.yml
  branch: main
  environment: production
  events: [push]";

/// Writes a rule as an item of `permissions:`.
pub(super) fn rule_text(text: &mut String, indent: usize, rule: &ProposedRule) {
    for remark in &rule.remarks {
        comment(text, indent, remark);
    }
    for line in evidence(rule) {
        comment(text, indent, &line);
    }
    let _ = writeln!(text, "{:indent$}- name: {}", "", scalar(&rule.name));
    let indent = indent + 2;
    let scalars = |values: &[String]| values.iter().map(|value| scalar(value)).collect::<Vec<_>>();
    member(text, indent, "permission", &scalars(&rule.permissions));
    let files: Vec<_> = rule.workflows.iter().map(|file| exact(file)).collect();
    member(text, indent, "workflow", &files);
    let branches: Vec<_> = rule.branches.iter().map(pattern).collect();
    if rule
        .branches
        .iter()
        .any(|branch| matches!(branch, Filter::Regex(_)))
    {
        comment(
            text,
            indent,
            "Every branch of this repository; a fork's is OWNER:BRANCH.",
        );
    }
    member(text, indent, "branch", &branches);
    if !rule.bases.is_empty() {
        let bases: Vec<_> = rule.bases.iter().map(pattern).collect();
        comment(
            text,
            indent,
            "A pull request runs the merge of its head into its base.",
        );
        member(text, indent, "base", &bases);
    }
    if !rule.environments.is_empty() {
        let names: Vec<_> = rule.environments.iter().map(|name| exact(name)).collect();
        member(text, indent, "environment", &names);
    }
    let events = scalars(&rule.events);
    let _ = writeln!(text, "{:indent$}events: [{}]", "", events.join(", "));
}

/// Returns one sentence for each thing that asks for the rule, with some of the places.
fn evidence(rule: &ProposedRule) -> Vec<String> {
    let mut seen: Vec<&str> = Vec::new();
    for evidence in &rule.evidence {
        if !seen.contains(&evidence.seen.as_str()) {
            seen.push(&evidence.seen);
        }
    }
    let sentence = |seen: &str| {
        let places = rule
            .evidence
            .iter()
            .filter(|evidence| evidence.seen == seen);
        let mut places: Vec<_> = places
            .map(
                |Evidence { file, line, .. }| match rule.workflows.as_slice() {
                    [only] if only == file => format!("line {line}"),
                    _ => format!("line {line} of {file}"),
                },
            )
            .collect();
        let more = places.len().saturating_sub(MAX_PLACES);
        places.truncate(MAX_PLACES);
        let more = match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("Seen: {seen}, {}{more}.", places.join(", "))
    };
    seen.into_iter().map(sentence).collect()
}

fn pattern(filter: &Filter) -> String {
    written::pattern(filter.text(), filter.kind(), Format::Yaml)
}

/// Returns a pattern that matches only this value.
fn exact(text: &str) -> String {
    written::pattern(text, Kind::Exact, Format::Yaml)
}
