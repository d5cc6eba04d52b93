//! A release on a GitHub with TLS, and the actions of its tree, whose scripts run as the runner runs them.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use simulator::github::Repository;
use simulator::{GitHub, Job, Runner, StepResult};

use super::tree::VERSION;
use crate::support::directory::Directory;
use crate::support::program::BINARY;
use crate::support::{POLICY_PATH, root};

pub const ACTION: &str = "repo-permissions/repo-permissions";
const POLICY: &str = "\
version: 1
permissions:
  - permission: ws:deployments:create
    branch: main
";
/// What the scripts need of the machine.
const TOOLS: [&str; 11] = [
    "bash",
    "curl",
    "grep",
    "gzip",
    "mktemp",
    "rm",
    "sed",
    "sha256sum",
    "tar",
    "tr",
    "env",
];

/// The directories of an action that runs the release's program, and of what it shares with the other.
const DIRECTORIES: [&str; 2] = ["native", "setup"];

/// A release, a repository that uses it, and the actions as they stand in the release's tree.
pub struct Stage {
    pub github: GitHub,
    pub repository: Repository,
    directory: Directory,
    action: &'static str,
}

impl Stage {
    /// The release has the built program, and its `native` or `setup` is the action.
    pub fn new(action: &'static str) -> Self {
        Self::with_program(action, Path::new(BINARY))
    }

    /// The release has a program that only says that it was started.
    pub fn with_script(action: &'static str, script: &str) -> Self {
        let directory = Directory::new();
        program(&directory, "program", format!("#!/bin/bash\n{script}\n"));
        Self::with_program(action, &directory.path("program"))
    }

    pub fn with_program(action: &'static str, program: &Path) -> Self {
        let directory = Directory::new();
        let archive = archive(&directory.0, program);
        let name = format!("repo-permissions-{VERSION}-linux-x64.tar.gz");
        let github = GitHub::builder().tls(true).start().unwrap();
        let tag = format!("v{VERSION}");
        let release = Repository::new(ACTION, 77, 7).with_release_asset(&tag, &name, &*archive);
        github.add_repository(release);
        let repository = Repository::new("acme-org/infra", 123, 4567)
            .with_branch("feature/x")
            .with_file("main", POLICY_PATH, POLICY);
        github.add_repository(repository.clone());

        let stage = Self {
            github,
            repository,
            directory,
            action,
        };
        stage.copy_actions();
        let sum = analysis::sha256(&archive);
        let arm = "0".repeat(64);
        stage.write(
            "action/native/checksums.txt",
            &format!("{arm}  repo-permissions-{VERSION}-linux-arm64.tar.gz\n{sum}  {name}\n"),
        );
        stage.write("ca.pem", stage.github.ca_pem().unwrap());
        std::fs::create_dir(stage.path("bin")).unwrap();
        for tool in TOOLS {
            let found = Command::new("sh")
                .args(["-c", &format!("command -v {tool}")])
                .output();
            let found = String::from_utf8(found.unwrap().stdout).unwrap();
            symlink(found.trim(), stage.path("bin").join(tool)).unwrap();
        }
        stage
    }

    /// The release's server is the only thing that differs from the actions as they are published.
    fn copy_actions(&self) {
        let server = "RELEASE_SERVER: https://github.com\n";
        let own = format!("RELEASE_SERVER: {}\n", self.github.server_url());
        for directory in DIRECTORIES {
            for file in std::fs::read_dir(root().join(directory)).unwrap() {
                let name = file.unwrap().file_name().into_string().unwrap();
                let text = std::fs::read_to_string(root().join(directory).join(&name)).unwrap();
                let is_action = usize::from(name == "action.yml");
                assert_eq!(
                    text.matches(server).count(),
                    is_action,
                    "{directory}/{name}"
                );
                self.write(
                    &format!("action/{directory}/{name}"),
                    &text.replace(server, &own),
                );
            }
        }
    }

    pub fn action_file(&self) -> PathBuf {
        self.path(&format!("action/{}/action.yml", self.action))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        self.directory.write(name, text);
    }

    pub fn program(&self, name: &str, script: &str) {
        program(&self.directory, name, script);
    }

    /// On a machine that has the tools of `bin` and knows the authority of this GitHub.
    pub fn run_as(&self, job: Job, inputs: &[(&str, &str)]) -> StepResult {
        let job = job
            .with_earlier_env("PATH", self.path("bin").to_str().unwrap())
            .with_earlier_env("CURL_CA_BUNDLE", self.path("ca.pem").to_str().unwrap());
        Runner::composite(&self.action_file())
            .unwrap()
            .trusting(&self.github)
            .run(&self.github, &job, inputs)
            .unwrap()
    }

    pub fn run(&self, inputs: &[(&str, &str)]) -> StepResult {
        self.run_as(Job::push(&self.repository, "main"), inputs)
    }

    /// Runs a step that has to end without a program, and says why in one annotation.
    pub fn refused(&self, why: &str) -> StepResult {
        let step = self.run(&[]);
        assert_eq!(step.exit_code(), Some(2), "{}{}", step.stdout, step.stderr);
        let errors = step.annotations().iter().filter(|one| one.level == "error");
        let messages: Vec<&str> = errors.map(|one| one.message.as_str()).collect();
        assert!(
            messages.len() == 1 && messages[0].contains(why),
            "{messages:?}"
        );
        let page = concat!(env!("CARGO_PKG_HOMEPAGE"), "/native.html");
        assert!(messages[0].ends_with(page), "{messages:?}");
        assert_eq!(step.output("message"), messages[0]);
        assert!(!step.stdout.contains("started"), "{}", step.stdout);
        step
    }
}

/// Writes a file that can be started.
pub fn program(directory: &Directory, name: &str, text: impl AsRef<[u8]>) {
    let path = directory.path(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    simulator::write_program(&path, text).unwrap();
}

pub fn archive(directory: &Path, program: &Path) -> Vec<u8> {
    let files = directory.join("files");
    std::fs::create_dir(&files).unwrap();
    std::fs::copy(program, files.join("repo-permissions")).unwrap();
    let packed = Command::new("tar")
        .args(["--create", "--use-compress-program=gzip -1", "--directory"])
        .arg(files)
        .arg("repo-permissions")
        .output()
        .unwrap();
    assert!(packed.status.success());
    packed.stdout
}
