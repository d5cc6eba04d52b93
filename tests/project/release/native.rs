//! The native action, whose script runs as the runner runs it.

use std::path::Path;

use simulator::github::{Endpoint, Repository};
use simulator::{Job, Runner};

use super::stage::{ACTION, Stage, archive, program};
use super::tree::VERSION;
use crate::support::directory::Directory;

/// A step that ends without a program: nothing is granted.
fn refused(stage: &Stage, why: &str) {
    let step = stage.refused(why);
    let outputs = ["decision", "allowed"].map(|name| step.output(name));
    assert_eq!(outputs, ["error", "false"]);
}

#[test]
fn it_decides_and_reports_as_the_container_does() {
    let stage = Stage::new("native");
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
    let stage = Stage::with_script("native", "exec env -0");
    let declared = Runner::composite(&stage.action_file()).unwrap();
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
    let stage = Stage::with_script("native", "echo started");
    let sums = std::fs::read_to_string(stage.path("action/native/checksums.txt")).unwrap();
    let name = format!("repo-permissions-{VERSION}-linux-x64.tar.gz");
    let tag = format!("v{VERSION}");
    let put = |content: &[u8]| {
        let release = Repository::new(ACTION, 77, 7).with_release_asset(&tag, &name, content);
        stage.github.add_repository(release);
    };

    // A replaced asset: a well-formed archive with another program.
    let other = Directory::new();
    put(&archive(&other.0, Path::new("/bin/echo")));
    refused(&stage, "it is not what was released");
    put(b"<html>not found</html>");
    refused(&stage, "it is not what was released");
    stage.github.add_repository(Repository::new(ACTION, 77, 7));
    refused(&stage, "cannot be downloaded");

    // A machine that the release has no program for: its name is not part of another one.
    stage.write(
        "action/native/checksums.txt",
        &sums.replace("-linux-x64.", "-linux-x64x."),
    );
    refused(
        &stage,
        "this release has no program for `linux-x64`, only: linux-arm64 linux-x64x",
    );
    std::fs::remove_file(stage.path("action/native/checksums.txt")).unwrap();
    refused(&stage, "this commit of the action is not a release");
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
        let stage = Stage::with_script("native", "echo started");
        std::fs::remove_file(stage.path("bin").join(tool)).unwrap();
        stage.program(&format!("bin/{tool}"), "#!/bin/bash\nexit 1\n");
        refused(&stage, why);
    }

    // Of another machine, or in a directory without the right to execute.
    let other = Directory::new();
    program(&other, "program", b"\x7fELF\0");
    let stage = Stage::with_program("native", &other.path("program"));
    refused(&stage, &format!("the program of `{name}` does not start"));
}

#[test]
fn the_attestation_is_verified_where_gh_can() {
    let stage = Stage::with_script("native", "echo started");
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
