//! Files that a test or a demonstration writes, and starts.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

/// Writes a program that can be started at once.
///
/// Another process writes it. Linux starts no program that a process has open for writing (`ETXTBSY`), and a process
/// that another thread of this one starts meanwhile would inherit the open file.
///
/// # Errors
///
/// The file cannot be written.
pub fn write_program(path: &Path, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    let mut shell = Command::new("sh")
        .args(["-c", r#"cat >"$1" && chmod 755 "$1""#, "sh"])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()?;
    // Dropped at the end of the statement, so that `cat` ends.
    let written = match shell.stdin.take() {
        Some(mut stdin) => stdin.write_all(bytes.as_ref()),
        None => Ok(()),
    };
    let status = shell.wait()?;
    if !status.success() {
        let message = format!("{}: not written ({status})", path.display());
        return Err(io::Error::other(message));
    }
    written
}
