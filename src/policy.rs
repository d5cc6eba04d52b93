//! Loads the policy from the source in the input `policy`.

use std::path::Path;
use std::time::Duration;

use super::credentials::Credentials;
use super::workspace::in_workspace;
use http::StatusCode;

use analysis::report::{Failure, PolicyRecord};
use engine::RepositoryName;
use engine::decision::{Engine, Provenance, Reason};
use engine::encoding::text_of;
use engine::policy::source::{PolicySource, RepositoryPath};
use engine::policy::{Format, MAX_FILE, PermissionKey, Policy, PolicyQuery};
use github::http::Budget;
use github::{Api, unreadable_policy};

/// Maximum time to wait for the policy's commit after the policy has arrived. It never takes more than a quarter of the
/// time that is left.
const COMMIT_GRACE: Duration = Duration::from_secs(2);

/// Advice for an App that provides no token.
const OF_APP: &str = "Install the App on the policy's repository with `contents: read`, and check `app-client-id` and `app-private-key`. If GitHub or the network failed, run the job again.";
/// Advice for a token that GitHub does not accept.
const OF_TOKEN: &str = "Check the input `token`, or leave it at its default: GitHub does not know this token, or it has expired.";
/// Advice for a token that may not read.
const OF_ACCESS: &str = "Give the job `permissions:` with `contents: read`. For another private repository, set `token`, or `app-client-id` and `app-private-key`, to credentials that may read it.";

/// A policy and its origin.
#[derive(Debug)]
pub struct Loaded {
    text: String,
    format: Format,
    /// Its origin, for the audit record.
    pub record: PolicyRecord,
    /// Repository that its `permissions:` at the top apply to.
    pub provenance: Provenance,
    /// The policy, once it is parsed.
    pub engine: Option<Engine>,
}

impl Loaded {
    /// Parses the text and drops it. The policy keeps the rules that can matter to a check of these permissions for
    /// `repository`.
    ///
    /// # Errors
    /// The policy is not valid.
    pub fn parse(
        &mut self,
        repository: &RepositoryName,
        permissions: &[PermissionKey],
    ) -> Result<(), Failure> {
        let asked = PolicyQuery {
            repository: Some(&repository.to_string()),
            permissions,
        };
        let text = std::mem::take(&mut self.text);
        let parsed = Policy::parse_for(&text, self.format, &asked)
            .map_err(|invalid| Failure::invalid_policy(&self.record.file, &invalid))?;
        self.engine = Some(Engine::new(parsed));
        Ok(())
    }
}

/// The source of the policy, and the job's repository and workspace.
pub struct PolicyLocation<'a> {
    /// The input `policy`.
    pub source: &'a PolicySource,
    /// The repository of the job.
    pub this: &'a RepositoryName,
    /// `GITHUB_WORKSPACE`.
    pub workspace: Option<&'a Path>,
}

/// Loads the policy.
///
/// # Errors
/// The policy does not exist, cannot be read, or is not UTF-8.
pub async fn load(
    place: &PolicyLocation<'_>,
    credentials: &Credentials,
    budget: Budget,
) -> Result<Loaded, Failure> {
    let PolicyLocation {
        source,
        this,
        workspace,
    } = place;
    let mut record = PolicyRecord {
        source: source.to_string(),
        file: source.file().to_owned(),
        ..PolicyRecord::default()
    };
    let mut provenance = Provenance::Given;
    let bytes = match source {
        PolicySource::Inline(text) => text.clone().into_bytes(),
        PolicySource::Workspace(path) => from_workspace(path, *workspace)?,
        PolicySource::DefaultBranch(path) => {
            provenance = Provenance::ThisRepository;
            from_repository(&mut record, credentials, budget, this, path, None).await?
        }
        PolicySource::Repository {
            repository,
            path,
            reference,
        } => {
            provenance = if repository.is_same(this) {
                Provenance::ThisRepository
            } else {
                Provenance::OtherRepository
            };
            let reference = Some(reference.as_str());
            from_repository(
                &mut record,
                credentials,
                budget,
                repository,
                path,
                reference,
            )
            .await?
        }
    };
    record.is_own = provenance == Provenance::ThisRepository;
    record.sha256 = analysis::sha256(&bytes);
    let text = text_of(bytes).map_err(|why| {
        let message = format!("the policy `{}` is {why}", record.file);
        Failure::new(Reason::PolicyInvalid, message)
    })?;
    Ok(Loaded {
        text,
        format: source.format(),
        record,
        provenance,
        engine: None,
    })
}

async fn from_repository(
    record: &mut PolicyRecord,
    credentials: &Credentials,
    budget: Budget,
    repository: &RepositoryName,
    path: &RepositoryPath,
    reference: Option<&str>,
) -> Result<Vec<u8>, Failure> {
    let source = record.source.clone();
    let read = async |api: Api| {
        let file = api.file(repository, path.as_str(), reference, MAX_FILE);
        let commit = api.commit(repository, reference.unwrap_or("HEAD"));
        with_grace(file, commit, budget).await
    };
    // An App's token takes two requests. If the job's own token can also read the policy, it has done so by
    // then. The App must still provide a token.
    let interim = async {
        match credentials.interim_api(repository, budget) {
            Some(api) => Some(read(api).await).filter(|(file, _)| file.is_ok()),
            None => None,
        }
    };
    let mut api = std::pin::pin!(credentials.for_policy(repository, budget));
    let (api, already) = tokio::select! {
        biased;
        api = &mut api => (api, None),
        already = interim => (api.await, already),
    };
    let api = api.map_err(|error| {
        let message = format!("the policy `{source}` of `{repository}` cannot be read: {error}");
        Failure::new(Reason::PolicyUnreadable, message).advising(OF_APP)
    })?;
    let (file, commit) = match already {
        Some(read) => read,
        None => read(api).await,
    };
    let file = file.map_err(|error| {
        let (reason, message) = unreadable_policy(&error, repository, &source);
        let named = PolicySource::parse(&format!("{path}@REF"), "");
        let failure = match (reason, reference, named) {
            (Reason::PolicyNotFound, None, Ok(PolicySource::Repository { repository, .. })) => {
                let hint =
                    format!("; for a file of the repository `{repository}`, write `{path}@REF`");
                Failure::new(reason, message + &hint)
            }
            _ => Failure::new(reason, message),
        };
        match error.status().filter(|_| error.limited().is_none()) {
            Some(StatusCode::UNAUTHORIZED) => failure.advising(OF_TOKEN),
            Some(StatusCode::FORBIDDEN) => failure.advising(OF_ACCESS),
            _ => failure,
        }
    })?;
    record.repository = Some(repository.to_string());
    record.reference = reference.map(str::to_owned);
    record.blob = Some(file.blob);
    record.commit = commit.and_then(Result::ok);
    Ok(file.bytes)
}

/// Runs both concurrently. Waits only a little longer for the second, which is optional, than for the first.
async fn with_grace<A, B>(
    first: impl Future<Output = A>,
    second: impl Future<Output = B>,
    budget: Budget,
) -> (A, Option<B>) {
    let mut first = std::pin::pin!(first);
    let mut second = std::pin::pin!(second);
    tokio::select! {
        biased;
        first = &mut first => {
            let grace = COMMIT_GRACE.min(budget.left() / 4);
            (first, tokio::time::timeout(grace, second).await.ok())
        }
        second = &mut second => (first.await, Some(second)),
    }
}

fn from_workspace(path: &RepositoryPath, workspace: Option<&Path>) -> Result<Vec<u8>, Failure> {
    let file = in_workspace(Path::new(path.as_str()), workspace).map_err(|error| {
        let reason = match error.kind() {
            std::io::ErrorKind::NotFound => Reason::PolicyNotFound,
            _ => Reason::PolicyUnreadable,
        };
        Failure::new(
            reason,
            format!("the policy `./{path}` of the workspace cannot be read: {error}"),
        )
    })?;
    platform::read_capped(&file, MAX_FILE).map_err(|error| {
        let message = format!("the policy `./{path}` cannot be read: {error}");
        let reason = match error.kind() {
            std::io::ErrorKind::FileTooLarge => Reason::PolicyInvalid,
            _ => Reason::PolicyUnreadable,
        };
        Failure::new(reason, message)
    })
}
