//! Writes audit records: one JSON object a line on standard output, through a bounded queue.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::log;
use crate::metrics::Metrics;
use analysis::audit::Record;

/// Records that wait for the reader of standard output. A record has some 3 KB.
const QUEUE: usize = 1024;
/// Time in which records gather before they are written together. Under load, a write for each of them, and a change of
/// threads for each write, would cost more than the decisions.
const GATHER: Duration = Duration::from_millis(1);
/// Size of a write: what a pipe of Linux holds.
const WRITE: usize = 64 << 10;

/// Queue of records. A check whose record finds no place in it is refused.
#[derive(Clone, Debug)]
pub struct AuditQueue {
    sender: SyncSender<String>,
    is_broken: Arc<AtomicBool>,
    metrics: Arc<Metrics>,
}

/// The thread that writes. It ends when every queue is dropped.
#[derive(Debug)]
pub struct AuditWriter(JoinHandle<()>);

/// A record that cannot be kept: the queue is full, or nothing can be written any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the audit record cannot be kept")]
pub struct NoPlace;

/// Starts to write.
///
/// # Errors
/// The system provides no thread.
pub fn start(
    output: impl Write + Send + 'static,
    metrics: Arc<Metrics>,
) -> std::io::Result<(AuditQueue, AuditWriter)> {
    let (sender, records) = sync_channel(QUEUE);
    let is_broken = Arc::new(AtomicBool::new(false));
    let queue = AuditQueue {
        sender,
        is_broken: Arc::clone(&is_broken),
        metrics: Arc::clone(&metrics),
    };
    let thread = std::thread::Builder::new().name("audit".to_owned());
    let write = move || write_all(output, &records, &is_broken, &metrics);
    Ok((queue, AuditWriter(thread.spawn(write)?)))
}

impl AuditQueue {
    /// Hands a record to the writer, without waiting.
    ///
    /// # Errors
    /// The queue is full, or standard output is closed.
    pub fn add(&self, record: Record) -> Result<(), NoPlace> {
        let sent = match self.is_broken.load(Ordering::Acquire) {
            true => Err(NoPlace),
            false => self
                .sender
                .try_send(record.into_line())
                .map_err(|_| NoPlace),
        };
        if sent.is_err() {
            self.metrics.record_refused();
        }
        sent
    }
}

impl AuditWriter {
    /// Waits until all records are written.
    pub fn finish(self) {
        // The thread does not panic; if it did, its records are lost and nothing can be done.
        _ = self.0.join();
    }
}

fn write_all(
    output: impl Write,
    records: &Receiver<String>,
    is_broken: &AtomicBool,
    metrics: &Metrics,
) {
    let mut output = std::io::BufWriter::with_capacity(WRITE, output);
    while let Ok(first) = records.recv() {
        std::thread::sleep(GATHER);
        for record in std::iter::once(first).chain(records.try_iter()) {
            if let Err(why) = writeln!(output, "{record}") {
                return end(is_broken, &why);
            }
            metrics.record_written();
        }
        if let Err(why) = output.flush() {
            return end(is_broken, &why);
        }
    }
}

/// Ends the writing for ever: a line that broke off would spoil the next one.
fn end(is_broken: &AtomicBool, why: &std::io::Error) {
    is_broken.store(true, Ordering::Release);
    log::error("audit_broken", &[("why", why)]);
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::mpsc::channel;

    use super::*;
    use analysis::audit::{Circumstances, records};
    use analysis::report::{Detail, Failure, Outcome};
    use engine::decision::Reason;

    fn record() -> Record {
        let failure = Failure::new(Reason::PolicyInvalid, "why");
        let outcome = Outcome::failed(&failure, None, None, Detail::Full);
        records(&outcome, &Circumstances::default()).remove(0)
    }

    /// An output that waits for a permit before each write.
    struct Slow(Receiver<io::Result<()>>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(io::Error::other)??;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_queue_refuses_and_recovers() {
        let (permits, slow) = channel();
        let (queue, writer) = start(Slow(slow), Metrics::new()).unwrap();
        let taken = (0..).take_while(|_| queue.add(record()).is_ok()).count();
        assert!((QUEUE..=2 * QUEUE + 16).contains(&taken), "{taken}");
        for _ in 0..10 * QUEUE {
            permits.send(Ok(())).unwrap();
        }
        let is_taken = || queue.add(record()).is_ok();
        let waited = (0..1000).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(5));
            is_taken()
        });
        assert!(waited);
        drop(queue);
        writer.finish();
    }

    #[test]
    fn a_closed_output_refuses_for_ever() {
        let (permits, slow) = channel();
        let (queue, writer) = start(Slow(slow), Metrics::new()).unwrap();
        permits.send(Err(io::ErrorKind::BrokenPipe.into())).unwrap();
        queue.add(record()).unwrap();
        drop(permits);
        writer.finish();
        assert_eq!(queue.add(record()), Err(NoPlace));
    }
}
