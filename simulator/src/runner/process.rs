//! Runs a process with a time limit and reads both of its streams.

use std::io::{self, Read};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::lines::split_lines;

/// Stream of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Its stream.
    pub stream: Stream,
    /// Text without the line end.
    pub text: String,
}

/// End of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The process exited with this code.
    Code(i32),
    /// A signal ended the process.
    Signal(i32),
    /// The runner killed the process at its time limit.
    TimedOut,
}

/// Signal that the runner sends to cancel a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT, the first one.
    Interrupt,
    /// SIGTERM, 7.5 seconds later.
    Terminate,
}

pub(crate) struct Finished {
    pub(crate) exit: Exit,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) log: Vec<LogLine>,
    pub(crate) duration: Duration,
}

/// Starts `command` and kills it after `limit`. Sends `signal` once, after its delay. Calls `watch` with the
/// process's id after the start; limit and signal wait for `watch` to return.
pub(crate) fn run(
    mut command: Command,
    limit: Duration,
    signal: Option<(Signal, Duration)>,
    watch: impl FnOnce(u32),
) -> anyhow::Result<Finished> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let started = Instant::now();
    let mut child = command
        .spawn()
        .with_context(|| format!("start {}", command.get_program().display()))?;
    let id = child.id();
    let log = Log::default();
    let out = child.stdout.take().map(|pipe| log.read(pipe, Stream::Out));
    let err = child.stderr.take().map(|pipe| log.read(pipe, Stream::Err));
    let ended = wait_for(child, started);
    watch(id);
    let (status, duration, timed_out) = end(&ended, id, started, limit, signal)?;
    let text = |reader: Option<JoinHandle<Vec<u8>>>| {
        let bytes = reader
            .and_then(|thread| thread.join().ok())
            .unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let (stdout, stderr) = (text(out), text(err));
    let exit = match (timed_out, status.code(), status.signal()) {
        (true, ..) => Exit::TimedOut,
        (false, Some(code), _) => Exit::Code(code),
        (false, None, signal) => Exit::Signal(signal.unwrap_or_default()),
    };
    Ok(Finished {
        exit,
        stdout,
        stderr,
        log: log.take(),
        duration,
    })
}

/// Waits for the process on a thread, because polling would blur the duration.
fn wait_for(mut child: Child, started: Instant) -> Receiver<(io::Result<ExitStatus>, Duration)> {
    let (sender, ended) = channel();
    std::thread::spawn(move || {
        let status = child.wait();
        let _ = sender.send((status, started.elapsed()));
    });
    ended
}

fn end(
    ended: &Receiver<(io::Result<ExitStatus>, Duration)>,
    id: u32,
    started: Instant,
    limit: Duration,
    mut signal: Option<(Signal, Duration)>,
) -> anyhow::Result<(ExitStatus, Duration, bool)> {
    let mut timed_out = false;
    loop {
        let due = match signal {
            Some((_, delay)) => delay.min(limit),
            None if timed_out => Duration::MAX,
            None => limit,
        };
        match ended.recv_timeout(due.saturating_sub(started.elapsed())) {
            Ok((status, duration)) => return Ok((status?, duration, timed_out)),
            Err(RecvTimeoutError::Disconnected) => {
                anyhow::bail!("the thread that waits for the step has ended")
            }
            Err(RecvTimeoutError::Timeout) => match signal.take() {
                Some((signal, delay)) if delay < limit => send(id, signal.name())?,
                _ => {
                    timed_out = true;
                    send(id, "KILL")?;
                }
            },
        }
    }
}

impl Signal {
    fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "INT",
            Self::Terminate => "TERM",
        }
    }
}

/// Runs `kill`, for which the standard library has no safe function.
fn send(id: u32, signal: &str) -> anyhow::Result<()> {
    Command::new("sh")
        .args(["-c", &format!("kill -{signal} {id}")])
        .stderr(Stdio::null())
        .status()
        .context("cannot send a signal")?;
    Ok(())
}

/// The lines of both streams in the order of reading, as the runner sees them.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<LogLine>>>);

impl Log {
    fn read(&self, pipe: impl Read + Send + 'static, stream: Stream) -> JoinHandle<Vec<u8>> {
        let log = self.clone();
        std::thread::spawn(move || log.pump(pipe, stream))
    }

    fn pump(&self, mut pipe: impl Read, stream: Stream) -> Vec<u8> {
        let mut all = Vec::new();
        let mut logged = 0;
        let mut chunk = vec![0; 64 << 10];
        loop {
            let length = pipe.read(&mut chunk).unwrap_or(0);
            all.extend(chunk.iter().take(length));
            // A CR at the end may be half of a CRLF, so it waits for the next byte.
            let complete = match all.split_last() {
                _ if length == 0 => all.len(),
                Some((_, head)) => head
                    .iter()
                    .rposition(|byte| matches!(byte, b'\n' | b'\r'))
                    .map_or(0, |index| index + 1),
                None => 0,
            };
            let complete = if all.ends_with(b"\n") {
                all.len()
            } else {
                complete
            };
            if let Some(fresh) = all.get(logged..complete).filter(|fresh| !fresh.is_empty()) {
                self.append(&String::from_utf8_lossy(fresh), stream);
                logged = complete;
            }
            if length == 0 {
                return all;
            }
        }
    }

    fn append(&self, text: &str, stream: Stream) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.extend(split_lines(text).into_iter().map(|text| LogLine {
            stream,
            text: text.to_owned(),
        }));
    }

    fn take(self) -> Vec<LogLine> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn both_streams_are_read() {
        let finished = run(
            shell("echo one; sleep 0.1; echo two >&2; sleep 0.1; printf 'a\\rb'; exit 3"),
            Duration::from_secs(9),
            None,
            |_| (),
        )
        .unwrap();
        assert_eq!(finished.exit, Exit::Code(3));
        assert_eq!(
            (finished.stdout.as_str(), finished.stderr.as_str()),
            ("one\na\rb", "two\n")
        );
        let lines: Vec<&str> = finished.log.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(lines, ["one", "two", "a", "b"]);
    }

    #[test]
    fn a_step_that_hangs_is_killed() {
        let limit = Duration::from_millis(100);
        let finished = run(shell("exec sleep 9"), limit, None, |_| ()).unwrap();
        assert_eq!(finished.exit, Exit::TimedOut);
        assert!(finished.duration < Duration::from_secs(5));
    }

    #[test]
    fn signals_arrive() {
        let signal = Some((Signal::Terminate, Duration::from_millis(100)));
        let limit = Duration::from_secs(9);
        let finished = run(shell("exec sleep 9"), limit, signal, |_| ()).unwrap();
        assert_eq!(finished.exit, Exit::Signal(15));
        // Not INT or HUP, which a program that was started in the background may ignore.
        let signal = |id| send(id, "USR1").unwrap();
        let finished = run(shell("exec sleep 9"), limit, None, signal).unwrap();
        assert_eq!(finished.exit, Exit::Signal(10));
    }
}
