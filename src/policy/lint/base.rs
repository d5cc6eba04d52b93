//! Bases of pull requests: `missing-base`, `unused-base`.

use super::super::{Case, Kind, Patterns, Rule};
use super::catalogue::{MISSING_BASE, UNUSED_BASE};
use super::{Findings, quoted};
use crate::decision::{Merges, merges};

/// Names that branches which others are merged into often have.
const USUAL_BASES: [&str; 5] = ["main", "master", "develop", "trunk", "production"];

pub(super) fn check(rule: &Rule<'_>, findings: &mut Findings<'_>) {
    let Some(events) = &rule.events else {
        return;
    };
    if let Some(base) = &rule.base {
        if events.iter().all(|event| merges(event) == Merges::Never) {
            unused(base, findings);
        }
        return;
    }
    let mut events = events.iter();
    let event = events.find(|event| event.starts_with("pull_request"));
    // At the top the default branch is trusted as well.
    if let (Some(event), Some(branch), false) = (event, &rule.branch, rule.at_top)
        && !may_be_base_of_another(branch)
    {
        let message = format!(
            "the rule names {}, and its `branch` has to match the base as well as the head",
            quoted(event)
        );
        let finding = findings.member(&MISSING_BASE, rule, "events", event, message);
        findings.push(
            finding.help("name the branches that the pull requests go into, such as `base: main`"),
        );
    }
}

fn unused(base: &Patterns<'_>, findings: &mut Findings<'_>) {
    let Some(first) = base.list.first() else {
        return;
    };
    let message = "`base` is ignored: none of the rule's events is about a pull request";
    let finding = findings.pattern(&UNUSED_BASE, first, message.to_owned());
    findings.push(finding.help("remove it, or name `pull_request` in `events`"));
}

/// Whether a branch that matches may be merged into another one that does: there are at least two of them, and
/// one has the name of a usual base. What does not compile is found elsewhere.
fn may_be_base_of_another(branch: &Patterns<'_>) -> bool {
    let mut list = branch.list.iter();
    let is_one = |kind| matches!(kind, Kind::Literal | Kind::Exact);
    if let (Some(only), None) = (list.next(), list.next())
        && is_one(only.kind)
    {
        return false;
    }
    let Ok(matchers) = branch.compile(Case::Sensitive) else {
        return true;
    };
    let mut usual = USUAL_BASES.iter();
    usual.any(|name| matchers.iter().any(|matcher| matcher.matches(Some(name))))
}
