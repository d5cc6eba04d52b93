//! A separate host that receives copies of audit records, and questions to a permission server.

use crate::GitHub;
use crate::github::Authority;
use crate::github::{Answer, Endpoint, FaultRule, RecordedRequest};

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

    /// Passes questions on to the permission server at `HOST:PORT`.
    pub fn ask_server(&self, address: &str) {
        self.host
            .set_authority(Authority::Server(address.to_owned()));
    }

    /// Answers each question to a permission server so.
    pub fn set_evaluations(&self, answer: Answer) {
        self.host.set_authority(Authority::Fixed(answer));
    }

    /// Returns the value of the input `server`.
    #[must_use]
    pub fn origin(&self) -> String {
        self.host.server_url()
    }

    /// Returns all questions to the permission server, in order of arrival.
    #[must_use]
    pub fn evaluations(&self) -> Vec<RecordedRequest> {
        self.host.requests_to(Endpoint::Evaluations)
    }

    /// Sets what the host of [`Fault::RedirectElsewhere`](crate::github::Fault::RedirectElsewhere) answers.
    pub fn set_elsewhere_answer(&self, answer: Answer) {
        self.host.set_elsewhere_answer(answer);
    }

    /// Returns the requests that followed a redirect to another host.
    #[must_use]
    pub fn elsewhere_requests(&self) -> Vec<RecordedRequest> {
        self.host.elsewhere_requests()
    }

    /// Adds a rule for [`Endpoint::Webhook`], [`Endpoint::Logs`] or [`Endpoint::Evaluations`].
    pub fn add_fault(&self, rule: FaultRule) {
        self.host.add_fault(rule);
    }

    /// Removes all rules.
    pub fn clear_faults(&self) {
        self.host.clear_faults();
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
