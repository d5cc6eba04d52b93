//! Decides recorded checks again with a policy.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use super::recorded::{Recorded, RecordedRule};
use engine::context::{Base, Context};
use engine::decision::{
    Decision, Engine, PermissionDecision, Policies, Provenance, Question, Reason, decide,
};
use engine::policy::{Format, Invalid, PermissionKey, Policy};

/// Maximum number of cached decisions.
const MAX_KNOWN: usize = 50_000;

/// Decides recorded checks with a policy. It caches decisions, because checks repeat.
#[derive(Debug)]
pub struct Evaluator {
    engine: Result<Engine, Invalid>,
    /// Claims in the policy's rules.
    claims: BTreeSet<String>,
    /// Times at which rules expire.
    expiries: Vec<Timestamp>,
    known: RefCell<HashMap<CacheKey, Evaluated>>,
}

/// Decision of a policy on a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evaluated {
    /// Its reason.
    pub reason: Reason,
    /// The granting rule.
    pub rule: Option<RecordedRule>,
    /// Whether the policy also delegates the permission to the repository's own policy.
    pub delegated: bool,
}

/// Cache key: everything that a decision depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct CacheKey {
    provenance: Provenance,
    permission: String,
    /// Repository, its ids, workflow, branch, default branch, environment, event.
    values: [Option<String>; 8],
    base: Base,
    claims: Vec<Option<String>>,
    /// Number of expiries in the past.
    expired: usize,
}

impl Evaluated {
    /// Returns allowed, denied or error.
    pub fn decision(&self) -> Decision {
        self.reason.decision()
    }

    fn of(permission: &PermissionDecision) -> Self {
        Self {
            reason: permission.reason,
            rule: permission.rule.as_ref().map(|rule| RecordedRule {
                line: rule.line,
                own_policy: rule.own_policy,
            }),
            delegated: permission.delegated,
        }
    }

    fn error() -> Self {
        Self {
            reason: Reason::PolicyInvalid,
            rule: None,
            delegated: false,
        }
    }
}

impl Evaluator {
    /// Creates an evaluator from the text of a policy. An invalid policy decides with an error.
    pub fn new(text: &str, format: Format) -> Self {
        Self::of(Policy::parse(text, format))
    }

    /// Creates an evaluator from a parsed policy.
    pub fn of(policy: Result<Policy, Invalid>) -> Self {
        let rules = policy.iter().flat_map(Policy::rules);
        let claims = rules.flat_map(|rule| &rule.claims);
        let claims = claims.map(|(name, _)| name.to_string()).collect();
        let rules = policy.iter().flat_map(Policy::rules);
        let mut expiries: Vec<_> = rules
            .filter_map(|rule| rule.expires.as_ref())
            .map(|expires| expires.last)
            .collect();
        expiries.sort_unstable();
        Self {
            engine: policy.map(Engine::new),
            claims,
            expiries,
            known: RefCell::default(),
        }
    }

    /// Decides a check at the time of its record, with `own` for delegated permissions. Returns `None` if the
    /// record has no job or no permission key.
    pub fn evaluate(&self, recorded: &Recorded, own: Option<&Self>) -> Option<Evaluated> {
        let context = recorded.context.as_ref()?;
        let key = PermissionKey::parse(recorded.permission.as_str().into()).ok()?;
        let asked = self.asked(recorded, context);
        let known = self.known.borrow().get(&asked).copied();
        let evaluated = known.unwrap_or_else(|| {
            let decided = self.decide(recorded, context, &key, None);
            decided.map_or_else(Evaluated::error, |decided| Evaluated::of(&decided))
        });
        if known.is_none() {
            let mut known = self.known.borrow_mut();
            if known.len() >= MAX_KNOWN {
                known.clear();
            }
            known.insert(asked, evaluated);
        }
        match own {
            Some(own) if evaluated.delegated && evaluated.decision() == Decision::Denied => {
                let decided = self.decide(recorded, context, &key, Some(own));
                Some(decided.map_or_else(Evaluated::error, |decided| Evaluated::of(&decided)))
            }
            _ => Some(evaluated),
        }
    }

    fn decide(
        &self,
        recorded: &Recorded,
        context: &Context,
        key: &PermissionKey,
        own: Option<&Self>,
    ) -> Option<PermissionDecision> {
        let policies = Policies {
            policy: self.engine.as_ref().ok()?,
            provenance: recorded.provenance(),
            own: own.map(|own| own.engine.as_ref()),
        };
        let question = Question {
            permissions: std::slice::from_ref(key),
            context,
            now: recorded.time,
            has_time: &|| true,
        };
        decide(policies, question).ok()?.pop()
    }

    fn asked(&self, recorded: &Recorded, context: &Context) -> CacheKey {
        let claims = self.claims.iter();
        CacheKey {
            provenance: recorded.provenance(),
            permission: recorded.permission.clone(),
            values: [
                context.repository.clone(),
                context.repository_id.clone(),
                context.repository_owner_id.clone(),
                context.workflow.clone(),
                context.branch.clone(),
                context.default_branch.clone(),
                context.environment.clone(),
                context.event.clone(),
            ],
            base: context.base.clone(),
            claims: claims
                .map(|name| context.claims.get(name).cloned())
                .collect(),
            expired: self.expiries.partition_point(|last| *last < recorded.time),
        }
    }
}
