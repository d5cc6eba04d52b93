//! Hides the differences between operating systems; no other code asks which system it runs on.

mod file;
mod listener;
mod variables;

use std::cell::RefCell;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

pub use file::{read_capped, read_secret, read_stdin_capped};
pub use listener::{Address, Listener, Stream};
pub use variables::Variables;

/// Request from outside to end the program: SIGINT, SIGTERM or SIGHUP; on Windows Ctrl+C or Ctrl+Break.
#[derive(Debug)]
pub struct Interruption(RefCell<os::Signals>);

impl Interruption {
    /// Starts to catch the signals: from now on they do not end the program.
    ///
    /// Call it inside a Tokio runtime.
    pub fn listen() -> Self {
        Self(RefCell::new(os::listen()))
    }

    /// Waits for a signal. Signals that arrived earlier count.
    pub async fn arrived(&self) {
        poll_fn(|context| {
            if os::poll(&mut self.0.borrow_mut(), context) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

/// Limits this process's private memory, in bytes, and its processor time, in seconds. The system ends a
/// process that exceeds them. On Windows this does nothing.
///
/// # Errors
/// The system rejects the limits.
pub fn confine(memory: u64, seconds: u64) -> std::io::Result<()> {
    os::confine(memory, seconds)
}

/// Returns the width of the terminal that standard output goes to, in columns. On Windows, and if it goes elsewhere,
/// returns `None`.
pub fn terminal_columns() -> Option<usize> {
    os::terminal_columns().filter(|columns| *columns > 0)
}

/// Returns the processor time that the current thread has used. On Windows, the time since the first call.
pub fn thread_time() -> Duration {
    os::thread_time()
}

/// Returns whether what the process writes to standard output is lost: it is the null device, which Rust also opens where
/// the process started with a closed one. Only Unix knows.
pub fn is_stdout_discarded() -> bool {
    os::is_stdout_discarded()
}

#[cfg(unix)]
mod os {
    use std::task::Context;
    use std::time::Duration;

    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    use rustix::time::{ClockId, clock_gettime};
    use tokio::signal::unix::{Signal, SignalKind, signal};

    pub(super) type Signals = [Option<Signal>; 3];

    /// SIGXFSZ: a write exceeds the process's file size limit. A process that catches it survives, and the
    /// write fails as on a full disk.
    const FILE_SIZE: SignalKind = SignalKind::from_raw(25);

    pub(super) fn listen() -> Signals {
        // The handler stays installed when the stream is dropped.
        let _ = signal(FILE_SIZE);
        [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ]
        .map(|kind| signal(kind).ok())
    }

    pub(super) fn poll(signals: &mut Signals, context: &mut Context<'_>) -> bool {
        let mut signals = signals.iter_mut().flatten();
        signals.any(|signal| signal.poll_recv(context).is_ready())
    }

    pub(super) fn confine(memory: u64, seconds: u64) -> std::io::Result<()> {
        limit(Resource::Data, memory)?;
        limit(Resource::Cpu, seconds)
    }

    pub(super) fn terminal_columns() -> Option<usize> {
        let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
        Some(size.ws_col.into())
    }

    pub(super) fn is_stdout_discarded() -> bool {
        use std::os::fd::AsFd as _;
        use std::os::unix::fs::MetadataExt as _;
        let devices = || -> std::io::Result<_> {
            let output = std::io::stdout().as_fd().try_clone_to_owned()?;
            let output = std::fs::File::from(output).metadata()?;
            Ok((output.rdev(), std::fs::metadata("/dev/null")?.rdev()))
        };
        devices().is_ok_and(|(output, null)| output == null)
    }

    pub(super) fn thread_time() -> Duration {
        Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
    }

    fn limit(resource: Resource, value: u64) -> std::io::Result<()> {
        // Only a privileged process may raise its limits.
        let least = |limit: Option<u64>| Some(limit.map_or(value, |limit| limit.min(value)));
        let now = getrlimit(resource);
        let limit = Rlimit {
            current: least(now.current),
            maximum: least(now.maximum),
        };
        Ok(setrlimit(resource, limit)?)
    }
}

#[cfg(windows)]
mod os {
    use std::sync::OnceLock;
    use std::task::Context;
    use std::time::{Duration, Instant};

    use tokio::signal::windows::{CtrlBreak, CtrlC, ctrl_break, ctrl_c};

    pub(super) type Signals = (Option<CtrlC>, Option<CtrlBreak>);

    pub(super) fn listen() -> Signals {
        (ctrl_c().ok(), ctrl_break().ok())
    }

    pub(super) fn poll((c, r#break): &mut Signals, context: &mut Context<'_>) -> bool {
        let c = c.as_mut().is_some_and(|c| c.poll_recv(context).is_ready());
        let r#break = r#break.as_mut();
        c || r#break.is_some_and(|signal| signal.poll_recv(context).is_ready())
    }

    pub(super) fn confine(_: u64, _: u64) -> std::io::Result<()> {
        Ok(())
    }

    pub(super) fn terminal_columns() -> Option<usize> {
        None
    }

    pub(super) fn is_stdout_discarded() -> bool {
        false
    }

    pub(super) fn thread_time() -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }
}
