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
    records: BufReader<ChildStdout>,
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
        let mut child = Command::new(binary)
            .arg("--config")
            .arg(config)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {}", binary.display()))?;
        let log = BufReader::new(child.stderr.take().context("its log")?);
        let records = BufReader::new(child.stdout.take().context("its records")?);
        let mut server = Self {
            child,
            records,
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

    /// Waits for the next audit record.
    ///
    /// # Errors
    ///
    /// The server ended.
    pub fn record(&mut self) -> anyhow::Result<Value> {
        let mut line = String::new();
        self.records.read_line(&mut line)?;
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
