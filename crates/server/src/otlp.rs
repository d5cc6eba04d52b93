//! Sends a copy of each audit record to an OpenTelemetry collector, where variables name one.
//!
//! Standard output has every record, and a check whose record it cannot keep is refused. A copy decides nothing: one that
//! finds no place, or that the collector does not take, is counted and left out.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::log;
use crate::metrics::Metrics;
use analysis::audit::Record;
use analysis::audit::otlp::{PartialSuccess, export_request};
use github::Collector;
use github::http::{Budget, Client};

/// Default of `service.name`.
const SERVICE: &str = "repo-permissions-server";
/// Copies that wait. A record has some 3 KB.
const QUEUE: usize = 2048;
/// Records of a request.
const BATCH: usize = 512;
/// Time in which records gather for a request.
const GATHER: Duration = Duration::from_millis(200);
/// Maximum time for the last copies when the server ends.
const FLUSH: Duration = Duration::from_secs(5);

/// Queue of copies.
#[derive(Clone, Debug)]
pub struct Copies {
    sender: mpsc::Sender<Record>,
    metrics: Arc<Metrics>,
}

impl Copies {
    /// Hands a copy over, without waiting.
    pub fn add(&self, record: Record) {
        if self.sender.try_send(record).is_err() {
            self.metrics.copied("dropped", 1);
        }
    }
}

/// The task that sends.
#[derive(Debug)]
pub struct Exporter {
    task: JoinHandle<()>,
    end: Arc<Notify>,
}

impl Exporter {
    /// Starts to send copies, if the variables name a collector.
    pub fn start<'v>(
        variable: &'v dyn Fn(&str) -> Option<&'v str>,
        client: &Client,
        metrics: &Arc<Metrics>,
    ) -> Option<(Copies, Self)> {
        let (collector, remarks) = Collector::read(variable, SERVICE);
        for why in remarks {
            log::warning("otlp_variable_invalid", &[("why", &why)]);
        }
        let collector = collector?;
        log::info("otlp", &[("host", &collector.host())]);
        let (sender, copies) = mpsc::channel(QUEUE);
        let end = Arc::new(Notify::new());
        let sending = Sending {
            collector,
            client: client.clone(),
            metrics: Arc::clone(metrics),
            is_failing: false,
        };
        let task = tokio::spawn(sending.run(copies, Arc::clone(&end)));
        let copies = Copies {
            sender,
            metrics: Arc::clone(metrics),
        };
        Some((copies, Self { task, end }))
    }

    /// Sends the copies that wait, and ends.
    pub async fn finish(self) {
        self.end.notify_one();
        // Standard output has the records.
        _ = tokio::time::timeout(FLUSH, self.task).await;
    }
}

struct Sending {
    collector: Collector,
    client: Client,
    metrics: Arc<Metrics>,
    is_failing: bool,
}

impl Sending {
    async fn run(mut self, mut copies: mpsc::Receiver<Record>, end: Arc<Notify>) {
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                () = tokio::time::sleep(GATHER) => {}
                () = end.notified() => copies.close(),
            }
            let received = tokio::select! {
                received = copies.recv_many(&mut batch, BATCH) => received,
                () = end.notified() => {
                    copies.close();
                    copies.recv_many(&mut batch, BATCH).await
                }
            };
            if received == 0 {
                return;
            }
            self.send(&batch).await;
            batch.clear();
        }
    }

    async fn send(&mut self, batch: &[Record]) {
        let body = export_request(batch, &self.collector.resource, None);
        let budget = Budget::until(Instant::now() + self.collector.timeout());
        let sent = self.collector.send(&self.client, &body, budget).await;
        let why = match sent {
            Ok(answer) => PartialSuccess::parse(&answer).and_then(|partial| {
                (partial.rejected > 0).then_some((partial.rejected, partial.message))
            }),
            Err(why) => Some((u64::MAX, why)),
        };
        let count = batch.len() as u64;
        let left = why.as_ref().map_or(0, |(left, _)| count.min(*left));
        self.metrics.copied("sent", count - left);
        self.metrics.copied("refused", left);
        match why {
            Some((_, why)) if !self.is_failing => {
                log::warning("otlp_failing", &[("why", &why)]);
            }
            None if self.is_failing => log::info("otlp_recovered", &[]),
            _ => {}
        }
        self.is_failing = left > 0;
    }
}
