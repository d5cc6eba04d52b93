//! Lints of rules in a list: `duplicate`, `unreachable`, `redundant-pattern` and `broad-write`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::catalogue::{
    BROAD_WRITE, DUPLICATE, NOT_COMPARED, REDUNDANT_PATTERN, REPEATED_PERMISSION, UNREACHABLE,
};
use super::cover::{Condition, Covered, RuleComparer};
use super::dimension::dimensions;
use super::finding::Finding;
use super::findings::Findings;
use super::pattern_index::PatternIndex;
use super::patterns;
use crate::compare::{Budget, Section};
use engine::policy::{Kind, Pattern, Patterns, Rule, quoted};

/// Maximum number of comparisons in a policy, enough for about 4,000 rules for a permission in a list. More would
/// take too long. Tests use a lower limit.
const MAX_COMPARISONS: usize = if cfg!(test) { 80_000 } else { 8_000_000 };
/// Maximum number of rules that together cover another one.
const MAX_TOGETHER: usize = 8;
/// Maximum number of earlier rules, and of patterns in each, for an exact comparison.
const MAX_SHORT: usize = 32;
const MAX_SMALL: usize = 16;

/// Claims that are the same for every job of a repository, or that any workflow can set.
const UNSELECTIVE_CLAIMS: [&str; 11] = [
    "aud",
    "enterprise",
    "enterprise_id",
    "iss",
    "issuer_scope",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "repository_visibility",
    "runner_environment",
];

pub(super) struct Checker {
    left: usize,
    budget: Budget,
}

impl Default for Checker {
    fn default() -> Self {
        Self {
            left: MAX_COMPARISONS,
            budget: Budget::of_policy(),
        }
    }
}

impl Checker {
    /// Checks a list of rules whose patterns are already checked.
    pub(super) fn check<'r>(
        &mut self,
        of: (Section<'r>, Timestamp),
        list: &'r [Rule],
        patterns: &patterns::Checker,
        findings: &mut Findings<'_>,
    ) {
        let mut coverage = RuleComparer::new(of, std::mem::take(&mut self.budget));
        let mut by_permission: HashMap<&str, Vec<&'r Rule>> = HashMap::new();
        let mut said: HashMap<String, &Rule> = HashMap::new();
        for rule in list {
            broad_write(rule, findings);
            repeated_permissions(rule, findings);
            let all_compile = patterns.all_compile(rule);
            self.redundant_patterns(rule, all_compile, &mut coverage, findings);
            let first = *said.entry(normalized(rule)).or_insert(rule);
            if !std::ptr::eq(first, rule) {
                let message = format!(
                    "rule {} is the same as rule {} (line {})",
                    rule.number, first.number, first.position.line
                );
                findings.push(findings.rule(&DUPLICATE, rule, message).help("remove it"));
                continue;
            }
            // A pattern that does not compile turns a decision into an error. Removing the rule would change
            // that.
            if !all_compile {
                continue;
            }
            self.unreachable(rule, &by_permission, &mut coverage, findings);
            for key in &*rule.permissions {
                by_permission.entry(key.as_str()).or_default().push(rule);
            }
        }
        self.budget = coverage.budget;
    }

    fn unreachable<'r>(
        &mut self,
        rule: &'r Rule,
        earlier: &HashMap<&str, Vec<&'r Rule>>,
        coverage: &mut RuleComparer<'r>,
        findings: &mut Findings<'_>,
    ) {
        if self.left == 0 {
            return;
        }
        let mut covering: Vec<&'r Rule> = Vec::new();
        for key in &*rule.permissions {
            let candidates = earlier.get(key.as_str()).map_or(&[][..], Vec::as_slice);
            let Some(found) = self.cover(rule, candidates, coverage, findings) else {
                return;
            };
            for found in found {
                if !covering.iter().any(|other| std::ptr::eq(*other, found)) {
                    covering.push(found);
                }
            }
        }
        if let [wide] = covering.as_slice()
            && rule.permissions.len() >= wide.permissions.len()
            && coverage.rule(rule, wide) == Covered::Whole
        {
            let message = format!(
                "rule {} grants the same as rule {} (line {})",
                rule.number, wide.number, wide.position.line
            );
            return findings.push(findings.rule(&DUPLICATE, rule, message).help("remove it"));
        }
        covering.sort_by_key(|wide| wide.number);
        if covering.is_empty() {
            return;
        }
        let names: Vec<_> = covering
            .iter()
            .map(|wide| format!("rule {} (line {})", wide.number, wide.position.line))
            .collect();
        let verb = if names.len() == 1 { "grants" } else { "grant" };
        let message = format!(
            "rule {} has no effect: {} {verb} all of its access",
            rule.number,
            names.join(" and ")
        );
        let finding = findings.rule(&UNREACHABLE, rule, message);
        findings.push(finding.help("remove it, or narrow the earlier rule: rules only add access"));
    }

    /// Returns the earlier rules that grant everything that a rule grants: one, or several that differ from it in the
    /// same condition.
    fn cover<'r>(
        &mut self,
        rule: &'r Rule,
        candidates: &[&'r Rule],
        coverage: &mut RuleComparer<'r>,
        findings: &mut Findings<'_>,
    ) -> Option<Vec<&'r Rule>> {
        let mut by_condition: Vec<(Condition<'r>, Vec<&'r Rule>)> = Vec::new();
        for wide in candidates {
            if !self.spend(rule, findings) {
                return None;
            }
            match coverage.rule(wide, rule) {
                Covered::Whole => return Some(vec![wide]),
                Covered::But(condition) if coverage.meets(condition, wide, rule) => {
                    match by_condition
                        .iter_mut()
                        .find(|(other, _)| *other == condition)
                    {
                        Some((_, rules)) => rules.push(wide),
                        None => by_condition.push((condition, vec![wide])),
                    }
                }
                Covered::But(_) | Covered::Less => {}
            }
        }
        let mut several = by_condition
            .into_iter()
            .filter(|(_, rules)| rules.len() > 1);
        let together = several.find_map(|(condition, mut rules)| {
            rules.truncate(MAX_TOGETHER);
            coverage.together(condition, &rules, rule).then_some(rules)
        });
        let is_short = (1..=MAX_SHORT).contains(&candidates.len());
        together.or_else(|| {
            let is_small = is_short && candidates.iter().all(|wide| is_small(wide));
            let few = is_small.then(|| coverage.exactly(candidates, rule))?;
            few.filter(|rules| rules.len() <= MAX_TOGETHER)
        })
    }

    fn redundant_patterns<'r>(
        &mut self,
        rule: &'r Rule,
        all_compile: bool,
        coverage: &mut RuleComparer<'r>,
        findings: &mut Findings<'_>,
    ) {
        for (dimension, patterns) in
            dimensions(rule).filter(|(_, patterns)| patterns.list.len() > 1)
        {
            let others = PatternIndex::of(dimension, &patterns.list);
            for (index, narrow) in patterns.list.iter().enumerate() {
                let wide = others.same(index, narrow).or_else(|| {
                    let wide = others.wider_than(narrow).iter();
                    // Without a budget, there are no walks.
                    wide.map_while(|wide| self.spend(rule, findings).then_some(*wide))
                        .find(|wide| coverage.pattern(dimension, wide, narrow))
                });
                let Some(wide) = wide else { continue };
                let message = format!(
                    "{} adds nothing to {} in the same list",
                    quoted(&narrow.text),
                    quoted(&wide.text)
                );
                let finding = findings.pattern(&REDUNDANT_PATTERN, narrow, message);
                let fix = findings.removal(narrow.position, finding.length);
                // A pattern that does not compile turns a decision into an error. Removing it would change that.
                let fix = fix.filter(|_| all_compile && findings.whole(narrow).is_some());
                findings.push(finding.help("remove one of them").fix(fix));
            }
        }
    }

    /// Spends one comparison, and reports once if none is left.
    fn spend(&mut self, rule: &Rule, findings: &mut Findings<'_>) -> bool {
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            if left == 0 {
                let message =
                    "from here on, lint does not compare rules and patterns with each other"
                        .to_owned();
                let finding = findings.rule(&NOT_COMPARED, rule, message);
                findings.push(finding.help("split the list: there are too many to compare"));
            }
            return true;
        }
        false
    }
}

fn is_small(rule: &Rule) -> bool {
    let patterns = dimensions(rule).map(|(_, patterns)| patterns.list.len());
    patterns.sum::<usize>() <= MAX_SMALL
}

/// Returns a rule without its name and position, in a form that equivalent rules share.
fn normalized(rule: &Rule) -> String {
    let patterns = |patterns: &Option<Patterns>| {
        let list = patterns.iter().flat_map(|patterns| &patterns.list);
        let mut list: Vec<_> = list
            .map(|one| (one.kind.name(), one.text.to_string()))
            .collect();
        list.sort_unstable();
        list.dedup();
        // An absent condition is `*`.
        if list.iter().any(|(kind, _)| *kind == Kind::Any.name()) {
            list.clear();
        }
        list
    };
    let mut permissions: Vec<_> = rule.permissions.iter().map(|key| key.as_str()).collect();
    permissions.sort_unstable();
    permissions.dedup();
    let events = rule.events.as_ref().map(|events| {
        let mut events: Vec<_> = events.iter().map(AsRef::<str>::as_ref).collect();
        events.sort_unstable();
        events.dedup();
        events
    });
    let mut claims: Vec<_> = rule
        .claims
        .iter()
        .map(|(name, value)| (name.as_ref(), patterns(&Some(value.clone()))))
        .collect();
    claims.sort_unstable();
    let branch = patterns(&rule.branch);
    // An absent `base` is the value of `branch`, and `*` only in a rule for every branch.
    let base = match &rule.base {
        None if !branch.is_empty() => None,
        named => Some(patterns(named)),
    };
    let parts = (
        permissions,
        patterns(&rule.workflow),
        branch,
        base,
        patterns(&rule.environment),
        events,
        claims,
        rule.expires.as_ref().map(|expires| expires.last),
    );
    format!("{parts:?}")
}

fn broad_write(rule: &Rule, findings: &mut Findings<'_>) {
    let is_broad = |patterns: &Option<Patterns>| {
        patterns
            .as_ref()
            .is_none_or(|patterns| patterns.list.iter().any(matches_nearly_all))
    };
    let writes = |key: &&str| {
        let verb = key.rsplit(':').next().unwrap_or_default();
        matches!(verb, "create" | "update" | "delete")
    };
    let mut keys = rule.permissions.iter().map(|key| key.as_str());
    let Some(key) = keys.find(writes) else {
        return;
    };
    let mut claims = rule.claims.iter();
    let narrows = |(name, patterns): &(Arc<str>, Patterns)| {
        !UNSELECTIVE_CLAIMS.contains(&name.as_ref())
            && !patterns.list.iter().any(matches_nearly_all)
    };
    if [&rule.workflow, &rule.branch, &rule.environment]
        .into_iter()
        .all(is_broad)
        && !claims.any(narrows)
    {
        let message = format!("every workflow, branch and environment may use `{key}`");
        let finding = findings.rule(&BROAD_WRITE, rule, message);
        findings.push(finding.help("name the workflow file, the branch or the environment"));
    }
}

fn repeated_permissions(rule: &Rule, findings: &mut Findings<'_>) {
    let mut seen = HashSet::new();
    // Only a list can contain duplicates, and its positions are known.
    for (key, place) in rule.permissions.iter().zip(&rule.permission_spans) {
        if seen.insert(key.as_str()) {
            continue;
        }
        let message = format!("rule {} names `{key}` twice", rule.number);
        let length = findings.source.marked(place.position, place.length);
        let finding = Finding::new(&REPEATED_PERMISSION, place.position, length, message);
        let fix = findings.removal(place.position, length);
        findings.push(finding.help("remove one of them").fix(fix));
    }
}

pub(super) fn matches_nearly_all(pattern: &Pattern) -> bool {
    let text: &str = &pattern.text;
    match pattern.kind {
        Kind::Any => true,
        Kind::Regex => matches!(text, ".*" | "^.*$" | ".+" | "^.+$" | "^.*" | ".*$"),
        Kind::Glob => matches!(text, "**" | "**/*" | "**/**"),
        Kind::Literal | Kind::Exact => false,
    }
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
