use crate::PolicyRepository;
use jiff::Timestamp;
use proptest::prelude::*;

use super::{Ids, Options, Proposal, Target, propose};
use crate::cases::{Coverage, PolicyFile, Suite, run};
use crate::lint;
use crate::lint::{Level, lint};
use crate::workflows::Workflows;
use engine::RepositoryName;
use engine::policy::Format;

fn proposal(files: &[(&str, &str)]) -> Proposal {
    let texts = files.iter();
    let texts = texts.map(|(file, text)| ((*file).to_owned(), Ok((*text).to_owned())));
    let workflows = Workflows::of_texts(texts);
    let options = Options {
        action: "repo-permissions",
        default_branch: "main",
    };
    propose(&workflows, &options)
}

fn assert_clean(policy: &str) {
    let findings = lint(policy, Format::Yaml, &lint::LintOptions::default());
    let found = findings.iter().find(|finding| finding.level != Level::Note);
    assert_eq!(found, None, "{policy}");
}

/// Returns the policy with the rules in its comments, as its author uncomments them.
fn uncommented(policy: &str) -> String {
    let mut is_rule = false;
    let lines = policy.lines().map(|line| {
        let text = line.trim_start();
        is_rule &= !text.is_empty();
        is_rule |= text.starts_with("# - name:");
        match is_rule && (text.starts_with("# - name:") || text.starts_with("#   ")) {
            true => line.replacen("# ", "", 1),
            false => line.to_owned(),
        }
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    text.replace("permissions: []", "permissions:")
}

/// Returns the policy after the linter and its own cases ran on it.
fn checked(proposal: &Proposal, target: &Target) -> String {
    let policy = proposal.policy(target);
    assert_clean(&policy);
    assert_clean(&uncommented(&policy));
    let cases = proposal.cases(target, "p.yml", &policy);
    let suite =
        Suite::parse("p.tests.yml", &cases).unwrap_or_else(|error| panic!("{error:?}\n{cases}"));
    assert_eq!(suite.policy(), "p.yml");
    let file = PolicyFile {
        name: "p.yml",
        text: Ok(&policy),
        repository: PolicyRepository::Unknown,
    };
    let mut coverage = Coverage::default();
    let read = |_: &str| Err::<Vec<u8>, _>("the cases need no file");
    let now = Timestamp::UNIX_EPOCH;
    let results = run(&suite, &file, read, now, &|| true, &mut coverage, &mut 1).unwrap();
    assert!(
        results.iter().all(|case| case.has_passed()),
        "{policy}\n{cases}"
    );
    policy
}

/// Prints each rule on one line, then the notes.
fn show(files: &[(&str, &str)]) -> String {
    let proposal = proposal(files);
    checked(&proposal, &Target::Own);
    let rules = proposal.rules.iter().map(|rule| {
        let mut branches: Vec<_> = rule.branches.iter().map(super::Filter::text).collect();
        let bases = rule.bases.iter().map(super::Filter::text);
        branches.extend(bases.flat_map(|base| ["into", base]));
        format!(
            "{}: {} | {} | {} | {}",
            rule.name,
            rule.permissions.join(" "),
            branches.join(" "),
            rule.environments.join(" "),
            rule.events.join(" "),
        )
    });
    let incomplete = proposal.incomplete.iter().flat_map(|incomplete| {
        let rules = incomplete.rules.iter().map(|rule| {
            let (permissions, events) = (rule.permissions.join(" "), rule.events.join(" "));
            format!("# {}: {permissions} | {events}", rule.name)
        });
        std::iter::once(format!("# {}", incomplete.reason)).chain(rules)
    });
    let notes = proposal.notes.iter().map(|note| format!("- {note}"));
    rules
        .chain(incomplete)
        .chain(notes)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn starts_of_each_event() {
    let job = "jobs: {a: {environment: prod}}";
    let with = |on: &str| show(&[("a.yml", &format!("on: {on}\n{job}"))]);
    let all = [
        "push",
        "{push: {branches: [main, 'v[0-9]+.x']}, workflow_dispatch: , schedule: }",
        "{push: {branches: [release]}, schedule: , workflow_dispatch: }",
        "{push: {branches: ['**', '!gh-pages']}}",
        "{push: {branches: [main, 'release/*', '!release/old']}}",
        "{push: {branches-ignore: [wip]}}",
        "{push: {tags: ['v*', latest]}, release: }",
        "{push: {tags-ignore: ['v*']}}",
        "{push: {branches: [main], tags: ['v*']}}",
        "[pull_request, merge_group]",
        "{pull_request: {branches: ['**', '!wip']}}",
        "{pull_request: {branches-ignore: [wip]}}",
        "[pull_request_target, workflow_run, push, push]",
        "[workflow_call, workflow_dispatch]",
        "workflow_call",
        "{push: {tags: ['v*', v1, '!v*-rc*']}}",
        "{merge_group: {branches: [main, 'release/*', '!release/old']}}",
        "not_an_event",
    ];
    let all: Vec<_> = all
        .iter()
        .map(|on| format!("{on}\n{}\n", with(on)))
        .collect();
    insta::assert_snapshot!(all.join("\n"), @"
    push
    a.yml on main for prod: ws:deployments:create | main | prod | push
    - a.yml: every branch starts it; the rules name only `main`

    {push: {branches: [main, 'v[0-9]+.x']}, workflow_dispatch: , schedule: }
    a.yml on 2 branches for prod: ws:deployments:create | main v[0-9]+.x | prod | push workflow_dispatch
    a.yml on main for prod: ws:deployments:create | main | prod | schedule

    {push: {branches: [release]}, schedule: , workflow_dispatch: }
    a.yml on release for prod: ws:deployments:create | release | prod | push workflow_dispatch
    a.yml on main for prod: ws:deployments:create | main | prod | schedule

    {push: {branches: ['**', '!gh-pages']}}
    a.yml on main for prod: ws:deployments:create | main | prod | push
    - a.yml: no rule can exclude a branch as the filters of `push` do; the rules name only `main`

    {push: {branches: [main, 'release/*', '!release/old']}}
    a.yml on main for prod: ws:deployments:create | main | prod | push
    - a.yml: no rule can exclude a branch as the filters of `push` do; the rules name only `main`

    {push: {branches-ignore: [wip]}}
    a.yml on main for prod: ws:deployments:create | main | prod | push
    - a.yml: no rule can exclude a branch as the filters of `push` do; the rules name only `main`

    {push: {tags: ['v*', latest]}, release: }
    a.yml on tags for prod: ws:deployments:create | refs/tags/latest refs/tags/v* | prod | push
    a.yml on releases for prod: ws:deployments:create | refs/tags/** | prod | release

    {push: {tags-ignore: ['v*']}}
    - a.yml: no rule can exclude a tag as the filters of `push` do; no rule covers that

    {push: {branches: [main], tags: ['v*']}}
    a.yml on main for prod: ws:deployments:create | main | prod | push
    a.yml on tags for prod: ws:deployments:create | refs/tags/v* | prod | push

    [pull_request, merge_group]
    - a.yml: on `pull_request` and `merge_group` it deploys code that is not merged yet; add a rule if this is intended

    {pull_request: {branches: ['**', '!wip']}}
    - a.yml: on `pull_request` it deploys code that is not merged yet; add a rule if this is intended

    {pull_request: {branches-ignore: [wip]}}
    - a.yml: on `pull_request` it deploys code that is not merged yet; add a rule if this is intended

    [pull_request_target, workflow_run, push, push]
    a.yml on main for prod: ws:deployments:create | main | prod | push
    - a.yml: users without write access can start `pull_request_target` or control its content, so a rule must name it; add one only if the workflow neither checks out nor runs that content
    - a.yml: users without write access can start `workflow_run` or control its content, so a rule must name it; add one only if the workflow neither checks out nor runs that content
    - a.yml: every branch starts it; the rules name only `main`

    [workflow_call, workflow_dispatch]
    a.yml on main for prod: ws:deployments:create | main | prod | workflow_dispatch

    workflow_call
    - a.yml: no workflow here calls it by a local path: one that calls it by its full name needs a rule for the calling file

    {push: {tags: ['v*', v1, '!v*-rc*']}}
    a.yml on tags for prod: ws:deployments:create | refs/tags/v1 | prod | push
    - a.yml: no rule can exclude a tag as the filters of `push` do; the rules name only `v1`

    {merge_group: {branches: [main, 'release/*', '!release/old']}}
    - a.yml: on `merge_group` it deploys code that is not merged yet; add a rule if this is intended

    not_an_event
    - a.yml: users without write access can start `not_an_event` or control its content, so a rule must name it; add one only if the workflow neither checks out nor runs that content
    ");
}

#[test]
fn permissions_are_guessed_from_jobs() {
    let on = "on: {push: {branches: [main]}, pull_request: , merge_group: , schedule: }";
    let with = |jobs: &str| show(&[("a.yml", &format!("{on}\njobs: {{{jobs}}}"))]);
    let all = [
        "a: {steps: [{run: make test}]}",
        "a: {steps: [{run: echo atmosphere}]}",
        "a: {steps: [{run: terraform plan}]}",
        "a: {steps: [{run: terraform plan}]}, b: {environment: prod}",
        "a: {steps: [{uses: cloudposse/github-action-atmos-affected-stacks@v6}]}",
        "a: {steps: [{run: \"atmos describe affected \\\\\\n  --upload\"}]}",
        "a: {steps: [{run: atmos list instances --upload}]}",
        "a: {environment: prod, steps: [{run: atmos pro lock}, {run: atmos terraform apply --upload-status}, {run: atmos pro unlock}]}",
        "a: {environment: dev}, b: {environment: prod}, c: {environment: Prod}",
        "a: {environment: '${{ vars.WHERE }}'}, b: {environment: prod}",
        "a: {uses: acme-org/workflows/.github/workflows/deploy.yml@v1}",
        "a: {env: {ATMOS_PRO_WORKSPACE_ID: x}, steps: [{run: make affected}]}",
        "a: {env: {ATMOS_PRO_WORKSPACE_ID: x}, steps: [{run: atmos pro commit}, {run: terraform plan}]}",
        "a: {env: {ATMOS_PRO_WORKSPACE_ID: x}, steps: [{run: terraform plan}]}",
        "a: {permissions: {id-token: write}, steps: [{uses: ./.github/actions/affected}]}",
        "a: {steps: [{uses: ./.github/actions/lint}]}",
    ];
    let all: Vec<_> = all
        .iter()
        .map(|jobs| format!("{jobs}\n{}\n", with(jobs)))
        .collect();
    insta::assert_snapshot!(all.join("\n"), @r#"
    a: {steps: [{run: make test}]}


    a: {steps: [{run: echo atmosphere}]}


    a: {steps: [{run: terraform plan}]}


    a: {steps: [{run: terraform plan}]}, b: {environment: prod}
    a.yml on main for prod: ws:deployments:create | main | prod | push schedule
    - a.yml: on `pull_request` and `merge_group` it deploys code that is not merged yet; add a rule if this is intended

    a: {steps: [{uses: cloudposse/github-action-atmos-affected-stacks@v6}]}


    a: {steps: [{run: "atmos describe affected \\\n  --upload"}]}
    a.yml on main: ws:affected_stacks:create | main |  | push schedule
    a.yml in pull requests: ws:affected_stacks:create | [^:]+ into main |  | pull_request
    a.yml in the merge queue: ws:affected_stacks:create | gh-readonly-queue/main/** |  | merge_group

    a: {steps: [{run: atmos list instances --upload}]}
    a.yml on main: ws:instances:create | main |  | push schedule
    a.yml in pull requests: ws:instances:create | [^:]+ into main |  | pull_request
    a.yml in the merge queue: ws:instances:create | gh-readonly-queue/main/** |  | merge_group

    a: {environment: prod, steps: [{run: atmos pro lock}, {run: atmos terraform apply --upload-status}, {run: atmos pro unlock}]}
    a.yml on main for prod: ws:locks:create ws:instances:update ws:locks:delete ws:deployments:create | main | prod | push schedule
    - a.yml: on `pull_request` and `merge_group` it deploys code that is not merged yet; add a rule if this is intended

    a: {environment: dev}, b: {environment: prod}, c: {environment: Prod}
    a.yml on main for 2 environments: ws:deployments:create | main | dev prod | push schedule
    - a.yml: on `pull_request` and `merge_group` it deploys code that is not merged yet; add a rule if this is intended

    a: {environment: '${{ vars.WHERE }}'}, b: {environment: prod}
    a.yml on main for prod: ws:deployments:create | main | prod | push schedule
    # Only a run knows the environment `${{ vars.WHERE }}`. Name the intended ones with `environment:`.
    # a.yml on main: ws:deployments:create | push schedule
    - a.yml: on `pull_request` and `merge_group` it deploys code that is not merged yet; add a rule if this is intended

    a: {uses: acme-org/workflows/.github/workflows/deploy.yml@v1}


    a: {env: {ATMOS_PRO_WORKSPACE_ID: x}, steps: [{run: make affected}]}
    - a.yml: line 2 starts a job with `ATMOS_PRO_WORKSPACE_ID`, so it uses Atmos Pro, and its steps do not show which permission it needs

    a: {env: {ATMOS_PRO_WORKSPACE_ID: x}, steps: [{run: atmos pro commit}, {run: terraform plan}]}
    - a.yml: line 2 runs `atmos pro commit`, and the permission that Atmos Pro requires for it is not public

    a: {env: {ATMOS_PRO_WORKSPACE_ID: x}, steps: [{run: terraform plan}]}
    - a.yml: line 2 starts a job with `ATMOS_PRO_WORKSPACE_ID`, so it uses Atmos Pro, and its steps do not show which permission it needs

    a: {permissions: {id-token: write}, steps: [{uses: ./.github/actions/affected}]}
    - a.yml: the local action `./.github/actions/affected` can need a permission, and is not read

    a: {steps: [{uses: ./.github/actions/lint}]}
    "#);
}

#[test]
fn requests_of_the_action_take_precedence_over_guesses() {
    let gate = "uses: repo-permissions/repo-permissions@v0, with: {permission: ";
    let asking = format!(
        "on: {{push: {{branches: [main]}}, pull_request: }}
permissions: {{id-token: write}}
jobs:
  build: {{steps: [{{{gate}ws:locks:create}}}}]}}
  deploy: {{environment: prod, steps: [{{{gate}'ws:locks:create, Deployments Create'}}}}]}}
  wrong: {{steps: [{{{gate}deploy}}}}, {{{gate}'${{{{ vars.KEY }}}}'}}}}]}}
  without: {{permissions: {{contents: read}}, steps: [{{{gate}a:b}}}}]}}
"
    );
    let other = "on: push\njobs: {a: {environment: prod}}";
    let atmos = "on: push\njobs: {a: {steps: [{run: atmos pro lock}]}}";
    let files = [("a.yml", &*asking), ("b.yml", other), ("c.yml", atmos)];
    insta::assert_snapshot!(show(&files), @"
    a.yml on main: ws:locks:create a:b | main |  | push
    a.yml in pull requests: ws:locks:create a:b | [^:]+ into main |  | pull_request
    a.yml on main for prod: ws:deployments:create | main | prod | push
    a.yml in pull requests for prod: ws:deployments:create | [^:]+ into main | prod | pull_request
    - a.yml: line 6 requests an invalid permission: `deploy` is not a permission key (write lower-case words joined by `:`, such as `ws:deployments:create`)
    - a.yml: line 6 requests `${{ vars.KEY }}`, whose value only a run knows
    - a.yml: line 7 requests permissions in a job without `id-token: write`, which therefore gets no token
    - c.yml: it uses Atmos Pro and asks for nothing with this action, so no rule is for it
    ");
}

#[test]
fn an_entry_of_a_central_policy() {
    let proposal = proposal(&[("a.yml", "on: push\njobs: {a: {environment: prod}}")]);
    let entry = |ids| Target::Entry {
        repository: RepositoryName::new("acme-org", "infra").unwrap(),
        ids,
    };
    let ids = Ids {
        repository: 123,
        owner: u64::MAX,
    };
    insta::assert_snapshot!(checked(&proposal, &entry(Ok(ids))), @"
    # yaml-language-server: $schema=https://raw.githubusercontent.com/repo-permissions/repo-permissions/v0/schema/repo-permissions.schema.json
    #
    # `repo-permissions init` proposed these rules from the workflow files. Review each rule and remove
    # what you do not want; everything that no rule grants is denied.
    version: 1

    repositories:
      # The ids pin the repository: another repository that takes over its name has different ids.
      - repository: acme-org/infra
        repository_id: 123
        owner_id: 18446744073709551615
        permissions:
          # Seen: an environment, line 2.
          - name: a.yml on main for prod
            permission: ws:deployments:create
            workflow: a.yml
            branch: main
            environment: prod
            events: [push]

    # To decide yourself:
    # - a.yml: every branch starts it; the rules name only `main`
    ");
    let why = "GitHub answered 404 (x\n`y`: z)".to_owned();
    insta::assert_snapshot!(checked(&Proposal::default(), &entry(Err(why))), @r"
    # yaml-language-server: $schema=https://raw.githubusercontent.com/repo-permissions/repo-permissions/v0/schema/repo-permissions.schema.json
    #
    # `repo-permissions init` proposed these rules from the workflow files. Review each rule and remove
    # what you do not want; everything that no rule grants is denied.
    version: 1

    repositories:
      # Not pinned: GitHub answered 404 (x\n`y`: z). Add `repository_id` and `owner_id`: `gh api
      # repos/acme-org/infra --jq '.id, .owner.id'` prints both.
      - repository: acme-org/infra
        permissions: []
        # No rule follows from the workflow files. The first one replaces `[]`, for example:
        # - name: production deploys
        #   permission: ws:deployments:create
        #   workflow: deploy.yml
        #   branch: main
        #   environment: production
        #   events: [push]
    ");
}

/// Untrusted text: names of files, branches, environments and events.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,6}",
        "[ -~]{1,8}",
        "[a-z*?+!\\[\\]0-9/.-]{1,8}",
        "[\u{0}-\u{2fff}]{1,4}",
        Just("refs/heads/main".to_owned()),
        Just("prod-".to_owned()),
        Just("true".to_owned()),
        Just("*".to_owned()),
    ]
}

proptest! {
    #[test]
    fn every_proposal_is_clean_and_its_cases_pass(
        file in text(),
        branches in prop::collection::vec(text(), 0..3),
        tags in prop::collection::vec(text(), 0..2),
        environments in prop::collection::vec(text(), 0..3),
        event in text(),
        central in any::<bool>(),
    ) {
        let on = serde_json::json!({
            "push": { "branches": branches, "tags": tags },
            event: {},
            "merge_group": { "branches": branches },
            "pull_request": { "branches": branches },
        });
        let jobs: serde_json::Map<_, _> = environments
            .iter()
            .enumerate()
            .map(|(index, name)| {
                let steps = [serde_json::json!({ "run": "atmos pro lock" })];
                (format!("j{index}"), serde_json::json!({ "environment": name, "steps": steps }))
            })
            .collect();
        // JSON is YAML, but for what YAML calls unprintable.
        let text = serde_json::json!({ "on": on, "jobs": jobs }).to_string();
        let proposal = proposal(&[(&format!("{file}.yml"), &text)]);
        let target = Target::Entry {
            repository: RepositoryName::new("acme-org", "infra").unwrap(),
            ids: Ok(Ids { repository: 1, owner: 2 }),
        };
        checked(&proposal, if central { &target } else { &Target::Own });
    }
}

/// Returns the rules and comments of the policy for one workflow, without the head.
fn body(on: &str, jobs: &str) -> String {
    let proposal = proposal(&[("a.yml", &format!("on: {on}\n{jobs}"))]);
    let policy = checked(&proposal, &Target::Own);
    let (_, body) = policy.split_once("permissions:").unwrap();
    body.to_owned()
}

#[test]
fn a_rule_is_never_wider_than_its_file() {
    let push = "{push: {branches: [main]}}";
    let mut all = String::new();
    for (what, on, jobs) in [
        (
            "an actor decides about the environment",
            push,
            "jobs: {a: {environment: \"${{ github.actor != 'x' && 'production' || '' }}\"}}",
        ),
        (
            "an event decides about the environment",
            "{push: {branches: [main]}, pull_request: }",
            "jobs: {a: {environment: \"${{ github.event_name == 'pull_request' && 'preview' || 'production' }}\"}}",
        ),
        (
            "an event decides whether the job runs",
            "{push: {branches: [main]}, release: }",
            "jobs: {a: {if: github.event_name == 'release', environment: prod}}",
        ),
        (
            "something else decides whether the job runs",
            push,
            "jobs: {a: {if: \"github.actor == 'x'\", environment: prod}}",
        ),
        (
            "a branch that a glob matches is left out",
            "{push: {branches: ['release/*']}}",
            "jobs: {a: {if: \"github.ref != 'refs/heads/release/old'\", environment: prod}}",
        ),
        (
            "a variable decides about the environment, in two jobs",
            push,
            "jobs: {a: {environment: '${{ vars.ENV }}'}, b: {environment: '${{ vars.ENV }}'}}",
        ),
        (
            "anyone starts it",
            "{issue_comment: , push: {branches: [main]}}",
            "jobs: {a: {environment: prod}}",
        ),
        (
            "each environment has its branch",
            "{push: {branches: [main, dev]}}",
            "jobs: {a: {environment: \"${{ github.ref_name == 'main' && 'prod' || 'dev' }}\"}}",
        ),
        (
            "an input chooses the commit",
            "{workflow_dispatch: {inputs: {sha: {type: string}}}}",
            "jobs: {a: {environment: prod, steps: [{uses: actions/checkout@v6, with: {ref: '${{ inputs.sha }}'}}]}}",
        ),
        (
            "no token, and no sign of need",
            "push",
            "jobs: {a: {steps: [{run: atmos validate stacks}, {run: terraform plan}]}}",
        ),
        (
            "a token, and no sign of need",
            "push",
            "permissions: {id-token: write}\njobs: {a: {steps: [{run: atmos validate stacks}]}}",
        ),
        (
            "a command whose permission is not public",
            push,
            "permissions: {id-token: write}\njobs: {a: {steps: [{run: atmos pro commit -m x}]}}",
        ),
        (
            "uploads on a release",
            "{release: }",
            "permissions: {id-token: write}\njobs: {a: {steps: [{run: atmos describe affected --upload}]}}",
        ),
        (
            "an action that plans by hand",
            "workflow_dispatch",
            "permissions: {id-token: write}\njobs: {a: {steps: [{uses: cloudposse/github-action-atmos-terraform-plan@v5}]}}",
        ),
        (
            "what this action can use out of sight",
            push,
            "permissions: {id-token: write}
jobs:
  a: {steps: [{uses: ./.github/actions/gate}, {uses: x/repo-permissions@v0, with: {permission: 'a:b'}}]}
  b: {uses: acme-org/workflows/.github/workflows/deploy.yml@v1}",
        ),
    ] {
        all.push_str(&format!("== {what}\n{}\n", body(on, jobs)));
    }
    insta::assert_snapshot!(all, @r#"
    == an actor decides about the environment

      # In some runs the job has no environment; this rule does not grant in these.
      # Seen: an environment, line 2.
      - name: a.yml on main for production
        permission: ws:deployments:create
        workflow: a.yml
        branch: main
        environment: production
        events: [push]

    == an event decides about the environment

      # Seen: an environment, line 2.
      - name: a.yml on main for production
        permission: ws:deployments:create
        workflow: a.yml
        branch: main
        environment: production
        events: [push]

    # To decide yourself:
    # - a.yml: on `pull_request` it deploys code that is not merged yet; add a rule if this is intended

    == an event decides whether the job runs

      # Seen: an environment, line 2.
      - name: a.yml on releases for prod
        permission: ws:deployments:create
        workflow: a.yml
        branch: { glob: "refs/tags/**" }
        environment: prod
        events: [release]

    == something else decides whether the job runs

      # The job runs only if `github.actor == 'x'`; the rule does not require that.
      # Seen: an environment, line 2.
      - name: a.yml on main for prod
        permission: ws:deployments:create
        workflow: a.yml
        branch: main
        environment: prod
        events: [push]

    == a branch that a glob matches is left out
     []
    # No rule follows from the workflow files. The first one replaces `[]`, for example:
    # - name: production deploys
    #   permission: ws:deployments:create
    #   workflow: deploy.yml
    #   branch: main
    #   environment: production
    #   events: [push]

    # To decide yourself:
    # - a.yml: the conditions of its jobs exclude a branch that its filters match, which no rule can; no
    #   rule covers that

    == a variable decides about the environment, in two jobs
     []
    # The first rule replaces `[]`.

      # Only a run knows the environment `${{ vars.ENV }}`. Name the intended ones with `environment:`.
      # Seen: an environment, line 2.
      # - name: a.yml on main
      #   permission: ws:deployments:create
      #   workflow: a.yml
      #   branch: main
      #   events: [push]

    == anyone starts it

      # Seen: an environment, line 2.
      - name: a.yml on main for prod
        permission: ws:deployments:create
        workflow: a.yml
        branch: main
        environment: prod
        events: [push]

    # To decide yourself:
    # - a.yml: users without write access can start `issue_comment` or control its content, so a rule
    #   must name it; add one only if the workflow neither checks out nor runs that content

    == each environment has its branch

      # Seen: an environment, line 2.
      - name: a.yml on main for prod
        permission: ws:deployments:create
        workflow: a.yml
        branch: main
        environment: prod
        events: [push]

      # Seen: an environment, line 2.
      - name: a.yml on dev for dev
        permission: ws:deployments:create
        workflow: a.yml
        branch: dev
        environment: dev
        events: [push]

    == an input chooses the commit

      # `inputs.sha` chooses the commit that this job runs: its branch says nothing about that code.
      # Seen: an environment, line 2.
      - name: a.yml on main for prod
        permission: ws:deployments:create
        workflow: a.yml
        branch: main
        environment: prod
        events: [workflow_dispatch]

    == no token, and no sign of need
     []
    # No rule follows from the workflow files. The first one replaces `[]`, for example:
    # - name: production deploys
    #   permission: ws:deployments:create
    #   workflow: deploy.yml
    #   branch: main
    #   environment: production
    #   events: [push]

    == a token, and no sign of need
     []
    # No rule follows from the workflow files. The first one replaces `[]`, for example:
    # - name: production deploys
    #   permission: ws:deployments:create
    #   workflow: deploy.yml
    #   branch: main
    #   environment: production
    #   events: [push]

    == a command whose permission is not public
     []
    # No rule follows from the workflow files. The first one replaces `[]`, for example:
    # - name: production deploys
    #   permission: ws:deployments:create
    #   workflow: deploy.yml
    #   branch: main
    #   environment: production
    #   events: [push]

    # To decide yourself:
    # - a.yml: line 3 runs `atmos pro commit`, and the permission that Atmos Pro requires for it is not
    #   public

    == uploads on a release

      # Seen: `atmos describe affected --upload`, line 3.
      - name: a.yml on releases
        permission: ws:affected_stacks:create
        workflow: a.yml
        branch: { glob: "refs/tags/**" }
        events: [release]

    == an action that plans by hand
     []
    # No rule follows from the workflow files. The first one replaces `[]`, for example:
    # - name: production deploys
    #   permission: ws:deployments:create
    #   workflow: deploy.yml
    #   branch: main
    #   environment: production
    #   events: [push]

    # To decide yourself:
    # - a.yml: line 3 runs `github-action-atmos-terraform-plan`, which sends nothing to Atmos Pro there

    == what this action can use out of sight

      # Seen: this action, line 4.
      - name: a.yml on main
        permission: a:b
        workflow: a.yml
        branch: main
        events: [push]

    # To decide yourself:
    # - a.yml: the local action `./.github/actions/gate` can use this action, and is not read
    # - a.yml: `acme-org/workflows/.github/workflows/deploy.yml@v1` can use this action, and cannot be
    #   read here
    "#);
}

#[test]
fn runs_that_no_rule_names_are_mentioned() {
    let all = [
        ("workflow_dispatch", "startsWith(github.ref, 'refs/tags/')"),
        ("pull_request", "github.base_ref != 'main'"),
        ("create", "github.ref_type == 'tag'"),
        (
            "[push, workflow_dispatch]",
            "github.event_name == 'push' || github.ref_type == 'tag'",
        ),
    ];
    let all = all.map(|(on, condition)| {
        let job = format!("{{if: \"{condition}\", steps: [{{run: atmos pro lock}}]}}");
        show(&[("a.yml", &format!("on: {on}\njobs: {{a: {job}}}"))])
    });
    insta::assert_snapshot!(all.join("\n\n"), @"
    - a.yml: no rule names a branch or tag for which `workflow_dispatch` runs its jobs; add one for those that you intend

    - a.yml: no rule names a branch or tag for which `pull_request` runs its jobs; add one for those that you intend

    - a.yml: no rule names a branch or tag for which `create` runs its jobs; add one for those that you intend

    a.yml on main: ws:locks:create | main |  | push
    - a.yml: every branch starts it; the rules name only `main`
    - a.yml: no rule names a branch or tag for which `workflow_dispatch` runs its jobs; add one for those that you intend
    ");
}

#[test]
fn a_called_file_is_mentioned_unless_a_file_here_calls_it_by_its_path() {
    let called = ("c.yml", "on: workflow_call\njobs: {a: {environment: prod}}");
    let with_caller = |uses: &str| {
        let caller = format!(
            "on: {{push: {{branches: [main]}}}}\npermissions: {{id-token: write}}\njobs: {{a: {{uses: {uses}}}}}"
        );
        show(&[called, ("caller.yml", &caller)])
    };
    let shown = [
        with_caller("./.github/workflows/c.yml"),
        with_caller("acme-org/infra/.github/workflows/c.yml@main"),
    ];
    insta::assert_snapshot!(shown.join("\n"), @"
    caller.yml on main for prod: ws:deployments:create | main | prod | push
    - caller.yml: the permissions that `acme-org/infra/.github/workflows/c.yml@main` needs are unknown
    - c.yml: no workflow here calls it by a local path: one that calls it by its full name needs a rule for the calling file
    ");
}

/// No rule can name the value; the others keep theirs.
#[test]
fn a_value_that_no_rule_can_name_takes_no_other_with_it() {
    let choice = "{workflow_dispatch: {inputs: {to: {type: choice, required: true, options: [dev, 'trail-']}}}}";
    let both = |on: &str, environment: &str| {
        show(&[(
            "a.yml",
            &format!("on: {on}\njobs: {{a: {{environment: \"{environment}\"}}}}"),
        )])
    };
    let shown = [
        both(choice, "${{ inputs.to }}"),
        both("{push: {branches: [main, 'a b']}}", "prod"),
        both("{push: {branches: [main, 'a b']}}", "${{ vars.WHERE }}"),
    ];
    insta::assert_snapshot!(shown.join("\n"), @r"
    a.yml on main for dev: ws:deployments:create | main | dev | workflow_dispatch
    - a.yml: the environment `trail-` ends with a dash
    a.yml on main for prod: ws:deployments:create | main | prod | push
    - a.yml: no branch is named `a b`: a branch has no space and none of `~^?*[\`
    # Only a run knows the environment `${{ vars.WHERE }}`. Name the intended ones with `environment:`.
    # a.yml on main: ws:deployments:create | push
    - a.yml: no branch is named `a b`: a branch has no space and none of `~^?*[\`
    ");
}

#[test]
fn like_files_share_their_rules() {
    let file =
        "on: {push: {branches: [main]}, workflow_dispatch: }\njobs: {a: {environment: prod}}";
    let names: Vec<_> = (0..20).map(|n| format!("service-{n}.yml")).collect();
    let mut files: Vec<_> = names.iter().map(|name| (name.as_str(), file)).collect();
    files.push((
        "other.yml",
        "on: {push: {branches: [main]}}\njobs: {a: {environment: prod}}",
    ));
    insta::assert_snapshot!(checked(&proposal(&files), &Target::Own), @"
    # yaml-language-server: $schema=https://raw.githubusercontent.com/repo-permissions/repo-permissions/v0/schema/repo-permissions.schema.json
    #
    # `repo-permissions init` proposed these rules from the workflow files. Review each rule and remove
    # what you do not want; everything that no rule grants is denied.
    version: 1

    permissions:
      # Seen: an environment, line 2 of service-0.yml, line 2 of service-1.yml, line 2 of service-2.yml
      # and 17 more.
      - name: service-0.yml and 19 other files on main for prod
        permission: ws:deployments:create
        workflow:
          - service-0.yml
          - service-1.yml
          - service-2.yml
          - service-3.yml
          - service-4.yml
          - service-5.yml
          - service-6.yml
          - service-7.yml
          - service-8.yml
          - service-9.yml
          - service-10.yml
          - service-11.yml
          - service-12.yml
          - service-13.yml
          - service-14.yml
          - service-15.yml
          - service-16.yml
          - service-17.yml
          - service-18.yml
          - service-19.yml
        branch: main
        environment: prod
        events: [push, workflow_dispatch]

      # Seen: an environment, line 2.
      - name: other.yml on main for prod
        permission: ws:deployments:create
        workflow: other.yml
        branch: main
        environment: prod
        events: [push]
    ");
}
