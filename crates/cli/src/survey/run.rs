//! The survey from its first page to its end.

use jiff::Timestamp;

use super::ask::Asker;
use super::progress::Progress;
use super::report::Row;
use analysis::survey;
use analysis::survey::{Asked, Repository, Survey};
use analysis::workflows::Workflows;
use github::{ListedRepository, NoFiles, RepositoryPage};
use platform::Interruption;

/// Why it is not done.
#[derive(Debug)]
pub(super) enum Stop {
    /// A signal ended it.
    Interrupted,
    /// A rate limit is used up.
    Limited {
        /// When GitHub accepts requests again.
        until: Timestamp,
        /// What was seen of it.
        why: String,
    },
    /// Something that another try can help.
    Failed(String),
    /// Something that it cannot.
    Refused(String),
}

pub(super) struct Work<'w, 'p> {
    pub(super) survey: &'w mut Survey<'p>,
    pub(super) asker: Asker,
    pub(super) progress: Progress,
    /// The repositories that there is something to say of, then the entries.
    pub(super) rows: Vec<Row>,
    /// How many repositories there are.
    pub(super) total: u64,
}

impl Work<'_, '_> {
    pub(super) async fn run(&mut self) -> Result<(), Stop> {
        let interruption = Interruption::listen();
        let done = tokio::select! {
            biased;
            () = interruption.arrived() => Err(Stop::Interrupted),
            done = self.everything() => done,
        };
        self.progress.clear();
        done
    }

    async fn everything(&mut self) -> Result<(), Stop> {
        let page = self.asker.page(None, &self.progress).await?;
        if let Some(why) = nothing_but_refused(&page.repositories) {
            return Err(self.asker.cannot(&why));
        }
        let mut next = self.take(page).await?;
        while let Some(after) = next {
            let page = self.asker.page(Some(&after), &self.progress).await?;
            next = self.take(page).await?;
        }
        self.ask_for_names().await?;
        let entries = self.survey.close();
        self.rows.extend(entries.into_iter().map(Row::Entry));
        Ok(())
    }

    /// How many repositories were seen, of how many.
    pub(super) fn seen(&self) -> (u64, u64) {
        let seen = self.survey.summary.repositories + self.survey.summary.unseen;
        (seen, self.total.max(seen))
    }

    /// Looks at the repositories of a page; returns where the next page starts.
    async fn take(&mut self, page: RepositoryPage) -> Result<Option<String>, Stop> {
        self.total = page.total;
        for why in &page.hidden {
            self.survey.summary.miss(why);
        }
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
            let row = self.survey.look_at(&repository, workflows);
            self.rows.extend(row.map(Row::Repository));
        }
        let (seen, total) = self.seen();
        let with_action = self.survey.summary.with_action;
        self.progress
            .show(seen, total, with_action, self.asker.limit());
        Ok(page.next)
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
            if let Some(policy) = self.survey.policy() {
                policy.answer(number, asked);
            }
            from = number + 1;
        }
    }
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
