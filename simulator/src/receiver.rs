//! A separate host that receives copies of audit records.

use crate::GitHub;
use crate::github::{Endpoint, FaultRule, RecordedRequest};

/// A webhook and an OpenTelemetry collector on loopback, with the server and the faults of [`GitHub`].
/// Dropping it stops it.
#[derive(Debug)]
pub struct Receiver {
    host: GitHub,
}

impl Receiver {
    /// Starts a receiver with plain HTTP, or with HTTPS on `localhost` and its own authority:
    /// [`Receiver::ca_pem`].
    ///
    /// # Errors
    ///
    /// The system provides no port or thread.
    pub fn start(tls: bool) -> anyhow::Result<Self> {
        let host = GitHub::builder().tls(tls).start()?;
        Ok(Self { host })
    }

    /// Returns the certificate authority as PEM, if started with TLS.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.host.ca_pem()
    }

    /// Returns `HOST:PORT`.
    #[must_use]
    pub fn address(&self) -> String {
        let url = self.host.server_url();
        url.split_once("://")
            .map_or("", |(_, host)| host)
            .to_owned()
    }

    /// Returns the webhook's URL, whose path contains the secret.
    #[must_use]
    pub fn webhook_url(&self, secret: &str) -> String {
        format!("{}/hooks/{secret}", self.host.server_url())
    }

    /// Returns the value of `OTEL_EXPORTER_OTLP_ENDPOINT`.
    #[must_use]
    pub fn otlp_endpoint(&self) -> String {
        self.host.server_url()
    }

    /// Adds a rule for [`Endpoint::Webhook`] or [`Endpoint::Logs`].
    pub fn add_fault(&self, rule: FaultRule) {
        self.host.add_fault(rule);
    }

    /// Returns all requests to the webhook, in order of arrival.
    #[must_use]
    pub fn webhooks(&self) -> Vec<RecordedRequest> {
        self.host.requests_to(Endpoint::Webhook)
    }

    /// Returns all requests to the collector, in order of arrival.
    #[must_use]
    pub fn logs(&self) -> Vec<RecordedRequest> {
        self.host.requests_to(Endpoint::Logs)
    }

    /// Fails the test if another request arrived, or followed a redirect to the other host.
    ///
    /// # Panics
    ///
    /// There were unexpected requests.
    pub fn assert_nothing_unexpected(&self) {
        self.host.assert_nothing_unexpected();
    }
}
