//! Recorded checks, decided again by a policy.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use super::recorded::{Recorded, RecordedRule};
use engine::context::{Base, Context};
use engine::decision::{
    Decision, Engine, PermissionDecision, Policies, Question, Reason, Scope, decide,
};
use engine::policy::{Document, Format, Invalid, PermissionKey};

/// The most decisions that are remembered.
const MAX_KNOWN: usize = 50_000;

/// Decides recorded checks by one policy. Checks repeat themselves, so decisions are remembered.
#[derive(Debug)]
pub struct Evaluator {
    engine: Result<Engine, Invalid>,
    /// The claims that the policy's rules ask for.
    claims: BTreeSet<String>,
    /// The moments after which rules grant nothing.
    expiries: Vec<Timestamp>,
    known: HashMap<Asked, Evaluated>,
}

/// What a policy says of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evaluated {
    /// Why.
    pub reason: Reason,
    /// The rule that grants.
    pub rule: Option<RecordedRule>,
    /// Whether it leaves the permission to the repository's own policy as well.
    pub delegated: bool,
}

/// All of a check that a decision depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Asked {
    scope: Scope,
    permission: String,
    /// Repository, its ids, workflow, branch, default branch, environment, event.
    values: [Option<String>; 8],
    base: Base,
    claims: Vec<Option<String>>,
    /// How many of the expiries are over.
    over: usize,
}

impl Evaluated {
    /// Allowed, denied or an error.
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
    /// By the text of a policy; one that is not valid decides that it is not.
    pub fn new(text: &str, format: Format) -> Self {
        Self::of(Document::parse(text, format))
    }

    /// By a policy that was read.
    pub fn of(document: Result<Document, Invalid>) -> Self {
        let rules = document.iter().flat_map(Document::rules);
        let claims = rules.flat_map(|rule| &rule.claims);
        let claims = claims.map(|(name, _)| name.to_string()).collect();
        let rules = document.iter().flat_map(Document::rules);
        let mut expiries: Vec<_> = rules
            .filter_map(|rule| rule.expires.as_ref())
            .map(|expires| expires.last)
            .collect();
        expiries.sort_unstable();
        Self {
            engine: document.map(Engine::new),
            claims,
            expiries,
            known: HashMap::new(),
        }
    }

    /// Decides a check at the time of its record; by `own` too, where this policy delegates to it.
    /// `None` when the record has no job, or no permission key.
    pub fn evaluate(&mut self, recorded: &Recorded, own: Option<&Self>) -> Option<Evaluated> {
        let context = recorded.context.as_ref()?;
        let key = PermissionKey::parse(recorded.permission.as_str().into()).ok()?;
        let asked = self.asked(recorded, context);
        let known = self.known.get(&asked).copied();
        let evaluated = known.unwrap_or_else(|| {
            let decided = self.decide(recorded, context, &key, None);
            decided.map_or_else(Evaluated::error, |decided| Evaluated::of(&decided))
        });
        if known.is_none() {
            if self.known.len() >= MAX_KNOWN {
                self.known.clear();
            }
            self.known.insert(asked, evaluated);
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
            scope: recorded.scope(),
            own: own.map(|own| own.engine.as_ref()),
        };
        let question = Question {
            permissions: std::slice::from_ref(key),
            context,
            now: recorded.time,
            go_on: &|| true,
        };
        decide(policies, question).ok()?.pop()
    }

    fn asked(&self, recorded: &Recorded, context: &Context) -> Asked {
        let claims = self.claims.iter();
        Asked {
            scope: recorded.scope(),
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
            over: self.expiries.partition_point(|last| *last < recorded.time),
        }
    }
}
