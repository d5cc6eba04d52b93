//! Output to the runner: log lines, workflow commands, outputs, the summary.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};

use ring::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret, SecretString};

use analysis::report::text::{command_data, command_property, log_line};

/// Maximum size of a summary in bytes (runner: 1 MiB; it shows nothing of a larger one).
pub const MAX_SUMMARY: usize = 1 << 20;
/// Maximum length of an annotation in the log, in characters (runner: 4096).
pub const MAX_ANNOTATION: usize = 4000;

/// The job's log. The runner reads standard output and standard error; this uses only one of them, so that the
/// lines keep their order.
#[derive(Debug, Default)]
pub struct Log;

impl Log {
    /// Writes a line that the runner does not read as a command.
    pub fn line(&self, text: &str) {
        self.write(&log_line(text));
    }

    /// Masks a secret in all further output of the job, each of its lines separately, as the runner does.
    pub fn mask(&self, secret: &SecretString) {
        let secret = secret.expose_secret();
        for line in secret
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
        {
            let escaped = line.replace('%', "%25").replace('\r', "%0D");
            self.write(&format!("::add-mask::{escaped}"));
        }
    }

    /// Writes `::error`, `::warning` or `::notice` with a title.
    pub fn annotate(&self, level: &str, title: &str, message: &str) {
        let message: String = message.chars().take(MAX_ANNOTATION).collect();
        let (title, message) = (command_property(title), command_data(&message));
        self.write(&format!("::{level} title={title}::{message}"));
    }

    /// Writes a warning about a problem that does not change the decision.
    pub fn warning(&self, message: &str) {
        self.annotate("warning", "repo-permissions", message);
    }

    /// Writes lines as a folded group.
    pub fn group(&self, title: &str, lines: impl IntoIterator<Item = String>) {
        self.write(&format!("::group::{}", command_data(title)));
        for line in lines {
            self.line(&line);
        }
        self.write("::endgroup::");
    }

    fn write(&self, line: &str) {
        // A closed or full standard output must not change the decision.
        let mut out = io::stdout().lock();
        let _ = out.write_all(line.as_bytes());
        let _ = out.write_all(b"\n");
        let _ = out.flush();
    }
}

/// Appends outputs to the file in `GITHUB_OUTPUT`, each as a heredoc with a random delimiter, so that no value
/// can write another output (runner: FileCommandManager.cs).
///
/// # Errors
/// The file cannot be written, or the system provides no random numbers for the delimiter.
pub fn write_outputs<'a>(
    path: &str,
    outputs: impl IntoIterator<Item = (&'static str, &'a str)>,
) -> io::Result<()> {
    let delimiter = format!("ghadelimiter_{}", random_id());
    let mut text = String::new();
    for (name, value) in outputs {
        // With 128 random bits, this happens only if the random numbers are broken.
        if value.contains(&delimiter) || delimiter.len() < 40 {
            return Err(io::Error::other("the random delimiter is not safe"));
        }
        text.push_str(&format!("{name}<<{delimiter}\n{value}\n{delimiter}\n"));
    }
    append(path, &text)
}

/// Empties the file in `GITHUB_OUTPUT`, because an outdated outcome that cannot be replaced must not remain.
pub fn clear_outputs(path: &str) {
    if std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
        _ = OpenOptions::new().write(true).truncate(true).open(path);
    }
}

/// Returns 128 random bits in hexadecimal; empty if the system provides none.
pub fn random_id() -> String {
    let mut random = [0_u8; 16];
    match SystemRandom::new().fill(&mut random) {
        Ok(()) => engine::hex(&random),
        Err(_) => String::new(),
    }
}

/// Appends to the job's summary, after it removes what follows `start`. Returns where the page starts.
///
/// # Errors
/// The file cannot be written.
pub fn write_summary(path: &str, page: &str, start: Option<u64>) -> io::Result<u64> {
    let length = std::fs::metadata(path)?.len();
    let start = start.unwrap_or(length).min(length);
    if start < length {
        OpenOptions::new().write(true).open(path)?.set_len(start)?;
    }
    append(path, &format!("{page}\n"))?;
    Ok(start)
}

fn append(path: &str, text: &str) -> io::Result<()> {
    // Earlier steps can replace the file. Opening a pipe without a reader would never end.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    append_atomically(OpenOptions::new().append(true).open(path)?, text)
}

/// Appends all of a text or nothing. The runner rejects half an output, and half a line is useless.
///
/// # Errors
/// The file cannot be written.
pub fn append_atomically(mut file: File, text: &str) -> io::Result<()> {
    let before = file.metadata()?.len();
    file.write_all(text.as_bytes()).inspect_err(|_| {
        _ = file.set_len(before);
    })
}
