//! The model of GitHub's state, which the handlers read and change.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::access::Access;
use super::app::{App, Installation};
use super::capacity::Capacity;
use super::check_run::CheckRun;
use super::commit_status::CommitStatus;
use super::deliveries::Delivered;
use super::faults::FaultRule;
use super::http::Answer;
use super::issuer::{RegisteredJob, SlugKeys, TokenRecipe};
use super::limits::Limits;
use super::organization::Organization;
use super::receivers::Authority;
use super::recorder::Recorder;
use super::repository::Repository;
use super::run::{PostedReview, Run};

#[derive(Debug)]
pub(crate) struct State {
    /// `http://127.0.0.1:PORT`, without a final slash.
    pub(crate) server_url: String,
    /// The same for the other host, the target of redirects.
    pub(crate) elsewhere_url: String,
    /// `/api/v3`, or empty for an API at the root as on api.github.com.
    pub(crate) api_prefix: String,
    /// In order of creation.
    pub(crate) repositories: Vec<Repository>,
    pub(crate) organizations: Vec<Organization>,
    pub(crate) jobs: Vec<RegisteredJob>,
    pub(crate) access: BTreeMap<String, Access>,
    pub(crate) limits: Limits,
    pub(crate) capacity: Capacity,
    pub(crate) apps: Vec<App>,
    pub(crate) installations: Vec<Installation>,
    pub(crate) installation_token_lifetime: Duration,
    pub(crate) recipe: TokenRecipe,
    pub(crate) keys: Answer,
    pub(crate) slug_keys: SlugKeys,
    /// Replaces the issuers' discovery documents.
    pub(crate) discovery: Option<Answer>,
    pub(crate) minted: Vec<String>,
    pub(crate) check_runs: Vec<CheckRun>,
    pub(crate) statuses: Vec<CommitStatus>,
    pub(crate) runs: Vec<Run>,
    pub(crate) reviews: Vec<PostedReview>,
    /// In order of delivery.
    pub(crate) deliveries: Vec<Delivered>,
    pub(crate) faults: Vec<FaultRule>,
    pub(crate) recorder: Recorder,
    pub(crate) elsewhere: Recorder,
    pub(crate) elsewhere_answer: Answer,
    pub(crate) authority: Option<Authority>,
    last_id: u64,
}

impl State {
    pub(crate) fn new(
        server_url: String,
        elsewhere_url: String,
        api_prefix: String,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            server_url,
            elsewhere_url,
            api_prefix,
            repositories: Vec::new(),
            organizations: Vec::new(),
            jobs: Vec::new(),
            access: BTreeMap::new(),
            limits: Limits::default(),
            capacity: Capacity::default(),
            apps: Vec::new(),
            installations: Vec::new(),
            installation_token_lifetime: Duration::from_secs(3600),
            recipe: TokenRecipe::default(),
            keys: Answer::json(200, &super::keys::key_set()?),
            slug_keys: SlugKeys::default(),
            discovery: None,
            minted: Vec::new(),
            check_runs: Vec::new(),
            statuses: Vec::new(),
            runs: Vec::new(),
            reviews: Vec::new(),
            deliveries: Vec::new(),
            faults: Vec::new(),
            recorder: Recorder::new(),
            elsewhere: Recorder::new(),
            elsewhere_answer: Answer::json(200, &serde_json::json!({})),
            authority: None,
            last_id: 41_000_000_000,
        })
    }

    /// Finds a repository. GitHub ignores case in owners and names.
    pub(crate) fn repository(&self, owner: &str, name: &str) -> Option<Cow<'_, Repository>> {
        let mut repositories = self.repositories.iter();
        let known = repositories.find(|repository| {
            repository.owner.eq_ignore_ascii_case(owner)
                && repository.name.eq_ignore_ascii_case(name)
        });
        known.map(Cow::Borrowed).or_else(|| {
            let mut organizations = self.organizations.iter();
            let made = organizations.find_map(|organization| organization.find(owner, name));
            made.map(Cow::Owned)
        })
    }

    /// Returns the repository with this former name.
    pub(crate) fn renamed(&self, former: &str) -> Option<&Repository> {
        self.repositories.iter().find(|repository| {
            let mut names = repository.former_names.iter();
            names.any(|name| name.eq_ignore_ascii_case(former))
        })
    }

    pub(crate) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(crate) fn api_url(&self) -> String {
        format!("{}{}", self.server_url, self.api_prefix)
    }

    /// Returns the issuer in GitHub Enterprise Server's form.
    pub(crate) fn issuer(&self) -> String {
        format!("{}/_services/token", self.server_url)
    }
}

/// The state, shared by the server's tasks and the test. The lock is never held across an await.
#[derive(Debug, Clone)]
pub(crate) struct Shared(Arc<Mutex<State>>);

impl Shared {
    pub(crate) fn new(state: State) -> Self {
        Self(Arc::new(Mutex::new(state)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
