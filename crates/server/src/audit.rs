//! Writes audit records: one JSON object a line on standard output, through a bounded queue.

use std::io::{ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::Notify;

use crate::log;
use crate::metrics::Metrics;
use crate::otlp::Copies;
use analysis::audit::Record;

/// Records that wait for the reader of standard output. A record has some 3 KB.
const QUEUE: usize = 1024;
/// Time in which further records gather after a write, to be written together. Under load, a write for each of them, and
/// a change of threads for each write, would cost more than the decisions.
const GATHER: Duration = Duration::from_millis(1);
/// Size of a write: what a pipe of Linux holds.
const WRITE: usize = 64 << 10;

/// Pause after a write that failed, such as on a full disk.
const RETRY: Duration = Duration::from_secs(1);

/// Queue of records. A check whose record finds no place in it is refused.
#[derive(Clone, Debug)]
pub struct AuditQueue {
    sender: SyncSender<Message>,
    condition: Arc<AuditCondition>,
    metrics: Arc<Metrics>,
    copies: Option<Copies>,
}

#[derive(Debug)]
enum Message {
    /// A record, as a line without its end.
    Record(String),
    /// No record follows.
    End,
}

/// Whether records can be kept.
#[derive(Debug, Default)]
pub struct AuditCondition {
    /// Number of records in the queue.
    waiting: AtomicUsize,
    is_failing: AtomicBool,
    is_broken: AtomicBool,
    /// Why the latest write failed.
    error: ArcSwapOption<String>,
    broke: Notify,
}

/// The thread that writes.
#[derive(Debug)]
pub struct AuditWriter {
    thread: JoinHandle<()>,
    sender: SyncSender<Message>,
}

/// A record that cannot be kept: the queue is full, or nothing can be written.
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
    let (sender, messages) = sync_channel(QUEUE);
    let condition = Arc::new(AuditCondition::default());
    let queue = AuditQueue {
        sender: sender.clone(),
        condition: Arc::clone(&condition),
        metrics: Arc::clone(&metrics),
        copies: None,
    };
    let writing = Writing {
        output,
        lines: Vec::with_capacity(WRITE),
        condition,
        metrics,
    };
    let thread = std::thread::Builder::new().name("audit".to_owned());
    let thread = thread.spawn(move || writing.write_all(&messages))?;
    Ok((queue, AuditWriter { thread, sender }))
}

impl AuditCondition {
    /// Returns the condition in a word: `current`, `full`, `failing` or `broken`.
    pub fn word(&self) -> &'static str {
        match (self.is_broken(), self.is_failing(), self.is_full()) {
            (true, _, _) => "broken",
            (_, true, _) => "failing",
            (_, _, true) => "full",
            (false, false, false) => "current",
        }
    }

    /// Returns why records cannot be kept now.
    pub fn problem(&self) -> Option<String> {
        let error = self.error.load();
        let error = error.as_ref().map_or("", |error| error.as_str());
        match self.word() {
            "current" => None,
            "full" => Some(format!(
                "{QUEUE} audit records wait, because the reader of standard output is slow"
            )),
            _ => Some(format!(
                "audit records cannot be written to standard output: {error}"
            )),
        }
    }

    /// Returns whether nothing can be written any more.
    pub fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Acquire)
    }

    fn is_failing(&self) -> bool {
        self.is_failing.load(Ordering::Acquire)
    }

    fn is_full(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) >= QUEUE
    }

    /// Waits until nothing can be written any more.
    pub async fn broke(&self) {
        while !self.is_broken() {
            self.broke.notified().await;
        }
    }
}

impl AuditQueue {
    /// Returns the same queue, which hands a copy of each record over.
    pub fn with_copies(self, copies: Option<Copies>) -> Self {
        Self { copies, ..self }
    }

    /// Hands a record to the writer, without waiting.
    ///
    /// # Errors
    /// The queue is full, or nothing can be written.
    pub fn add(&self, record: Record) -> Result<(), NoPlace> {
        let copy = self.copies.as_ref().map(|copies| (copies, record.clone()));
        let sent = match self.condition.is_broken() || self.condition.is_failing() {
            true => Err(NoPlace),
            false => self.send(record),
        };
        match (sent, copy) {
            (Ok(()), Some((copies, copy))) => copies.add(copy),
            (Ok(()), None) => {}
            (Err(_), _) => self.metrics.record_refused(),
        }
        sent
    }

    fn send(&self, record: Record) -> Result<(), NoPlace> {
        let waiting = &self.condition.waiting;
        // Before it is sent: the writer must not take it off the count first.
        waiting.fetch_add(1, Ordering::Relaxed);
        let sent = self.sender.try_send(Message::Record(record.into_line()));
        if sent.is_err() {
            waiting.fetch_sub(1, Ordering::Relaxed);
        }
        sent.map_err(|_| NoPlace)
    }

    /// Returns whether records can be kept.
    pub fn condition(&self) -> Arc<AuditCondition> {
        Arc::clone(&self.condition)
    }
}

impl AuditWriter {
    /// Waits until all records are written, and takes no further ones.
    pub fn finish(self) {
        // If the thread has ended, nothing can be done for the records.
        _ = self.sender.send(Message::End);
        _ = self.thread.join();
    }
}

struct Writing<W> {
    output: W,
    /// Whole lines, except that the first one can have lost its start to a write that took a part of it.
    lines: Vec<u8>,
    condition: Arc<AuditCondition>,
    metrics: Arc<Metrics>,
}

impl<W: Write> Writing<W> {
    fn write_all(mut self, messages: &Receiver<Message>) {
        let mut first = messages.recv();
        while let Ok(message) = first {
            if !self.write_with(message, messages) {
                return;
            }
            std::thread::sleep(GATHER);
            // Only without a record, so that under load no sender has to wake this thread.
            first = messages.try_recv().or_else(|_| messages.recv());
        }
    }

    /// Writes a record and those that wait behind it. Returns whether others can follow.
    fn write_with(&mut self, first: Message, messages: &Receiver<Message>) -> bool {
        for message in std::iter::once(first).chain(messages.try_iter()) {
            let Message::Record(record) = message else {
                self.flush();
                return false;
            };
            self.condition.waiting.fetch_sub(1, Ordering::Relaxed);
            self.lines.extend(record.into_bytes());
            self.lines.push(b'\n');
            if self.lines.len() >= WRITE && !self.flush() {
                return false;
            }
            self.metrics.record_written();
        }
        self.flush()
    }

    /// Writes all lines, and tries again while that fails: a disk is full for a while only. Returns whether there is
    /// somebody to write to.
    fn flush(&mut self) -> bool {
        while !self.lines.is_empty() {
            let error = match self.output.write(&self.lines) {
                Ok(0) => ErrorKind::WriteZero.into(),
                Ok(count) => {
                    self.lines.drain(..count);
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            self.condition
                .error
                .store(Some(Arc::new(error.to_string())));
            if error.kind() == ErrorKind::BrokenPipe {
                self.condition.is_broken.store(true, Ordering::Release);
                self.condition.broke.notify_one();
                log::error("audit_broken", &[("why", &error)]);
                return false;
            }
            if !self.condition.is_failing.swap(true, Ordering::AcqRel) {
                log::error("audit_failing", &[("why", &error)]);
            }
            std::thread::sleep(RETRY);
        }
        if self.condition.is_failing.swap(false, Ordering::AcqRel) {
            log::info("audit_recovered", &[]);
        }
        true
    }
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
        assert_eq!(queue.condition().word(), "full");
        let problem = queue.condition().problem().unwrap();
        assert!(problem.contains("is slow"), "{problem}");
        for _ in 0..10 * QUEUE {
            permits.send(Ok(())).unwrap();
        }
        let is_taken = || queue.add(record()).is_ok();
        let waited = (0..1000).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(5));
            is_taken()
        });
        assert!(waited);
        let is_current = || queue.condition().word() == "current";
        let waited = (0..1000).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(5));
            is_current()
        });
        assert!(waited);
        writer.finish();
        assert_eq!(queue.add(record()), Err(NoPlace));
    }

    #[test]
    fn a_closed_output_refuses_for_ever() {
        let (permits, slow) = channel();
        let (queue, writer) = start(Slow(slow), Metrics::new()).unwrap();
        permits.send(Err(io::ErrorKind::BrokenPipe.into())).unwrap();
        queue.add(record()).unwrap();
        writer.finish();
        assert_eq!(queue.add(record()), Err(NoPlace));
        assert_eq!(queue.condition().word(), "broken");
        let problem = queue.condition().problem().unwrap();
        assert!(
            problem.ends_with("standard output: broken pipe"),
            "{problem}"
        );
    }

    /// An output whose disk is full for a while, in the middle of a line.
    struct FullForAWhile(std::sync::mpsc::Sender<Vec<u8>>, u32);

    impl Write for FullForAWhile {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 += 1;
            match self.1 {
                1 => {
                    _ = self.0.send(bytes[..7].to_vec());
                    Ok(7)
                }
                2 => Err(ErrorKind::StorageFull.into()),
                _ => {
                    _ = self.0.send(bytes.to_vec());
                    Ok(bytes.len())
                }
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_refuses_until_it_has_room_and_no_line_is_broken() {
        let (written, lines) = channel();
        let (queue, writer) = start(FullForAWhile(written, 0), Metrics::new()).unwrap();
        queue.add(record()).unwrap();
        let waited = |word: &str| {
            (0..1000).any(|_| {
                std::thread::sleep(Duration::from_millis(5));
                queue.condition().word() == word
            })
        };
        assert!(waited("failing"));
        let problem = queue.condition().problem().unwrap();
        assert!(
            problem.ends_with("standard output: no storage space"),
            "{problem}"
        );
        assert_eq!(queue.add(record()), Err(NoPlace));
        assert!(waited("current"));
        assert_eq!(queue.condition().problem(), None);
        queue.add(record()).unwrap();
        writer.finish();
        let text = lines.iter().flatten().collect::<Vec<_>>();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text.lines().count(), 2);
        for line in text.lines() {
            serde_json::from_str::<serde_json::Value>(line).unwrap();
        }
    }
}
