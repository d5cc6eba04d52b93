//! A GitHub, a policy, and a server that uses both.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use simulator::github::Repository;
use simulator::{GitHub, Job};

use super::load::{Load, Pace};
use super::process::Server;

const AUDIENCE: &str = "https://deploy.acme.example";
const OWNER: u64 = 4567;
/// Connections of the load.
pub(crate) const CONNECTIONS: usize = 32;
/// The answer to [`Stage::token`].
pub(crate) const GRANTED: &str = "200 granted";

/// A directory for some files, removed with the value.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let mut number = 0;
        loop {
            let path = std::env::temp_dir().join(format!("load-{}-{number}", std::process::id()));
            match std::fs::create_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => {
                    return Err(error).with_context(|| format!("create {}", path.display()));
                }
            }
        }
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    /// Writes a file at once, as one that is renamed into its place.
    pub(crate) fn write(&self, file: &str, text: &str) -> anyhow::Result<()> {
        let new = self.path("new");
        std::fs::write(&new, text)?;
        std::fs::rename(new, self.path(file))?;
        Ok(())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What is left in the directory of temporary files does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Returns a policy with so many entries of so many rules each. The last rule of the last entry grants `permission` to
/// the job.
pub(crate) fn policy(entries: usize, rules: usize, permission: &str) -> String {
    let mut text = "version: 1\nrepositories:\n".to_owned();
    for entry in 1..=entries {
        let name = match entry == entries {
            true => "infra".to_owned(),
            false => format!("service-{entry}"),
        };
        text += &format!("  - repository: acme-org/{name}\n    permissions:\n");
        for rule in 1..=rules {
            let branch = match (rule == rules, rule % 3) {
                (true, _) => "main",
                (_, 0) => "'^feature/.*$'",
                (_, 1) => "release",
                _ => "[staging, { glob: 'hotfix/**' }]",
            };
            text += &format!(
                "      - name: deploys {rule} of {name}\n        permission: {permission}\n        workflow: \
                 deploy-production.yml\n        branch: {branch}\n        environment: production\n"
            );
        }
    }
    text
}

/// What is measured, and what it needs.
pub(crate) struct Stage {
    pub(crate) github: GitHub,
    pub(crate) directory: Directory,
    pub(crate) server: Server,
    job: Job,
}

impl Stage {
    /// The permission of all requests.
    pub(crate) const PERMISSION: &str = "ws:deployments:create";

    /// Starts a server with a policy.
    pub(crate) fn start(binary: &Path, policy: &str) -> anyhow::Result<Self> {
        Self::start_at(|_| "127.0.0.1:0".to_owned(), binary, policy)
    }

    /// Starts a server with a policy that listens on a Unix socket.
    pub(crate) fn start_on_socket(binary: &Path, policy: &str) -> anyhow::Result<Self> {
        let socket = |directory: &Directory| format!("unix:{}", directory.path("socket").display());
        Self::start_at(socket, binary, policy)
    }

    fn start_at(
        listen: impl Fn(&Directory) -> String,
        binary: &Path,
        policy: &str,
    ) -> anyhow::Result<Self> {
        let github = GitHub::start()?;
        let directory = Directory::new()?;
        let listen = listen(&directory);
        directory.write("policy.yml", policy)?;
        let config = format!(
            "version: 1\nlisten: {listen}\nadmin: 127.0.0.1:0\nissuer: {}\naudience: {AUDIENCE}\nowners: \
             [{OWNER}]\npolicy: {{ file: policy.yml }}\n",
            github.issuer()
        );
        directory.write("server.yml", &config)?;
        let server = Server::start(binary, &directory.path("server.yml"))?;
        let repository = Repository::new("acme-org/infra", 123, OWNER);
        Ok(Self {
            github,
            directory,
            server,
            job: Job::push(&repository, "main")
                .with_workflow("deploy-production.yml")
                .with_environment("production"),
        })
    }

    /// Starts one more server with the same configuration.
    pub(crate) fn replica(&self, binary: &Path) -> anyhow::Result<Server> {
        Server::start(binary, &self.directory.path("server.yml"))
    }

    /// A token of the job that may, for the next minutes.
    pub(crate) fn token(&self) -> anyhow::Result<String> {
        self.github.mint_token(self.job.claims(), AUDIENCE)
    }

    /// A load of good requests.
    pub(crate) fn load(&self, pace: Pace) -> anyhow::Result<Load> {
        Ok(self.load_of(vec![request(&self.token()?)], pace))
    }

    /// A load of the same size to `/livez`, which does nothing: HTTP and the kernel alone.
    pub(crate) fn idle_load(&self, pace: Pace) -> anyhow::Result<Load> {
        Ok(Load {
            address: self.server.process.admin.clone(),
            ..self.load_of(vec![request_of("/livez", &self.token()?)], pace)
        })
    }

    /// A load of these requests.
    pub(crate) fn load_of(&self, requests: Vec<Vec<u8>>, pace: Pace) -> Load {
        Load {
            address: self.server.process.address.clone(),
            requests,
            connections: CONNECTIONS,
            pace,
        }
    }
}

/// The request of a proxy with a token.
pub(crate) fn request(token: &str) -> Vec<u8> {
    request_of(&format!("/v1/forward-auth/{}", Stage::PERMISSION), token)
}

fn request_of(path: &str, token: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: deploy.acme.example\r\nAuthorization: Bearer {token}\r\n\r\n"
    )
    .into_bytes()
}
