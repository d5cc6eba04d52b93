//! The input `review`: fetches, reviews and reports a pull request's change of the policy.

use std::cell::Cell;
use std::collections::BTreeMap;

use anyhow::{Context as _, anyhow, bail};
use http::StatusCode;
use jiff::Timestamp;
use tokio::time::Instant;

use super::credentials::REVOKE_TIME;
use super::inputs::ReportTarget;
use super::report::cancellation;
use super::report::{Reporter, not_reported};
use super::reviewer;
use super::runner::{Log, MAX_SUMMARY, write_summary};
use super::runtime::head_sha;
use analysis::cases::{Suite, in_repository};
use analysis::report::Outcome;
use analysis::report::check::{CheckRun, Conclusion, Output};
use analysis::report::text::{truncate, visible};
use analysis::review::{CaseFile, Material, Review};
use engine::context::PullRequest;
use engine::encoding::text_of;
use engine::policy::source::PolicySource;
use engine::{RepositoryName, is_commit_sha};
use github::http::{Budget, HttpError};
use github::{Api, ApiError};

/// Name of the check run, which branch protection can require.
const CHECK_NAME: &str = "Repository permissions: policy review";
/// Suffixes of files of cases.
const CASE_SUFFIXES: [&str; 3] = [".tests.yml", ".tests.yaml", ".tests.json"];
/// Maximum number of files of cases, and of files that one of them names.
const MAX_FILES: usize = 20;
/// Maximum size of all files of a review in bytes.
const MAX_BYTES: usize = 4 << 20;
/// Maximum length of a title in characters.
const MAX_TITLE: usize = 250;

/// Reviews without a decision or an OIDC token, for a step that asks for no permission. Returns the exit code.
pub async fn review_only(
    reporter: &Reporter<'_>,
    source: &PolicySource,
    now: Timestamp,
    until: Instant,
    cancelled: impl Future<Output = ()>,
) -> u8 {
    const MESSAGE: &str = "the step asks for no permission, and only reviews the policy";
    reporter.write_undecided(MESSAGE);
    let reviewing = run(reporter, source, now, Budget::until(until - REVOKE_TIME));
    let code = tokio::select! {
        biased;
        () = cancelled => {
            let failure = cancellation();
            let outcome = Outcome::failed(&failure, None, None, reporter.detail);
            reporter.write_outputs(&outcome);
            reporter.conclude(&outcome);
            2
        }
        () = reviewing => {
            Log.annotate("notice", "repo-permissions", MESSAGE);
            Log.line(MESSAGE);
            0
        }
    };
    let revoking = until.min(Instant::now() + REVOKE_TIME);
    reporter.revoke(Budget::until(revoking)).await;
    code
}

/// Reviews the policy if the pull request changes it. It decides nothing. An error causes a warning and a failed
/// check run, so that it cannot bypass a required review.
pub async fn run(reporter: &Reporter<'_>, source: &PolicySource, now: Timestamp, budget: Budget) {
    let event = reporter.variables.get("GITHUB_EVENT_NAME");
    if !event.is_some_and(|event| event.starts_with("pull_request")) {
        return Log.line("review: this event has no pull request");
    }
    let Some(credentials) = reporter.credentials else {
        return;
    };
    let repository = credentials.repository();
    let path = match source {
        PolicySource::DefaultBranch(path) => path.as_str(),
        PolicySource::Repository {
            repository: of,
            path,
            ..
        } if of.is_same(repository) => path.as_str(),
        _ => {
            return Log.line("review: the policy is not a file of this repository");
        }
    };
    let pull_request = reporter
        .payload
        .and_then(|payload| payload.pull_request.as_ref());
    let api = match credentials.for_reports(budget).await {
        Ok(api) => api,
        Err(error) => return Log.warning(&format!("the policy was not reviewed: {error}")),
    };
    let reviewed = match pull_request {
        None => Err(anyhow!("the event has no pull request")),
        Some(pull_request) => {
            // The report gets a quarter of the time.
            let reading = Budget::until(Instant::now() + budget.left() * 3 / 4);
            let files = PullRequestFiles {
                api: &api.with_budget(reading),
                repository,
                path,
                left: Cell::new(MAX_BYTES),
            };
            review_of(&files, pull_request, now, reading).await
        }
    };
    let reviewed = match reviewed {
        Ok(Some(reviewed)) => reviewed,
        Ok(None) => {
            return Log.line(&format!(
                "review: this pull request does not change `{path}`"
            ));
        }
        Err(error) => {
            let title = format!("the policy was not reviewed: {error:#}");
            Log.warning(&title);
            not_reviewed(title)
        }
    };
    report(reporter, &api, repository, reviewed).await;
}

async fn review_of(
    files: &PullRequestFiles<'_>,
    pull_request: &PullRequest,
    now: Timestamp,
    budget: Budget,
) -> anyhow::Result<Option<Review>> {
    let Some(material) = files.material(pull_request).await? else {
        return Ok(None);
    };
    reviewer::review(material, now, budget).await.map(Some)
}

async fn report(reporter: &Reporter<'_>, api: &Api, repository: &RepositoryName, reviewed: Review) {
    let targets = &reporter.inputs.targets;
    if targets.contains(&ReportTarget::Summary) {
        let page = format!("## {CHECK_NAME}\n\n{}", reviewed.page);
        if page.len() <= MAX_SUMMARY / 2 {
            reporter.to_file("GITHUB_STEP_SUMMARY", |path| {
                write_summary(path, &page, None).map(drop)
            });
        }
    }
    Log.line(&format!("review: {}", reviewed.title));
    if !targets.contains(&ReportTarget::CheckRun) {
        return;
    }
    let sha = head_sha(
        reporter.inputs.sha.as_deref(),
        reporter.variables,
        reporter.payload,
    );
    let Some(head_sha) = sha else {
        return;
    };
    let labels = reporter.labels();
    let run = CheckRun {
        name: CHECK_NAME.to_owned(),
        head_sha,
        status: "completed",
        conclusion: reviewed.conclusion,
        external_id: labels.external_id.clone(),
        details_url: Some(labels.run_url).filter(|url| url.starts_with("http")),
        output: Output {
            title: truncate(&visible(&reviewed.title), MAX_TITLE).into_owned(),
            summary: reviewed.page,
            annotations: reviewed.annotations,
        },
    };
    if let Err(error) = api.create_check_run(repository, &run).await {
        let what = "the check run of the policy review was not created";
        Log.warning(&not_reported(what, "checks: write", &error));
    }
}

/// The files of a pull request that a review needs.
struct PullRequestFiles<'a> {
    api: &'a Api,
    repository: &'a RepositoryName,
    /// The policy's path.
    path: &'a str,
    /// Number of bytes left of the limit.
    left: Cell<usize>,
}

impl PullRequestFiles<'_> {
    /// Returns the material to review, or `None` if the pull request does not change the policy.
    async fn material(&self, pull_request: &PullRequest) -> anyhow::Result<Option<Material>> {
        let head = pull_request.head.sha.as_str();
        let base = pull_request.base.as_ref().map(|base| base.sha.as_str());
        let Some(base) = base.filter(|base| is_commit_sha(base) && is_commit_sha(head)) else {
            bail!("the event does not name the pull request's commits");
        };
        let base = self.api.merge_base(self.repository, base, head).await;
        let base = base.context("the comparison of its commits cannot be read")?;
        // One after the other, because each may use all of the remaining limit.
        let old = self.read(self.path, &base).await?;
        let new = self.read(self.path, head).await?;
        if old == new {
            return Ok(None);
        }
        let cases = self.cases(head).await?;
        let workflows = self
            .api
            .directory(self.repository, ".github/workflows", head);
        Ok(Some(Material {
            path: self.path.to_owned(),
            old: old.map(text_of),
            new: new.map(text_of),
            cases,
            workflows: workflows
                .await
                .ok()
                .map(|names| names.into_iter().collect()),
            repository: Some(self.repository.to_string()),
        }))
    }

    /// Reads a file at a commit, or returns `None` if it does not exist.
    async fn read(&self, path: &str, commit: &str) -> anyhow::Result<Option<Vec<u8>>> {
        let left = self.left.get();
        let file = self.api.file(self.repository, path, Some(commit), left);
        match file.await {
            Ok(file) => {
                self.left.set(left.saturating_sub(file.bytes.len()));
                Ok(Some(file.bytes))
            }
            Err(ApiError::Http(HttpError::TooLarge { .. })) => bail!(
                "the policy, its cases and their files are larger than {MAX_BYTES} bytes together, the limit of a review"
            ),
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(None),
            Err(error) => Err(error).with_context(|| format!("`{path}` cannot be read")),
        }
    }

    /// Reads the files of cases beside the policy that test it.
    async fn cases(&self, commit: &str) -> anyhow::Result<Vec<CaseFile>> {
        let directory = self
            .path
            .rsplit_once('/')
            .map_or("", |(directory, _)| directory);
        let names = self.api.directory(self.repository, directory, commit).await;
        let names = names.with_context(|| format!("the directory `{directory}` cannot be read"))?;
        let names = names
            .into_iter()
            .filter(|name| CASE_SUFFIXES.iter().any(|suffix| name.ends_with(suffix)));
        let paths: Vec<_> = names
            .map(|name| match directory {
                "" => name,
                directory => format!("{directory}/{name}"),
            })
            .collect();
        if paths.len() > MAX_FILES {
            bail!(
                "there are {} files of cases beside the policy, the limit is {MAX_FILES}",
                paths.len()
            );
        }
        let mut files = Vec::new();
        for path in paths {
            files.extend(self.case_file(path, commit).await);
        }
        Ok(files)
    }

    /// Reads a file of cases and the files that it names, or returns `None` if it tests another policy.
    async fn case_file(&self, path: String, commit: &str) -> Option<CaseFile> {
        let text = match self.read(&path, commit).await {
            Ok(bytes) => {
                text_of(bytes.unwrap_or_default()).map_err(|why| format!("the file is {why}"))
            }
            Err(error) => Err(format!("{error:#}")),
        };
        let mut files = BTreeMap::new();
        if let Ok(suite) = text.as_ref().map_err(|_| ()).and_then(|text| {
            // The review reports its errors.
            Suite::parse(&path, text).map_err(|_| ())
        }) {
            if in_repository(&path, suite.policy()).as_deref() != Ok(self.path) {
                return None;
            }
            for name in suite.files().into_iter().take(MAX_FILES) {
                let read = match in_repository(&path, name) {
                    Err(error) => Err(error.into()),
                    Ok(file) => self.read(&file, commit).await,
                };
                let text = match read {
                    Ok(Some(bytes)) => text_of(bytes).map_err(|why| format!("it is {why}")),
                    Ok(None) => Err("there is no such file".to_owned()),
                    Err(error) => Err(format!("{error:#}")),
                };
                files.insert(name.to_owned(), text);
            }
        }
        Some(CaseFile { path, text, files })
    }
}

/// Returns the review of a policy that could not be read.
fn not_reviewed(title: String) -> Review {
    Review {
        conclusion: Conclusion::Failure,
        page: format!(
            "### ⛔ Not reviewed\n\n{}.\n",
            analysis::report::text::markdown(&title)
        ),
        title,
        annotations: Vec::new(),
    }
}
