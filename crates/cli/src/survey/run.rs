//! Runs the survey.

use super::fetch::Fetcher;
use super::progress::Progress;
use super::report::SurveyRow;
use super::stop::Stop;
use analysis::survey;
use analysis::survey::{CurrentName, Repository, Survey};
use analysis::workflows::Workflows;
use github::{FilesUnavailable, ListedRepository, RepositoryPage};
use platform::Interruption;

pub(super) struct SurveyRun<'w, 'p> {
    pub(super) survey: &'w mut Survey<'p>,
    pub(super) fetcher: Fetcher,
    pub(super) progress: Progress,
    /// The rows of repositories with findings, then those of entries.
    pub(super) rows: Vec<SurveyRow>,
    /// The number of repositories.
    pub(super) total: u64,
}

impl SurveyRun<'_, '_> {
    pub(super) async fn run(&mut self) -> Result<(), Stop> {
        let interruption = Interruption::listen();
        let done = tokio::select! {
            biased;
            () = interruption.arrived() => Err(Stop::Interrupted),
            done = self.run_all() => done,
        };
        self.progress.clear();
        done
    }

    async fn run_all(&mut self) -> Result<(), Stop> {
        let page = self.fetcher.page(None, &self.progress).await?;
        if let Some(why) = common_refusal(&page.repositories) {
            return Err(self.fetcher.cannot_list(&why));
        }
        let mut next = self.take(page).await?;
        while let Some(after) = next {
            let page = self.fetcher.page(Some(&after), &self.progress).await?;
            next = self.take(page).await?;
        }
        self.look_up_names().await?;
        let entries = self.survey.finish();
        self.rows.extend(entries.into_iter().map(SurveyRow::Entry));
        Ok(())
    }

    /// Returns the number of repositories so far, and the total.
    pub(super) fn seen(&self) -> (u64, u64) {
        let seen = self.survey.summary.repositories + self.survey.summary.unseen;
        (seen, self.total.max(seen))
    }

    /// Surveys the repositories of a page, and returns the cursor of the next page.
    async fn take(&mut self, page: RepositoryPage) -> Result<Option<String>, Stop> {
        self.total = page.total;
        for why in &page.hidden {
            self.survey.summary.count_unseen(why);
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
            // The workflows of an archived repository do not run.
            let files = match listed.is_archived {
                true => Ok(Vec::new()),
                false => self.fetcher.files(listed, &self.progress).await?,
            };
            let workflows = files.map(|files| survey::read(files, self.survey.action()));
            let workflows: Result<&Workflows, &str> = match &workflows {
                Ok(workflows) => Ok(workflows),
                Err(why) => Err(why),
            };
            let row = self.survey.add(&repository, workflows);
            self.rows.extend(row.map(SurveyRow::Repository));
        }
        let (seen, total) = self.seen();
        let with_action = self.survey.summary.with_action;
        self.progress
            .show(seen, total, with_action, self.fetcher.limit());
        Ok(page.next)
    }

    /// Looks up the names in the policy that no listed repository has.
    async fn look_up_names(&mut self) -> Result<(), Stop> {
        let mut from = 0;
        loop {
            let Some(policy) = self.survey.policy() else {
                return Ok(());
            };
            let Some((number, name)) = policy.next_lookup(from) else {
                return Ok(());
            };
            let name = name.clone();
            self.progress.asking(&name.to_string());
            let found = self.fetcher.find_repository(&name, &self.progress).await?;
            let current = found.map_or(CurrentName::Gone, |found| CurrentName::Is(found.full_name));
            if let Some(policy) = self.survey.policy() {
                policy.set_current_name(number, current);
            }
            from = number + 1;
        }
    }
}

/// Returns the first refusal if GitHub denies the files of all these repositories: the token lacks the
/// permission.
fn common_refusal(repositories: &[ListedRepository]) -> Option<String> {
    let mut refused = repositories.iter().map(|listed| match &listed.files {
        Err(FilesUnavailable::Denied(why)) => Some(why),
        _ => None,
    });
    let first = refused.next()??;
    refused.all(|why| why.is_some()).then(|| first.clone())
}
