//! Builds what decides from the configuration: the policy's source, look-ups, webhooks.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::app::{AppSecrets, GitHubApp};
use crate::audit::AuditQueue;
use crate::config::{Config, GitHubConfig, PolicyPlace};
use crate::deciding::Decider;
use crate::deployments::{Deployments, Parts, Reconciler};
use crate::log;
use crate::lookups::Lookups;
use crate::metrics::Metrics;
use crate::policy::{CentralPolicy, DELEGATE_IGNORED, OwnPolicies, PolicyFile, PolicyStore};
use crate::slow::SlowLane;
use crate::webhooks::Webhooks;
use engine::policy::source::DEFAULT_PATH;
use github::http::Client;

/// Work that never ends.
pub type Background = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What decides, and what keeps it fresh.
pub struct Sources {
    /// Decides.
    pub decider: Arc<Decider>,
    /// Takes deliveries, if the App has webhooks.
    pub webhooks: Option<Webhooks>,
    /// Keeps the policy fresh.
    pub background: Vec<Background>,
}

/// What an App makes possible.
struct WithApp {
    app: Arc<GitHubApp>,
    secrets: Option<crate::app::WebhookSecrets>,
}

/// Returns why the sources could not start, for each file that cannot be used. It opens no connection.
pub fn check(config: &Config) -> impl Iterator<Item = anyhow::Error> {
    let secrets = config.github.iter();
    let secrets = secrets.flat_map(|github| AppSecrets::check(&github.app));
    let policy = match &config.policy.place {
        PolicyPlace::File(file) => match PolicyFile::check(file) {
            Ok(delegates) => {
                if delegates && config.github.is_none() {
                    log::plain(&format!(
                        "warning: `delegate` is ignored: {DELEGATE_IGNORED}"
                    ));
                }
                None
            }
            Err(failure) => Some(failure),
        },
        PolicyPlace::Repository { .. } | PolicyPlace::Own { .. } => None,
    };
    let policy = policy.map(|failure| anyhow::anyhow!(failure.message));
    secrets.map(Into::into).chain(policy)
}

impl Sources {
    /// Builds the sources.
    ///
    /// # Errors
    /// A file with a secret cannot be used.
    pub fn new(
        config: &Config,
        client: &Client,
        audit: &AuditQueue,
        metrics: &Arc<Metrics>,
    ) -> anyhow::Result<Self> {
        let with_app = config.github.as_ref();
        let with_app = with_app.map(|github| WithApp::new(github, client));
        let with_app = with_app.transpose()?;
        let app = with_app.as_ref().map(|with_app| &with_app.app);
        let (policy, central, mut background) = policy(config, app, metrics)?;
        let own = app.map(|app| own(config, app, metrics));
        let lookups = app.map(|app| Lookups::new(Arc::clone(app), Arc::clone(metrics)));
        let decider = Arc::new(Decider {
            policy,
            own: own.clone(),
            own_is_required: matches!(config.policy.place, PolicyPlace::Own { .. }),
            lookups: lookups.map(Arc::new),
            slow: SlowLane::default(),
        });
        let parts = app.map(|app| Parts {
            app: Arc::clone(app),
            decider: Arc::clone(&decider),
            audit: audit.clone(),
            metrics: Arc::clone(metrics),
        });
        let deployments = parts.filter(|_| !config.deployments.is_empty());
        let deployments = deployments.map(|parts| Arc::new(Deployments::new(config, parts)));
        let api_url = config.github.as_ref().map(|github| github.api_url.clone());
        let api_url = api_url.unwrap_or_default();
        if let Some(deployments) = &deployments {
            let reconciler = Reconciler::new(Arc::clone(deployments), &api_url);
            background.push(Box::pin(reconciler.run()));
        }
        let webhooks = with_app.and_then(|with_app| {
            Some(Webhooks {
                secrets: with_app.secrets?,
                app: with_app.app,
                owners: config.owners.clone(),
                central,
                own,
                deployments,
                api_url,
                metrics: Arc::clone(metrics),
            })
        });
        Ok(Self {
            decider,
            webhooks,
            background,
        })
    }
}

impl WithApp {
    fn new(config: &GitHubConfig, client: &Client) -> anyhow::Result<Self> {
        let secrets = AppSecrets::read(&config.app)?;
        let app = GitHubApp::new(config, secrets.app, client.clone());
        Ok(Self {
            app: Arc::new(app),
            secrets: secrets.webhooks,
        })
    }
}

type FirstPolicy = (
    Arc<PolicyStore>,
    Option<Arc<CentralPolicy>>,
    Vec<Background>,
);

/// Returns the store of the first policy, and what keeps it fresh.
fn policy(
    config: &Config,
    app: Option<&Arc<GitHubApp>>,
    metrics: &Arc<Metrics>,
) -> anyhow::Result<FirstPolicy> {
    let (refresh, stale) = (config.policy.refresh, config.policy.stale);
    let metrics = Arc::clone(metrics);
    match (&config.policy.place, app) {
        (PolicyPlace::File(file), app) => {
            let file = PolicyFile::open(file, refresh, stale, app.is_some(), metrics);
            let store = Arc::clone(file.store());
            let watch: Background = Box::pin(Arc::new(file).watch());
            Ok((store, None, vec![watch]))
        }
        (
            PolicyPlace::Repository {
                repository,
                path,
                reference,
            },
            Some(app),
        ) => {
            let place = (repository, path, reference);
            let central = CentralPolicy::new(Arc::clone(app), place, (refresh, stale), metrics);
            let central = Arc::new(central);
            let store = Arc::clone(central.store());
            let renew: Background = Box::pin(Arc::clone(&central).keep_fresh());
            Ok((store, Some(central), vec![renew]))
        }
        (PolicyPlace::Own { delegate, .. }, Some(_)) => {
            let store = PolicyStore::delegating(delegate, metrics);
            let store = store.map_err(|failure| anyhow::anyhow!(failure.message))?;
            Ok((Arc::new(store), None, Vec::new()))
        }
        // The configuration's grammar refuses it.
        (PolicyPlace::Repository { .. } | PolicyPlace::Own { .. }, None) => {
            anyhow::bail!("`policy` is at GitHub, and `github` is missing")
        }
    }
}

fn own(config: &Config, app: &Arc<GitHubApp>, metrics: &Arc<Metrics>) -> Arc<OwnPolicies> {
    let path = match &config.policy.place {
        PolicyPlace::Own { path, .. } => path.as_str(),
        PolicyPlace::File(_) | PolicyPlace::Repository { .. } => DEFAULT_PATH,
    };
    let times = (config.policy.refresh, config.policy.stale);
    let own = OwnPolicies::new(Arc::clone(app), path, times, Arc::clone(metrics));
    Arc::new(own)
}
