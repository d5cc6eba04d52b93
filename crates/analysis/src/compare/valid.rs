//! Patterns of a policy that do not compile, and the grants that it therefore does not provide.

use std::collections::HashSet;

use super::grant::{Dimension, Grant};
use engine::policy::{CaseSensitivity, Invalid, Patterns, Policy};

/// Compiles all patterns of a policy, as long as `has_time`.
///
/// # Errors
/// The problems of the patterns that do not compile, each pattern once.
pub fn patterns_compile(policy: &Policy, has_time: &dyn Fn() -> bool) -> Result<(), Invalid> {
    let mut known = HashSet::new();
    let mut problems = Vec::new();
    let mut check = |patterns: &Patterns, ignores_case: bool| {
        if patterns.list.is_empty() {
            problems.push(patterns.empty());
        }
        for pattern in &patterns.list {
            if !has_time() || !known.insert((pattern.text.to_string(), pattern.kind, ignores_case))
            {
                continue;
            }
            let folded = ignores_case.then_some(CaseSensitivity::Insensitive);
            let cases = [Some(CaseSensitivity::Sensitive), folded];
            let mut tried = cases
                .into_iter()
                .flatten()
                .map(|case| pattern.compile(case));
            problems.extend(tried.find_map(Result::err));
        }
    };
    for entry in policy.repositories.iter().flat_map(|(_, list)| list) {
        check(&entry.repository, Dimension::Repository.ignores_case());
    }
    for rule in policy.rules() {
        let named = [
            (&rule.workflow, Dimension::Workflow),
            (&rule.branch, Dimension::Branch),
            (&rule.base, Dimension::Base),
            (&rule.environment, Dimension::Environment),
        ];
        for (patterns, dimension) in named {
            if let Some(patterns) = patterns {
                check(patterns, dimension.ignores_case());
            }
        }
        for (_, patterns) in &rule.claims {
            check(patterns, false);
        }
    }
    Invalid::from_problems(problems).map_or(Ok(()), Err)
}

/// Removes the grants that a policy with invalid patterns does not provide: a check of a permission is an error if
/// one of its rules has an invalid pattern.
pub(super) fn retain_unbroken(policy: &Policy, grants: &mut Vec<Grant<'_>>) {
    let is_broken = |patterns: &Patterns| patterns.compile(CaseSensitivity::Insensitive).is_err();
    let mut entries = policy.repositories.iter().flat_map(|(_, list)| list);
    if entries.any(|entry| is_broken(&entry.repository)) {
        return grants.clear();
    }
    let broken = policy.rules().filter(|rule| {
        let named = [&rule.workflow, &rule.branch, &rule.base, &rule.environment];
        let claims = rule.claims.iter().map(|(_, patterns)| patterns);
        named.into_iter().flatten().chain(claims).any(is_broken)
    });
    let keys = broken.flat_map(|rule| rule.permissions.iter().map(|key| key.as_str()));
    let keys: HashSet<_> = keys.collect();
    grants.retain(|grant| !keys.contains(grant.key));
}
