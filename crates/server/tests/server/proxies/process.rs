//! The processes of the proxies, with the configurations that users copy.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use simulator::free_address;

use crate::support::Directory;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Nginx,
    Haproxy,
    /// As Debian has it.
    Caddy,
    /// The newest one.
    CaddyLatest,
    Envoy,
    Traefik,
}

impl Kind {
    pub const ALL: [Self; 6] = [
        Self::Nginx,
        Self::Haproxy,
        Self::Caddy,
        Self::CaddyLatest,
        Self::Envoy,
        Self::Traefik,
    ];

    /// The installed program.
    pub fn program(self) -> Option<PathBuf> {
        let (variable, name, version) = match self {
            Self::Nginx => ("NGINX", "nginx", "-v"),
            Self::Haproxy => ("HAPROXY", "haproxy", "-v"),
            Self::Caddy => ("CADDY", "caddy", "version"),
            Self::CaddyLatest => ("CADDY_LATEST", "", "version"),
            Self::Envoy => ("ENVOY", "envoy", "--version"),
            Self::Traefik => ("TRAEFIK", "traefik", "version"),
        };
        let program = std::env::var_os(variable).map_or_else(|| PathBuf::from(name), PathBuf::from);
        let mut asked = Command::new(&program);
        asked
            .arg(version)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        asked
            .status()
            .ok()
            .filter(|status| status.success())
            .map(|_| program)
    }

    /// Whether the client gets the server's own headers of a 403.
    pub fn passes_denials(self) -> bool {
        !matches!(self, Self::Nginx | Self::Haproxy)
    }

    /// How long it waits for the server.
    pub fn patience(self) -> Duration {
        Duration::from_secs(if self == Self::Traefik { 30 } else { 5 })
    }

    fn files(self) -> &'static [&'static str] {
        match self {
            Self::Nginx => &["nginx.conf"],
            Self::Haproxy => &["haproxy.cfg", "haproxy.lua"],
            Self::Caddy | Self::CaddyLatest => &["Caddyfile"],
            Self::Envoy => &["envoy.yaml"],
            Self::Traefik => &["traefik.yml", "traefik-routes.yml"],
        }
    }
}

/// How a proxy asks about a permission.
#[derive(Clone, Copy, PartialEq)]
pub enum Question {
    /// Its configuration names it, or Envoy's requests have it in the server's table.
    Shipped,
    /// The server finds it in the headers that describe the original request.
    Shared,
}

pub struct Proxy {
    child: Child,
    pub address: String,
}

impl Proxy {
    pub fn start(
        kind: Kind,
        program: &Path,
        directory: &Directory,
        authority: &str,
        api: &str,
        question: Question,
    ) -> Self {
        let address = free_address().unwrap();
        // Where HAProxy asks itself.
        let inner = free_address().unwrap();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/proxies");
        for file in kind.files() {
            let mut text = std::fs::read_to_string(shipped.join(file)).unwrap();
            for (port, used) in [
                ("8000", address.as_str()),
                ("8080", authority),
                ("3000", api),
                ("8081", inner.as_str()),
            ] {
                let used = used.strip_prefix("127.0.0.1:").unwrap();
                text = text.replace(&format!("127.0.0.1:{port}"), &format!("127.0.0.1:{used}"));
                text = text.replace(&format!("http://:{port}"), &format!("http://:{used}"));
                text = text.replace(
                    &format!("port_value: {port}"),
                    &format!("port_value: {used}"),
                );
            }
            if question == Question::Shared {
                for permission in ["ws:deployments:create", "ws:locks:delete"] {
                    text = text.replace(
                        &format!("/v1/forward-auth/{permission}"),
                        "/v1/forward-auth",
                    );
                }
                text = text.replace("authRequestHeaders: [Authorization]", "");
            }
            directory.write(file, text);
        }
        let config = directory.path(kind.files()[0]);
        let mut command = Command::new(program);
        match kind {
            Kind::Nginx => {
                let pid = directory.path("nginx.pid");
                let more = format!("daemon off; pid {};", pid.display());
                command
                    .arg("-p")
                    .arg(directory.path(""))
                    .arg("-c")
                    .arg(&config)
                    .args(["-e", "stderr", "-g", &more]);
            }
            Kind::Haproxy => _ = command.arg("-db").arg("-f").arg(&config),
            Kind::Caddy | Kind::CaddyLatest => {
                command
                    .args(["run", "--adapter", "caddyfile", "--config"])
                    .arg(&config);
                command
                    .env("HOME", directory.path(""))
                    .env("XDG_CONFIG_HOME", directory.path(""));
            }
            Kind::Envoy => {
                command.arg("-c").arg(&config);
                command.args(["--disable-hot-restart", "--concurrency", "1", "-l", "error"]);
            }
            Kind::Traefik => _ = command.arg("--configFile").arg(&config),
        }
        let log = directory.path("proxy.log");
        let child = command
            .current_dir(directory.path(""))
            .stdin(Stdio::null())
            .stdout(File::create(&log).unwrap())
            .stderr(File::options().append(true).open(&log).unwrap())
            .spawn()
            .unwrap();
        let mut proxy = Self { child, address };
        for _ in 0..1000 {
            if std::net::TcpStream::connect(&proxy.address).is_ok() {
                return proxy;
            }
            let ended = proxy.child.try_wait().unwrap();
            assert!(
                ended.is_none(),
                "{kind:?}: {}",
                std::fs::read_to_string(&log).unwrap()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{kind:?}: {}", std::fs::read_to_string(&log).unwrap())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // nginx has workers: it ends them itself.
        let id = nix::unistd::Pid::from_raw(self.child.id().try_into().unwrap());
        _ = nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM);
        _ = self.child.wait();
    }
}
