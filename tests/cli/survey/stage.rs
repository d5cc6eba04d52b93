//! A GitHub with an organisation, and the program in a directory of its own.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use simulator::GitHub;
use simulator::github::{GitHubBuilder, Level, Permissions, Repository};

pub const SHA: &str = "0123456789abcdef0123456789abcdef01234567";
/// What a job that asks needs.
pub const ALL: &str =
    "permissions: {id-token: write, contents: read, checks: write, statuses: write}";

pub struct Stage {
    pub github: GitHub,
    pub token: String,
    pub directory: PathBuf,
}

/// What the program said.
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// A workflow with one step that asks, on line 6.
pub fn asking(on: &str, permissions: &str, with: &str) -> String {
    format!(
        "on: {on}\n{permissions}\njobs:\n  deploy:\n    steps:\n      - uses: acme-org/repo-permissions@{SHA}\n        with: {{{with}}}\n"
    )
}

impl Stage {
    pub fn new(name: &str) -> Self {
        Self::on(name, GitHub::builder())
    }

    pub fn on(name: &str, builder: GitHubBuilder) -> Self {
        let github = builder.start().unwrap();
        let permissions = Permissions::none().with("contents", Level::Read);
        let token = github.add_token(&["acme-org"], permissions);
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("survey-{name}"));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory).unwrap();
        if let Some(authority) = github.ca_pem() {
            std::fs::write(directory.join("ca.pem"), authority).unwrap();
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
        std::fs::write(self.directory.join(file), text).unwrap();
    }

    /// The program, ready to survey `acme-org`.
    pub fn command(&self, arguments: &str) -> Command {
        let built = env!("CARGO_BIN_EXE_repo-permissions");
        // `.ci/run product` tests the program as it is released.
        let binary = std::env::var_os("SURVEY_BINARY").unwrap_or_else(|| built.into());
        let mut command = Command::new(binary);
        command
            .args(["survey", "acme-org"])
            .args(arguments.split_whitespace())
            .current_dir(&self.directory)
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

impl Run {
    pub fn of(command: &mut Command) -> Self {
        Self::from(command.output().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap()
    }

    /// What is printed, without the times.
    pub fn timeless(&self) -> String {
        timeless(&self.out)
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

pub fn timeless(text: &str) -> String {
    let time = regex::Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ").unwrap();
    time.replace_all(text, "TIME").into_owned()
}
