use super::super::{AccessLevel, Workflows};
use super::{Environment, RunJob, RunOptions};

fn workflows(files: &[(&str, &str)]) -> Workflows {
    let texts = files.iter();
    Workflows::of_texts(texts.map(|(file, text)| ((*file).to_owned(), Ok((*text).to_owned()))))
}

fn jobs<'w>(workflows: &'w Workflows, file: &str) -> Vec<RunJob<'w>> {
    assert_eq!(workflows.unreadable, []);
    let options = RunOptions {
        action: "repo-permissions",
        default_branch: Some("main"),
    };
    workflows.jobs_of(workflows.get(file).unwrap(), options)
}

/// Lists the jobs with their environments: `-` means none, `?` that only a run knows.
fn environments(files: &[(&str, &str)]) -> Vec<String> {
    let workflows = workflows(files);
    let show = |environment: &Environment| match environment {
        Environment::None => "-".to_owned(),
        Environment::Named(name) => name.clone(),
        Environment::Dynamic(text) => format!("?{text}"),
    };
    jobs(&workflows, files[0].0)
        .iter()
        .map(|job| {
            let list: Vec<_> = job.environments().iter().map(show).collect();
            format!("{}/{}: {}", job.file, job.job.id, list.join(" "))
        })
        .collect()
}

#[test]
fn environments_are_resolved_from_the_file() {
    let deploy = "
on:
  push:
  workflow_dispatch:
    inputs:
      to: {type: choice, options: [dev, prod, Prod]}
      where: {type: environment}
jobs:
  none: {}
  literal: {environment: prod}
  choice: {environment: '${{ inputs.to }}'}
  default: {environment: {name: \"${{ github.event.inputs.to || 'dev' }}\"}}
  chosen: {environment: '${{ inputs.where }}'}
  matrix:
    environment: ${{ matrix.env }}-${{ matrix.at.region }}
    strategy: {matrix: {env: [dev, prod], at: [{region: eu}], include: [{env: test}]}}
  expression:
    environment: ${{ matrix.env }}
    strategy: {matrix: '${{ fromJSON(needs.a.outputs.m) }}'}
  included:
    environment: ${{ matrix.env }}
    strategy: {matrix: {env: [a], include: '${{ fromJSON(x) }}'}}
  absent: {environment: '${{ inputs.unknown }}'}
";
    assert_eq!(
        environments(&[("deploy.yml", deploy)]),
        [
            "deploy.yml/none: -",
            "deploy.yml/literal: prod",
            "deploy.yml/choice: - dev prod",
            "deploy.yml/default: dev prod",
            "deploy.yml/chosen: - ?${{ inputs.where }}",
            // GitHub adds what changes an axis as a combination of its own.
            "deploy.yml/matrix: dev-eu prod-eu test-",
            "deploy.yml/expression: ?${{ matrix.env }}",
            "deploy.yml/included: ?${{ matrix.env }}",
            "deploy.yml/absent: -",
        ]
    );
}

#[test]
fn a_called_workflow_has_its_callers_values() {
    let caller = "
on: push
jobs:
  each:
    strategy: {matrix: {env: [dev, prod]}}
    uses: ./.github/workflows/deploy.yml
    with: {environment: '${{ matrix.env }}'}
  default:
    uses: ./.github/workflows/deploy.yml
  unknown:
    uses: ./.github/workflows/deploy.yml
    with: {environment: '${{ vars.WHERE }}'}
  missing:
    uses: ./.github/workflows/missing.yml
  other:
    uses: acme-org/workflows/.github/workflows/deploy.yml@v1
";
    let deploy = "
on:
  workflow_call: {inputs: {environment: {type: string, default: test}}}
jobs:
  outer:
    uses: ./.github/workflows/inner.yml
    with: {to: 'x-${{ inputs.environment }}'}
";
    let inner = "
on: workflow_call
jobs: {job: {environment: '${{ inputs.to }}'}}
";
    assert_eq!(
        environments(&[
            ("caller.yml", caller),
            ("deploy.yml", deploy),
            ("inner.yml", inner)
        ]),
        [
            "inner.yml/job: x-dev x-prod",
            "inner.yml/job: x-test",
            "inner.yml/job: ?${{ inputs.to }}",
            "caller.yml/missing: ?./.github/workflows/missing.yml",
            "caller.yml/other: ?acme-org/workflows/.github/workflows/deploy.yml@v1",
        ]
    );
}

#[test]
fn circular_and_excessive_calls_end() {
    let a = "on: push\njobs: {x: {uses: ./.github/workflows/b.yml}}";
    let b = "on: workflow_call\njobs: {y: {uses: ./.github/workflows/a.yml}, z: {}}";
    assert_eq!(
        environments(&[("a.yml", a), ("b.yml", b)]),
        ["b.yml/y: ?./.github/workflows/a.yml", "b.yml/z: -"]
    );
    // Each file calls the next one a hundred times, and doubles the value that it passes.
    let file = |number: usize| {
        let next = number + 1;
        let job = format!(
            "{{uses: ./.github/workflows/{next}.yml, with: {{x: '${{{{inputs.x}}}}${{{{inputs.x}}}}a'}}}}"
        );
        let jobs: Vec<_> = (0..100).map(|id| format!("j{id}: {job}")).collect();
        format!("on: [push, workflow_call]\njobs: {{{}}}", jobs.join(", "))
    };
    let files: Vec<_> = (0..12)
        .map(|number| (format!("{number}.yml"), file(number)))
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(file, text)| (&**file, &**text))
        .collect();
    let all = environments(&files);
    assert!((100..10_000).contains(&all.len()), "{}", all.len());
    assert_eq!(all[0], "9.yml/j0: ?./.github/workflows/10.yml");
}

#[test]
fn permissions_of_steps_come_from_their_callers() {
    let gate = "
on: {workflow_call: {inputs: {permission: {required: true}}}}
jobs:
  gate:
    permissions: {id-token: write}
    steps:
      - uses: actions/checkout@v6
      - uses: acme-org/repo-permissions@v0
        with: {permission: '${{ inputs.permission }}'}
";
    let caller = "
on: push
permissions: {contents: read}
jobs:
  may:
    permissions: {id-token: write}
    uses: ./.github/workflows/gate.yml
    with: {permission: \"ws:locks:create, Locks Delete\\n a:b\"}
  may-not:
    uses: ./.github/workflows/gate.yml
    with: {permission: '${{ vars.PERMISSION }}'}
";
    let workflows = workflows(&[("caller.yml", caller), ("gate.yml", gate)]);
    let jobs = jobs(&workflows, "caller.yml");
    let asked: Vec<_> = jobs
        .iter()
        .map(|job| {
            let gate = &job.gates[0];
            (
                job.token.has_id_token(),
                gate.permissions.join("|"),
                gate.dynamic.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        asked,
        [
            (true, "ws:locks:create|Locks Delete|a:b".to_owned(), None),
            (false, String::new(), Some("${{ inputs.permission }}")),
        ]
    );
}

#[test]
fn a_workflow_that_is_only_called_depends_on_its_callers() {
    let gate = "
on: {workflow_call: {inputs: {permission: {default: 'a:b'}}}}
permissions: {id-token: write, checks: none}
jobs:
  gate:
    steps:
      - uses: acme-org/repo-permissions@v0
        with: {permission: '${{ inputs.permission }}'}
";
    let workflows = workflows(&[("gate.yml", gate)]);
    let jobs = jobs(&workflows, "gate.yml");
    let token = &jobs[0].token;
    assert_eq!(token.access("id-token"), None);
    assert_eq!(token.access("checks"), Some(AccessLevel::None));
    let dynamic = jobs[0].gates[0].dynamic.as_deref();
    assert_eq!(dynamic, Some("${{ inputs.permission }}"));
}
