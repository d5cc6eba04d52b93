//! The built program, what it prints, and the processes that tests wait for.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// The program that cargo built for the tests.
pub const BINARY: &str = env!("CARGO_BIN_EXE_repo-permissions");

/// The program that a variable names, such as a release build, or else the one that cargo built.
pub fn binary(variable: &str) -> PathBuf {
    let given = std::env::var_os(variable).map(PathBuf::from);
    given
        .unwrap_or_else(|| BINARY.into())
        .canonicalize()
        .unwrap()
}

/// The release build, which a variable has to name: for what is measured.
pub fn release_build(variable: &str) -> PathBuf {
    let is_given = std::env::var_os(variable).is_some();
    assert!(is_given, "{variable} names the release build");
    binary(variable)
}

/// What a program printed.
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Run {
    pub fn of(command: &mut Command) -> Self {
        command.output().unwrap().into()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// What a program shows on a terminal; `attach` connects its streams.
pub fn shown_on_a_terminal(
    mut command: Command,
    attach: impl Fn(&mut Command, &dyn Fn() -> Stdio),
) -> String {
    let terminal = nix::pty::openpty(None, None).unwrap();
    attach(&mut command, &|| terminal.slave.try_clone().unwrap().into());
    let mut child = command.spawn().unwrap();
    // The last open end of the terminal is the program's own.
    drop(command);
    drop(terminal.slave);
    let mut shown = Vec::new();
    // A terminal whose other end is closed gives an error, not an end.
    let _ = std::fs::File::from(terminal.master).read_to_end(&mut shown);
    child.wait().unwrap();
    String::from_utf8(shown).unwrap()
}

/// Sends a signal to a process; it may have ended by itself.
pub fn send(id: u32, signal: Signal) {
    _ = kill(Pid::from_raw(i32::try_from(id).unwrap()), signal);
}

/// Waits for something that happens within a minute.
#[track_caller]
pub fn wait_for(what: &str, has_happened: impl Fn() -> bool) {
    let started = Instant::now();
    while !has_happened() {
        assert!(started.elapsed() < Duration::from_secs(60), "no {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
