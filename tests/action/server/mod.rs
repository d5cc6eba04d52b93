//! The input `server`: a server decides, and the step reports.

mod decisions;
mod false_servers;
mod inputs;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use simulator::gateway::ServerProcess;
use simulator::{GitHub, Job, Receiver, StepResult};

use crate::support::directory::Directory;
use crate::support::program::BINARY;
use crate::support::{Stage, repository, root, runner};

const DEPLOY: &str = "ws:deployments:create";
const CENTRAL: &str = "\
version: 1
workspace: acme
repositories:
  - repository: acme-org/infra
    permissions:
      - name: production deploys
        permission: ws:deployments:create
        workflow: deploy-production.yml
        branch: main
        environment: [production, staging]
      - permission: ws:locks:create
        branch: main
";

/// The built server: the one of `SERVER_BINARY`, or the one beside the action, which cargo builds if it is missing.
fn server_binary() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let beside = Path::new(BINARY).with_file_name("repo-permissions-server");
        let given = std::env::var_os("SERVER_BINARY").map(PathBuf::from);
        let binary = given.unwrap_or(beside);
        if !binary.exists() {
            let target = binary.ancestors().nth(2).unwrap();
            let mut build = Command::new(env!("CARGO"));
            build
                .current_dir(root())
                .args(["build", "--bin", "repo-permissions-server", "--target-dir"])
                .arg(target);
            assert!(build.status().unwrap().success());
        }
        binary
    })
}

/// A GitHub, a server with a central policy that no job may read, and a proxy before it.
struct Gate {
    stage: Stage,
    front: Receiver,
    server: ServerProcess,
    directory: Directory,
}

impl Gate {
    fn start(more: &str) -> Self {
        Self::with(CENTRAL, more, false)
    }

    fn with(policy: &str, more: &str, tls: bool) -> Self {
        let github = GitHub::start().unwrap();
        let repository = repository();
        github.add_repository(repository.clone());
        let front = Receiver::start(tls).unwrap();
        let directory = Directory::new();
        directory.write("policy.yml", policy);
        let config = format!(
            "version: 1\nlisten: 127.0.0.1:0\nadmin: 127.0.0.1:0\nissuer: {}\naudience: {}\nowners: [4567]\n\
             policy: {{ file: policy.yml }}\n{more}",
            github.issuer(),
            front.origin()
        );
        directory.write("server.yml", config);
        let server = ServerProcess::start(server_binary(), &directory.path("server.yml")).unwrap();
        front.ask_server(&server.address);
        let runner = runner().trusting_authority(front.ca_pem());
        Self {
            stage: Stage {
                github,
                repository,
                runner,
            },
            front,
            server,
            directory,
        }
    }

    /// The job that may deploy.
    fn deploy(&self) -> Job {
        self.stage.push().with_environment("production")
    }

    /// The same job where it may not.
    fn feature(&self) -> Job {
        Job::push(&self.stage.repository, "feature/x")
            .with_workflow("deploy-production.yml")
            .with_environment("production")
    }

    fn run(&self, job: &Job, permission: &str, more: &[(&str, &str)]) -> StepResult {
        let server = self.front.origin();
        let inputs = [&[("permission", permission), ("server", &*server)], more].concat();
        self.stage.run(job, &inputs)
    }

    fn ask(&self, job: &Job) -> StepResult {
        self.run(job, DEPLOY, &[])
    }

    /// `decided by HOST`.
    fn decided_by(&self) -> String {
        format!("decided by {}", self.front.address())
    }
}
