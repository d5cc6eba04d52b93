use super::super::{AccessLevel, ID_TOKEN, InputKind, Permissions, RunOptions, Workflow};

fn read(text: &str) -> Workflow {
    Workflow::parse("a.yml", text).unwrap()
}

fn problem(text: &str) -> String {
    Workflow::parse("a.yml", text).unwrap_err().to_string()
}

#[test]
fn parses_events_in_all_three_forms() {
    for on in [
        "push",
        "[push, pull_request]",
        "\n  push:\n    branches: main\n  pull_request:\n",
    ] {
        let workflow = read(&format!("on: {on}\njobs: {{}}"));
        let events: Vec<_> = workflow.events().collect();
        assert_eq!(events.first(), Some(&"push"), "{on}");
        assert_eq!(events.len(), if on == "push" { 1 } else { 2 });
    }
}

#[test]
fn parses_filters_and_inputs() {
    let workflow = read(
        "name: Deploy
on:
  push:
    branches: [main, 'release/**', '!release/old']
    branches-ignore: old
    tags: v*
  workflow_dispatch:
    inputs:
      to: {type: choice, options: [dev, 1.0], default: dev}
      where: {type: environment}
      why:
  workflow_call:
jobs: {}
",
    );
    assert_eq!(workflow.name.as_deref(), Some("Deploy"));
    assert!(!workflow.is_only_called());
    let push = workflow.trigger("push").unwrap();
    assert_eq!(push.branches, ["main", "release/**", "!release/old"]);
    assert_eq!(
        (&*push.branches_ignore, &*push.tags),
        (&["old".to_owned()][..], &["v*".to_owned()][..])
    );
    assert_eq!((push.position.line, push.position.column), (3, 3));
    let inputs = &workflow.trigger("workflow_dispatch").unwrap().inputs;
    let kinds: Vec<_> = inputs
        .iter()
        .map(|input| (&*input.name, &input.kind))
        .collect();
    let choice = InputKind::Choice(vec!["dev".to_owned(), "1.0".to_owned()]);
    assert_eq!(
        kinds,
        [
            ("to", &choice),
            ("where", &InputKind::Text),
            ("why", &InputKind::Text)
        ]
    );
    assert!(read("on: workflow_call\njobs: {}").is_only_called());
}

#[test]
fn parses_jobs_and_steps() {
    let workflow = read(
        "on: push
permissions: read-all
jobs:
  plain:
    environment: prod
    permissions: {id-token: write}
    steps:
      - run: atmos pro lock
      - uses: repo-permissions/repo-permissions@v0
        with: {permission: 'ws:locks:create', mode: ''}
  named:
    environment: {name: '${{ inputs.to }}', url: https://example.com}
    permissions: write-all
  called:
    uses: ./.github/workflows/b.yml
    with: {to: prod, count: 3}
  elsewhere:
    uses: ./.github/workflows/../b.yml
",
    );
    let jobs = &workflow.jobs;
    let id_token = |permissions: &Option<Permissions>| {
        let permissions = permissions.as_ref();
        permissions.map(|permissions| permissions.access(ID_TOKEN))
    };
    let of: Vec<_> = jobs
        .iter()
        .map(|job| {
            let environment = job.environment.as_deref();
            (&*job.id, environment, id_token(&job.permissions))
        })
        .collect();
    assert_eq!(
        of,
        [
            ("plain", Some("prod"), Some(AccessLevel::Write)),
            ("named", Some("${{ inputs.to }}"), Some(AccessLevel::Write)),
            ("called", None, None),
            ("elsewhere", None, None),
        ]
    );
    assert_eq!(id_token(&workflow.permissions), Some(AccessLevel::Read));
    let steps = &jobs[0].steps;
    assert_eq!(steps[0].run.as_deref(), Some("atmos pro lock"));
    assert_eq!(steps[1].input("Permission"), Some("ws:locks:create"));
    assert_eq!(
        (steps[1].input("mode"), steps[1].input("report")),
        (None, None)
    );
    let call = jobs[2].call.as_ref().unwrap();
    assert_eq!(call.local_file(), Some("b.yml"));
    assert_eq!(call.with[1], ("count".to_owned(), "3".to_owned()));
    assert_eq!(jobs[3].call.as_ref().unwrap().local_file(), None);
}

#[test]
fn detects_calls_within_the_repository() {
    for (uses, file) in [
        ("./.github/workflows/b.yml", Some("b.yml")),
        ("$/.github/workflows/b.yml", Some("b.yml")),
        ("$/./.github/workflows/b.yml", Some("b.yml")),
        (".github/workflows/b.yml", None),
        ("./.github/workflows/../b.yml", None),
        ("./b.yml", None),
        ("acme-org/x/.github/workflows/b.yml@v1", None),
    ] {
        let call = super::super::Call {
            uses: uses.to_owned(),
            with: Vec::new(),
        };
        assert_eq!(call.local_file(), file, "{uses}");
    }
}

#[test]
fn detects_steps_that_use_this_action() {
    let steps = |uses: &str| {
        let text = format!("on: push\njobs: {{a: {{steps: [{{uses: '{uses}'}}]}}}}");
        read(&text).jobs[0].steps[0].is_gate("repo-permissions")
    };
    for uses in [
        "repo-permissions/repo-permissions@v0",
        "acme-org/repo-permissions@0123456789abcdef",
        "./.github/actions/repo-permissions",
        "./.github/actions/repo-permissions/",
        "repo-permissions/repo-permissions/native@v0",
    ] {
        assert!(steps(uses), "{uses}");
    }
    for uses in [
        "repo-permissions/other@v0",
        "acme-org/my-repo-permissions@v1",
        "acme-org/x@repo-permissions",
        "acme-org/x/native@v1",
        "",
    ] {
        assert!(!steps(uses), "{uses}");
    }
}

#[test]
fn errors_have_positions() {
    for (text, expected) in [
        (
            "- a",
            "line 1, column 1: the workflow is a list, expected a mapping",
        ),
        ("jobs: {}", "line 1, column 1: `on` is missing"),
        ("on:\njobs: {}", "line 1, column 1: `on` is missing"),
        ("on: push", "line 1, column 1: `jobs` is missing"),
        (
            "on: push\njobs: []",
            "line 2, column 7: `jobs` is a list, expected a mapping",
        ),
        (
            "on: push\njobs: {a: b}",
            "line 2, column 11: the job `a` is a string, expected a mapping",
        ),
        (
            "on: [{push: }]\njobs: {}",
            "line 1, column 6: an event of `on` is a mapping, expected a string",
        ),
        (
            "on: push\njobs:\n  a:\n    environment: [x]",
            "line 4, column 18: `environment` is a list, expected a string or a mapping",
        ),
    ] {
        assert_eq!(problem(text), expected, "{text:?}");
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_parsed_or_rejected(text in "[a-z&*<!|>'\"#:,{}\\[\\]\n -]{0,60}") {
        for text in [text.clone(), format!("on: push\njobs:\n  a: {text}"), format!("on: {text}\njobs: {{}}")] {
            if let Ok(workflow) = Workflow::parse("a.yml", &text) {
                let workflows = super::super::Workflows { files: vec![workflow], unreadable: Vec::new() };
                workflows.jobs_of(&workflows.files[0], RunOptions { action: "repo-permissions", default_branch: None });
            }
        }
    }
}
