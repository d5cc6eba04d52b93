//! `--fix`: applies the safe fixes, after a proof that the policy grants the same.

use std::collections::HashMap;
use std::io::{Error, Result as IoResult};
use std::path::Path;

use jiff::Timestamp;

use crate::output;
use analysis::compare::compare;
use analysis::lint::{Finding, LintOptions, apply_safe, lint};
use engine::policy::{Entry, Format, Pattern, Patterns, PermissionKey, Policy, Position, Rule};

/// Maximum number of passes. A fix can enable another, such as the removal of a pattern that the fix made a
/// duplicate.
const MAX_ROUNDS: usize = 8;

/// A policy after its fixes.
#[derive(Debug)]
pub(super) struct Fixed {
    pub(super) text: String,
    /// Number of applied fixes, at least one.
    pub(super) count: usize,
    /// The remaining findings.
    pub(super) findings: Vec<Finding>,
}

/// Applies all safe fixes. Returns `None` if there are none.
///
/// # Errors
/// The policy is not valid, or would not provably grant the same.
pub(super) fn fix(
    text: &str,
    format: Format,
    options: &LintOptions,
    mut findings: Vec<Finding>,
) -> Result<Option<Fixed>, &'static str> {
    let (mut fixed, mut count) = (text.to_owned(), 0);
    for _ in 0..MAX_ROUNDS {
        let (next, done) = apply_safe(&fixed, format, &findings);
        if done == 0 {
            break;
        }
        findings = lint(&next, format, options);
        (fixed, count) = (next, count + done);
    }
    if count == 0 {
        return Ok(None);
    }
    let Ok(before) = Policy::parse(text, format) else {
        return Err("it is not valid: correct its errors first");
    };
    let after = Policy::parse(&fixed, format);
    if !after.is_ok_and(|after| grants_the_same(&before, &after)) {
        return Err("there is no proof that it grants the same after the fixes");
    }
    let text = fixed;
    Ok(Some(Fixed {
        text,
        count,
        findings,
    }))
}

/// Returns whether two policies have the same entries and rules, each of which matches the same jobs.
fn grants_the_same(before: &Policy, after: &Policy) -> bool {
    let mut proofs = Proofs::default();
    let entries = |policy: &Policy| policy.repositories.as_ref().map_or(0, |(_, l)| l.len());
    let tops = [&before.permissions, &after.permissions];
    before.workspace == after.workspace
        && before.repositories.is_some() == after.repositories.is_some()
        && entries(before) == entries(after)
        && match tops.map(Option::as_deref) {
            [None, None] => true,
            [Some(before), Some(after)] => proofs.rules(before, after),
            _ => false,
        }
        && before
            .repositories
            .iter()
            .flat_map(|(_, list)| list)
            .zip(after.repositories.iter().flat_map(|(_, list)| list))
            .all(|(before, after)| proofs.entry(before, after))
}

/// Cache of comparisons between patterns, which policies repeat.
#[derive(Default)]
struct Proofs {
    known: HashMap<(String, String, bool), bool>,
}

impl Proofs {
    fn entry(&mut self, before: &Entry, after: &Entry) -> bool {
        let pins = |entry: &Entry| (entry.repository_id, entry.owner_id);
        pins(before) == pins(after)
            && before.delegate == after.delegate
            && self.patterns(Some(&before.repository), Some(&after.repository), true)
            && self.rules(&before.permissions, &after.permissions)
    }

    fn rules(&mut self, before: &[Rule], after: &[Rule]) -> bool {
        let mut pairs = before.iter().zip(after);
        before.len() == after.len() && pairs.all(|(before, after)| self.rule(before, after))
    }

    fn rule(&mut self, before: &Rule, after: &Rule) -> bool {
        let keys = |rule: &Rule| {
            let mut keys: Vec<_> = rule.permissions.iter().map(|key| key.to_string()).collect();
            keys.sort_unstable();
            keys.dedup();
            keys
        };
        let mut claims = before.claims.iter().zip(&after.claims);
        keys(before) == keys(after)
            && before.name == after.name
            && before.events == after.events
            && before.expires == after.expires
            && self.patterns(before.workflow.as_ref(), after.workflow.as_ref(), false)
            && self.patterns(before.branch.as_ref(), after.branch.as_ref(), false)
            && self.patterns(
                before.environment.as_ref(),
                after.environment.as_ref(),
                true,
            )
            && before.claims.len() == after.claims.len()
            && claims.all(|((name, before), (other, after))| {
                name == other && self.patterns(Some(before), Some(after), false)
            })
    }

    /// Returns whether two lists match the same values. It compares lists of the same length pair by pair, which
    /// also works if another pattern of the list does not compile.
    fn patterns(
        &mut self,
        before: Option<&Patterns>,
        after: Option<&Patterns>,
        ignores_case: bool,
    ) -> bool {
        let (before, after) = match (before, after) {
            (None, None) => return true,
            (Some(before), Some(after)) => (&before.list, &after.list),
            _ => return false,
        };
        if before.len() != after.len() {
            return self.lists(before, after, ignores_case);
        }
        let mut pairs = before.iter().zip(after);
        pairs.all(|(before, after)| {
            let [before, after] = [before, after].map(std::slice::from_ref);
            self.lists(before, after, ignores_case)
        })
    }

    fn lists(&mut self, before: &[Pattern], after: &[Pattern], ignores_case: bool) -> bool {
        let written = |list: &[Pattern]| {
            let list: Vec<_> = list.iter().map(|one| (one.kind, &*one.text)).collect();
            format!("{list:?}")
        };
        let key = (written(before), written(after), ignores_case);
        if key.0 == key.1 {
            return true;
        }
        *self.known.entry(key).or_insert_with(|| {
            let [before, after] = [before, after].map(|list| policy_of_list(list, ignores_case));
            let compared = compare(&before, &after, Timestamp::UNIX_EPOCH);
            compared.is_ok_and(|compared| compared.is_same())
        })
    }
}

/// Builds a policy whose only rule has one dimension. The environment also stands in for the repository, which
/// ignores case too; the branch stands in for all other dimensions.
fn policy_of_list(list: &[Pattern], ignores_case: bool) -> Policy {
    let patterns = Some(Patterns {
        position: Position::START,
        list: list.into(),
    });
    let (branch, environment) = match ignores_case {
        true => (None, patterns),
        false => (patterns, None),
    };
    let rule = Rule {
        position: Position::START,
        number: 1,
        at_top: true,
        name: None,
        permissions: PermissionKey::parse("a:b".into()).into_iter().collect(),
        permission_spans: Box::default(),
        workflow: None,
        branch,
        base: None,
        environment,
        events: None,
        claims: Box::default(),
        expires: None,
    };
    Policy {
        format: Format::Yaml,
        workspace: None,
        permissions: Some(Box::new([rule])),
        repositories: None,
    }
}

/// Writes a file atomically, by way of a temporary file beside it. If the path is a link, this replaces the
/// link's target.
pub(super) fn replace(path: &Path, before: &str, after: &str) -> IoResult<()> {
    let target = path.canonicalize()?;
    let metadata = target.metadata()?;
    let error = |why: &str| Err(Error::other(why.to_owned()));
    if !metadata.is_file() {
        return error("it is not a regular file");
    }
    if metadata.permissions().readonly() {
        return error("it is read-only");
    }
    if std::fs::read(&target)? != before.as_bytes() {
        return error("it has changed since it was read");
    }
    output::replace(&target, Some(metadata.permissions()), after)
}

#[cfg(test)]
#[path = "fix_tests.rs"]
mod tests;
