//! What does this change? As `diff` answers it.

use analysis::compare::{AccessChange, Comparison, compare};
use analysis::report::access;
use engine::policy::Policy;
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
    let changes = new.parse().and_then(|new| changes(&old_policy, &new, now));
    let mut answer = match changes {
        Ok(changes) => changes,
        Err(invalid) => {
            json!({ "error": format!("the policy after the change is not valid: {invalid}") })
        }
    };
    answer["old_is_invalid"] = json!(granted_nothing);
    answer["old"] = findings(old, None, None, now);
    answer["findings"] = findings(new, None, None, now);
    answer
}

fn changes(old: &Policy, new: &Policy, now: Timestamp) -> Result<Value, engine::policy::Invalid> {
    let comparison = compare(old, new, now)?;
    Ok(rendered(&comparison))
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
