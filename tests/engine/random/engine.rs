//! The engine in this process, in the terms of the reference.

use ::engine::context::{Base, Context};
use ::engine::decision::{PermissionDecision, Policies, Provenance, Question, RuleRef, decide};
use ::engine::policy::PermissionKey;
use jiff::Timestamp;

use crate::reference::{self, Job, Outcome, Source};

/// The context of a job.
pub fn context(job: &Job) -> Context {
    Context {
        repository: Some(job.repository.clone()),
        repository_id: job.repository_id.clone(),
        repository_owner_id: job.owner_id.clone(),
        workflow: job.workflow.clone(),
        branch: job.branch.clone(),
        base: base(&job.base),
        default_branch: job.default_branch.clone(),
        environment: job.environment.clone(),
        event: Some(job.event.clone()),
        claims: job.claims.iter().cloned().collect(),
        ..Context::default()
    }
}

/// Its word for a base.
pub fn base(base: &reference::Base) -> Base {
    match base {
        reference::Base::None => Base::None,
        reference::Base::Branch(branch) => Base::Branch(branch.clone()),
        reference::Base::Absent => Base::Absent,
        reference::Base::Assumed => Base::Assumed,
    }
}

/// Its word for where the policy was read.
pub fn provenance(source: Source) -> Provenance {
    match source {
        Source::Own => Provenance::ThisRepository,
        Source::Other => Provenance::OtherRepository,
        Source::Given => Provenance::Given,
        Source::Offline => Provenance::Offline,
    }
}

/// Its decision on one permission; `None` if it has none. `year` is the one that ends now.
pub fn decision<E>(
    policies: Policies<'_, E>,
    context: &Context,
    permission: &str,
    year: u32,
) -> Option<PermissionDecision> {
    let now: Timestamp = format!("{year}-12-31T23:59:59.5Z").parse().unwrap();
    let key = PermissionKey::parse(permission.into()).unwrap();
    let mut decisions = decide(policies, Question::new(&[key], context, now)).ok()?;
    assert_eq!(decisions.len(), 1);
    let decision = decisions.remove(0);
    assert_eq!(&*decision.permission, reference::key(permission));
    assert_eq!(decision.reason.decision(), decision.decision);
    Some(decision)
}

/// The same as an outcome. `index` gives the number of a rule.
pub fn outcome(
    decision: Option<&PermissionDecision>,
    index: impl Fn(&RuleRef) -> usize,
) -> Outcome {
    let Some(decision) = decision else {
        return Outcome::invalid();
    };
    Outcome {
        decision: decision.decision.as_str(),
        reason: decision.reason.code(),
        granting: decision.rule.as_ref().map(&index),
        nearest: decision.nearest.as_ref().map(|nearest| {
            let failed = nearest.failed.iter().map(ToString::to_string).collect();
            (index(&nearest.rule), failed)
        }),
        trace: decision
            .trace
            .iter()
            .map(|rule| {
                assert_eq!(rule.matched, rule.failed().next().is_none());
                let failed = rule.failed().map(|one| one.dimension.to_string());
                (index(&rule.rule), failed.collect())
            })
            .collect(),
    }
}
