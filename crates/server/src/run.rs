//! Starts the parts, and ends them without losing a request or a record.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::admin::{self, Admin};
use crate::audit::{self, AuditQueue, AuditWriter};
use crate::check::Checker;
use crate::config::Config;
use crate::connections::{Limits, serve};
use crate::deciding::Decider;
use crate::endpoints::{self, Endpoints};
use crate::evaluation;
use crate::forward_auth;
use crate::keys::{FetchKeys, KeyStore};
use crate::log;
use crate::metrics::Metrics;
use crate::otlp::Exporter;
use crate::routes::Family;
use crate::sources::{self, Sources};
use crate::webhooks;
use github::FetchKeysError;
use github::http::{Budget, Client, InvalidNetwork, MAX_CA_BUNDLE, Network};
use platform::{Address, Listener, Variables};
use token::{Issuer, KeySet};

/// Time in which load balancers notice that the server is not ready, before it stops to accept.
const DRAIN: Duration = Duration::from_secs(5);
/// Maximum time for the requests that run when the server ends.
const FINISH: Duration = Duration::from_secs(10);
/// The same for those of operators, after that.
const FINISH_ADMIN: Duration = Duration::from_secs(1);
/// Maximum time to write the records that wait when the server ends.
const FLUSH: Duration = Duration::from_secs(5);
/// Maximum time of a request for keys.
const FETCH: Duration = Duration::from_secs(5);

/// The issuer, asked over the network.
#[derive(Debug)]
struct IssuerKeys {
    client: Client,
    issuer: Issuer,
}

impl FetchKeys for IssuerKeys {
    async fn fetch(&self) -> Result<KeySet, FetchKeysError> {
        let budget = Budget::until(Instant::now() + FETCH);
        github::keys(&self.client, budget, &self.issuer).await
    }
}

fn client(config: &Config, variables: &Variables) -> anyhow::Result<Client> {
    let ca_bundle = config.ca_bundle.as_ref().map(|file| {
        platform::read_capped(file, MAX_CA_BUNDLE)
            .with_context(|| format!("`ca_bundle` is `{}`, which cannot be read", file.display()))
    });
    let proxies = |name: &str| variables.either_case(name);
    let client = Network::of_variables(proxies, ca_bundle.transpose()?).client();
    client.map_err(|error| match (&config.ca_bundle, error) {
        (_, error @ InvalidNetwork::Proxy(_)) | (None, error) => error.into(),
        (Some(file), error) => anyhow::anyhow!("`ca_bundle` is `{}`: {error}", file.display()),
    })
}

/// Returns why the server could not start with its CA bundle, secrets or policy file, for each that cannot be used. It
/// opens no connection.
pub fn check(config: &Config, variables: &Variables) -> Vec<anyhow::Error> {
    let network = client(config, variables).err();
    network.into_iter().chain(sources::check(config)).collect()
}

/// Serves until `stop` completes; then it is not ready, drains, finishes what runs, and writes all records. `stop` is
/// awaited a second time then, and ends the server at once.
///
/// # Errors
/// An address is in use, the network settings are invalid, audit records cannot be written, or `stop` completed twice.
pub async fn run(
    config: Config,
    variables: &Variables,
    stop: impl AsyncFn(),
) -> anyhow::Result<()> {
    let running = Running::start(config, variables).await?;
    let audit = Arc::clone(&running.admin.audit);
    tokio::select! {
        () = stop() => {}
        // It could only refuse: another process may have somebody who reads its records.
        () = audit.broke() => {}
    }
    tokio::select! {
        finished = running.finish() => finished?,
        () = stop() => anyhow::bail!("ended by a second signal"),
    }
    log::info("ended", &[]);
    Ok(())
}

/// The parts that run.
struct Running {
    admin: Arc<Admin<IssuerKeys>>,
    /// For proxies, applications and GitHub.
    requests: Serving,
    /// For operators.
    operators: Serving,
    background: Vec<JoinHandle<()>>,
    writer: AuditWriter,
    exporter: Option<Exporter>,
}

impl Running {
    async fn start(config: Config, variables: &Variables) -> anyhow::Result<Self> {
        anyhow::ensure!(
            !platform::is_stdout_discarded(),
            "standard output is closed or the null device, and the audit records go there: connect it with a file or a pipe"
        );
        let client = client(&config, variables)?;
        let listener = bind("listen", &config.listen).await?;
        let admin_listener = bind("admin", &config.admin).await?;
        let metrics = Metrics::new();
        let (queue, writer) =
            audit::start(std::io::stdout(), Arc::clone(&metrics)).context("the audit log")?;
        let variable = |name: &str| variables.get(name);
        let (copies, exporter) = Exporter::start(&variable, &client, &metrics).unzip();
        let queue = queue.with_copies(copies);
        let family = config.routes.as_ref().map(|routes| routes.headers);
        let sources = Sources::new(&config, &client, &queue, &metrics)?;
        let (endpoints, admin) = shared(config, client, queue, sources.decider, &metrics);
        let keys = Arc::clone(&admin.keys);
        let mut background = vec![tokio::spawn(async move { keys.keep_fresh().await })];
        background.extend(sources.background.into_iter().map(tokio::spawn));
        let routes = forward_auth::routes(family).merge(evaluation::routes());
        let router = endpoints::router(endpoints, routes);
        let router = match sources.webhooks {
            Some(webhooks) => router.merge(webhooks::router(webhooks)),
            None => router,
        };
        // Where request lines are those of original requests.
        let is_strict = family == Some(Family::Request);
        let limits = Limits {
            is_strict,
            finish: FINISH,
        };
        let admin_limits = Limits {
            is_strict: false,
            finish: FINISH_ADMIN,
        };
        let routes = admin::router(Arc::clone(&admin));
        Ok(Self {
            admin,
            requests: Serving::start(listener, router, limits, &metrics),
            operators: Serving::start(admin_listener, routes, admin_limits, &metrics),
            background,
            writer,
            exporter,
        })
    }

    async fn finish(self) -> anyhow::Result<()> {
        log::info("ending", &[("drain", &"5 s")]);
        self.admin.is_ending.store(true, Ordering::Relaxed);
        tokio::time::sleep(DRAIN).await;
        self.requests.finish().await;
        // Operators can ask until the very end.
        self.operators.finish().await;
        for task in self.background {
            task.abort();
        }
        let writing = tokio::task::spawn_blocking(|| self.writer.finish());
        let writing = tokio::time::timeout(FLUSH, writing);
        let copying = async {
            if let Some(exporter) = self.exporter {
                exporter.finish().await;
            }
        };
        match tokio::join!(writing, copying).0 {
            Ok(_) if self.admin.audit.is_broken() => {
                anyhow::bail!("the audit records cannot be written")
            }
            Ok(finished) => finished.context("the audit log"),
            Err(_) => anyhow::bail!("audit records are lost: they could not be written for 5 s"),
        }
    }
}

/// A listener with its connections.
struct Serving {
    end: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

impl Serving {
    fn start(listener: Listener, router: Router, limits: Limits, metrics: &Arc<Metrics>) -> Self {
        let (end, ended) = watch::channel(false);
        let serving = serve(listener, router, limits, Arc::clone(metrics), ended);
        Self {
            end,
            serving: tokio::spawn(serving),
        }
    }

    async fn finish(self) {
        self.end.send_replace(true);
        // A task that panicked was logged.
        _ = self.serving.await;
    }
}

/// Returns what the connections of both listeners share.
fn shared(
    config: Config,
    client: Client,
    audit: AuditQueue,
    decider: Arc<Decider>,
    metrics: &Arc<Metrics>,
) -> (Arc<Endpoints<IssuerKeys>>, Arc<Admin<IssuerKeys>>) {
    let issuer = config.issuer.clone();
    let keys = KeyStore::new(IssuerKeys { client, issuer }, Arc::clone(metrics));
    let keys = Arc::new(keys);
    let admin = Admin {
        keys: Arc::clone(&keys),
        policy: Arc::clone(&decider.policy),
        audit: audit.condition(),
        metrics: Arc::clone(metrics),
        is_ending: AtomicBool::new(false),
    };
    let checker = Checker {
        config,
        keys,
        decider,
        audit,
    };
    let endpoints = Endpoints {
        checker,
        metrics: Arc::clone(metrics),
    };
    (Arc::new(endpoints), Arc::new(admin))
}

async fn bind(key: &str, address: &Address) -> anyhow::Result<Listener> {
    let cannot = || format!("`{key}` is `{address}`, which cannot be listened on");
    let listener = Listener::bind(address).await.with_context(cannot)?;
    let bound = listener.address().with_context(cannot)?;
    log::info("listening", &[("for", &key), ("address", &bound)]);
    Ok(listener)
}
