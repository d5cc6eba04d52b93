//! Comparison for programs.

use std::collections::BTreeMap;

use serde::Serialize;

use super::view::View;
use analysis::compare::{AccessChange, Check, Example, Replayed, Times};
use engine::decision::RuleRef;
use engine::policy::Pattern;

#[derive(Serialize)]
struct Output<'a> {
    old: &'a str,
    new: &'a str,
    /// Whether access widens, or may widen.
    widens: bool,
    /// Whether access narrows.
    narrows: bool,
    added: Vec<Row<'a>>,
    removed: Vec<Row<'a>>,
    replay: Option<ReplayRow<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    /// The change as a sentence.
    sentence: String,
    /// The entry's repository; absent for the rules at the top.
    repository: Option<Vec<&'a str>>,
    repository_id: Option<u64>,
    owner_id: Option<u64>,
    permissions: &'a [&'a str],
    /// The rule in its policy; absent for an entry that delegates.
    rule: Option<RuleRef>,
    /// Absent if any workflow matches.
    workflow: Option<Vec<&'a str>>,
    branch: Option<Vec<&'a str>>,
    /// Absent if the rule names none.
    base: Option<Vec<&'a str>>,
    /// Whether the change applies to pull requests only.
    only_pull_requests: bool,
    environment: Option<Vec<&'a str>>,
    events: Option<&'a [&'a str]>,
    claims: BTreeMap<&'a str, Vec<&'a str>>,
    expires: Option<&'a str>,
    /// Whether the other policy grants part of it.
    in_part: bool,
    /// Whether the comparison is exact; if not, there may be no change.
    exact: bool,
    example: Option<&'a Example>,
}

#[derive(Serialize)]
struct ReplayRow<'a> {
    checks: u64,
    without_job: u64,
    changed: u64,
    allowed: Vec<CheckRow<'a>>,
    denied: Vec<CheckRow<'a>>,
    not_listed: u64,
}

#[derive(Serialize)]
struct CheckRow<'a> {
    #[serde(flatten)]
    check: &'a Check,
    #[serde(flatten)]
    times: Times,
}

pub(super) fn render(view: &View<'_>) -> String {
    let comparison = view.comparison;
    let [old, new] = view.files;
    let output = Output {
        old,
        new,
        widens: comparison.widens(),
        narrows: !comparison.removed.is_empty(),
        added: comparison.added.iter().map(|one| row(one, true)).collect(),
        removed: comparison
            .removed
            .iter()
            .map(|one| row(one, false))
            .collect(),
        replay: view.replayed.map(replay),
    };
    // Serializing strings and numbers cannot fail.
    serde_json::to_string(&output).unwrap_or_default() + "\n"
}

fn row<'a>(change: &'a AccessChange<'a>, is_added: bool) -> Row<'a> {
    let texts = |list: &[&'a Pattern]| list.iter().map(|one| &*one.text).collect();
    let list = |list: &Option<Vec<&'a Pattern>>| list.as_deref().map(texts);
    let [repository_id, owner_id] = change.section.pins();
    let claims = change
        .rule
        .into_iter()
        .flat_map(|rule| &rule.claims)
        .map(|(name, patterns)| {
            let patterns = patterns.list.iter();
            (&**name, patterns.map(|one| &*one.text).collect())
        });
    Row {
        sentence: change.sentence(is_added).plain(),
        repository: change.section.repository().map(|patterns| {
            let patterns = patterns.list.iter();
            patterns.map(|one| &*one.text).collect()
        }),
        repository_id,
        owner_id,
        permissions: &change.permissions,
        rule: change.rule.map(RuleRef::of),
        workflow: list(&change.workflow),
        branch: list(&change.branch),
        base: list(&change.base),
        only_pull_requests: change.only_pull_requests,
        environment: list(&change.environment),
        events: change.events.as_deref(),
        claims: claims.collect(),
        expires: change
            .rule
            .and_then(|rule| rule.expires.as_ref())
            .map(|expires| &*expires.text),
        in_part: change.in_part,
        exact: change.example.is_some(),
        example: change.example.as_ref(),
    }
}

fn replay(replayed: &Replayed) -> ReplayRow<'_> {
    ReplayRow {
        checks: replayed.checks,
        without_job: replayed.without_job,
        changed: replayed.changed(),
        allowed: rows(&replayed.allowed),
        denied: rows(&replayed.denied),
        not_listed: replayed.not_listed,
    }
}

fn rows(list: &BTreeMap<Check, Times>) -> Vec<CheckRow<'_>> {
    let rows = list.iter().map(|(check, times)| CheckRow {
        check,
        times: *times,
    });
    rows.collect()
}
