//! nginx with the configuration that users copy, before several servers and an API that it answers for itself.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::stage::Directory;

/// A running nginx.
pub(crate) struct Nginx {
    child: Child,
    directory: Directory,
    /// `HOST:PORT` that clients ask.
    pub(crate) address: String,
}

impl Nginx {
    /// Starts it, if it is installed.
    pub(crate) fn start(servers: &[&str]) -> anyhow::Result<Option<Self>> {
        let version = Command::new("nginx")
            .arg("-v")
            .stderr(Stdio::null())
            .status();
        if version.is_err() {
            return Ok(None);
        }
        let directory = Directory::new()?;
        let (address, api) = (simulator::free_address()?, simulator::free_address()?);
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/proxies/nginx.conf");
        let shipped = std::fs::read_to_string(shipped)?;
        let upstreams = servers.join(";\n    server ");
        let text = shipped
            .replace("127.0.0.1:8000", &address)
            .replace("127.0.0.1:8080", &upstreams)
            .replace("127.0.0.1:3000", &api);
        let own = format!(
            "http {{\n  access_log off;\n  server {{ listen {api}; location / {{ return 201; }} }}"
        );
        directory.write("nginx.conf", &text.replacen("http {", &own, 1))?;
        let more = format!("daemon off; pid {};", directory.path("nginx.pid").display());
        let child = Command::new("nginx")
            .arg("-p")
            .arg(directory.path(""))
            .arg("-c")
            .arg(directory.path("nginx.conf"))
            .args(["-e", "stderr", "-g", &more])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::from(std::fs::File::create(directory.path("log"))?))
            .spawn()?;
        let mut started = Self {
            child,
            directory,
            address,
        };
        started.wait_until_it_listens()?;
        Ok(Some(started))
    }

    fn wait_until_it_listens(&mut self) -> anyhow::Result<()> {
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(&self.address).is_err() {
            let is_lost = self.child.try_wait()?.is_some() || Instant::now() > until;
            let log = || std::fs::read_to_string(self.directory.path("log")).unwrap_or_default();
            anyhow::ensure!(!is_lost, "nginx does not listen: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // nginx has workers, and ends them itself.
        let _ = terminate(self.child.id());
        let _ = self.child.wait();
    }
}

/// Sends SIGTERM to a process.
pub(crate) fn terminate(id: u32) -> anyhow::Result<()> {
    let id = Pid::from_raw(id.try_into().context("the id of a process")?);
    Ok(kill(id, Signal::SIGTERM)?)
}
