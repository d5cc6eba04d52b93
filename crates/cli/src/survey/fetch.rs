//! Fetches the repositories from GitHub, within its rate limits and in pages that it can answer.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use url::Url;

use super::pace;
use super::progress::Progress;
use super::report::Cost;
use super::stop::Stop;
use analysis::workflows::{MAX_FILE, is_workflow};
use engine::RepositoryName;
use engine::encoding::text_of;
use engine::policy::quoted;
use github::http::{Budget, HttpError, REQUEST_TIMEOUT};
use github::{
    Api, ApiError, FileText, FilesUnavailable, Limited, ListedRepository, PageQuery, QueryError,
    RateLimit, Repository, RepositoryPage,
};

/// Maximum time of a REST request with its retries.
const REST_TIMEOUT: Duration = Duration::from_secs(45);
/// Number of successful pages after which the page size grows again.
const GOOD_PAGES: u32 = 8;
/// Maximum size of a repository's workflow files that REST provides, in bytes.
const MAX_FILES: usize = 16 << 20;
const DIRECTORY: &str = ".github/workflows";

/// The workflow files of a repository with their texts, or the problems that prevent it.
pub(super) type Files = Result<Vec<(String, Result<String, String>)>, String>;

/// Fetches and counts the cost.
pub(super) struct Fetcher {
    api: Api,
    graphql: Url,
    owner: String,
    /// Maximum and current number of repositories per page.
    max_size: u32,
    size: u32,
    /// Number of successful pages of the current size.
    good_pages: u32,
    limit: Option<RateLimit>,
    cost: Cost,
}

impl Fetcher {
    pub(super) fn new(api: Api, graphql: Url, owner: &str, page_size: u32) -> Self {
        Self {
            api,
            graphql,
            owner: owner.to_owned(),
            max_size: page_size,
            size: page_size,
            good_pages: 0,
            limit: None,
            cost: Cost::default(),
        }
    }

    /// Returns the cost of all requests so far.
    pub(super) fn cost(&self) -> Cost {
        self.cost
    }

    /// Returns the token's rate limit for GraphQL.
    pub(super) fn limit(&self) -> Option<RateLimit> {
        self.limit
    }

    /// Fetches the page after a cursor.
    pub(super) async fn page(
        &mut self,
        after: Option<&str>,
        progress: &Progress,
    ) -> Result<RepositoryPage, Stop> {
        let (mut attempt, mut texts) = (0, true);
        loop {
            let query = PageQuery {
                login: &self.owner,
                first: self.size,
                after,
                texts,
            };
            let api = self
                .api
                .with_budget(Budget::until(Instant::now() + REQUEST_TIMEOUT));
            self.cost.graphql_requests += 1;
            let (page, limit) = api.repositories(&self.graphql, &query).await;
            self.limit = limit.or(self.limit);
            let error = match page {
                Ok(page) => {
                    self.cost.points += page.points.unwrap_or_default();
                    self.grow_pages();
                    return Ok(page);
                }
                Err(error) => error,
            };
            let failed = match error {
                QueryError::TooLarge(_) if self.size > 1 => {
                    (self.size, self.good_pages) = (self.size.div_ceil(2), 0);
                    continue;
                }
                // REST provides the files of this one repository.
                QueryError::TooLarge(_) if texts => {
                    texts = false;
                    continue;
                }
                QueryError::Limited(limited, why) => {
                    self.refused(limited, attempt, &why, progress).await?;
                    attempt += 1;
                    continue;
                }
                QueryError::TooLarge(why) | QueryError::Transient(why) => why,
                error => return Err(self.cannot_list(&error.to_string())),
            };
            let Some(pause) = pace::backoff(attempt) else {
                return Err(Stop::Failed(failed));
            };
            attempt += 1;
            tokio::time::sleep(pause).await;
        }
    }

    /// Counts a successful page, and returns to larger pages after enough of them.
    fn grow_pages(&mut self) {
        self.good_pages += 1;
        if self.good_pages >= GOOD_PAGES && self.size < self.max_size {
            (self.size, self.good_pages) = (self.max_size.min(self.size * 2), 0);
        }
    }

    /// Returns the workflow files of a repository, from the page and from REST.
    pub(super) async fn files(
        &mut self,
        listed: ListedRepository,
        progress: &Progress,
    ) -> Result<Files, Stop> {
        let name = RepositoryName::parse(&listed.name);
        let name = name
            .ok_or_else(|| Stop::Failed("GitHub returned an invalid repository name".to_owned()))?;
        let (names, mut files) = match listed.files {
            Err(FilesUnavailable::Denied(why)) => return Ok(Err(why)),
            Err(FilesUnavailable::NotFetched) => {
                let names = self.call_rest(progress, async |api| {
                    api.directory(&name, DIRECTORY, "HEAD").await
                });
                match names.await? {
                    Ok(names) => (names, Vec::new()),
                    Err(error) => return Ok(Err(error.to_string())),
                }
            }
            Ok(listed) => {
                let (mut names, mut files) = (Vec::new(), Vec::new());
                for file in listed {
                    match file.text {
                        FileText::Complete(text) => files.push((file.name, Ok(text))),
                        FileText::Truncated => names.push(file.name),
                        FileText::NotText => {}
                    }
                }
                (names, files)
            }
        };
        files.retain(|(name, _)| is_workflow(name));
        let mut left = MAX_FILES;
        for file in names.into_iter().filter(|name| is_workflow(name)) {
            let path = format!("{DIRECTORY}/{file}");
            let cap = MAX_FILE.min(left);
            let read = self.call_rest(progress, async |api| {
                api.file(&name, &path, None, cap).await
            });
            let read = read.await?.map_err(|error| error.to_string());
            let text = read.and_then(|read| {
                left = left.saturating_sub(read.bytes.len());
                text_of(read.bytes).map_err(|why| format!("it is {why}"))
            });
            files.push((file, text));
        }
        Ok(Ok(files))
    }

    /// Finds the repository of a name, or returns `None` if the token cannot see one.
    pub(super) async fn find_repository(
        &mut self,
        name: &RepositoryName,
        progress: &Progress,
    ) -> Result<Option<Repository>, Stop> {
        let found = self.call_rest(progress, async |api| match api.repository(name).await {
            Err(error) if error.status() == Some(http::StatusCode::NOT_FOUND) => Ok(None),
            found => found.map(Some),
        });
        found
            .await?
            .map_err(|error| self.cannot_list(&error.to_string()))
    }

    /// Sends a REST request. The inner error is GitHub's error response to it.
    async fn call_rest<T>(
        &mut self,
        progress: &Progress,
        ask: impl AsyncFn(&Api) -> Result<T, ApiError>,
    ) -> Result<Result<T, ApiError>, Stop> {
        let mut attempt = 0;
        loop {
            let api = self
                .api
                .with_budget(Budget::until(Instant::now() + REST_TIMEOUT));
            self.cost.rest_requests += 1;
            let error = match ask(&api).await {
                Ok(answer) => return Ok(Ok(answer)),
                Err(error) => error,
            };
            let why = error.to_string();
            match (error.limited(), error.status()) {
                (Some(limited), _) => self.refused(limited, attempt, &why, progress).await?,
                (None, Some(status)) if status.is_server_error() => return Err(Stop::Failed(why)),
                (None, Some(_)) => return Ok(Err(error)),
                (None, None) => match (&error, pace::backoff(attempt)) {
                    (ApiError::Http(HttpError::TooLarge { .. }), _) => return Ok(Err(error)),
                    (ApiError::Http(_), Some(pause)) => tokio::time::sleep(pause).await,
                    (ApiError::Http(_), None) => return Err(Stop::Failed(why)),
                    _ => return Ok(Err(error)),
                },
            }
            attempt += 1;
        }
    }

    /// Waits until GitHub accepts requests again, or stops if that takes too long.
    async fn refused(
        &self,
        limited: Limited,
        attempt: u32,
        why: &str,
        progress: &Progress,
    ) -> Result<(), Stop> {
        if pace::backoff(attempt).is_none() {
            return Err(Stop::Failed(why.to_owned()));
        }
        let (now, why) = (Timestamp::now(), why.trim_end_matches('.'));
        let until = pace::retry_at(limited, attempt, now);
        if !pace::is_short(until, now) {
            return Err(Stop::Limited {
                until,
                why: why.to_owned(),
            });
        }
        progress.pausing(until, why);
        let pause = until.duration_since(now).unsigned_abs();
        tokio::time::sleep(pause).await;
        Ok(())
    }

    /// Returns the error for an inaccessible owner. It names the permissions that the token needs, because these
    /// are the usual problem.
    pub(super) fn cannot_list(&self, why: &str) -> Stop {
        Stop::Refused(format!(
            "the repositories of {} cannot be listed: {why}; the token needs `contents: read` and `metadata: read` on all of them, and single sign-on if the organisation requires it",
            quoted(&self.owner)
        ))
    }
}
