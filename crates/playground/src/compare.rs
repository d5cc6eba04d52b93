//! What does this change? As `diff` answers it.

use analysis::compare::{AccessChange, Comparison, compare};
use analysis::report::access;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::findings::findings;
use super::policy::PolicyText;
use super::text::shown;

pub(super) fn answer(old: &PolicyText, new: &PolicyText, now: Timestamp) -> Value {
    let old_policy = old.parse();
    let granted_nothing = old_policy.is_err();
    // An invalid policy grants nothing, so all access of the new policy is new.
    let old_policy = old_policy.unwrap_or_default();
    let compared = new
        .parse()
        .and_then(|new| Ok(rendered(&compare(&old_policy, &new, now)?)));
    let error = compared.as_ref().err();
    let error = error.map(|invalid| format!("the policy after the change is not valid: {invalid}"));
    json!({
        "comparison": compared.ok(),
        "error": error,
        "old_is_invalid": granted_nothing,
        "old": findings(old, None, None, now),
        "findings": findings(new, None, None, now),
    })
}

fn rendered(comparison: &Comparison<'_>) -> Value {
    let sections = access::by_section(comparison).into_iter();
    let sections = sections.map(|(section, changes)| {
        let changes = changes.into_iter();
        json!({
            "title": section.phrase().plain(),
            "changes": changes.map(|(one, is_added)| change(one, is_added)).collect::<Vec<_>>(),
        })
    });
    json!({
        "summary": access::summary(comparison),
        "widens": comparison.widens(),
        "narrows": !comparison.removed.is_empty(),
        "sections": sections.collect::<Vec<_>>(),
    })
}

fn change(change: &AccessChange<'_>, is_added: bool) -> Value {
    json!({
        "added": is_added,
        "sentence": change.sentence(is_added).plain(),
        "rule": shown(&change.rule_label()),
        "line": change.position().line,
        "remark": change.remark(is_added).plain(),
    })
}
