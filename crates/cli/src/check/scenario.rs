//! The scenario in the arguments: permissions, a context and a time.

use std::path::Path;

use jiff::Timestamp;

use super::arguments::Arguments;
use super::policy::{CheckError, GivenPolicy};
use crate::git::{self, Git};
use crate::instant::now;
use analysis::report::Failure;
use engine::Claims;
use engine::context::{Base, Context, EventPayload};
use engine::decision::{
    self, DecisionError, PermissionDecision, Policies, Provenance, Reason, RepositoryRules, decide,
};
use engine::policy::{Invalid, MAX_FILE, PermissionKey, Policy, quoted};
use platform::Variables;

/// A checked scenario.
pub(super) struct Scenario {
    pub(super) permissions: Vec<PermissionKey>,
    pub(super) context: Context,
    /// Whether the arguments have a base for an event that has none.
    pub(super) base_is_ignored: bool,
    pub(super) now: Timestamp,
    /// Whether the arguments name the event's payload.
    pub(super) has_payload: bool,
    /// What the arguments leave out and the git work tree has.
    pub(super) of_work_tree: OfWorkTree,
}

/// Values that come from the git work tree.
#[derive(Clone, Debug, Default)]
pub(super) struct OfWorkTree {
    /// Repository of the remote `origin`.
    pub(super) repository: Option<String>,
    /// Branch that is checked out.
    pub(super) branch: Option<String>,
}

impl OfWorkTree {
    /// Returns what the arguments leave out. Claims describe another job completely.
    fn read(arguments: &Arguments) -> Self {
        let git = Git::discover(Path::new(".")).filter(|_| arguments.claims.is_none());
        let Some(git) = git else {
            return Self::default();
        };
        let variables = Variables::new(std::env::vars_os());
        let origin = git::host(&variables).and_then(|host| git.origin(&host));
        let origin = origin.map(|origin| origin.to_string());
        // The branch of this work tree says nothing about another repository.
        let is_own = match (&arguments.repository, &origin) {
            (Some(given), Some(origin)) => given.eq_ignore_ascii_case(origin),
            (Some(_), None) => false,
            (None, _) => true,
        };
        let is_given = |name: &str| {
            let mut claims = arguments.claim.iter();
            claims.any(|claim| {
                claim
                    .split_once('=')
                    .is_some_and(|(known, _)| known == name)
            })
        };
        let has_branch = arguments.branch.is_some() || is_given("ref") || is_given("head_ref");
        Self {
            repository: origin
                .filter(|_| arguments.repository.is_none() && !is_given("repository")),
            branch: git.branch().filter(|_| is_own && !has_branch),
        }
    }
}

impl Scenario {
    pub(super) fn of(arguments: &Arguments) -> Result<Self, Failure> {
        let permissions = permissions(&arguments.permission)?;
        let of_work_tree = OfWorkTree::read(arguments);
        let context = context(arguments, &of_work_tree)?;
        Ok(Self {
            of_work_tree,
            permissions,
            base_is_ignored: arguments.base.is_some() && context.base == Base::None,
            context,
            now: arguments.now.unwrap_or_else(now),
            has_payload: arguments.payload.is_some(),
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
            provenance: Provenance::Offline,
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

    /// Returns the policy's rules for the repository.
    pub(super) fn repository_rules<'a>(
        &self,
        policy: &'a Policy,
    ) -> Result<RepositoryRules<'a>, Invalid> {
        RepositoryRules::find(policy, Provenance::Offline, &self.context, &|| true)
    }
}

fn invalid_argument(message: String) -> Failure {
    Failure::new(Reason::InputInvalid, message)
}

fn permissions(texts: &[String]) -> Result<Vec<PermissionKey>, Failure> {
    let mut permissions = Vec::new();
    for text in texts {
        let key = PermissionKey::parse(text.clone().into()).map_err(|error| {
            invalid_argument(format!("--permission: {error} ({})", error.help()))
        })?;
        if !permissions.contains(&key) {
            permissions.push(key);
        }
    }
    Ok(permissions)
}

/// Derives the context from the claims as in a job, then applies the flags.
fn context(arguments: &Arguments, of_work_tree: &OfWorkTree) -> Result<Context, Failure> {
    let mut claims = match &arguments.claims {
        None => Claims::default(),
        Some(path) => parse(path, ("--claims", "a JSON object"), |json| {
            serde_json::from_slice(json)
        })?,
    };
    for claim in &arguments.claim {
        let (name, value) = claim
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| {
                let seen = quoted(claim);
                invalid_argument(format!("--claim is {seen}, expected `NAME=VALUE`"))
            })?;
        claims.set(name.to_owned(), value.to_owned());
    }
    let payload = match &arguments.payload {
        None => None,
        Some(path) => Some(parse(
            path,
            ("--payload", "an event's payload"),
            EventPayload::parse,
        )?),
    };
    let pull_request = payload
        .as_ref()
        .and_then(|payload| payload.pull_request.as_ref());
    let mut context = Context::of_claims(&claims, pull_request);
    context.event.get_or_insert_with(|| "push".to_owned());
    let repository = arguments
        .repository
        .as_ref()
        .or(of_work_tree.repository.as_ref());
    let branch = arguments.branch.as_ref().or(of_work_tree.branch.as_ref());
    let flags = [
        (repository, &mut context.repository),
        (arguments.workflow.as_ref(), &mut context.workflow),
        (branch, &mut context.branch),
        (arguments.environment.as_ref(), &mut context.environment),
        (arguments.event.as_ref(), &mut context.event),
    ];
    for (flag, field) in flags {
        if let Some(value) = flag {
            // An empty flag is an absent value, as in `--environment ""`.
            *field = Some(value.clone()).filter(|value| !value.is_empty());
        }
    }
    let of_payload = payload.as_ref().and_then(EventPayload::default_branch);
    context.describe(
        &claims,
        arguments.base.as_deref(),
        arguments.default_branch.as_deref().or(of_payload),
    );
    Ok(context)
}

fn parse<T>(
    path: &Path,
    (flag, noun): (&str, &str),
    parse: impl FnOnce(&[u8]) -> Result<T, serde_json::Error>,
) -> Result<T, Failure> {
    let file = quoted(&path.to_string_lossy());
    let json = platform::read_capped(path, MAX_FILE)
        .map_err(|error| invalid_argument(format!("{flag} {file} cannot be read: {error}")))?;
    parse(&json).map_err(|error| invalid_argument(format!("{flag} {file} is not {noun}: {error}")))
}
