//! Log of the server's own events: one JSON object a line on standard error. Standard output belongs to the audit
//! records.
//!
//! While the server runs, a thread writes the lines: nothing that decides or ends waits for the reader of standard
//! error. Before, and with `--check`, each line is written at once.

use std::collections::VecDeque;
use std::fmt::Display;
use std::io::{Write, stderr};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use analysis::report::text::visible;
use jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use serde_json::{Value, json};

/// Maximum size of the lines that wait for the reader of standard error, in bytes.
const MAX_WAITING: usize = 1 << 20;
/// Maximum time for the last lines.
const FLUSH: Duration = Duration::from_secs(2);

/// Lines for the thread that writes, once there is one.
static QUEUE: OnceLock<Arc<Queue>> = OnceLock::new();
/// Lines that found no place.
static DROPPED: LazyLock<Counter> = LazyLock::new(Counter::default);

/// Lets a thread write the lines from now on.
///
/// # Errors
/// The system provides no thread.
pub fn start() -> std::io::Result<()> {
    let queue = Arc::new(Queue::default());
    let written = Arc::clone(&queue);
    let thread = std::thread::Builder::new().name("log".to_owned());
    thread.spawn(move || written.write_all(stderr()))?;
    // A second start would find the first one's thread.
    _ = QUEUE.set(queue);
    Ok(())
}

/// Waits until the lines so far are written, for two seconds at most: a reader that is stuck must not keep the process.
pub fn flush() {
    if let Some(queue) = QUEUE.get() {
        queue.flush(FLUSH);
    }
}

/// Writes a line of plain text, the last words of a process that cannot go on.
pub fn plain(text: &str) {
    put(text.to_owned());
}

/// Returns the counter of lines that found no place, for the metrics.
pub(crate) fn dropped() -> Counter {
    DROPPED.clone()
}

/// Logs an event.
pub(crate) fn info(event: &str, values: &[(&str, &dyn Display)]) {
    put(line("info", event, values));
}

/// Logs an event that an operator should look at.
pub(crate) fn warning(event: &str, values: &[(&str, &dyn Display)]) {
    put(line("warning", event, values));
}

/// Logs an event because of which the server denies what it should allow.
pub(crate) fn error(event: &str, values: &[(&str, &dyn Display)]) {
    put(line("error", event, values));
}

/// Returns an event with its values. `level` is `info`, `warning` or `error`.
fn line(level: &str, event: &str, values: &[(&str, &dyn Display)]) -> String {
    let mut line = json!({"time": Timestamp::now().to_string(), "level": level, "event": event});
    if let Some(line) = line.as_object_mut() {
        for (name, value) in values {
            let value = visible(&value.to_string()).into_owned();
            line.insert((*name).to_owned(), Value::String(value));
        }
    }
    line.to_string()
}

/// Puts a line into the queue, with its end: a write of its own could come after one of another process.
fn put(mut line: String) {
    line.push('\n');
    match QUEUE.get() {
        Some(queue) => {
            if !queue.add(line) {
                DROPPED.inc();
            }
        }
        // Where the log is closed, nothing can report it.
        None => _ = stderr().lock().write_all(line.as_bytes()),
    }
}

/// Lines that wait for their writer.
#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: VecDeque<String>,
    /// Size of the lines.
    bytes: usize,
    /// Number of lines that found no place since the last one that did.
    dropped: u64,
    /// Whether the writer has lines that are not here any more.
    is_writing: bool,
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands a line to the writer, without waiting for it. Returns whether there was a place.
    fn add(&self, line: String) -> bool {
        let mut waiting = self.waiting();
        let bytes = waiting.bytes + line.len();
        let is_taken = bytes <= MAX_WAITING;
        if is_taken {
            waiting.bytes = bytes;
            waiting.lines.push_back(line);
        } else {
            waiting.dropped += 1;
        }
        drop(waiting);
        self.changed.notify_all();
        is_taken
    }

    /// Writes the lines, for ever.
    fn write_all(&self, mut output: impl Write) {
        loop {
            let (lines, dropped) = self.take();
            for line in lines {
                // Where the log is closed, nothing can report it.
                _ = output.write_all(line.as_bytes());
            }
            if dropped > 0 {
                let dropped = line("warning", "log_lines_dropped", &[("count", &dropped)]);
                _ = output.write_all(format!("{dropped}\n").as_bytes());
            }
        }
    }

    /// Waits for lines, and returns all of them with the number of those that found no place after them.
    fn take(&self) -> (VecDeque<String>, u64) {
        let mut waiting = self.waiting();
        waiting.is_writing = false;
        self.changed.notify_all();
        let is_idle = |waiting: &mut Waiting| waiting.lines.is_empty() && waiting.dropped == 0;
        let waiting = self.changed.wait_while(waiting, is_idle);
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        let taken = std::mem::take(&mut *waiting);
        waiting.is_writing = true;
        (taken.lines, taken.dropped)
    }

    /// Waits until all lines are written. Returns whether they are.
    fn flush(&self, limit: Duration) -> bool {
        let is_busy = |waiting: &mut Waiting| waiting.is_writing || !waiting.lines.is_empty();
        let waited = self
            .changed
            .wait_timeout_while(self.waiting(), limit, is_busy);
        let (_waiting, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        !timeout.timed_out()
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// An output that waits for a permit before each line, and hands on what it wrote.
    struct Slow(Receiver<()>, Sender<String>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(io::Error::other)?;
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            self.1.send(text).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A queue with a writer that needs a permit for each write, and what it wrote.
    fn slow() -> (Arc<Queue>, Sender<()>, Receiver<String>) {
        let (permits, permitted) = channel();
        let (writes, written) = channel();
        let queue = Arc::new(Queue::default());
        let writer = Arc::clone(&queue);
        std::thread::spawn(move || writer.write_all(Slow(permitted, writes)));
        (queue, permits, written)
    }

    #[test]
    fn a_reader_that_is_stuck_costs_lines_and_nothing_else() {
        let (queue, permits, written) = slow();
        let text = format!("{}\n", "x".repeat(1023));
        let taken = (0..5000).filter(|_| queue.add(text.clone())).count();
        // What waits, and what the writer took before.
        let places = MAX_WAITING / text.len();
        assert!((places..=2 * places).contains(&taken), "{taken}");
        assert!(!queue.flush(Duration::from_millis(50)));
        // The reader is back.
        for _ in 0..20_000 {
            permits.send(()).unwrap();
        }
        assert!(queue.flush(Duration::from_secs(20)));
        let all: String = written.try_iter().collect();
        // Perhaps the writer took lines while others still arrived.
        let (whole, reports): (Vec<_>, Vec<_>) =
            all.split_inclusive('\n').partition(|line| *line == text);
        assert_eq!(whole.len(), taken);
        let dropped = reports.iter().map(|line| {
            let report: Value = serde_json::from_str(line).unwrap();
            assert_eq!(report["event"], "log_lines_dropped");
            report["count"].as_str().unwrap().parse::<usize>().unwrap()
        });
        assert_eq!(dropped.sum::<usize>(), 5000 - taken);
        assert!(queue.add("y\n".to_owned()));
        assert!(queue.flush(Duration::from_secs(20)));
        assert_eq!(written.try_iter().collect::<String>(), "y\n");
    }

    #[test]
    fn nothing_waits_where_the_log_is_closed() {
        let (queue, permits, written) = slow();
        drop((permits, written));
        for _ in 0..5000 {
            queue.add("x".repeat(1 << 10));
            assert!(queue.flush(Duration::from_secs(20)));
        }
    }
}
