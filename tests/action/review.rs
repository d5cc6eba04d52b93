//! `review: true`: a pull request's change of the policy, reviewed by the whole program.

use std::fmt::Write as _;
use std::time::Duration;

use crate::support::{
    APP_CLIENT_ID, ATMOS_PRO as OLD, CASES_PATH, POLICY_PATH as PATH, Stage, assert_outcome,
    repository,
};
use insta::assert_snapshot;
use simulator::github::{
    APP_PRIVATE_KEY_PKCS1, CheckRun, Endpoint, Fault, FaultRule, Level, Permissions, Repository,
};
use simulator::runner::{PullRequest, Signal};
use simulator::{Job, StepResult};

const ASK: (&str, &str) = ("permission", "ws:affected_stacks:create");
const REVIEW: (&str, &str) = ("review", "true");
const NAME: &str = "Repository permissions: policy review";

/// More branches; one of them as a glob that is a regex; one lock less.
const NEW: &str = r#"version: 1
permissions:
  - name: affected stacks
    permission: ws:affected_stacks:create
    branch: "^(main|develop|feature/.*)$"
  - name: production deploys
    permission: ws:deployments:create
    workflow: deploy-production.yml
    branch: [main, "release/*"]
    environment: production
  - permission: ws:locks:create
    branch: main
"#;
const CASES: &str = "
policy: repo-permissions.yml
tests:
  - name: a feature branch has affected stacks
    permission: ws:affected_stacks:create
    context: { repository: acme-org/infra, workflow: plan.yml, branch: feature/x }
    expect: allowed
  - name: a release branch deploys
    permission: ws:deployments:create
    claims_file: release.json
    expect: allowed
";
const CLAIMS: &str = r#"{"repository": "acme-org/infra", "ref": "refs/heads/release/1.0", "environment": "production",
    "workflow_ref": "acme-org/infra/.github/workflows/deploy-production.yml@refs/heads/release/1.0"}"#;

/// A repository whose branch `feature/x` has these files.
fn stage(files: &[(&str, &str)]) -> Stage {
    let repository = repository().with_file("main", PATH, OLD);
    Stage::with_repository(with_files(repository, "feature/x", files))
}

fn with_files(repository: Repository, branch: &str, files: &[(&str, &str)]) -> Repository {
    let files = files.iter();
    files.fold(repository, |repository, (path, text)| {
        repository.with_file(branch, path, *text)
    })
}

fn pull_request(stage: &Stage) -> PullRequest {
    PullRequest::same_repository(&stage.repository, 7, "feature/x")
}

fn reviewed(stage: &Stage) -> (StepResult, Option<CheckRun>) {
    let job = Job::pull_request(&stage.repository, pull_request(stage));
    let step = stage.run(&job, &[ASK, REVIEW]);
    (step, review_of(stage))
}

fn review_of(stage: &Stage) -> Option<CheckRun> {
    let runs = stage.github.check_runs();
    let mut runs = runs.into_iter().filter(|run| run.name == NAME);
    let run = runs.next();
    assert!(runs.next().is_none(), "two reviews");
    run
}

/// Conclusion, title, annotations and page.
fn shown(run: &CheckRun) -> String {
    let mut text = format!("{}: {}\n", run.conclusion.as_deref().unwrap(), run.title);
    for note in &run.annotations {
        let _ = writeln!(
            text,
            "{}:{} {} {}: {}",
            note.path, note.start_line, note.level, note.title, note.message
        );
    }
    format!("{text}\n{}", run.summary)
}

#[test]
fn a_change_of_the_policy_is_reviewed_and_never_decides() {
    let stage = stage(&[
        (PATH, NEW),
        (CASES_PATH, CASES),
        (".github/release.json", CLAIMS),
        (".github/other.tests.yml", "policy: other.yml\ntests: []\n"),
        (".github/workflows/deploy-production.yaml", "on: push"),
    ]);
    let (step, run) = reviewed(&stage);
    // The pull request's policy would allow this branch; the one in force does not.
    assert_outcome(&stage, &step, "denied", "no_rule_matches");
    let run = run.unwrap();
    assert_eq!(run.head_sha, pull_request(&stage).head_sha.as_str());
    assert_snapshot!(shown(&run), @r#"
    failure: access widens (3 changes) and narrows (1 change); 2 warnings; 1 of 2 cases fails; invalid test files
    .github/repo-permissions.tests.yml:8 failure case `a release branch deploys` fails: expected allowed, got denied (no_rule_matches): `ws:deployments:create` is denied: rule 2 (`production deploys`, line 6) needs branch `main` or `release/*`; this job has `release/1.0`; `release/*` would match as a glob: write `{ glob: "release/*" }`
    .github/other.tests.yml:2 failure the cases cannot run: .github/other.tests.yml:2:1: `tests` has no case
    .github/repo-permissions.yml:9 warning glob-like: the regex `release/*` looks like a glob: its `*` repeats the character before it (write `{ glob: "release/*" }`, or the regex `"release/[^/]*"`)
    .github/repo-permissions.yml:5 warning access widens: any workflow on `^(main|develop|feature/.*)$` may now use `ws:affected_stacks:create` (in part as before; new for example: branch `feature/x`, event `push`)
    .github/repo-permissions.yml:9 warning access widens: `deploy-production.yml` on `release/*` in environment `production` may now use `ws:deployments:create` (for example: workflow `deploy-production.yml`, branch `release`, environment `production`, event `push`)
    .github/repo-permissions.yml:9 warning access widens: `deploy-production.yml` on `main` in pull requests in environment `production` may now use `ws:deployments:create` (in part as before; new for example: workflow `deploy-production.yml`, branch `main`, base `release`, environment `production`, event `pull_request`)
    .github/repo-permissions.yml:5 notice redundant-anchor: the `^` and `$` of `^(main|develop|feature/.*)$` change nothing: a pattern matches the whole value (write `(main|develop|feature/.*)`)
    .github/repo-permissions.yml:11 notice access narrows: any workflow on `main` may no longer use `ws:locks:delete` (for example: branch `main`, event `push`)

    ### ⛔ The review found errors

    Access widens (3 changes) and narrows (1 change); 2 warnings; 1 of 2 cases fails; invalid test files.

    This is a review of `.github/repo-permissions.yml` as the pull request changes it. The policy of the default branch stays in force until the pull request is merged.

    #### Access

    **The policy's own repository**

    - 🔓 **more:** any workflow on `^(main|develop|feature/.*)$` may now use `ws:affected_stacks:create`  
      rule 1 (`affected stacks`, line 3); in part as before; new for example: branch `feature/x`, event `push`
    - 🔓 **more:** `deploy-production.yml` on `release/*` in environment `production` may now use `ws:deployments:create`  
      rule 2 (`production deploys`, line 6); for example: workflow `deploy-production.yml`, branch `release`, environment `production`, event `push`
    - 🔓 **more:** `deploy-production.yml` on `main` in pull requests in environment `production` may now use `ws:deployments:create`  
      rule 2 (`production deploys`, line 6); in part as before; new for example: workflow `deploy-production.yml`, branch `main`, base `release`, environment `production`, event `pull_request`
    - 🔒 **less:** any workflow on `main` may no longer use `ws:locks:delete`  
      formerly rule 3 (line 11); for example: branch `main`, event `push`

    #### Lint

    | | Line | Finding | What to do |
    |---|---|---|---|
    | ℹ️ note | 5 | the `^` and `$` of `^(main\|develop\|feature/.*)$` change nothing: a pattern matches the whole value (`redundant-anchor`) | write `(main\|develop\|feature/.*)` |
    | ⚠️ warning | 9 | the regex `release/*` looks like a glob: its `*` repeats the character before it (`glob-like`) | write `{ glob: "release/*" }`, or the regex `"release/[^/]*"` |

    1 more on other lines; `repo-permissions lint` shows all.

    #### Tests

    - ❌ .github/other.tests.yml:2:1: `tests` has no case

    | Case | Location | Expected | Got | Why |
    |---|---|---|---|---|
    | `a release branch deploys` | `.github/repo-permissions.tests.yml:8` | `allowed` | `denied (no_rule_matches)` | `ws:deployments:create` is denied: rule 2 (`production deploys`, line 6) needs branch `main` or `release/*`; this job has `release/1.0`; `release/*` would match as a glob: write `{ glob: "release/*" }` |

    1 of 2 cases passes.

    No case matches 2 of 3 rules: line 6, 11.
    "#);
    assert!(step.summary.contains(&run.summary));
    assert_eq!(stage.github.check_runs().len(), 2);
}

#[test]
fn a_change_that_only_narrows_is_a_success() {
    let narrow = OLD.replace(
        "branch: main\n    environment",
        "branch: main\n    events: [push]\n    environment",
    );
    let (_, run) = reviewed(&stage(&[(PATH, &narrow)]));
    assert_snapshot!(shown(&run.unwrap()), @"
    success: access narrows (1 change)
    .github/repo-permissions.yml:6 notice access narrows: `deploy-production.yml` on `main` in environment `production` may no longer use `ws:deployments:create` (in part still granted; no longer for example: workflow `deploy-production.yml`, branch `main`, environment `production`, event `workflow_dispatch`)

    ### ✅ The review found no problem

    Access narrows (1 change).

    This is a review of `.github/repo-permissions.yml` as the pull request changes it. The policy of the default branch stays in force until the pull request is merged.

    #### Access

    **The policy's own repository**

    - 🔒 **less:** `deploy-production.yml` on `main` in environment `production` may no longer use `ws:deployments:create`  
      formerly rule 2 (`production deploys`, line 6); in part still granted; no longer for example: workflow `deploy-production.yml`, branch `main`, environment `production`, event `workflow_dispatch`

    #### Lint

    No findings on the changed lines.

    1 more on other lines; `repo-permissions lint` shows all.

    #### Tests

    The repository has no test cases for the policy: add a file `*.tests.yml` beside it that states what it should allow and deny.
    ");
}

#[test]
fn a_policy_that_is_not_valid_fails_the_review() {
    let broken = OLD
        .replace("workflow: deploy", "workfow: deploy")
        .replace("branch: main", "branch: \"(main\"");
    let stage = stage(&[(PATH, &broken), (CASES_PATH, CASES)]);
    let (step, run) = reviewed(&stage);
    assert_outcome(&stage, &step, "denied", "no_rule_matches");
    assert_snapshot!(shown(&run.unwrap()), @"
    failure: the policy is invalid; 4 errors
    .github/repo-permissions.yml:5 failure pattern-invalid: the regex `(main` is not valid: unclosed group, at byte 0 of it
    .github/repo-permissions.yml:8 failure invalid: unknown key `workfow` in a rule (did you mean `workflow`?)
    .github/repo-permissions.yml:9 failure pattern-invalid: the regex `(main` is not valid: unclosed group, at byte 0 of it
    .github/repo-permissions.yml:12 failure pattern-invalid: the regex `(main` is not valid: unclosed group, at byte 0 of it

    ### ⛔ The review found errors

    The policy is invalid; 4 errors.

    This is a review of `.github/repo-permissions.yml` as the pull request changes it. The policy of the default branch stays in force until the pull request is merged.

    #### Access

    Not compared, because the policy is invalid: every check with it would end in an error.

    #### Lint

    | | Line | Finding | What to do |
    |---|---|---|---|
    | ❌ error | 5 | the regex `(main` is not valid: unclosed group, at byte 0 of it (`pattern-invalid`) |  |
    | ❌ error | 8 | unknown key `workfow` in a rule (`invalid`) | did you mean `workflow`? |
    | ❌ error | 9 | the regex `(main` is not valid: unclosed group, at byte 0 of it (`pattern-invalid`) |  |
    | ❌ error | 12 | the regex `(main` is not valid: unclosed group, at byte 0 of it (`pattern-invalid`) |  |
    ");
}

#[test]
fn what_is_not_changed_is_not_reviewed() {
    for files in [&[(PATH, OLD)][..], &[(PATH, OLD), (CASES_PATH, CASES)]] {
        let (step, run) = reviewed(&stage(files));
        assert!(run.is_none(), "{}", step.stdout);
        assert!(step.stdout.contains("this pull request does not change `"));
    }
    // Without the input, and outside of a pull request.
    let stage = stage(&[(PATH, NEW)]);
    stage.run(
        &Job::pull_request(&stage.repository, pull_request(&stage)),
        &[ASK],
    );
    stage.run(&stage.push(), &[ASK, REVIEW]);
    assert!(review_of(&stage).is_none());
    assert_eq!(stage.github.requests_to(Endpoint::Compare).len(), 0);
}

#[test]
fn what_others_changed_meanwhile_is_not_the_pull_requests() {
    let before = OLD.replace("ws:locks:create, ws:locks:delete", "ws:locks:create");
    let after = before.replace(
        "branch: main\n    environment",
        "branch: release\n    environment",
    );
    let repository = with_files(repository(), "before", &[(PATH, &before)])
        .with_file("main", PATH, OLD)
        .with_merge_base("main", "feature/x", "before");
    let stage = Stage::with_repository(with_files(repository, "feature/x", &[(PATH, &after)]));
    let (_, run) = reviewed(&stage);
    let run = run.unwrap();
    assert_eq!(run.title, "access widens (1 change) and narrows (1 change)");
    assert!(!run.summary.contains("ws:locks"), "{}", run.summary);
}

#[test]
fn a_new_policy_and_one_that_is_removed() {
    let repository = with_files(repository(), "feature/x", &[(PATH, OLD)]);
    let stage = Stage::with_repository(repository);
    let (step, run) = reviewed(&stage);
    assert_outcome(&stage, &step, "error", "policy_not_found");
    let run = run.unwrap();
    assert_eq!(run.conclusion.as_deref(), Some("neutral"));
    assert!(
        run.summary.contains("The policy is new."),
        "{}",
        run.summary
    );
    let removed = stage_without_policy_in_the_branch();
    let (_, run) = reviewed(&removed);
    assert_snapshot!(shown(&run.unwrap()), @"
    neutral: the policy is removed: every check will end with `policy_not_found`

    ### ⚠️ The policy is removed

    The policy is removed: every check will end with `policy_not_found`.

    This is a review of `.github/repo-permissions.yml` as the pull request changes it. The policy of the default branch stays in force until the pull request is merged.

    #### Access

    **The policy's own repository**

    - 🔒 **less:** any workflow on `main` may no longer use `ws:affected_stacks:create`  
      formerly rule 1 (`affected stacks`, line 3); for example: branch `main`, event `push`
    - 🔒 **less:** `deploy-production.yml` on `main` in environment `production` may no longer use `ws:deployments:create`  
      formerly rule 2 (`production deploys`, line 6); for example: workflow `deploy-production.yml`, branch `main`, environment `production`, event `push`
    - 🔒 **less:** any workflow on `main` may no longer use `ws:locks:create` and `ws:locks:delete`  
      formerly rule 3 (line 11); for example: branch `main`, event `push`
    ");
}

fn stage_without_policy_in_the_branch() -> Stage {
    stage(&[("README.md", "x")])
}

#[test]
fn pull_requests_of_forks_and_trusted_events() {
    let stage = stage(&[(PATH, NEW)]);
    let mut fork = PullRequest::fork(&stage.repository, 8, "mallory/infra", 666, "main");
    fork.head_sha = pull_request(&stage).head_sha;
    // A fork's token reads only: the review is told in the log and in the summary.
    let job = Job::pull_request(&stage.repository, fork.clone());
    let step = stage.run(&job, &[ASK, REVIEW]);
    assert_outcome(&stage, &step, "error", "token_unavailable");
    assert!(review_of(&stage).is_none());
    assert!(
        step.stdout
            .contains("the check run of the policy review was not created"),
        "{}",
        step.stdout
    );
    assert!(
        step.summary.contains("Somebody may do more") || step.summary.contains("policy review")
    );
    // `pull_request_target` may write; what the fork wrote is read as text.
    let job = Job::pull_request_target(&stage.repository, fork);
    let step = stage.run(&job, &[ASK, REVIEW]);
    assert_eq!(step.exit_code(), Some(1));
    assert!(review_of(&stage).is_some());
}

#[test]
fn what_cannot_be_read_fails_the_review_and_nothing_else() {
    for (endpoint, fault) in [
        (Endpoint::Compare, Fault::status(404, "Not Found")),
        (Endpoint::Compare, Fault::Garbage),
        (Endpoint::Compare, Fault::Stall),
    ] {
        let stage = stage(&[(PATH, NEW)]);
        stage
            .github
            .add_fault(FaultRule::always(endpoint, fault.clone()));
        let job = Job::pull_request(&stage.repository, pull_request(&stage));
        let started = std::time::Instant::now();
        let step = stage.run(&job, &[ASK, REVIEW, ("timeout", "6")]);
        assert_outcome(&stage, &step, "denied", "no_rule_matches");
        assert!(started.elapsed() < Duration::from_secs(7), "{fault:?}");
        assert!(
            step.stdout.contains("the policy was not reviewed: "),
            "{}",
            step.stdout
        );
        // A check that is required fails, however long it was waited for.
        let run = review_of(&stage).unwrap();
        assert_eq!(run.conclusion.as_deref(), Some("failure"));
        assert!(run.summary.contains("Not reviewed"));
    }
}

#[test]
fn an_apps_token_reviews_and_ends() {
    let stage = stage(&[(PATH, NEW)]);
    let permissions = Permissions::none()
        .with("contents", Level::Read)
        .with("checks", Level::Write)
        .with("statuses", Level::Write);
    let client = ("app-client-id", APP_CLIENT_ID);
    stage.install_app(&["acme-org/infra"], permissions);
    let before = stage.github.live_tokens();
    let job = Job::pull_request(&stage.repository, pull_request(&stage));
    let key = ("app-private-key", APP_PRIVATE_KEY_PKCS1);
    stage.run(&job, &[ASK, REVIEW, client, key]);
    assert_eq!(review_of(&stage).unwrap().app.slug, "gate");
    assert_eq!(stage.github.live_tokens(), before + 1);
}

#[test]
fn review_is_true_or_false() {
    let stage = stage(&[]);
    let step = stage.run(&stage.push(), &[ASK, ("review", "yes")]);
    assert_outcome(&stage, &step, "error", "input_invalid");
    assert!(
        step.output("message")
            .contains("`review` is `yes`, expected `true` or `false`")
    );
}

/// A job that asks for no permission needs no token, and no status.
#[test]
fn a_step_that_only_reviews_asks_for_no_token() {
    let stage = stage(&[(PATH, NEW)]);
    let pull = || {
        Job::pull_request(&stage.repository, pull_request(&stage))
            .with_id_token(false)
            .with_permission("statuses", Level::None)
    };
    let step = stage.run(&pull(), &[REVIEW]);
    assert_eq!(step.exit_code(), Some(0), "{}", step.stdout);
    let run = review_of(&stage).unwrap();
    assert_eq!(run.conclusion.as_deref(), Some("neutral"));
    assert_eq!(stage.github.check_runs().len(), 1);
    assert_eq!(stage.github.statuses().len(), 0);
    for endpoint in [Endpoint::Token, Endpoint::Keys] {
        assert_eq!(stage.github.requests_to(endpoint).len(), 0);
    }
    assert_undecided(&step);
    assert!(step.summary.contains("policy review"), "{}", step.summary);
    // Whatever the review comes to: what is required is its check run.
    let broken = stage_with_broken_policy();
    let job = Job::pull_request(&broken.repository, pull_request(&broken));
    let step = broken.run(&job, &[REVIEW]);
    assert_eq!(step.exit_code(), Some(0), "{}", step.stdout);
    let run = review_of(&broken).unwrap();
    assert_eq!(run.conclusion.as_deref(), Some("failure"));
    // Outside of a pull request there is nothing to review.
    let step = stage.run(&stage.push(), &[REVIEW]);
    assert_eq!(step.exit_code(), Some(0), "{}", step.stdout);
    assert_undecided(&step);
    // A fork's token reads only.
    let mut fork = PullRequest::fork(&stage.repository, 8, "mallory/infra", 666, "main");
    fork.head_sha = pull_request(&stage).head_sha;
    let step = stage.run(&Job::pull_request(&stage.repository, fork), &[REVIEW]);
    assert_eq!(step.exit_code(), Some(0), "{}", step.stdout);
    assert!(
        step.stdout.contains("review: access widens"),
        "{}",
        step.stdout
    );
}

fn assert_undecided(step: &StepResult) {
    assert_eq!(step.output("decision"), "");
    assert_eq!(step.output("allowed"), "false");
    assert_eq!(step.output("reason"), "");
    assert_eq!(step.output("result"), "{}");
    let said = "the step asks for no permission, and only reviews the policy";
    assert_eq!(step.output("message"), said);
    assert_eq!(step.last_line(), said);
    assert!(!step.stdout.contains("Audit records"), "{}", step.stdout);
    assert_eq!(step.runner_errors, Vec::<String>::new());
}

fn stage_with_broken_policy() -> Stage {
    stage(&[(PATH, "version: 2\n")])
}

#[test]
fn what_is_wrong_with_a_step_that_only_reviews() {
    let stage = stage(&[(PATH, NEW)]);
    let job = Job::pull_request(&stage.repository, pull_request(&stage));
    for (input, says) in [
        (("mode", "warn"), "`mode` is `warn`"),
        // Something was meant to be asked.
        (("permission", ","), "`permission` is missing"),
        (("policy", "./policy.yml"), "`policy` is `./policy.yml`"),
        (("ca-bundle", "none.pem"), "`ca-bundle` is `none.pem`"),
    ] {
        let step = stage.run(&job, &[REVIEW, input]);
        assert_outcome(&stage, &step, "error", "input_invalid");
        assert!(step.output("message").contains(says), "{}", step.stdout);
    }
    let step = stage.run(&job, &[]);
    assert_outcome(&stage, &step, "error", "input_invalid");
    assert_eq!(stage.github.requests_to(Endpoint::Token).len(), 0);
}

#[test]
fn a_step_that_only_reviews_is_cancelled() {
    let mut stage = stage(&[(PATH, NEW)]);
    stage
        .github
        .add_fault(FaultRule::always(Endpoint::Compare, Fault::Stall));
    stage.runner = stage
        .runner
        .signal_after(Signal::Terminate, Duration::from_millis(500));
    let job = Job::pull_request(&stage.repository, pull_request(&stage));
    let step = stage.run(&job, &[REVIEW]);
    assert_eq!(step.exit_code(), Some(2), "{}", step.stdout);
    assert_eq!(step.output("reason"), "cancelled");
    assert!(
        step.duration < Duration::from_secs(5),
        "{:?}",
        step.duration
    );
}
