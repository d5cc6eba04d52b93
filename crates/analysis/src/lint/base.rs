//! Bases of pull requests: `missing-base`, `any-base`, `unused-base`.

use super::catalogue::{ANY_BASE, MISSING_BASE, UNUSED_BASE};
use super::findings::Findings;
use super::rules::matches_nearly_all;
use engine::decision::{Merges, merges};
use engine::policy::{CaseSensitivity, Kind, Patterns, Rule, quoted};

/// Common names of base branches.
const USUAL_BASES: [&str; 5] = ["main", "master", "develop", "trunk", "production"];

pub(super) fn check(rule: &Rule, findings: &mut Findings<'_>) {
    if let Some(base) = &rule.base {
        any_base(rule, base, findings);
    }
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
    // Rules at the top also trust the default branch.
    if let (Some(event), Some(branch), false) = (event, &rule.branch, rule.at_top)
        && !may_be_base_of_another(branch)
    {
        let message = format!(
            "the rule names {}, and its `branch` must match both the base and the head",
            quoted(event)
        );
        let finding = findings.member(&MISSING_BASE, rule, "events", event, message);
        findings.push(
            finding.help("name the base branches of the pull requests, such as `base: main`"),
        );
    }
}

fn any_base(rule: &Rule, base: &Patterns, findings: &mut Findings<'_>) {
    let some_branches = rule
        .branch
        .as_ref()
        .is_some_and(|branch| !branch.list.iter().any(matches_nearly_all));
    let Some(any) = base
        .list
        .iter()
        .find(|pattern| some_branches && matches_nearly_all(pattern))
    else {
        return;
    };
    let message = format!(
        "{} trusts every base, but a pull request also runs the code of its base",
        quoted(&any.text)
    );
    let finding = findings.pattern(&ANY_BASE, any, message);
    findings.push(finding.help("name the reviewed bases, such as `base: main`"));
}

fn unused(base: &Patterns, findings: &mut Findings<'_>) {
    let Some(first) = base.list.first() else {
        return;
    };
    let message = "`base` is ignored: none of the rule's events has a pull request";
    let finding = findings.pattern(&UNUSED_BASE, first, message.to_owned());
    findings.push(finding.help("remove it, or name `pull_request` in `events`"));
}

/// Returns whether one matching branch may be merged into another: there are at least two, and one has a common
/// name of a base. Another check reports patterns that do not compile.
fn may_be_base_of_another(branch: &Patterns) -> bool {
    let mut list = branch.list.iter();
    let is_one = |kind| matches!(kind, Kind::Literal | Kind::Exact);
    if let (Some(only), None) = (list.next(), list.next())
        && is_one(only.kind)
    {
        return false;
    }
    let Ok(matchers) = branch.compile(CaseSensitivity::Sensitive) else {
        return true;
    };
    let mut usual = USUAL_BASES.iter();
    usual.any(|name| matchers.iter().any(|matcher| matcher.matches(Some(name))))
}
