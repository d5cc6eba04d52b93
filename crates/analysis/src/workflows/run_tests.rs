use super::super::{AccessLevel, Workflows};
use super::super::{RefName, Reference};
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

/// Lists in which runs a job has which environment: `EVENT REFERENCE: ENVIRONMENT`.
fn outcomes(on: &str, job: &str) -> String {
    let shown = |name: &RefName| match name {
        RefName::Named(name) | RefName::Matching(name) => name.clone(),
        RefName::Other => "?".to_owned(),
    };
    let text =
        format!("on: {on}\njobs:\n  first: {{if: \"github.event_name == 'push'\"}}\n  a: {job}");
    let files = workflows(&[("a.yml", &text)]);
    let jobs = jobs(&files, "a.yml");
    let job = jobs.iter().find(|job| job.job.id == "a").unwrap();
    let shown = job.outcomes.iter().map(|outcome| {
        let reference = match &outcome.start.reference {
            Reference::Branch(name) => shown(name),
            Reference::Tag(name) => format!("tag:{}", shown(name)),
            Reference::PullRequest(base) => format!("into:{}", shown(base)),
            Reference::Merged(base) => format!("merged:{}", shown(base)),
            Reference::MergeQueue(base) => format!("queue:{}", shown(base)),
            Reference::Unknown => "?".to_owned(),
        };
        let environment = match &outcome.environment {
            Environment::None => "-",
            Environment::Named(name) => name,
            Environment::Dynamic(_) => "?",
        };
        let event = outcome.start.event.as_deref().unwrap_or("?");
        format!("{event} {reference}: {environment}")
    });
    shown.collect::<Vec<_>>().join(", ")
}

#[test]
fn a_job_is_evaluated_for_each_start() {
    let main = "{push: {branches: [main]}}";
    let inputs = |input: &str| format!("{{workflow_dispatch: {{inputs: {{Where: {{{input}}}}}}}}}");
    let only = |ends: &str| format!("workflow_dispatch main: {ends}");
    for (on, job, expected) in [
        // Events and branches decide.
        (
            "{push: {branches: [main]}, pull_request: {branches: [main]}}",
            "{environment: \"${{ github.event_name == 'pull_request' && 'preview' || 'production' }}\"}",
            "push main: production, pull_request into:main: preview",
        ),
        (
            "{push: {branches: [main]}, release: }",
            "{if: github.event_name == 'release', environment: x}",
            "release tag:?: x",
        ),
        (
            "push",
            "{if: \"github.ref == 'refs/heads/develop'\", environment: x}",
            "push develop: x",
        ),
        (
            "{push: {branches: [main, 'release/*']}}",
            "{if: \"github.ref_name != 'main'\", environment: x}",
            "push release/*: x",
        ),
        (
            "{push: {branches: [main], tags: ['v*']}}",
            "{environment: \"${{ startsWith(github.ref, 'refs/tags/') && 'prod' || 'dev' }}\"}",
            "push main: dev, push tag:v*: prod",
        ),
        (
            "{push: {branches: [main, dev]}}",
            "{if: \"contains(fromJSON('[\\\"dev\\\", \\\"x\\\"]'), github.ref_name)\", environment: x}",
            "push dev: x",
        ),
        (
            "{pull_request: {branches: [main, dev]}}",
            "{if: github.base_ref == 'main', environment: x}",
            "pull_request into:main: x",
        ),
        (
            "{pull_request: {branches: [main], types: [opened, closed]}}",
            "{environment: \"${{ github.event.pull_request.merged && 'prod' || 'preview' }}\"}",
            "pull_request into:main: preview, pull_request merged:main: prod",
        ),
        (
            "{pull_request: {branches: [main]}, push: {branches: [main]}}",
            "{if: github.ref_name == 'main', environment: \"x${{ github.head_ref && 'y' }}\"}",
            "push main: x",
        ),
        (
            "{push: {branches: ['release/**', dev]}}",
            "{if: \"startsWith(github.ref, 'refs/heads/release/')\", environment: x}",
            "push release/**: x",
        ),
        (main, "{if: false, environment: x}", ""),
        (
            main,
            "{environment: \"${{ case(github.ref_name == 'main', 'prod', 'dev') }}\"}",
            "push main: prod",
        ),
        // A skipped job skips those that need it, unless their condition says otherwise.
        ("[schedule]", "{needs: first, environment: x}", ""),
        (
            "[schedule]",
            "{needs: [first], if: always(), environment: x}",
            "schedule main: x",
        ),
        (
            "[schedule]",
            "{needs: first, if: success(), environment: x}",
            "",
        ),
        (
            "{push: {branches: [main]}, schedule: }",
            "{needs: first, environment: x}",
            "push main: x",
        ),
        (
            "{push: {branches: [main]}, schedule: }",
            "{needs: first, if: failure(), environment: x}",
            "push main: x",
        ),
        (
            "{push: {branches: [main]}, schedule: }",
            "{needs: first, if: always() && needs.first.result == 'success', environment: x}",
            "push main: x",
        ),
        (
            "{push: {branches: [main]}}",
            "{needs: first, if: \"needs.first.result != 'success'\", environment: x}",
            "",
        ),
        // Only a run knows.
        (
            main,
            "{environment: \"${{ vars.X || 'prod' }}\"}",
            "push main: ?, push main: prod",
        ),
        (
            main,
            "{environment: \"${{ github.actor != 'x' && 'prod' || '' }}\"}",
            "push main: -, push main: prod",
        ),
        (
            main,
            "{strategy: {matrix: {target: '${{ fromJSON(vars.T) }}'}}, environment: '${{ matrix.target.environment }}'}",
            "push main: ?",
        ),
        (
            main,
            "{strategy: {matrix: {Env: [dev, prod], exclude: [{env: dev}]}}, environment: '${{ matrix.env }}'}",
            "push main: prod",
        ),
        (
            main,
            "{strategy: {matrix: {env: [dev], include: [{env: dev, at: eu}, {env: prod}]}}, environment: '${{ matrix.env }}-${{ matrix.at }}'}",
            "push main: dev-eu, push main: prod-",
        ),
        (
            main,
            "{strategy: {matrix: {v: [3.10, true]}}, environment: '${{ matrix.v }}'}",
            "push main: 3.1, push main: true",
        ),
        (
            main,
            "{environment: \"${{ format('{0}-x', 'a') }}${{ fromJSON('{\\\"B\\\": 1}').b }}\"}",
            "push main: a-x1",
        ),
        (
            main,
            "{environment: {name: prod, deployment: false}}",
            "push main: prod",
        ),
        (
            main,
            "{environment: \"${{ unknown('x') }}\"}",
            "push main: ?",
        ),
    ] {
        assert_eq!(outcomes(on, job), expected, "{on} {job}");
    }
    // Inputs of a start by hand: on any branch and tag.
    for (input, job, expected) in [
        (
            "type: choice, options: [a, b], required: true",
            "{environment: '${{ inputs.where }}'}",
            vec!["a", "b"],
        ),
        (
            "type: choice, options: [a, b]",
            "{environment: '${{ github.event.inputs.WHERE }}'}",
            vec!["a", "b", "-"],
        ),
        (
            "type: choice, options: [a], default: a",
            "{environment: \"${{ inputs['Where'] }}\"}",
            vec!["a"],
        ),
        (
            "type: boolean",
            "{environment: \"${{ inputs.where && 'a' || 'b' }}\"}",
            vec!["a", "b"],
        ),
        (
            "type: boolean",
            "{if: \"github.event.inputs.where == 'true'\", environment: \"x-${{ inputs.where }}\"}",
            vec!["x-true"],
        ),
        (
            "type: environment",
            "{environment: '${{ inputs.where }}'}",
            vec!["?"],
        ),
        (
            "type: string",
            "{environment: \"x-${{ inputs.absent }}\"}",
            vec!["x-"],
        ),
        // One world has one answer.
        (
            "type: choice, options: [a, b], default: a",
            "{environment: \"${{ inputs.where == 'a' && inputs.where || 'c' }}\"}",
            vec!["a", "c"],
        ),
    ] {
        let all = outcomes(&inputs(input), job);
        let on_main: Vec<_> = all
            .split(", ")
            .filter(|way| way.starts_with("workflow_dispatch main"))
            .collect();
        let expected: Vec<_> = expected.iter().map(|end| only(end)).collect();
        assert_eq!(on_main, expected, "{input} {job}");
    }
}

#[test]
fn the_event_of_a_called_workflow_is_its_callers() {
    let caller = "
on: {workflow_dispatch: {inputs: {x: {type: choice, options: [event], required: true}}}}
jobs:
  call:
    uses: ./.github/workflows/called.yml
    with: {X: passed, flag: '${{ inputs.x == ''event'' }}'}
";
    let called = "
on: {workflow_call: {inputs: {x: {type: string}, flag: {type: boolean}, n: {type: number}}}}
jobs:
  input: {environment: '${{ inputs.x }}'}
  event: {environment: '${{ github.event.inputs.x }}'}
  flag: {environment: \"${{ inputs.flag && 'on' || 'off' }}\"}
  number: {environment: 'x${{ inputs.n }}'}
";
    let all = environments(&[("caller.yml", caller), ("called.yml", called)]);
    assert_eq!(
        all,
        [
            "called.yml/input: passed",
            "called.yml/event: event",
            "called.yml/flag: on",
            "called.yml/number: x0",
        ]
    );
}
