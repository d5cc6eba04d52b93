//! The rules of a trace, as far as an output shows them.

use engine::decision::{PermissionDecision, TracedDimension, TracedRule};

/// Maximum number of rules that are shown of a permission.
const MAX_RULES: usize = 50;

/// Returns all rules of a permission, or those nearest to a match, in file order.
pub fn shown_rules(permission: &PermissionDecision) -> Vec<&TracedRule> {
    let mut rules: Vec<_> = permission.trace.iter().collect();
    if rules.len() > MAX_RULES {
        let nearest = permission.nearest.as_ref().map(|nearest| &nearest.rule);
        rules.sort_by_key(|rule| (nearest != Some(&rule.rule), rule.failed().count()));
        rules.truncate(MAX_RULES);
        rules.sort_by_key(|rule| (rule.rule.line, rule.rule.column));
    }
    rules
}

/// Returns the pattern as written. It is empty for an untrusted event that the rule does not name.
pub fn pattern(dimension: &TracedDimension) -> &str {
    match &*dimension.pattern {
        "" => "not named",
        pattern => pattern,
    }
}
