//! Which repository an entry of a central policy is for, and the ids that pin it.

use std::time::Duration;

use tokio::time::Instant;

use crate::api;
use crate::git::{Git, host};
use analysis::proposal::{Ids, Target};
use engine::RepositoryName;
use engine::policy::quoted;
use github::http::Budget;
use platform::Environment;

/// How long GitHub is asked.
const PATIENCE: Duration = Duration::from_secs(10);

/// The entry. Ids that cannot be read are no error: the policy says why.
pub(super) fn entry(
    given: Option<&str>,
    git: Option<&Git>,
    environment: &Environment,
) -> Result<Target, String> {
    let repository = name(given, git, environment)?;
    let ids = match of_job(&repository, environment) {
        Some(ids) => Ok(ids),
        None => asked(&repository, environment),
    };
    Ok(Target::Entry { repository, ids })
}

fn name(
    given: Option<&str>,
    git: Option<&Git>,
    environment: &Environment,
) -> Result<RepositoryName, String> {
    let variable = environment.get("GITHUB_REPOSITORY");
    for (what, text) in [("--repository", given), ("GITHUB_REPOSITORY", variable)] {
        if let Some(text) = text {
            return RepositoryName::parse(text)
                .ok_or_else(|| format!("{what} is {}, expected `OWNER/NAME`", quoted(text)));
        }
    }
    let host = host(environment);
    git.zip(host.as_deref())
        .and_then(|(git, host)| git.origin(host))
        .ok_or_else(|| {
            let host = host.as_deref().unwrap_or("GitHub");
            format!("which repository the entry is for is not known: there is no `GITHUB_REPOSITORY`, and no remote `origin` on {host}; give `--repository OWNER/NAME`")
        })
}

/// What the runner says, when it is this job's repository.
fn of_job(repository: &RepositoryName, environment: &Environment) -> Option<Ids> {
    let own = RepositoryName::parse(environment.get("GITHUB_REPOSITORY")?)?;
    let id = |variable| {
        let id = environment.get(variable)?.parse().ok();
        id.filter(|id| *id > 0)
    };
    own.is_same(repository).then_some(Ids {
        repository: id("GITHUB_REPOSITORY_ID")?,
        owner: id("GITHUB_REPOSITORY_OWNER_ID")?,
    })
}

fn asked(repository: &RepositoryName, environment: &Environment) -> Result<Ids, String> {
    api::block_on(ask(repository, environment))?
}

async fn ask(repository: &RepositoryName, environment: &Environment) -> Result<Ids, String> {
    let (url, token) = (api::url(environment), api::token(environment));
    let budget = Budget::until(Instant::now() + PATIENCE);
    let api = api::client(environment, url, token.as_ref(), None, budget)?;
    let about = api.about(repository).await.map_err(|error| {
        let hint = match (error.status().map(|status| status.as_u16()), &token) {
            (Some(404 | 401 | 403), None) => {
                ", as it does for a private repository without a token (`GITHUB_TOKEN`)"
            }
            _ => "",
        };
        format!("{error}{hint}")
    })?;
    let today = RepositoryName::parse(&about.full_name);
    if !today.is_some_and(|today| today.is_same(repository)) {
        // The old name leads to the new one, and somebody else can take it.
        return Err(format!("it is {} today", quoted(&about.full_name)));
    }
    Ok(Ids {
        repository: about.id,
        owner: about.owner.id,
    })
}
