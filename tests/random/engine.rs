//! The engine in this process, in the terms of the reference.

use repo_permissions::context::Context;
use repo_permissions::decision::{Scope, decide};
use repo_permissions::policy::{Document, PermissionKey};

use crate::reference::{Outcome, Source};

/// Its decision. `lines` are those of the policy's rules, `year` is the one that ends now.
pub fn outcome(
    document: &Document<'_>,
    lines: &[u32],
    source: Source,
    context: &Context,
    permission: &str,
    year: u32,
) -> Outcome {
    let scope = match source {
        Source::Own => Scope::ThisRepository,
        Source::Other => Scope::OtherRepository,
        Source::Given => Scope::Given,
    };
    let now = format!("{year}-12-31T23:59:59.5Z").parse().unwrap();
    let key = PermissionKey::parse(permission.into()).unwrap();
    let index = |line| lines.iter().position(|known| *known == line).unwrap();
    let Ok(decisions) = decide(document, scope, &[key], context, now) else {
        return Outcome::invalid();
    };
    let [decision] = decisions.as_slice() else {
        panic!("one permission, {} decisions", decisions.len());
    };
    assert_eq!(decision.permission, crate::reference::key(permission));
    assert_eq!(decision.reason.decision(), decision.decision);
    Outcome {
        decision: decision.decision.as_str(),
        reason: decision.reason.code(),
        granting: decision.rule.as_ref().map(|rule| index(rule.line)),
        nearest: decision.nearest.as_ref().map(|nearest| {
            let failed = nearest.failed.iter().map(ToString::to_string).collect();
            (index(nearest.rule.line), failed)
        }),
        trace: decision
            .trace
            .iter()
            .map(|rule| {
                assert_eq!(rule.matched, rule.failed().next().is_none());
                let failed = rule.failed().map(|one| one.dimension.to_string());
                (index(rule.rule.line), failed.collect())
            })
            .collect(),
    }
}
