//! A host of its own that takes copies of audit records.

use crate::GitHub;
use crate::github::{Endpoint, FaultRule, RecordedRequest};

/// A webhook and an OpenTelemetry collector on loopback, with the server and the faults of [`GitHub`]; it
/// ends when this is dropped.
#[derive(Debug)]
pub struct Receiver {
    host: GitHub,
}

impl Receiver {
    /// By HTTPS on `localhost` under an authority of its own: [`Receiver::ca_pem`]; or by plain HTTP.
    ///
    /// # Errors
    ///
    /// When the system gives no port or thread.
    pub fn start(tls: bool) -> anyhow::Result<Self> {
        let host = GitHub::builder().tls(tls).start()?;
        Ok(Self { host })
    }

    /// The certificate authority as PEM, when started with TLS.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.host.ca_pem()
    }

    /// `HOST:PORT`.
    #[must_use]
    pub fn address(&self) -> String {
        let url = self.host.server_url();
        url.split_once("://")
            .map_or("", |(_, host)| host)
            .to_owned()
    }

    /// The webhook's URL; what follows the host is its secret.
    #[must_use]
    pub fn webhook_url(&self, secret: &str) -> String {
        format!("{}/hooks/{secret}", self.host.server_url())
    }

    /// The value of `OTEL_EXPORTER_OTLP_ENDPOINT`.
    #[must_use]
    pub fn otlp_endpoint(&self) -> String {
        self.host.server_url()
    }

    /// Adds a rule for [`Endpoint::Webhook`] or [`Endpoint::Logs`].
    pub fn add_fault(&self, rule: FaultRule) {
        self.host.add_fault(rule);
    }

    /// Every attempt at the webhook, in the order of arrival.
    #[must_use]
    pub fn webhooks(&self) -> Vec<RecordedRequest> {
        self.host.requests_to(Endpoint::Webhook)
    }

    /// Every attempt at the collector.
    #[must_use]
    pub fn logs(&self) -> Vec<RecordedRequest> {
        self.host.requests_to(Endpoint::Logs)
    }

    /// Fails the test when a request came for something else, or followed a redirect to the other host.
    ///
    /// # Panics
    ///
    /// With the requests that were unexpected.
    pub fn assert_nothing_unexpected(&self) {
        self.host.assert_nothing_unexpected();
    }
}
