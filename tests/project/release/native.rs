//! The native action, with its script run as the runner runs it, and a release on a GitHub with TLS.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use simulator::github::{Endpoint, Repository};
use simulator::{GitHub, Job, Runner, StepResult};

use super::tree::VERSION;
use crate::support::directory::Directory;
use crate::support::program::BINARY;
use crate::support::{POLICY_PATH, root};

const ACTION: &str = "repo-permissions/repo-permissions";
const POLICY: &str = "\
version: 1
permissions:
  - permission: ws:deployments:create
    branch: main
";
/// What the script needs of the machine.
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

/// A release, a repository that uses it, and the action as it stands in the release's tree.
struct Stage {
    github: GitHub,
    repository: Repository,
    directory: Directory,
}

impl Stage {
    /// The release has the built program.
    fn new() -> Self {
        Self::with_program(Path::new(BINARY))
    }

    /// The release has a program that only says that it was started.
    fn with_script(script: &str) -> Self {
        let directory = Directory::new();
        program(&directory, "program", format!("#!/bin/bash\n{script}\n"));
        Self::with_program(&directory.path("program"))
    }

    fn with_program(program: &Path) -> Self {
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

        // The release's server is the only thing that differs from the action as it is published.
        let stage = Self {
            github,
            repository,
            directory,
        };
        let action = std::fs::read_to_string(root().join("native/action.yml")).unwrap();
        let server = "RELEASE_SERVER: https://github.com\n";
        assert_eq!(action.matches(server).count(), 1);
        let own = format!("RELEASE_SERVER: {}\n", stage.github.server_url());
        stage.write("action/action.yml", &action.replace(server, &own));
        std::fs::copy(root().join("native/run.sh"), stage.path("action/run.sh")).unwrap();
        let sum = analysis::sha256(&archive);
        let arm = "0".repeat(64);
        stage.write(
            "action/checksums.txt",
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

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path(name)
    }

    fn write(&self, name: &str, text: &str) {
        self.directory.write(name, text);
    }

    fn program(&self, name: &str, script: &str) {
        program(&self.directory, name, script);
    }

    /// On a machine that has the tools of `bin` and knows the authority of this GitHub.
    fn run_as(&self, job: Job, inputs: &[(&str, &str)]) -> StepResult {
        let job = job
            .with_earlier_env("PATH", self.path("bin").to_str().unwrap())
            .with_earlier_env("CURL_CA_BUNDLE", self.path("ca.pem").to_str().unwrap());
        Runner::composite(&self.path("action/action.yml"))
            .unwrap()
            .trusting(&self.github)
            .run(&self.github, &job, inputs)
            .unwrap()
    }

    fn run(&self, inputs: &[(&str, &str)]) -> StepResult {
        self.run_as(Job::push(&self.repository, "main"), inputs)
    }

    fn refused(&self, why: &str) {
        let step = self.run(&[("permission", "ws:deployments:create")]);
        assert_eq!(step.exit_code(), Some(2), "{}{}", step.stdout, step.stderr);
        let annotations: Vec<&str> = step
            .annotations()
            .iter()
            .filter(|one| one.level == "error")
            .map(|one| one.message.as_str())
            .collect();
        assert!(
            annotations.len() == 1 && annotations[0].contains(why),
            "{annotations:?}"
        );
        let page = concat!(env!("CARGO_PKG_HOMEPAGE"), "/native.html");
        assert!(annotations[0].ends_with(page), "{annotations:?}");
        assert_eq!(
            (step.output("decision"), step.output("allowed")),
            ("error", "false")
        );
        assert_eq!(step.output("message"), annotations[0]);
        assert!(!step.stdout.contains("started"), "{}", step.stdout);
    }
}

/// Writes a file that can be started.
fn program(directory: &Directory, name: &str, text: impl AsRef<[u8]>) {
    directory.write(name, text);
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(directory.path(name), mode).unwrap();
}

fn archive(directory: &Path, program: &Path) -> Vec<u8> {
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

#[test]
fn it_decides_and_reports_as_the_container_does() {
    let stage = Stage::new();
    let inputs = [
        ("permission", "ws:deployments:create"),
        ("check-name", "May it deploy?"),
    ];
    let allowed = stage.run(&inputs);
    assert_eq!(
        allowed.exit_code(),
        Some(0),
        "{}{}",
        allowed.stdout,
        allowed.stderr
    );
    let outputs = ["decision", "allowed", "reason", "rule"].map(|name| allowed.output(name));
    let rule = ".github/repo-permissions.yml:3";
    assert_eq!(outputs, ["allowed", "true", "granted", rule]);
    assert!(
        allowed.stdout.contains("checksum verified"),
        "{}",
        allowed.stdout
    );

    let denied = stage.run_as(Job::push(&stage.repository, "feature/x"), &inputs);
    assert_eq!(
        denied.exit_code(),
        Some(1),
        "{}{}",
        denied.stdout,
        denied.stderr
    );
    assert_eq!(denied.output("reason"), "no_rule_matches");

    let names: Vec<String> = stage
        .github
        .check_runs()
        .iter()
        .map(|run| run.name.clone())
        .collect();
    assert_eq!(names, ["May it deploy?", "May it deploy?"]);
    // The download is redirected, as github.com does.
    assert_eq!(stage.github.requests_to(Endpoint::ReleaseAsset).len(), 4);
}

/// bash drops no variable that it cannot name itself, and no text of an input is run.
#[test]
fn every_input_reaches_the_program_as_it_is() {
    let stage = Stage::with_script("exec env -0");
    let declared = Runner::composite(&stage.path("action/action.yml")).unwrap();
    let values: Vec<(String, String)> = declared
        .action()
        .inputs
        .iter()
        .map(|input| {
            let value = format!("{} $(exit 9) `exit 9` \"'\n;exit 9", input.name);
            (input.name.clone(), value)
        })
        .collect();
    assert!(values.len() >= 19);
    let inputs: Vec<(&str, &str)> = values
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let step = stage.run(&inputs);
    assert_eq!(step.exit_code(), Some(0), "{}{}", step.stdout, step.stderr);
    // After the script's own line.
    let (_, environment) = step.stdout.split_once('\n').unwrap();
    let variables: Vec<&str> = environment.split('\0').collect();
    for (name, value) in &values {
        let expected = format!("{}={value}", simulator::runner::input_variable(name));
        assert!(variables.contains(&expected.as_str()), "{name}");
    }
    // What only the script needs.
    assert!(!environment.contains("ATTESTATION_TOKEN"));
}

#[test]
fn what_is_not_the_release_is_refused() {
    let stage = Stage::with_script("echo started");
    let sums = std::fs::read_to_string(stage.path("action/checksums.txt")).unwrap();
    let name = format!("repo-permissions-{VERSION}-linux-x64.tar.gz");
    let tag = format!("v{VERSION}");
    let put = |content: &[u8]| {
        let release = Repository::new(ACTION, 77, 7).with_release_asset(&tag, &name, content);
        stage.github.add_repository(release);
    };

    // A replaced asset: a well-formed archive with another program.
    let other = Directory::new();
    put(&archive(&other.0, Path::new("/bin/echo")));
    stage.refused("it is not what was released");
    put(b"<html>not found</html>");
    stage.refused("it is not what was released");
    stage.github.add_repository(Repository::new(ACTION, 77, 7));
    stage.refused("cannot be downloaded");

    // A machine that the release has no program for: its name is not part of another one.
    stage.write(
        "action/checksums.txt",
        &sums.replace("-linux-x64.", "-linux-x64x."),
    );
    stage.refused("this release has no program for `linux-x64`, only: linux-arm64 linux-x64x");
    std::fs::remove_file(stage.path("action/checksums.txt")).unwrap();
    stage.refused("this commit of the action is not a release");
}

/// Exit code 1 would say that a policy denied.
#[test]
fn what_fails_on_the_way_is_an_error_with_outputs() {
    let name = format!("repo-permissions-{VERSION}-linux-x64.tar.gz");
    for (tool, why) in [
        ("mktemp", "takes no directory for"),
        ("tar", "cannot be unpacked"),
        // None that the script asks about.
        ("tr", "could not be fetched: the log says above what failed"),
        ("sha256sum", "could not be fetched: the log says above"),
    ] {
        let stage = Stage::with_script("echo started");
        std::fs::remove_file(stage.path("bin").join(tool)).unwrap();
        stage.program(&format!("bin/{tool}"), "#!/bin/bash\nexit 1\n");
        stage.refused(why);
    }

    // Of another machine, or in a directory without the right to execute.
    let other = Directory::new();
    program(&other, "program", b"\x7fELF\0");
    let stage = Stage::with_program(&other.path("program"));
    stage.refused(&format!("the program of `{name}` does not start"));
}

#[test]
fn the_attestation_is_verified_where_gh_can() {
    let stage = Stage::with_script("echo started");
    let seen = stage.path("seen");
    // Stands for GitHub's command line: what it is asked for, and both of its answers.
    let gh = |code: u8| {
        let seen = seen.display();
        format!(
            "#!/bin/bash\necho \"$GH_TOKEN $*\" >>{seen}\ncase $* in *--help) echo ' --source-ref string'; exit 0;; esac\nexit {code}\n"
        )
    };
    stage.program("bin/gh", &gh(0));
    let step = stage.run(&[("permission", "ws:deployments:create")]);
    assert_eq!(step.exit_code(), Some(0), "{}{}", step.stdout, step.stderr);
    assert!(
        step.stdout.contains("checksum and attestation verified"),
        "{}",
        step.stdout
    );
    assert!(step.stdout.contains("started"), "{}", step.stdout);
    let asked = std::fs::read_to_string(&seen).unwrap();
    let last = asked.lines().last().unwrap();
    let (token, arguments) = last.split_once(' ').unwrap();
    assert!(token.starts_with("ghs_"), "{last}");
    assert_eq!(
        arguments,
        format!(
            "attestation verify program.tar.gz --repo {ACTION} --signer-workflow {ACTION}/.github/workflows/release.yml \
             --source-ref refs/heads/main --deny-self-hosted-runners"
        )
    );

    stage.program("bin/gh", &gh(1));
    let step = stage.run(&[("permission", "ws:deployments:create")]);
    assert_eq!(step.exit_code(), Some(2), "{}{}", step.stdout, step.stderr);
    assert!(step.output("message").contains("could not be verified"));
    assert!(!step.stdout.contains("started"), "{}", step.stdout);

    // Too old for attestations, or for the branch in them: said, and the checksum decides.
    for old in ["exit 1", "echo ' --signer-workflow string'"] {
        stage.program("bin/gh", &format!("#!/bin/bash\n{old}\n"));
        let step = stage.run(&[("permission", "ws:deployments:create")]);
        assert_eq!(step.exit_code(), Some(0), "{}{}", step.stdout, step.stderr);
        let [warning] = step.annotations() else {
            panic!("{}", step.stdout);
        };
        assert_eq!(warning.level, "warning");
        assert!(warning.message.contains("its attestation was not"));
    }
}
