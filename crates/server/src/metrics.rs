//! Metrics in the text format of Prometheus, version 0.0.4, which every collector reads.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

/// Result of fetching keys or reading the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refresh {
    /// It is good and in use.
    Succeeded,
    /// It arrived and is not valid.
    Invalid,
    /// It did not arrive.
    Failed,
}

impl EncodeLabelValue for Refresh {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        let text = match self {
            Self::Succeeded => "succeeded",
            Self::Invalid => "invalid",
            Self::Failed => "failed",
        };
        EncodeLabelValue::encode(&text, encoder)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefreshLabels {
    result: Refresh,
}

/// Result of a look-up of a fact about a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LookUp {
    /// GitHub answered.
    Found,
    /// GitHub did not.
    Failed,
    /// A bound was reached, so GitHub was not asked.
    Refused,
}

impl EncodeLabelValue for LookUp {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        let text = match self {
            Self::Found => "found",
            Self::Failed => "failed",
            Self::Refused => "refused",
        };
        EncodeLabelValue::encode(&text, encoder)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LookUpLabels {
    result: LookUp,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

/// What an answer was. Every value is one of a few: what a client can choose is not a label.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabels {
    status: u16,
    reason: &'static str,
}

/// The server's metrics.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    answers: Family<AnswerLabels, Counter>,
    duration: Histogram,
    in_flight: Gauge,
    connections: Gauge,
    key_refreshes: Family<RefreshLabels, Counter>,
    policy_refreshes: Family<RefreshLabels, Counter>,
    own_policy_refreshes: Family<RefreshLabels, Counter>,
    lookups: Family<LookUpLabels, Counter>,
    deliveries: Family<ResultLabels, Counter>,
    reviews: Family<ResultLabels, Counter>,
    policy_valid: Gauge,
    keys_age: Gauge<f64, AtomicU64>,
    policy_age: Gauge<f64, AtomicU64>,
    audit_records: Counter,
    audit_refused: Counter,
    audit_copies: Family<ResultLabels, Counter>,
}

/// Counts something for as long as it exists.
#[derive(Debug)]
pub struct Counted(Gauge);

impl Counted {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    /// Creates the metrics, all zero.
    pub fn new() -> Arc<Self> {
        // 50 µs, the cost of a decision, to 13 s, beyond every time limit.
        let buckets = std::iter::successors(Some(0.000_05), |bound| Some(bound * 4.0)).take(10);
        let mut metrics = Self {
            registry: Registry::with_prefix("repo_permissions"),
            answers: Family::default(),
            duration: Histogram::new(buckets),
            in_flight: Gauge::default(),
            connections: Gauge::default(),
            key_refreshes: Family::default(),
            policy_refreshes: Family::default(),
            own_policy_refreshes: Family::default(),
            lookups: Family::default(),
            deliveries: Family::default(),
            reviews: Family::default(),
            policy_valid: Gauge::default(),
            keys_age: Gauge::default(),
            policy_age: Gauge::default(),
            audit_records: Counter::default(),
            audit_refused: Counter::default(),
            audit_copies: Family::default(),
        };
        metrics.register();
        metrics.register_github();
        Arc::new(metrics)
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        registry.register("build", "Version of the server", Info::new(version));
        registry.register(
            "answers",
            "Answers by status and reason",
            self.answers.clone(),
        );
        registry.register_with_unit(
            "answer_duration",
            "Time from the head of a request to its answer",
            Unit::Seconds,
            self.duration.clone(),
        );
        registry.register(
            "in_flight",
            "Requests without an answer",
            self.in_flight.clone(),
        );
        registry.register("connections", "Open connections", self.connections.clone());
        registry.register(
            "key_refreshes",
            "Requests for the issuer's keys",
            self.key_refreshes.clone(),
        );
        registry.register(
            "policy_refreshes",
            "Readings of the policy that found a change or a problem",
            self.policy_refreshes.clone(),
        );
        registry.register(
            "policy_valid",
            "Whether the policy's source has a valid policy: 0 while an older one decides",
            self.policy_valid.clone(),
        );
        registry.register_with_unit(
            "keys_age",
            "Time since the issuer's keys were fetched; NaN if never",
            Unit::Seconds,
            self.keys_age.clone(),
        );
        registry.register_with_unit(
            "policy_age",
            "Time since the policy's source was last known to have the policy in use; NaN if never",
            Unit::Seconds,
            self.policy_age.clone(),
        );
        registry.register(
            "audit_records",
            "Audit records written",
            self.audit_records.clone(),
        );
        registry.register(
            "log_lines_dropped",
            "Lines of the log dropped because nobody reads standard error",
            crate::log::dropped(),
        );
        registry.register(
            "audit_copies",
            "Copies of audit records for the OpenTelemetry collector",
            self.audit_copies.clone(),
        );
        registry.register(
            "audit_refused",
            "Checks refused because their audit record found no place",
            self.audit_refused.clone(),
        );
    }

    /// Registers what concerns GitHub's API.
    fn register_github(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "own_policy_refreshes",
            "Attempts to read a repository's own policy",
            self.own_policy_refreshes.clone(),
        );
        registry.register(
            "lookups",
            "Look-ups of pull requests and default branches",
            self.lookups.clone(),
        );
        registry.register(
            "deliveries",
            "Deliveries of webhooks",
            self.deliveries.clone(),
        );
        registry.register("reviews", "Reviews of deployments", self.reviews.clone());
    }

    /// Counts an answer and its time. `reason` is a code of the contract, or what the server itself refused.
    pub fn answered(&self, status: u16, reason: &'static str, after: Duration) {
        self.counted(status, reason);
        self.answered_after(after);
    }

    /// Counts an answer, of several in one response.
    pub fn counted(&self, status: u16, reason: &'static str) {
        self.answers
            .get_or_create(&AnswerLabels { status, reason })
            .inc();
    }

    /// Counts the time of a response.
    pub fn answered_after(&self, after: Duration) {
        self.duration.observe(after.as_secs_f64());
    }

    /// Counts a request until the value is dropped.
    pub fn request(&self) -> Counted {
        Counted::new(&self.in_flight)
    }

    /// Counts a connection until the value is dropped.
    pub fn connection(&self) -> Counted {
        Counted::new(&self.connections)
    }

    /// Counts a request for the keys.
    pub fn keys_refreshed(&self, result: Refresh) {
        self.key_refreshes
            .get_or_create(&RefreshLabels { result })
            .inc();
    }

    /// Counts a reading of the policy, and sets whether its source has a valid one.
    pub fn policy_refreshed(&self, result: Refresh) {
        self.policy_refreshes
            .get_or_create(&RefreshLabels { result })
            .inc();
        self.policy_valid
            .set(i64::from(result == Refresh::Succeeded));
    }

    /// Counts an attempt to read a repository's own policy.
    pub fn own_policy_refreshed(&self, result: Refresh) {
        self.own_policy_refreshes
            .get_or_create(&RefreshLabels { result })
            .inc();
    }

    /// Counts a look-up.
    pub fn looked_up(&self, result: LookUp) {
        self.lookups.get_or_create(&LookUpLabels { result }).inc();
    }

    /// Counts a delivery that was accepted, ignored or refused, or that the reconciler cannot read.
    pub fn delivered(&self, result: &'static str) {
        self.deliveries
            .get_or_create(&ResultLabels { result })
            .inc();
    }

    /// Counts a review of a deployment.
    pub fn reviewed(&self, result: &'static str) {
        self.reviews.get_or_create(&ResultLabels { result }).inc();
    }

    /// Counts a written record.
    pub fn record_written(&self) {
        self.audit_records.inc();
    }

    /// Counts a check whose record found no place.
    pub fn record_refused(&self) {
        self.audit_refused.inc();
    }

    /// Counts copies of records that were sent, refused or dropped.
    pub fn copied(&self, result: &'static str, count: u64) {
        self.audit_copies
            .get_or_create(&ResultLabels { result })
            .inc_by(count);
    }

    /// Returns the text, with the current ages.
    pub fn text(&self, keys: Option<Duration>, policy: Option<Duration>) -> String {
        let seconds = |age: Option<Duration>| age.map_or(f64::NAN, |age| age.as_secs_f64());
        self.keys_age.set(seconds(keys));
        self.policy_age.set(seconds(policy));
        let mut text = String::new();
        // Writing to a string cannot fail.
        _ = prometheus_client::encoding::prometheus_text::encode(&mut text, &self.registry);
        text
    }
}
