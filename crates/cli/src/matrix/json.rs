//! The table for programs. docs/matrix.md describes the format.

use serde_json::{Map, Value, json};

use analysis::lint::Finding;
use analysis::matrix::view::Page;
use analysis::matrix::{Access, Bases, Cell, Events, Grant, Hint, Row, RowKind, Why};
use analysis::report::text::json_line;
use analysis::workflows::Environment;
use engine::decision::RuleRef;
use engine::policy::Pattern;

pub(super) fn render(page: &Page<'_, '_>) -> String {
    let matrix = page.matrix;
    let rows = matrix
        .rows
        .iter()
        .map(|row| row_of(row, &matrix.permissions));
    let unused = matrix.unused.iter().map(|unused| {
        json!({
            "rule": rule(&unused.rule),
            "dimension": unused.dimension,
            "message": unused.why.plain(),
        })
    });
    let value = json!({
        "policy": page.policy,
        "repository": page.repository,
        "workflows": page.workflows,
        "now": page.now.to_string(),
        "permissions": matrix.permissions,
        "rows": rows.collect::<Vec<_>>(),
        "unused": unused.collect::<Vec<_>>(),
        "only_called": matrix.only_called,
        "findings": matrix.findings.iter().map(finding).collect::<Vec<_>>(),
        "notes": page.notes,
    });
    json_line(value.to_string()) + "\n"
}

fn finding((file, finding): &(&str, Finding)) -> Value {
    json!({
        "code": finding.code,
        "workflow": file,
        "line": finding.position.line,
        "message": finding.message,
        "help": finding.help,
    })
}

fn row_of(row: &Row<'_>, permissions: &[&str]) -> Value {
    let (kind, environment) = match &row.kind {
        RowKind::File { environment, .. } => ("file", environment_of(environment)),
        RowKind::Unreadable { .. } => ("unreadable", json!({ "kind": "any" })),
        RowKind::Other => ("other", json!({ "kind": "any" })),
    };
    let cells = permissions.iter().zip(&row.cells);
    json!({
        "kind": kind,
        "workflow": row.kind.file(),
        "environment": environment,
        "events": row.events,
        "bases": row.bases,
        "jobs": row.jobs,
        "id_token": matches!(row.kind, RowKind::File { .. }).then_some(row.id_token),
        "cells": cells.map(|(key, cell)| cell_of(row, key, cell)).collect::<Vec<_>>(),
    })
}

fn environment_of(environment: &Environment) -> Value {
    match environment {
        Environment::None => json!({ "kind": "none" }),
        Environment::Named(name) => json!({ "kind": "named", "name": name }),
        Environment::Dynamic(text) => json!({ "kind": "dynamic", "text": text }),
    }
}

fn cell_of(row: &Row<'_>, permission: &str, cell: &Cell<'_>) -> Value {
    let granted = match row.access(cell) {
        Access::Granted => "yes",
        Access::Perhaps => "perhaps",
        Access::Missed | Access::Denied => "no",
    };
    json!({
        "permission": permission,
        "granted": granted,
        "grants": cell.grants.iter().map(grant_of).collect::<Vec<_>>(),
        "hints": cell.hints.iter().map(hint_of).collect::<Vec<_>>(),
    })
}

/// Lists are `null` if any value matches.
fn grant_of(grant: &Grant<'_>) -> Value {
    let any = |list: &[&Pattern]| (!list.is_empty()).then(|| patterns(list.iter().copied()));
    let claims = grant.claims.iter();
    let claims: Map<_, _> = claims
        .map(|(name, claim)| (name.to_string(), patterns(&claim.list)))
        .collect();
    json!({
        "rules": grant.rules.iter().map(rule).collect::<Vec<_>>(),
        "workflows": any(&grant.workflows),
        "branches": any(&grant.branches),
        "bases": grant.bases.as_ref().map(bases),
        "environments": any(&grant.environments),
        "events": events(&grant.events),
        "claims": claims,
        "expires": grant.expires.map(|expires| &*expires.text),
    })
}

fn bases(bases: &Bases<'_>) -> Value {
    match bases {
        Bases::Any => json!({ "kind": "any" }),
        Bases::Named(list) => {
            json!({ "kind": "named", "patterns": patterns(list.iter().copied()) })
        }
        Bases::Branches { or_default } => {
            json!({ "kind": "branches", "default_branch": or_default })
        }
    }
}

fn hint_of(hint: &Hint<'_>) -> Value {
    json!({
        "rule": rule(&hint.rule),
        "dimension": match hint.why {
            Why::Event => "event",
            Why::Base => "base",
            Why::Expired => "expires",
        },
        "events": events(&hint.events),
        "expires": hint.expires.map(|expires| &*expires.text),
    })
}

fn rule(rule: &RuleRef) -> Value {
    json!({ "number": rule.number, "line": rule.line, "name": rule.name })
}

fn events(events: &Events<'_>) -> Option<Vec<String>> {
    match events {
        Events::Trusted => None,
        Events::These(these) => Some(these.iter().map(|event| (*event).to_owned()).collect()),
    }
}

fn patterns<'p>(list: impl IntoIterator<Item = &'p Pattern>) -> Value {
    let list = list.into_iter();
    list.map(|pattern| json!({ "pattern": pattern.text, "kind": pattern.kind.name() }))
        .collect()
}
