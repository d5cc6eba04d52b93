//! The survey from where it stands to its end.

use std::fmt;

use jiff::Timestamp;
use tokio::runtime::Runtime;

use super::ask::Asker;
use super::progress::Progress;
use super::state::{Cost, PageEnd, State};
use analysis::survey;
use analysis::survey::{Asked, Repository, Survey};
use analysis::workflows::Workflows;
use github::{ListedRepository, NoFiles, RepositoryPage};
use platform::Interruption;

/// Why it is not done.
#[derive(Debug)]
pub(super) enum Stop {
    /// By whoever started it.
    Interrupted,
    /// The rate limit is used up, or nearly.
    Limited {
        /// When it starts anew.
        until: Timestamp,
        /// What was seen of it.
        why: String,
    },
    /// Something that another try can help.
    Failed(String),
    /// Something that it cannot.
    Refused(String),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted => f.write_str("interrupted"),
            Self::Limited { why, .. } | Self::Failed(why) | Self::Refused(why) => f.write_str(why),
        }
    }
}

pub(super) struct Work<'w, 'p> {
    pub(super) state: &'w mut State,
    pub(super) survey: &'w mut Survey<'p>,
    pub(super) asker: Asker,
    pub(super) progress: Progress,
}

impl Work<'_, '_> {
    pub(super) fn run(&mut self, runtime: Runtime) -> Result<(), Stop> {
        let done = runtime.block_on(async {
            let interruption = Interruption::listen();
            tokio::select! {
                biased;
                () = interruption.arrived() => Err(Stop::Interrupted),
                done = self.everything() => done,
            }
        });
        // A look-up of a name that hangs runs on a thread of its own and would be waited for.
        runtime.shutdown_background();
        self.progress.clear();
        done
    }

    async fn everything(&mut self) -> Result<(), Stop> {
        while !self.state.is_listed() {
            let after = self.state.next().map(str::to_owned);
            let page = self.asker.page(after.as_deref(), &self.progress).await?;
            self.take(page).await?;
        }
        self.ask_for_names().await?;
        let entries = self.survey.close();
        self.state
            .finish(&entries, &self.survey.summary)
            .map_err(unwritten)
    }

    /// Looks at the repositories of a page and writes what they come to.
    async fn take(&mut self, page: RepositoryPage) -> Result<(), Stop> {
        let is_first = self.state.next().is_none();
        if let (true, Some(why)) = (is_first, nothing_but_refused(&page.repositories)) {
            return Err(self.asker.cannot(&why));
        }
        for why in &page.hidden {
            self.survey.summary.miss(why);
        }
        let mut rows = String::new();
        for listed in page.repositories {
            let repository = Repository {
                name: listed.name.clone(),
                id: listed.id,
                owner_id: page.owner_id,
                is_private: listed.is_private,
                is_archived: listed.is_archived,
                is_fork: listed.is_fork,
            };
            // No workflow of it runs.
            let files = match listed.is_archived {
                true => Ok(Vec::new()),
                false => self.asker.files(listed, &self.progress).await?,
            };
            let workflows = files.map(|files| survey::read(files, self.survey.action()));
            let workflows: Result<&Workflows, &str> = match &workflows {
                Ok(workflows) => Ok(workflows),
                Err(why) => Err(why),
            };
            if let Some(row) = self.survey.look_at(&repository, workflows) {
                State::repository(&mut rows, &row);
            }
        }
        let (graphql, rest) = self.asker.take_requests();
        let end = PageEnd {
            next: page.next,
            total: page.total,
            summary: self.survey.summary.clone(),
            seen: self
                .survey
                .policy()
                .map(|policy| policy.take_seen())
                .unwrap_or_default(),
            cost: Cost {
                points: page.points.unwrap_or_default(),
                graphql_requests: graphql,
                rest_requests: rest,
            },
        };
        self.state.page(rows, end).map_err(unwritten)?;
        let (done, total) = self.state.progress();
        let summary = &self.survey.summary;
        self.progress
            .show(done, total, summary.with_action, self.asker.limit());
        Ok(())
    }

    /// Asks what became of the names in the policy that no repository has.
    async fn ask_for_names(&mut self) -> Result<(), Stop> {
        let mut from = 0;
        loop {
            let Some(policy) = self.survey.policy() else {
                return Ok(());
            };
            let Some((number, name)) = policy.question(from) else {
                return Ok(());
            };
            let name = name.clone();
            self.progress.asking(&name.to_string());
            let about = self.asker.about(&name, &self.progress).await?;
            let asked = about.map_or(Asked::Gone, |about| Asked::Is(about.full_name));
            let (graphql, rest) = self.asker.take_requests();
            let cost = Cost {
                points: 0,
                graphql_requests: graphql,
                rest_requests: rest,
            };
            self.state.asked(number, &asked, cost).map_err(unwritten)?;
            if let Some(policy) = self.survey.policy() {
                policy.answer(number, asked);
            }
            from = number + 1;
        }
    }
}

fn unwritten(error: std::io::Error) -> Stop {
    Stop::Refused(format!("the state cannot be written: {error}"))
}

/// Why the files of all these repositories are refused: then the token lacks the permission.
fn nothing_but_refused(repositories: &[ListedRepository]) -> Option<String> {
    let mut refused = repositories.iter().map(|listed| match &listed.files {
        Err(NoFiles::Refused(why)) => Some(why),
        _ => None,
    });
    let first = refused.next()??;
    refused.all(|why| why.is_some()).then(|| first.clone())
}
