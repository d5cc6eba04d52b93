//! Steps: what a binary is given and what is made of what it leaves.
//! Shell scripts stand for the action.

use std::time::Duration;

use simulator::github::Repository;
use simulator::runner::{Exit, FileCommands, PullRequest, Signal};
use simulator::show::Part;
use simulator::{GitHub, Job, Runner, StepResult};

fn script(text: &str) -> Runner {
    Runner::new("/bin/sh").arguments(&["-c", text])
}

fn repository() -> Repository {
    Repository::new("acme/infra", 1, 10)
}

fn step(runner: &Runner, inputs: &[(&str, &str)]) -> StepResult {
    let github = GitHub::start().unwrap();
    runner
        .run(&github, &Job::push(&repository(), "main"), inputs)
        .unwrap()
}

#[test]
fn a_step_is_given_what_the_runner_gives() {
    // Not through a shell: dash drops variables with a hyphen.
    let runner = Runner::new("/usr/bin/env").input("token", "${{ github.token }}");
    let result = step(&runner, &[("audit-log", "a.jsonl")]);
    let has = |line: &str| result.stdout.lines().any(|other| other.starts_with(line));
    for line in [
        "INPUT_AUDIT-LOG=a.jsonl",
        "INPUT_TOKEN=ghs_",
        "GITHUB_REPOSITORY=acme/infra",
        "GITHUB_REF=refs/heads/main",
        "GITHUB_OUTPUT=/",
        "ACTIONS_ID_TOKEN_REQUEST_URL=http://127.0.0.1:",
        "RUNNER_ENVIRONMENT=github-hosted",
        "CI=true",
    ] {
        assert!(has(line), "{line} in {}", result.stdout);
    }
    assert!(!has("CARGO"), "the test's own environment must not leak");
}

#[test]
fn a_step_starts_in_the_workspace_and_finds_the_event() {
    let runner = script("cat policy.yml \"$GITHUB_EVENT_PATH\"");
    let result = step(&runner.workspace_file("policy.yml", "version: 1\n"), &[]);
    let event = result.stdout.strip_prefix("version: 1\n").unwrap();
    let event: serde_json::Value = serde_json::from_str(event).unwrap();
    assert_eq!(event["repository"]["id"], 1);
    assert_eq!(event["ref"], "refs/heads/main");
}

#[test]
fn a_fork_has_no_token_endpoint() {
    let runner = script("env");
    let github = GitHub::start().unwrap();
    let pull = PullRequest::fork(&repository(), 7, "evil/infra", 666, "main");
    let job = Job::pull_request(&repository(), pull);
    let result = runner.run(&github, &job, &[]).unwrap();
    assert!(!result.stdout.contains("ACTIONS_ID_TOKEN_REQUEST"));
}

#[test]
fn what_a_step_leaves_is_read() {
    let runner = script(
        "printf 'a=1\\nb<<E\\nx\\ny\\nE\\na=2\\n' >> \"$GITHUB_OUTPUT\"\n\
         echo '# Summary' >> \"$GITHUB_STEP_SUMMARY\"\n\
         echo '::add-mask::hidden'\n\
         echo 'a hidden word'\n\
         echo '::warning file=f,line=3::careful' >&2\n\
         printf 'branch x\\r##[set-output name=c]3\\n'\n\
         exit 1",
    );
    let result = step(&runner, &[]);
    assert_eq!((result.exit_code(), result.succeeded()), (Some(1), false));
    assert_eq!(
        (result.output("a"), result.output("b"), result.output("c")),
        ("2", "x\ny", "3")
    );
    assert_eq!(result.summary, "# Summary\n");
    assert_eq!(result.masks(), ["hidden"]);
    assert!(result.places_with("hidden").is_empty());
    assert_eq!(result.annotations().len(), 1);
    assert!(result.env.is_empty() && result.path.is_empty() && result.state.is_empty());
}

#[test]
fn a_broken_output_file_fails_the_step() {
    let runner = script("printf 'a=1\\nb<<E\\n' >> \"$GITHUB_OUTPUT\"");
    let result = step(&runner, &[]);
    assert_eq!(
        (result.exit_code(), result.succeeded(), result.output("a")),
        (Some(0), false, "1")
    );
    assert!(result.runner_errors[0].contains("Matching delimiter not found 'E'"));
}

#[test]
fn file_commands_can_be_unusable() {
    let runner = script("echo a=1 >> \"$GITHUB_OUTPUT\" || exit 7");
    for kind in [
        FileCommands::Missing,
        FileCommands::Directories,
        FileCommands::Full,
        FileCommands::Unset,
    ] {
        let result = step(&runner.clone().file_commands(kind), &[]);
        assert_ne!(result.exit_code(), Some(0), "{kind:?}");
        assert!(result.outputs.is_empty(), "{kind:?}");
    }
}

#[test]
fn a_large_summary_is_not_uploaded() {
    let runner = script("head -c 1048577 /dev/zero >> \"$GITHUB_STEP_SUMMARY\"");
    assert!(step(&runner, &[]).summary_aborted);
}

#[test]
fn steps_are_interrupted_and_killed() {
    let patient = script("trap 'echo stopped; exit 9' TERM\nwhile :; do sleep 0.05; done");
    let signal = patient
        .clone()
        .signal_after(Signal::Terminate, Duration::from_millis(300));
    let result = step(&signal, &[]);
    assert_eq!(
        (result.exit, result.last_line()),
        (Exit::Code(9), "stopped")
    );
    let killed = step(&patient.limit(Duration::from_millis(200)), &[]);
    assert_eq!(killed.exit, Exit::TimedOut);
}

#[test]
fn the_page_shows_everything() {
    let runner = script("echo hello; echo allowed=true >> \"$GITHUB_OUTPUT\"");
    let github = GitHub::start().unwrap();
    let result = runner
        .run(&github, &Job::push(&repository(), "main"), &[])
        .unwrap();
    let mut page = Vec::new();
    simulator::show::step(&mut page, &github, &result, &Part::ALL).unwrap();
    let page = String::from_utf8(page).unwrap();
    assert!(
        page.contains("hello") && page.contains("allowed = true") && page.contains("exit code 0")
    );
}
