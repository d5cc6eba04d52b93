//! The scenario of the arguments.

use std::path::Path;

use super::arguments::Arguments;
use crate::git::{self, Git};
use crate::instant::now;
use analysis::Inputs;
use analysis::check::{Described, Scenario};
use analysis::report::Failure;
use engine::Claims;
use engine::context::EventPayload;
use engine::decision::Reason;
use engine::policy::{MAX_FILE, quoted};
use platform::Variables;

/// A scenario, and which of its values come from the git work tree.
pub(super) struct GivenScenario {
    pub(super) scenario: Scenario,
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

impl GivenScenario {
    pub(super) fn of(arguments: &Arguments) -> Result<Self, Failure> {
        let of_work_tree = OfWorkTree::read(arguments);
        let described = describe(arguments, &of_work_tree)?;
        let now = arguments.now.unwrap_or_else(now);
        let scenario = Scenario::new(&arguments.permission, &described, now, Inputs::Flags)?;
        Ok(Self {
            scenario,
            of_work_tree,
        })
    }
}

fn invalid_argument(message: String) -> Failure {
    Failure::new(Reason::InputInvalid, message)
}

/// Returns the job that the arguments describe, completed from the git work tree.
fn describe(arguments: &Arguments, of_work_tree: &OfWorkTree) -> Result<Described, Failure> {
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
    let payload = arguments.payload.as_deref().map(|path| {
        let expected = ("--payload", "an event's payload");
        parse(path, expected, EventPayload::parse)
    });
    let or_work_tree =
        |given: &Option<String>, own: &Option<String>| given.as_ref().or(own.as_ref()).cloned();
    Ok(Described {
        claims,
        payload: payload.transpose()?,
        repository: or_work_tree(&arguments.repository, &of_work_tree.repository),
        workflow: arguments.workflow.clone(),
        branch: or_work_tree(&arguments.branch, &of_work_tree.branch),
        base: arguments.base.clone(),
        default_branch: arguments.default_branch.clone(),
        environment: arguments.environment.clone(),
        event: arguments.event.clone(),
    })
}

fn parse<T>(
    path: &Path,
    (flag, noun): (&str, &str),
    parse: impl FnOnce(&[u8]) -> Result<T, serde_json::Error>,
) -> Result<T, Failure> {
    let file = quoted(&path.to_string_lossy());
    let json = platform::read_capped(path, MAX_FILE)
        .map_err(|error| invalid_argument(format!("{flag} {file} cannot be read: {error}")))?;
    // Some editors on Windows write a byte order mark.
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&json);
    parse(json).map_err(|error| invalid_argument(format!("{flag} {file} is not {noun}: {error}")))
}
