//! Runs of workflows, the refs that they may come from, and reviews of the deployments that wait in them.

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::api::{Api, ApiError, Call, MAX_JSON, encode, json};
use super::repository::{Owner, RepositoryKey};
use crate::http::Retry;

const ACCEPT: &str = "application/vnd.github+json";
/// Maximum size of the answer about a run, which can name many pull requests.
const MAX_RUN: usize = 4 << 20;

/// A run of a workflow.
#[derive(Clone, Debug, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: u64,
    /// Path of its workflow file, in its own repository or as `OWNER/REPO/PATH`; perhaps with `@REF`.
    pub path: String,
    /// Event that started it.
    pub event: String,
    /// `completed`, or how far it is.
    #[serde(default)]
    pub status: Option<String>,
    /// Short name of its branch or tag.
    #[serde(default)]
    pub head_branch: Option<String>,
    /// Its commit; in pull request events that of the head.
    pub head_sha: String,
    /// Repository that it runs in.
    pub repository: RunRepository,
    /// Repository of its commit; absent if it was deleted.
    #[serde(default)]
    pub head_repository: Option<RunRepository>,
    /// User who started it.
    #[serde(default)]
    pub actor: Option<Actor>,
    /// Number of its newest attempt.
    #[serde(default)]
    pub run_attempt: Option<u64>,
}

/// A repository of a run.
#[derive(Clone, Debug, Deserialize)]
pub struct RunRepository {
    /// Its id.
    pub id: u64,
    /// Its `OWNER/NAME`.
    pub full_name: String,
    /// Its owner.
    pub owner: Owner,
}

/// A user.
#[derive(Clone, Debug, Deserialize)]
pub struct Actor {
    /// Name of the user.
    pub login: String,
    /// Id of the user.
    #[serde(default)]
    pub id: Option<u64>,
}

/// A branch or a tag.
#[derive(Clone, Debug, Deserialize)]
struct Reference {
    #[serde(rename = "ref")]
    name: String,
    object: Object,
}

/// What a ref or an annotated tag points to.
#[derive(Clone, Debug, Deserialize)]
struct Object {
    sha: String,
    #[serde(rename = "type")]
    kind: String,
}

/// Where a tag points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tag {
    /// There is none of this name.
    None,
    /// To a commit.
    Commit(String),
    /// To something else, or to it through more than one annotated tag.
    Other,
}

/// Verdict of a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The jobs that wait may go on.
    Approved,
    /// They fail.
    Rejected,
}

/// Result of posting a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reviewed {
    /// It counts.
    Posted,
    /// Nothing waits for one: somebody reviewed it before.
    Already,
}

impl Api {
    /// Fetches a run.
    ///
    /// # Errors
    /// The request failed, or the answer is about another run or a run of another repository.
    pub async fn run(&self, repository: u64, id: u64) -> Result<Run, ApiError> {
        let key = RepositoryKey::Id(repository);
        let path = format!("{}/actions/runs/{id}", key.route());
        let run: Run = json(&self.get(&path, ACCEPT, MAX_RUN).await?)?;
        key.check(Some(run.repository.id))?;
        match run.id == id {
            true => Ok(run),
            false => Err(ApiError::Shape("it is about another run".to_owned())),
        }
    }

    /// Returns the commit of a branch, or `None` if there is no branch of exactly this name.
    ///
    /// # Errors
    /// The request failed.
    pub async fn branch_commit(
        &self,
        repository: u64,
        branch: &str,
    ) -> Result<Option<String>, ApiError> {
        let found = self
            .reference(repository, &format!("heads/{branch}"))
            .await?;
        let commit = found.filter(|object| object.kind == "commit");
        Ok(commit.map(|object| object.sha))
    }

    /// Returns where the tag of exactly this name points to.
    ///
    /// # Errors
    /// A request failed.
    pub async fn tag(&self, repository: u64, tag: &str) -> Result<Tag, ApiError> {
        let Some(object) = self.reference(repository, &format!("tags/{tag}")).await? else {
            return Ok(Tag::None);
        };
        let object = match object.kind.as_str() {
            "tag" => {
                #[derive(Deserialize)]
                struct Annotated {
                    object: Object,
                }
                let route = RepositoryKey::Id(repository).route();
                let path = format!("{route}/git/tags/{}", encode(&object.sha));
                let tag: Annotated = json(&self.get(&path, ACCEPT, MAX_JSON).await?)?;
                tag.object
            }
            _ => object,
        };
        Ok(match object.kind.as_str() {
            "commit" => Tag::Commit(object.sha),
            _ => Tag::Other,
        })
    }

    /// Returns what the ref of exactly this name points to, if there is one.
    async fn reference(&self, repository: u64, name: &str) -> Result<Option<Object>, ApiError> {
        let segments: Vec<_> = name.split('/').map(encode).collect();
        let route = RepositoryKey::Id(repository).route();
        let path = format!("{route}/git/ref/{}", segments.join("/"));
        let found: Reference = match self.get(&path, ACCEPT, MAX_JSON).await {
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => return Ok(None),
            answer => json(&answer?)?,
        };
        match found.name == format!("refs/{name}") {
            true => Ok(Some(found.object)),
            false => Err(ApiError::Shape("it is about another ref".to_owned())),
        }
    }

    /// Posts a review for the jobs of a run that wait for an environment. A review that exists already is not an error.
    ///
    /// # Errors
    /// The request failed.
    pub async fn review_deployment(
        &self,
        (repository, run): (u64, u64),
        environment: &str,
        state: Verdict,
        comment: &str,
    ) -> Result<Reviewed, ApiError> {
        #[derive(Serialize)]
        struct Review<'a> {
            environment_name: &'a str,
            state: Verdict,
            comment: &'a str,
        }
        let route = RepositoryKey::Id(repository).route();
        let path = format!("{route}/actions/runs/{run}/deployment_protection_rule");
        let review = Review {
            environment_name: environment,
            state,
            comment,
        };
        let body =
            serde_json::to_string(&review).map_err(|error| ApiError::Shape(error.to_string()))?;
        // A second review of the same jobs is refused, so repeating it does no harm.
        let posted = self
            .call(&path, &Call::without_answer(body), Retry::Safe)
            .await;
        match posted {
            Ok(_) => Ok(Reviewed::Posted),
            Err(ApiError::Status {
                status: StatusCode::UNPROCESSABLE_ENTITY,
                answer,
                ..
            }) if is_reviewed(&answer) => Ok(Reviewed::Already),
            Err(error) => Err(error),
        }
    }
}

/// Returns whether GitHub says that nothing waits for a review. Its other words for 422 can also mean that two reviews
/// met.
fn is_reviewed(answer: &str) -> bool {
    let answer = answer.to_ascii_lowercase();
    [
        "no pending deployment requests to approve or reject",
        "already been reviewed",
    ]
    .iter()
    .any(|words| answer.contains(words))
}
