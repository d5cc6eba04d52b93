//! Sends records to the webhook and to the OpenTelemetry endpoint.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use futures_util::future::join;
use futures_util::stream::{self, StreamExt as _};
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use tokio::time::Instant;

use super::resource::describe;
use crate::audit::webhook::Webhook;
use crate::runner::Log;
use analysis::audit::Record;
use analysis::audit::otlp::{PartialSuccess, TraceContext, export_request};
use engine::policy::quoted;
use github::Collector;
use github::http::{Budget, Client, HttpError, Response, Retry, host_of};
use platform::Variables;

/// Maximum time that a receiver may delay the step, however much time the run has left.
const MAX_TIME: Duration = Duration::from_secs(10);
/// Maximum number of concurrent requests to the webhook.
const MAX_CONCURRENT: usize = 4;

/// The receivers, each with a queue of records. A failing receiver causes a warning and does not affect the
/// other.
pub struct Delivery<'a> {
    client: Result<&'a Client, &'a anyhow::Error>,
    clock: fn() -> Timestamp,
    webhook: Option<Sink<&'a Webhook>>,
    collector: Option<Sink<Collector>>,
    /// The step's place in a trace.
    trace: Option<TraceContext>,
}

struct Sink<T> {
    to: T,
    /// Its kind and host, for the log.
    name: String,
    queue: RefCell<Vec<Record>>,
}

impl<'a> Delivery<'a> {
    /// Creates the queues. `client` is the client, or the reason for its absence.
    pub fn new(
        client: Result<&'a Client, &'a anyhow::Error>,
        webhook: Option<&'a Webhook>,
        variables: &Variables,
        clock: fn() -> Timestamp,
    ) -> Self {
        let variable = |name: &str| variables.get(name);
        let (collector, remarks) = Collector::read(&variable, analysis::PROGRAM);
        for remark in remarks {
            Log.warning(&remark);
        }
        Self {
            client,
            clock,
            webhook: webhook.map(|webhook| Sink::new(webhook, "webhook", &host_of(webhook.url()))),
            collector: collector.map(|mut collector| {
                describe(variables, &mut collector.resource);
                let host = collector.host();
                Sink::new(collector, "OpenTelemetry endpoint", &host)
            }),
            trace: variables.get("TRACEPARENT").and_then(TraceContext::parse),
        }
    }

    /// Queues records.
    pub fn add(&self, records: Vec<Record>) {
        if let Some(sink) = &self.webhook {
            sink.queue.borrow_mut().extend(records.iter().cloned());
        }
        if let Some(sink) = &self.collector {
            sink.queue.borrow_mut().extend(records);
        }
    }

    /// Sends the queued records. If it is dropped, the undelivered ones stay queued.
    pub async fn run(&self, until: Instant) {
        let until = until.min(Instant::now() + MAX_TIME);
        let webhook = async {
            if let Some(sink) = self.webhook.as_ref().filter(|sink| sink.has_records()) {
                self.to_webhook(sink, Budget::until(until)).await;
            }
        };
        let collector = async {
            if let Some(sink) = self.collector.as_ref().filter(|sink| sink.has_records()) {
                let until = until.min(Instant::now() + sink.to.timeout());
                self.to_collector(sink, Budget::until(until)).await;
            }
        };
        join(webhook, collector).await;
    }

    /// Sends one request per record. After a permanent failure, it skips the remaining records. If the receiver
    /// rejects a record, it continues, because only this record may be the problem.
    async fn to_webhook(&self, sink: &Sink<&Webhook>, budget: Budget) {
        let client = match self.client {
            Ok(client) => client,
            Err(error) => return sink.conclude(sink.count(), &format!("{error:#}")),
        };
        let records = sink.queue.borrow().clone();
        let host = client.host_and_proxy(sink.to.url());
        let failed = RefCell::new(String::new());
        let stopped = Cell::new(false);
        let send = async |record: &Record| {
            if stopped.get() {
                return;
            }
            let body = record.line();
            let attempt = || self.post(client, sink.to, record.id(), body);
            let why = match budget.run(Retry::Safe, &host, attempt).await {
                Ok(response) if response.status.is_success() => {
                    let is_other = |other: &Record| other.id() != record.id();
                    return sink.queue.borrow_mut().retain(is_other);
                }
                Ok(response) => {
                    let is_gone = response.status == http::StatusCode::GONE;
                    stopped.set(is_gone || !response.status.is_client_error());
                    format!("it answered {}", response.status.as_u16())
                }
                Err(error) => {
                    stopped.set(true);
                    error.of_receiver()
                }
            };
            let mut failed = failed.borrow_mut();
            if failed.is_empty() {
                *failed = why;
            }
        };
        stream::iter(&records)
            .for_each_concurrent(MAX_CONCURRENT, send)
            .await;
        sink.conclude(records.len(), &failed.take());
    }

    /// Sends a record once. The response has no body, which could repeat the URL, a secret.
    async fn post(
        &self,
        client: &Client,
        webhook: &Webhook,
        id: &str,
        body: &str,
    ) -> Result<Response, HttpError> {
        let seconds = (self.clock)().as_second();
        let signature = webhook.signature(id, seconds, body);
        let response = client
            .post(webhook.url())
            .header(CONTENT_TYPE, "application/cloudevents+json")
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", signature)
            .body(body.to_owned())
            .send()
            .await
            .map_err(|error| client.failure(&error, webhook.url()))?;
        Ok(Response {
            status: response.status(),
            headers: response.headers().clone(),
            body: Vec::new(),
        })
    }

    /// Sends all records in one request.
    async fn to_collector(&self, sink: &Sink<Collector>, budget: Budget) {
        let count = sink.count();
        let client = match self.client {
            Ok(client) => client,
            Err(error) => return sink.conclude(count, &format!("{error:#}")),
        };
        let body = export_request(&sink.queue.borrow(), &sink.to.resource, self.trace.as_ref());
        let why = match sink.to.send(client, &body, budget).await {
            Ok(answer) => {
                let partial_success = PartialSuccess::parse(&answer);
                let rejected = partial_success
                    .as_ref()
                    .map_or(0, |partial_success| partial_success.rejected);
                let rejected = usize::try_from(rejected).unwrap_or(count).min(count);
                // The response does not name the rejected records, and the protocol forbids to repeat the request.
                sink.queue.borrow_mut().truncate(rejected);
                match partial_success {
                    Some(partial_success) => {
                        format!("it says {}", quoted(&partial_success.message))
                    }
                    None => String::new(),
                }
            }
            Err(why) => why,
        };
        sink.conclude(count, &why);
    }
}

impl<T> Sink<T> {
    fn new(to: T, name: &str, host: &str) -> Self {
        Self {
            to,
            name: format!("the {name} at `{host}`"),
            queue: RefCell::default(),
        }
    }

    fn count(&self) -> usize {
        self.queue.borrow().len()
    }

    fn has_records(&self) -> bool {
        self.count() > 0
    }

    /// Logs the result for `count` records. The records that are still queued were not delivered, and there are no
    /// further attempts.
    fn conclude(&self, count: usize, why: &str) {
        let (name, left) = (&self.name, self.queue.take().len());
        let why = match why {
            "" => String::new(),
            why => format!(": {why}"),
        };
        match (left, count) {
            (0, 1) => Log.line(&format!("{name} accepted the audit record{why}")),
            (0, _) => Log.line(&format!("{name} accepted {count} audit records{why}")),
            (_, 1) => Log.warning(&format!(
                "{name} did not accept the audit record, which is in this log{why}"
            )),
            _ => Log.warning(&format!(
                "{name} did not accept {left} of {count} audit records, which are in this log{why}"
            )),
        }
    }
}
