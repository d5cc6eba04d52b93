//! A GitHub with an organisation, and the program in a directory of its own.

use std::process::{Command, Stdio};

use simulator::GitHub;
use simulator::github::{GitHubBuilder, Level, Permissions, Repository};

use crate::support::directory::Directory;
use crate::support::program::{Run, binary};

pub const SHA: &str = "0123456789abcdef0123456789abcdef01234567";
/// What a job that asks needs.
pub const ALL: &str =
    "permissions: {id-token: write, contents: read, checks: write, statuses: write}";

pub struct Stage {
    pub github: GitHub,
    pub token: String,
    pub directory: Directory,
}

/// A workflow with one step that asks, on line 6.
pub fn asking(on: &str, permissions: &str, with: &str) -> String {
    format!(
        "on: {on}\n{permissions}\njobs:\n  deploy:\n    steps:\n      - uses: acme-org/repo-permissions@{SHA}\n        with: {{{with}}}\n"
    )
}

impl Stage {
    pub fn new() -> Self {
        Self::on(GitHub::builder())
    }

    pub fn on(builder: GitHubBuilder) -> Self {
        let github = builder.start().unwrap();
        let permissions = Permissions::none().with("contents", Level::Read);
        let token = github.add_token(&["acme-org"], permissions);
        let directory = Directory::new();
        if let Some(authority) = github.ca_pem() {
            directory.write("ca.pem", authority);
        }
        Self {
            github,
            token,
            directory,
        }
    }

    /// A private repository of `acme-org` with these workflow files.
    pub fn repository(&self, name: &str, id: u64, files: &[(&str, &str)]) {
        let repository = Repository::new(&format!("acme-org/{name}"), id, 7).private();
        let repository = files.iter().fold(repository, |repository, (file, text)| {
            repository.with_file("main", &format!(".github/workflows/{file}"), *text)
        });
        self.github.add_repository(repository);
    }

    pub fn write(&self, file: &str, text: &str) {
        self.directory.write(file, text);
    }

    /// The program, ready to survey `acme-org`.
    pub fn command(&self, arguments: &str) -> Command {
        // `.ci/run product` tests the program as it is released.
        let mut command = Command::new(binary("SURVEY_BINARY"));
        command
            .args(["survey", "acme-org"])
            .args(arguments.split_whitespace())
            .current_dir(&self.directory.0)
            .stdin(Stdio::null())
            .env_clear()
            .env("GITHUB_API_URL", self.github.api_url())
            .env("GITHUB_TOKEN", &self.token);
        if self.github.ca_pem().is_some() {
            command.args(["--ca-bundle", "ca.pem"]);
        }
        command
    }

    pub fn run(&self, arguments: &str) -> Run {
        Run::of(&mut self.command(arguments))
    }
}

/// What is printed, without the times.
pub fn timeless(text: &str) -> String {
    let time = regex::Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ").unwrap();
    time.replace_all(text, "TIME").into_owned()
}
