//! Finds the repository of a central policy's entry, and the ids that pin it.

use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use tokio::time::Instant;

use crate::api;
use crate::git::{Git, host};
use analysis::proposal::{Ids, Target};
use engine::RepositoryName;
use engine::policy::quoted;
use github::http::Budget;
use platform::Variables;

/// Maximum time to fetch the ids from GitHub.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Returns the target of the proposal. Unreadable ids are not an error: the policy explains them in a comment.
pub(super) fn entry(
    given: Option<&str>,
    git: Option<&Git>,
    variables: &Variables,
) -> anyhow::Result<Target> {
    let repository = name(given, git, variables)?;
    let ids = match of_job(&repository, variables) {
        Some(ids) => Ok(ids),
        None => fetched(&repository, variables).map_err(|error| format!("{error:#}")),
    };
    Ok(Target::Entry { repository, ids })
}

fn name(
    given: Option<&str>,
    git: Option<&Git>,
    variables: &Variables,
) -> anyhow::Result<RepositoryName> {
    let variable = variables.get("GITHUB_REPOSITORY");
    for (what, text) in [("--repository", given), ("GITHUB_REPOSITORY", variable)] {
        if let Some(text) = text {
            return RepositoryName::parse(text)
                .with_context(|| format!("{what} is {}, expected `OWNER/NAME`", quoted(text)));
        }
    }
    let host = host(variables);
    git.zip(host.as_deref())
        .and_then(|(git, host)| git.origin(host))
        .with_context(|| {
            let host = host.as_deref().unwrap_or("GitHub");
            format!("the entry's repository is unknown: `GITHUB_REPOSITORY` is not set, and there is no remote `origin` on {host}; name it with `--repository OWNER/NAME`")
        })
}

/// Returns the ids in the runner's variables, if the repository is this job's.
fn of_job(repository: &RepositoryName, variables: &Variables) -> Option<Ids> {
    let own = RepositoryName::parse(variables.get("GITHUB_REPOSITORY")?)?;
    let id = |variable| {
        let id = variables.get(variable)?.parse().ok();
        id.filter(|id| *id > 0)
    };
    own.is_same(repository).then_some(Ids {
        repository: id("GITHUB_REPOSITORY_ID")?,
        owner: id("GITHUB_REPOSITORY_OWNER_ID")?,
    })
}

fn fetched(repository: &RepositoryName, variables: &Variables) -> anyhow::Result<Ids> {
    api::block_on(fetch(repository, variables))?
}

async fn fetch(repository: &RepositoryName, variables: &Variables) -> anyhow::Result<Ids> {
    let (url, token) = (api::url(variables), api::token(variables));
    let budget = Budget::until(Instant::now() + TIMEOUT);
    let api = api::client(variables, url, token.as_ref(), None, budget)?;
    let found = api.repository(repository).await.map_err(|error| {
        let hint = match (error.status().map(|status| status.as_u16()), &token) {
            (Some(404 | 401 | 403), None) => {
                ", which it also answers for a private repository without a token (`GITHUB_TOKEN`)"
            }
            _ => "",
        };
        anyhow!("{error}{hint}")
    })?;
    let name = RepositoryName::parse(&found.full_name);
    if !name.is_some_and(|name| name.is_same(repository)) {
        // GitHub redirects the old name, and somebody else can take it.
        bail!("its current name is {}", quoted(&found.full_name));
    }
    Ok(Ids {
        repository: found.id,
        owner: found.owner.id,
    })
}
