//! Asking GitHub: at a pace that it bears, in pages that it can answer.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use url::Url;

use super::pace;
use super::progress::Progress;
use super::report::Cost;
use super::run::Stop;
use analysis::workflows::{MAX_FILE, is_workflow};
use engine::RepositoryName;
use engine::encoding::text_of;
use engine::policy::quoted;
use github::http::{Budget, HttpError, REQUEST_TIMEOUT};
use github::{
    About, Api, ApiError, FileText, Limited, ListedRepository, NoFiles, PageQuery, QueryError,
    RateLimit, RepositoryPage,
};

/// How long one question by REST may take with its repetitions.
const PATIENCE: Duration = Duration::from_secs(45);
/// After how many good pages a larger one is tried again.
const GOOD: u32 = 8;
/// The most bytes of workflow files that are read of one repository by REST.
const MAX_FILES: usize = 16 << 20;
const DIRECTORY: &str = ".github/workflows";

/// The workflow files of a repository, each with its text or why there is none; or why there are none.
pub(super) type Files = Result<Vec<(String, Result<String, String>)>, String>;

/// Asks, and counts what that costs.
pub(super) struct Asker {
    api: Api,
    graphql: Url,
    owner: String,
    /// How many repositories are asked for at most, and now.
    largest: u32,
    size: u32,
    /// How many pages of this size were answered.
    good: u32,
    limit: Option<RateLimit>,
    cost: Cost,
}

impl Asker {
    pub(super) fn new(api: Api, graphql: Url, owner: &str, page_size: u32) -> Self {
        Self {
            api,
            graphql,
            owner: owner.to_owned(),
            largest: page_size,
            size: page_size,
            good: 0,
            limit: None,
            cost: Cost::default(),
        }
    }

    /// What the requests cost so far.
    pub(super) fn cost(&self) -> Cost {
        self.cost
    }

    /// Where the token stands with GraphQL's limit.
    pub(super) fn limit(&self) -> Option<RateLimit> {
        self.limit
    }

    /// The page that starts after a cursor.
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
                    self.answered();
                    return Ok(page);
                }
                Err(error) => error,
            };
            let failed = match error {
                QueryError::TooMuch(_) if self.size > 1 => {
                    (self.size, self.good) = (self.size.div_ceil(2), 0);
                    continue;
                }
                // What is in the one repository is asked for by REST.
                QueryError::TooMuch(_) if texts => {
                    texts = false;
                    continue;
                }
                QueryError::Limited(limited, why) => {
                    self.refused(limited, attempt, &why, progress).await?;
                    attempt += 1;
                    continue;
                }
                QueryError::TooMuch(why) | QueryError::Failed(why) => why,
                error => return Err(self.cannot(&error.to_string())),
            };
            let Some(pause) = pace::failed(attempt) else {
                return Err(Stop::Failed(failed));
            };
            attempt += 1;
            tokio::time::sleep(pause).await;
        }
    }

    /// Smaller pages are for as long as they are needed.
    fn answered(&mut self) {
        self.good += 1;
        if self.good >= GOOD && self.size < self.largest {
            (self.size, self.good) = (self.largest.min(self.size * 2), 0);
        }
    }

    /// The workflow files of a repository: those of the page, and by REST what is missing there.
    pub(super) async fn files(
        &mut self,
        listed: ListedRepository,
        progress: &Progress,
    ) -> Result<Files, Stop> {
        let name = RepositoryName::parse(&listed.name);
        let name =
            name.ok_or_else(|| Stop::Failed("GitHub gave a name that is none".to_owned()))?;
        let (names, mut files) = match listed.files {
            Err(NoFiles::Refused(why)) => return Ok(Err(why)),
            Err(NoFiles::Open) => {
                let names = self.rest(progress, async |api| {
                    api.directory(&name, DIRECTORY, "HEAD").await
                });
                match names.await? {
                    Ok(names) => (names, Vec::new()),
                    Err(why) => return Ok(Err(why)),
                }
            }
            Ok(listed) => {
                let (mut names, mut files) = (Vec::new(), Vec::new());
                for file in listed {
                    match file.text {
                        FileText::Whole(text) => files.push((file.name, Ok(text))),
                        FileText::Cut => names.push(file.name),
                        FileText::None => {}
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
            let read = self.rest(progress, async |api| {
                api.file(&name, &path, None, cap).await
            });
            let text = read.await?.and_then(|read| {
                left = left.saturating_sub(read.bytes.len());
                text_of(read.bytes).map_err(|why| format!("it is {why}"))
            });
            files.push((file, text));
        }
        Ok(Ok(files))
    }

    /// What a name leads to; `None` when there is nothing that the token can see.
    pub(super) async fn about(
        &mut self,
        name: &RepositoryName,
        progress: &Progress,
    ) -> Result<Option<About>, Stop> {
        let asked = self.rest(progress, async |api| match api.about(name).await {
            Err(error) if error.status() == Some(http::StatusCode::NOT_FOUND) => Ok(None),
            about => about.map(Some),
        });
        asked.await?.map_err(|why| self.cannot(&why))
    }

    /// Asks by REST. An error inside is what GitHub answered to this one question.
    async fn rest<T>(
        &mut self,
        progress: &Progress,
        ask: impl AsyncFn(&Api) -> Result<T, ApiError>,
    ) -> Result<Result<T, String>, Stop> {
        let mut attempt = 0;
        loop {
            let api = self
                .api
                .with_budget(Budget::until(Instant::now() + PATIENCE));
            self.cost.rest_requests += 1;
            let error = match ask(&api).await {
                Ok(answer) => return Ok(Ok(answer)),
                Err(error) => error,
            };
            let why = error.to_string();
            match (error.limited(), error.status()) {
                (Some(limited), _) => self.refused(limited, attempt, &why, progress).await?,
                (None, Some(status)) if status.is_server_error() => return Err(Stop::Failed(why)),
                (None, Some(_)) => return Ok(Err(why)),
                (None, None) => match (error, pace::failed(attempt)) {
                    (ApiError::Http(HttpError::TooLarge { .. }), _) => return Ok(Err(why)),
                    (ApiError::Http(_), Some(pause)) => tokio::time::sleep(pause).await,
                    (ApiError::Http(_), None) => return Err(Stop::Failed(why)),
                    _ => return Ok(Err(why)),
                },
            }
            attempt += 1;
        }
    }

    /// Waits until GitHub accepts requests again, or stops where that takes too long.
    async fn refused(
        &self,
        limited: Limited,
        attempt: u32,
        why: &str,
        progress: &Progress,
    ) -> Result<(), Stop> {
        if pace::failed(attempt).is_none() {
            return Err(Stop::Failed(why.to_owned()));
        }
        let (now, why) = (Timestamp::now(), why.trim_end_matches('.'));
        let until = pace::refused(limited, attempt, now);
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

    /// What the token needs, since that is what is wrong nearly always.
    pub(super) fn cannot(&self, why: &str) -> Stop {
        Stop::Refused(format!(
            "the repositories of {} cannot be listed: {why}; the token needs `contents: read` and `metadata: read` on all of them, and single sign-on where the organisation has it",
            quoted(&self.owner)
        ))
    }
}
