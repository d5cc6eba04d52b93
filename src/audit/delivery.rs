//! Sending records: to the webhook, and to the OpenTelemetry endpoint that the environment names.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use futures_util::future::join;
use futures_util::stream::{self, StreamExt as _};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use tokio::time::Instant;

use super::collector::Collector;
use crate::audit::webhook::Webhook;
use crate::workflow::Log;
use analysis::audit::Record;
use analysis::audit::otlp::Complaint;
use engine::policy::quoted;
use github::http::{Budget, Client, HttpError, Repeat, Response, collect, host_of};
use platform::Environment;

/// How long a receiver may hold up the step, however much time the run has left.
const LONGEST: Duration = Duration::from_secs(10);
/// How many records are on their way to the webhook at once.
const AT_ONCE: usize = 4;
/// The largest answer of an OpenTelemetry endpoint that is read, in bytes.
const MAX_ANSWER: usize = 64 << 10;

/// The receivers, each with the records that it has not taken yet. A receiver that fails is a warning,
/// and is no matter of the other.
pub struct Delivery<'a> {
    client: Result<&'a Client, &'a str>,
    clock: fn() -> Timestamp,
    webhook: Option<Sink<&'a Webhook>>,
    collector: Option<Sink<Collector>>,
}

struct Sink<T> {
    to: T,
    /// For the log: what it is, and its host.
    name: String,
    waiting: RefCell<Vec<Record>>,
}

impl<'a> Delivery<'a> {
    /// `client`: how they are reached, or why not.
    pub fn new(
        client: Result<&'a Client, &'a str>,
        webhook: Option<&'a Webhook>,
        environment: &Environment,
        clock: fn() -> Timestamp,
    ) -> Self {
        let (collector, remarks) = Collector::read(environment);
        for remark in remarks {
            Log.warning(&remark);
        }
        Self {
            client,
            clock,
            webhook: webhook.map(|webhook| Sink::new(webhook, "webhook", &host_of(webhook.url()))),
            collector: collector.map(|collector| {
                let host = host_of(&collector.url);
                Sink::new(collector, "OpenTelemetry endpoint", &host)
            }),
        }
    }

    /// Records to send.
    pub fn add(&self, records: Vec<Record>) {
        if let Some(sink) = &self.webhook {
            sink.waiting.borrow_mut().extend(records.iter().cloned());
        }
        if let Some(sink) = &self.collector {
            sink.waiting.borrow_mut().extend(records);
        }
    }

    /// Sends what waits. When this is dropped half-way, what was not delivered waits on.
    pub async fn run(&self, until: Instant) {
        let until = until.min(Instant::now() + LONGEST);
        let webhook = async {
            if let Some(sink) = self.webhook.as_ref().filter(|sink| sink.is_waiting()) {
                self.to_webhook(sink, Budget::until(until)).await;
            }
        };
        let collector = async {
            if let Some(sink) = self.collector.as_ref().filter(|sink| sink.is_waiting()) {
                let until = until.min(Instant::now() + sink.to.timeout);
                self.to_collector(sink, Budget::until(until)).await;
            }
        };
        join(webhook, collector).await;
    }

    /// One request a record. A receiver that is gone, or that fails for good, is not asked again for the
    /// others; one that refuses a record is, since that may be about this record.
    async fn to_webhook(&self, sink: &Sink<&Webhook>, budget: Budget) {
        let client = match self.client {
            Ok(client) => client,
            Err(why) => return sink.conclude(sink.count(), why),
        };
        let records = sink.waiting.borrow().clone();
        let way = client.way_to(sink.to.url());
        let failed = RefCell::new(String::new());
        let stopped = Cell::new(false);
        let send = async |record: &Record| {
            if stopped.get() {
                return;
            }
            let body = record.line();
            let attempt = || async {
                let seconds = (self.clock)().as_second();
                let response = client
                    .post(sink.to.url())
                    .header(CONTENT_TYPE, "application/cloudevents+json")
                    .header("webhook-id", record.id())
                    .header("webhook-timestamp", seconds)
                    .header(
                        "webhook-signature",
                        sink.to.signature(record.id(), seconds, &body),
                    )
                    .body(body.clone())
                    .send()
                    .await
                    .map_err(|error| client.failure(&error, sink.to.url()))?;
                // The status says it all. The body is not read: it can repeat the URL, which is secret.
                Ok(Response {
                    status: response.status(),
                    headers: response.headers().clone(),
                    body: Vec::new(),
                })
            };
            let why = match budget.run(Repeat::Safe, &way, attempt).await {
                Ok(response) if response.status.is_success() => {
                    let is_other = |other: &Record| other.id() != record.id();
                    return sink.waiting.borrow_mut().retain(is_other);
                }
                Ok(response) => {
                    let is_gone = response.status == http::StatusCode::GONE;
                    stopped.set(is_gone || !response.status.is_client_error());
                    format!("it answered {}", response.status.as_u16())
                }
                Err(error) => {
                    stopped.set(true);
                    reason(&error)
                }
            };
            let mut failed = failed.borrow_mut();
            if failed.is_empty() {
                *failed = why;
            }
        };
        stream::iter(&records)
            .for_each_concurrent(AT_ONCE, send)
            .await;
        sink.conclude(records.len(), &failed.take());
    }

    /// All records in one request.
    async fn to_collector(&self, sink: &Sink<Collector>, budget: Budget) {
        let count = sink.count();
        let client = match self.client {
            Ok(client) => client,
            Err(why) => return sink.conclude(count, why),
        };
        let way = client.way_to(&sink.to.url);
        let body = sink.to.request(&sink.waiting.borrow());
        let mut headers: HeaderMap = sink.to.headers.clone();
        headers.insert(
            CONTENT_TYPE,
            http::HeaderValue::from_static("application/json"),
        );
        let attempt = || async {
            let response = client
                .post(&sink.to.url)
                .headers(headers.clone())
                .body(body.clone())
                .send()
                .await
                .map_err(|error| client.failure(&error, &sink.to.url))?;
            collect(http::Response::from(response), MAX_ANSWER, &way).await
        };
        let why = match budget.run(Repeat::Transient, &way, attempt).await {
            Ok(response) if response.status.is_success() => {
                let complaint = Complaint::parse(&response.body);
                let rejected = complaint.as_ref().map_or(0, |complaint| complaint.rejected);
                let rejected = usize::try_from(rejected).unwrap_or(count).min(count);
                // Which of them is not said; the same request again is against the protocol.
                sink.waiting.borrow_mut().truncate(rejected);
                match complaint {
                    Some(complaint) => format!("it says {}", quoted(&complaint.message)),
                    None => String::new(),
                }
            }
            Ok(response) => format!("it answered {} to OTLP in JSON", response.describe()),
            Err(error) => reason(&error),
        };
        sink.conclude(count, &why);
    }
}

impl<T> Sink<T> {
    fn new(to: T, name: &str, host: &str) -> Self {
        Self {
            to,
            name: format!("the {name} at `{host}`"),
            waiting: RefCell::default(),
        }
    }

    fn count(&self) -> usize {
        self.waiting.borrow().len()
    }

    fn is_waiting(&self) -> bool {
        self.count() > 0
    }

    /// Says in the log what became of `count` records: those that still wait were not delivered, and are
    /// not tried again.
    fn conclude(&self, count: usize, why: &str) {
        let (name, left) = (&self.name, self.waiting.take().len());
        let why = match why {
            "" => String::new(),
            why => format!(": {why}"),
        };
        match (left, count) {
            (0, 1) => Log.line(&format!("{name} took the audit record{why}")),
            (0, _) => Log.line(&format!("{name} took {count} audit records{why}")),
            (_, 1) => Log.warning(&format!(
                "{name} did not get the audit record, which is in this log{why}"
            )),
            _ => Log.warning(&format!(
                "{name} did not get {left} of {count} audit records, which are in this log{why}"
            )),
        }
    }
}

fn reason(error: &HttpError) -> String {
    match error {
        // The run may have time left; the receiver has not.
        HttpError::OutOfTime => "it takes too long".to_owned(),
        error => error.to_string(),
    }
}
