//! Writes a proposal as a policy.

use std::fmt::Write as _;

use super::rule::{Filter, ProposedRule};
use super::yaml::{comment, item, member, scalar};
use super::{Ids, Proposal, Target};
use engine::policy::{Format, Kind, written};

const SCHEMA: &str = "https://raw.githubusercontent.com/repo-permissions/repo-permissions/main/schema/repo-permissions.schema.json";

impl Proposal {
    /// Returns the text of the policy.
    pub fn policy(&self, target: &Target) -> String {
        let mut text = format!("# yaml-language-server: $schema={SCHEMA}\n#\n");
        comment(
            &mut text,
            0,
            "`repo-permissions init` proposed these rules from the workflow files. Review each rule and remove what you do not want; everything that no rule grants is denied.",
        );
        text.push_str("version: 1\n\n");
        let indent = match target {
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
                            &mut text,
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
                            &mut text,
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
        };
        if self.rules.is_empty() {
            text.push_str(" []\n");
            comment(
                &mut text,
                indent,
                "No workflow requests a permission. Example of a rule:",
            );
            for line in EXAMPLE.lines() {
                let _ = writeln!(text, "{:indent$}# {line}", "");
            }
        }
        for rule in &self.rules {
            text.push('\n');
            rule_text(&mut text, indent + 2, rule);
        }
        if !self.left_out.is_empty() {
            text.push('\n');
            comment(&mut text, 0, "To decide yourself:");
            for sentence in &self.left_out {
                item(&mut text, 0, sentence);
            }
        }
        text
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
    let _ = writeln!(text, "{:indent$}- name: {}", "", scalar(&rule.name));
    let indent = indent + 2;
    let scalars = |values: &[String]| values.iter().map(|value| scalar(value)).collect::<Vec<_>>();
    member(text, indent, "permission", &scalars(&rule.permissions));
    member(text, indent, "workflow", &[exact(&rule.workflow)]);
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

fn pattern(filter: &Filter) -> String {
    let kind = match filter {
        Filter::Exact(_) => Kind::Exact,
        Filter::Glob(_) => Kind::Glob,
        Filter::Regex(_) => Kind::Regex,
    };
    written::pattern(filter.text(), kind, Format::Yaml)
}

/// Returns a pattern that matches only this value.
fn exact(text: &str) -> String {
    written::pattern(text, Kind::Exact, Format::Yaml)
}
