//! The process of the server.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::message::Message;

/// Maximum time until the server is ready.
const READY: Duration = Duration::from_secs(20);

/// A running server. Dropping it ends it.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
    records: Option<BufReader<ChildStdout>>,
    /// `HOST:PORT` that proxies ask.
    pub address: String,
    /// `HOST:PORT` that operators ask.
    pub admin: String,
}

impl ServerProcess {
    /// Starts the program with a configuration and waits until it is ready.
    ///
    /// # Errors
    ///
    /// It cannot be started, or does not become ready.
    pub fn start(binary: &Path, config: &Path) -> anyhow::Result<Self> {
        Self::start_by(Command::new(binary), config)
    }

    /// Starts a program that runs the server with the arguments that follow its own.
    ///
    /// # Errors
    ///
    /// It cannot be started, or does not become ready.
    pub fn start_by(mut command: Command, config: &Path) -> anyhow::Result<Self> {
        let mut child = command
            .arg("--config")
            .arg(config)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {}", command.get_program().display()))?;
        let log = BufReader::new(child.stderr.take().context("its log")?);
        let records = BufReader::new(child.stdout.take().context("its records")?);
        let mut server = Self {
            child,
            records: Some(records),
            address: String::new(),
            admin: String::new(),
        };
        let mut lines = log.lines();
        while server.address.is_empty() || server.admin.is_empty() {
            let line = lines.next().context("the server ended at once")??;
            let line: Value = serde_json::from_str(&line).context(line.clone())?;
            let text = |name| line.get(name).and_then(Value::as_str).unwrap_or_default();
            let address = text("address").to_owned();
            match text("for") {
                "listen" => server.address = address,
                "admin" => server.admin = address,
                _ => {}
            }
        }
        // A pipe that nobody reads would stop the server.
        std::thread::spawn(move || lines.for_each(drop));
        let until = Instant::now() + READY;
        let ask = Message::new("GET /readyz HTTP/1.1").with("host", "admin");
        while ask.exchange(&server.admin)?.status() != 200 {
            ensure!(Instant::now() < until, "the server does not become ready");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// Returns the id of the process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the stream of the audit records, once. The reader has to be fast: a full pipe makes the server refuse
    /// requests.
    pub fn take_records(&mut self) -> Option<BufReader<ChildStdout>> {
        self.records.take()
    }

    /// Waits for the end of the process, and returns its exit code.
    ///
    /// # Errors
    ///
    /// The system does not know the process.
    pub fn wait(&mut self) -> anyhow::Result<Option<i32>> {
        Ok(self.child.wait()?.code())
    }

    /// Waits for the next audit record.
    ///
    /// # Errors
    ///
    /// The server ended, or somebody took the records.
    pub fn record(&mut self) -> anyhow::Result<Value> {
        let mut line = String::new();
        let records = self.records.as_mut().context("the records were taken")?;
        records.read_line(&mut line)?;
        serde_json::from_str(&line).context("an audit record")
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
