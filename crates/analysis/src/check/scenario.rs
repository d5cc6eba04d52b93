//! The scenario of a check: permissions, a context and a time.

use jiff::Timestamp;

use super::policy::{CheckError, GivenPolicy};
use crate::report::Failure;
use crate::{Inputs, TopIsLeftOut};
use engine::context::{Base, Context, EventPayload};
use engine::decision::{
    self, DecisionError, PermissionDecision, Policies, Provenance, Reason, RepositoryRules, decide,
};
use engine::policy::{PermissionKey, quoted};
use engine::{Claims, RepositoryName};

/// A checked scenario.
#[derive(Debug)]
pub struct Scenario {
    /// What the job asks for, each once.
    pub permissions: Vec<PermissionKey>,
    /// The job.
    pub context: Context,
    /// Whether somebody described a base for an event that has none.
    pub(super) base_is_ignored: bool,
    /// Whether somebody gave the event's payload.
    pub(super) has_payload: bool,
    now: Timestamp,
    pub(super) inputs: Inputs,
}

/// A job as somebody describes it. The single values win over the claims; an empty text is an absent value.
#[derive(Debug, Default)]
pub struct Described {
    /// Claims of its token.
    pub claims: Claims,
    /// Payload of its event.
    pub payload: Option<EventPayload>,
    /// `OWNER/NAME`.
    pub repository: Option<String>,
    /// Name of the workflow file.
    pub workflow: Option<String>,
    /// Branch, without `refs/heads/`.
    pub branch: Option<String>,
    /// Base branch of a pull request, without `refs/heads/`.
    pub base: Option<String>,
    /// Default branch of the repository, without `refs/heads/`.
    pub default_branch: Option<String>,
    /// Environment.
    pub environment: Option<String>,
    /// Name of the event; `push` if nothing names one.
    pub event: Option<String>,
}

impl Described {
    /// Derives the context from the claims as in a job, then applies the single values.
    fn context(&self) -> Context {
        let payload = self.payload.as_ref();
        let pull_request = payload.and_then(|payload| payload.pull_request.as_ref());
        let single = [
            ("event_name", &self.event),
            ("repository", &self.repository),
        ];
        let single = single.map(|(claim, value)| (claim, value.as_deref()));
        let (mut context, claims) = Context::derive(&self.claims, single, pull_request);
        context.event.get_or_insert_with(|| "push".to_owned());
        let values = [
            (&self.repository, &mut context.repository),
            (&self.workflow, &mut context.workflow),
            (&self.branch, &mut context.branch),
            (&self.environment, &mut context.environment),
            (&self.event, &mut context.event),
        ];
        for (value, field) in values {
            if let Some(value) = value {
                *field = Some(value.clone()).filter(|value| !value.is_empty());
            }
        }
        let of_payload = payload.and_then(EventPayload::default_branch);
        let default_branch = self.default_branch.as_deref().or(of_payload);
        context.describe(&claims, self.base.as_deref(), default_branch);
        context
    }
}

impl Scenario {
    /// Checks the permissions and derives the context. `inputs` says how messages name the values.
    ///
    /// # Errors
    /// A permission or the repository is not valid.
    pub fn new(
        permissions: &[String],
        described: &Described,
        now: Timestamp,
        inputs: Inputs,
    ) -> Result<Self, Failure> {
        let permissions = keys(permissions, inputs)?;
        let named = described.repository.as_deref();
        if let Some(repository) = named.filter(|name| !name.is_empty())
            && RepositoryName::parse(repository).is_none()
        {
            let (subject, seen) = (inputs.subject("repository"), quoted(repository));
            let message = format!("{subject} is {seen}, expected `OWNER/NAME`");
            return Err(Failure::new(Reason::InputInvalid, message));
        }
        let context = described.context();
        Ok(Self {
            permissions,
            base_is_ignored: described.base.is_some() && context.base == Base::None,
            has_payload: described.payload.is_some(),
            context,
            now,
            inputs,
        })
    }

    /// Decides. The own policy counts only for permissions that the main one denies and delegates; as in a job, its
    /// problems matter only then.
    pub(super) fn decide(
        &self,
        policy: &GivenPolicy,
        own: Option<&GivenPolicy>,
    ) -> Result<Vec<PermissionDecision>, CheckError> {
        let policies = Policies {
            policy: policy.engine.as_ref().map_err(Clone::clone)?,
            provenance: self.provenance(policy),
            own: own.map(|own| own.engine.as_ref()),
        };
        let question = decision::Question {
            permissions: &self.permissions,
            context: &self.context,
            now: self.now,
            has_time: &|| true,
        };
        decide(policies, question).map_err(|undecided| match (undecided, own) {
            (DecisionError::OwnPolicy(invalid), Some(own)) => own.error(invalid),
            (DecisionError::Policy(invalid) | DecisionError::OwnPolicy(invalid), _) => {
                policy.error(invalid)
            }
            (DecisionError::OwnPolicyUnavailable(error), _) => error.clone(),
        })
    }

    /// Returns the policy's rules for the repository, unless the policy is not valid.
    pub(super) fn repository_rules<'a>(
        &self,
        policy: &'a GivenPolicy,
    ) -> Option<RepositoryRules<'a>> {
        let provenance = self.provenance(policy);
        RepositoryRules::find(policy.policy()?, provenance, &self.context, &|| true).ok()
    }

    /// Returns where the policy comes from for the job's repository.
    pub(super) fn provenance(&self, policy: &GivenPolicy) -> Provenance {
        policy
            .repository
            .provenance(self.context.repository.as_deref())
    }

    /// Returns the rules at the top of the policy that do not count.
    pub(super) fn leaves_out<'a>(&'a self, policy: &'a GivenPolicy) -> Option<TopIsLeftOut<'a>> {
        let repository = self.context.repository.as_deref();
        policy.repository.leaves_out(policy.policy()?, repository)
    }
}

/// Reads lists of permissions, as the action does.
fn keys(texts: &[String], inputs: Inputs) -> Result<Vec<PermissionKey>, Failure> {
    let items = texts.iter().flat_map(|text| text.split([',', '\n']));
    let mut items: Vec<_> = items
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .collect();
    if items.is_empty() {
        items.push("");
    }
    let mut keys = Vec::new();
    for text in items {
        let key = PermissionKey::parse(text.into()).map_err(|error| {
            let subject = inputs.subject("permission");
            let message = format!("{subject}: {error} ({})", error.help());
            Failure::new(Reason::InputInvalid, message)
        })?;
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    Ok(keys)
}
