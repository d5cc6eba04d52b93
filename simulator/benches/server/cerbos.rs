//! A peer on the same core: Cerbos, asked by AuthZEN, without a token to verify.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::Cost;
use super::load::{Load, Pace};
use super::process::{megabytes, on_core, processor_time};
use super::stage::Directory;

const ADDRESS: &str = "127.0.0.1:13592";
const CONFIG: &str = "\
server: { httpListenAddr: '127.0.0.1:13592', grpcListenAddr: '127.0.0.1:13593' }
storage: { driver: disk, disk: { directory: policies, watchForChanges: false } }
telemetry: { disabled: true }
";
/// The rule of the benchmark's policy that grants.
const POLICY: &str = "\
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  version: default
  resource: deployments
  rules:
    - actions: [create]
      effect: EFFECT_ALLOW
      roles: [job]
      condition:
        match:
          all:
            of:
              - expr: request.principal.attr.repository == \"acme-org/infra\"
              - expr: request.principal.attr.workflow == \"deploy-production.yml\"
              - expr: request.principal.attr.branch == \"main\"
              - expr: request.principal.attr.environment == \"production\"
";
const EVALUATION: &str = r#"{"subject":{"type":"user","id":"job","properties":{"cerbos.roles":["job"],"repository":"acme-org/infra","workflow":"deploy-production.yml","branch":"main","environment":"production"}},"action":{"name":"create"},"resource":{"type":"deployments","id":"7"}}"#;

/// A running Cerbos.
pub(crate) struct Cerbos {
    child: Child,
    _directory: Directory,
}

impl Cerbos {
    /// Starts it on the server's core, and waits until it listens.
    pub(crate) fn start(binary: &Path) -> anyhow::Result<Self> {
        let directory = Directory::new()?;
        std::fs::create_dir(directory.path("policies"))?;
        directory.write("policies/deployments.yaml", POLICY)?;
        directory.write("config.yaml", CONFIG)?;
        let child = on_core(binary.canonicalize()?)
            .args(["server", "--config", "config.yaml"])
            .env("CERBOS_NO_TELEMETRY", "1")
            .current_dir(directory.path(""))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("start {}", binary.display()))?;
        let started = Self {
            child,
            _directory: directory,
        };
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            match TcpStream::connect(ADDRESS) {
                Ok(_) => return Ok(started),
                Err(error)
                    if error.kind() == ErrorKind::ConnectionRefused && Instant::now() < until =>
                {
                    std::thread::sleep(Duration::from_millis(100));
                }
                Err(error) => return Err(error).context("Cerbos does not listen"),
            }
        }
    }

    /// Asks it as fast as it answers.
    pub(crate) fn measure(&self, connections: usize, time: Duration) -> anyhow::Result<Cost> {
        let request = format!(
            "POST /access/v1/evaluation HTTP/1.1\r\nHost: cerbos\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{EVALUATION}",
            EVALUATION.len()
        );
        let load = Load {
            address: ADDRESS.to_owned(),
            requests: vec![request.into_bytes()],
            connections,
            pace: Pace::Full,
        };
        let before = processor_time(self.child.id())?;
        let answers = load.run_for(time)?;
        anyhow::ensure!(
            answers.other_than(&["200"]) == 0,
            "Cerbos answered {:?}",
            answers.kinds
        );
        Cost::of(&answers, processor_time(self.child.id())? - before)
    }

    /// Its largest resident set.
    pub(crate) fn peak(&self) -> anyhow::Result<f64> {
        megabytes(self.child.id(), "VmHWM")
    }
}

impl Drop for Cerbos {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
