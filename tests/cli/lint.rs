//! `repo-permissions lint` as a program.

use serde_json::Value;

use crate::support::directory::Directory;
use crate::support::program::Run;

const NOW: &str = "2027-01-01T00:00:00Z";

/// The patterns that Atmos Pro's page gives as examples.
const EXAMPLES: &str = r#"version: 1
permissions:
  - permission: Affected Stacks Create
    workflow: "*"
    branch: "^(main|develop|feature/.*)$"
    environment: "*"
  - permission: ws:affected_stacks:create
    workflow: .*\\.yml$
    branch: main
  - permission: ws:deployments:create
    workflow: deploy-production.yml
    branch: ^(main|develop)$
    environment: prod.*
  - permission: ws:locks:create
    workflow: .*\.yml$
    branch: feature/*
"#;

const BROKEN: &str = "version: 1
permissions:
  - permision: ws:deployments:create
    branch: 7
    events: [pull-request]
  - permission: ws:locks:create
    environment: \"\\e[31m\"
    color: red
";

fn lint(text: &str, arguments: &[&str]) -> Run {
    let directory = Directory::checkout(&[("policy.yml", text)]);
    lint_in(&directory, &[&["policy.yml"], arguments].concat())
}

fn lint_in(directory: &Directory, arguments: &[&str]) -> Run {
    directory.run(&[&["lint", "--now", NOW], arguments].concat())
}

#[test]
fn the_examples_of_atmos_pro() {
    let run = lint(EXAMPLES, &[]);
    assert_eq!(run.code, Some(0));
    insta::assert_snapshot!(run.out, @r#"
    note[redundant-anchor]: the `^` and `$` of `^(main|develop|feature/.*)$` change nothing: a pattern matches the whole value
     --> policy.yml:5:13
      |
    5 |     branch: "^(main|develop|feature/.*)$"
      |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: write `(main|develop|feature/.*)`

    warning[unreachable]: rule 2 has no effect: rule 1 (line 3) grants all of its access
     --> policy.yml:7:5
      |
    7 |   - permission: ws:affected_stacks:create
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: remove it, or narrow the earlier rule: rules only add access

    warning[double-backslash]: the regex `.*\\.yml$` requires a backslash in the value
     --> policy.yml:8:15
      |
    8 |     workflow: .*\\.yml$
      |               ^^^^^^^^^
      |
      = help: file names, branches and environments have none: write `.*\.yml`

    note[redundant-anchor]: the `^` and `$` of `^(main|develop)$` change nothing: a pattern matches the whole value
      --> policy.yml:12:13
       |
    12 |     branch: ^(main|develop)$
       |             ^^^^^^^^^^^^^^^^
       |
       = help: write `(main|develop)`

    note[redundant-anchor]: the `$` of `.*\.yml$` changes nothing: a pattern matches the whole value
      --> policy.yml:15:15
       |
    15 |     workflow: .*\.yml$
       |               ^^^^^^^^
       |
       = help: write `.*\.yml`

    warning[glob-like]: the regex `feature/*` looks like a glob: its `*` repeats the character before it
      --> policy.yml:16:13
       |
    16 |     branch: feature/*
       |             ^^^^^^^^^
       |
       = help: write `{ glob: "feature/*" }`, or the regex `"feature/[^/]*"`

    0 errors, 3 warnings, 3 notes in 1 file; `--fix` can fix 3
    "#);
}

#[test]
fn a_broken_policy() {
    let run = lint(BROKEN, &[]);
    assert_eq!(run.code, Some(1));
    insta::assert_snapshot!(run.out, @r#"
    error[invalid]: unknown key `permision` in a rule
     --> policy.yml:3:5
      |
    3 |   - permision: ws:deployments:create
      |     ^^^^^^^^^
      |
      = help: did you mean `permission`?

    error[invalid]: `branch` is an integer (`7`), expected a string
     --> policy.yml:4:13
      |
    4 |     branch: 7
      |             ^
      |
      = help: write it in quotes: `"7"`

    error[invalid]: `pull-request` is not the name of an event
     --> policy.yml:5:14
      |
    5 |     events: [pull-request]
      |              ^^^^^^^^^^^^
      |
      = help: name events as in `on:`, such as `push`; patterns are not allowed here

    error[pattern-invalid]: the regex `\u{1b}[31m` is not valid: unclosed character class, at byte 1
     --> policy.yml:7:18
      |
    7 |     environment: "\e[31m"
      |                  ^^^^^^^^

    error[invalid]: unknown key `color` in a rule
     --> policy.yml:8:5
      |
    8 |     color: red
      |     ^^^^^
      |
      = help: known keys: `name`, `permission`, `workflow`, `branch`, `base`, `environment`, `events`, `claims`, `expires`

    5 errors, 0 warnings, 0 notes in 1 file
    "#);
}

#[test]
fn a_policy_with_invisible_characters() {
    let text = "version: 1\npermissions: # \u{202e}\n  - permission: \"\u{1b}[31m\"\n";
    let run = lint(text, &[]);
    assert_eq!(run.code, Some(1));
    insta::assert_snapshot!(run.out, @r#"
    error[invalid]: the policy contains the character `\u202E`, which changes the display order
     --> policy.yml:2:16
      |
    2 | permissions: # \u{202e}
      |                ^^^^^^^^
      |
      = help: remove it, or write it as `\u202E` in double quotes

    error[invalid]: the policy contains the character `\u001B`, which is not printable
     --> policy.yml:3:18
      |
    3 |   - permission: "\u{1b}[31m"
      |                  ^^^^^^
      |
      = help: remove it, or write it as `\u001B` in double quotes

    2 errors, 0 warnings, 0 notes in 1 file
    "#);
}

#[test]
fn exit_codes() {
    let directory = Directory::checkout(&[
        (
            "clean.yml",
            "version: 1\npermissions:\n  - permission: ws:locks:create\n    branch: main\n",
        ),
        (
            "warned.yml",
            "version: 1\npermissions:\n  - permission: ws:locks:create\n",
        ),
        (
            "wrong.yml",
            "version: 1\npermissions:\n  - { permission: ws:locks:create, branch: '*a' }\n",
        ),
    ]);
    std::fs::write(directory.0.join("bytes.yml"), b"version: \xff").unwrap();
    for (files, code, out, err) in [
        (
            &["clean.yml"][..],
            0,
            "0 errors, 0 warnings, 0 notes in 1 file",
            "",
        ),
        (
            &["warned.yml"],
            0,
            "0 errors, 1 warning, 0 notes in 1 file",
            "",
        ),
        (
            &["wrong.yml", "warned.yml"],
            1,
            "1 error, 1 warning, 0 notes in 2 files",
            "",
        ),
        (&["bytes.yml"], 1, "1 error, 0 warnings", ""),
        (
            &["wrong.yml", "none.yml"],
            2,
            "1 error, 0 warnings",
            "`none.yml` cannot be read: ",
        ),
        (&["."], 1, "1 error, 1 warning, 0 notes in 3 files", ""),
        (&["clean.yml", "--now", "soon"], 2, "", "--now"),
        (&[], 2, "", "FILE"),
    ] {
        let run = if files.contains(&"--now") {
            directory.run(&[&["lint"], files].concat())
        } else {
            lint_in(&directory, files)
        };
        assert_eq!(run.code, Some(code), "{files:?}: {}", run.err);
        assert!(run.out.contains(out), "{files:?}: {}", run.out);
        assert!(run.err.contains(err), "{files:?}: {}", run.err);
    }
}

#[test]
fn json() {
    let policy =
        "version: 1\npermissions:\n  - permission: ws:locks:create\n    branch: feature/*\n";
    let run = lint(policy, &["--format", "json"]);
    let expected = serde_json::json!({
        "findings": [{
            "code": "glob-like",
            "level": "warning",
            "file": "policy.yml",
            "line": 4,
            "column": 13,
            "end_column": 22,
            "message": "the regex `feature/*` looks like a glob: its `*` repeats the character before it",
            "help": "write `{ glob: \"feature/*\" }`, or the regex `\"feature/[^/]*\"`",
            "fix": "{ glob: \"feature/*\" }",
            "fix_safe": false,
            "edit": {
                "line": 4,
                "column": 13,
                "end_line": 4,
                "end_column": 22,
                "text": "{ glob: \"feature/*\" }",
            },
        }],
        "summary": { "errors": 0, "warnings": 1, "notes": 0 },
    });
    assert_eq!(run.json(), expected);
}

#[test]
fn sarif() {
    let policy =
        "version: 1\npermissions:\n  - permission: ws:locks:create\n    branch: feature/*\n";
    let directory = Directory::checkout(&[(".github/a b.yml", policy)]);
    let absolute = directory.0.join(".github/a b.yml");
    for file in ["./.github/a b.yml", absolute.to_str().unwrap()] {
        let log = lint_in(&directory, &[file, "--format", "sarif"]).json();
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        let result = &run["results"][0];
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(rule["shortDescription"]["text"].is_string());
        let location = &result["locations"][0]["physicalLocation"];
        assert_eq!(location["artifactLocation"]["uri"], ".github/a%20b.yml");
        assert_eq!(
            location["region"],
            serde_json::json!({ "startLine": 4, "startColumn": 13, "endLine": 4, "endColumn": 22 })
        );
        let change = &result["fixes"][0]["artifactChanges"][0]["replacements"][0];
        assert_eq!(change["insertedContent"]["text"], "{ glob: \"feature/*\" }");
    }
}

#[test]
fn workflow_commands_cannot_be_written_by_a_policy() {
    let policy = "version: 1\npermissions:\n  - permission: ws:locks:create\n    branch: \"a)\\n::set-output name=x::100%\"\n";
    let directory = Directory::checkout(&[("a,b:c.yml", policy)]);
    let run = lint_in(&directory, &["./a,b:c.yml", "--format", "github"]);
    assert_eq!(run.code, Some(1));
    insta::assert_snapshot!(run.out, @r"
    ::error file=a%2Cb%3Ac.yml,line=4,col=13,title=pattern-invalid::the regex `a)\n::set-output name=x::100%25` is not valid: unopened group, at byte 1
    1 error, 0 warnings, 0 notes in 1 file
    ");
    assert!(run.out.lines().skip(1).all(|line| !line.contains("::")));
}

#[test]
fn workflow_files_are_looked_for_above_the_policy() {
    let policy =
        "version: 1\npermissions:\n  - permission: ws:locks:create\n    workflow: deploy.yaml\n";
    let codes = |run: &Run| -> Vec<String> {
        let json = run.json();
        let findings = json["findings"].as_array().unwrap();
        let code = |finding: &Value| finding["code"].as_str().unwrap().to_owned();
        findings.iter().map(code).collect()
    };
    let directory = Directory::checkout(&[
        (".github/workflows/deploy.yml", ""),
        (".github/policies/p.yml", policy),
        ("inner/.git/HEAD", ""),
        ("inner/p.yml", policy),
    ]);
    let json = ["--format", "json"];
    let lint = |file: &str| codes(&lint_in(&directory, &[&[file], &json[..]].concat()));
    assert_eq!(lint(".github/policies/p.yml"), ["extension"]);
    assert_eq!(lint("inner/p.yml"), [""; 0]);
}

#[test]
fn nothing_makes_it_panic() {
    let long = format!(
        "{{\"version\":1,\"permissions\":[{{\"permission\":\"ws:locks:create\",\"name\":\"{}\",\"branch\":\"é/*\"}}]}}",
        "ü".repeat(90_000)
    );
    let directory = Directory::checkout(&[
        (
            "bom.yml",
            "\u{feff}version: 1\r\npermissions:\r\n  - {permission: a:b, branch: 'é)'}\r\n",
        ),
        (
            "cr.yml",
            "version: 1\rpermissions:\r  - {permission: a:b, branch: 'é)'}\r",
        ),
        ("long.json", &long),
        (
            "block.yml",
            "version: 1\npermissions:\n  - permission: a:b\n    branch: |\n      é/*\n\n\n",
        ),
        ("empty.yml", ""),
        ("tab.yml", "version: 1\n\t\tx"),
        (
            "cut.json",
            "{\"version\": 1, \"permissions\": [{\"é\": \"\\u00",
        ),
    ]);
    for file in [
        "bom.yml",
        "cr.yml",
        "long.json",
        "block.yml",
        "empty.yml",
        "tab.yml",
        "cut.json",
    ] {
        for format in ["human", "json", "sarif", "github"] {
            let run = lint_in(&directory, &[file, "--format", format]);
            assert!(
                matches!(run.code, Some(0 | 1)),
                "{file}: {:?} {}",
                run.code,
                run.err
            );
            assert!(
                !run.out.contains(|c: char| c.is_control() && c != '\n'),
                "{file}"
            );
        }
    }
}

/// A job with the gate and the work, in that order; `{…}` are the keys of a step.
fn workflow(on: &str, steps: &[&str]) -> String {
    let steps: Vec<_> = steps
        .iter()
        .map(|step| format!("      - {step}\n"))
        .collect();
    format!(
        "on: {on}\npermissions: {{id-token: write}}\njobs:\n  deploy:\n    steps:\n{}",
        steps.concat()
    )
}

const GATE: &str = "uses: Acme-Org/Repo-Permissions@v0";

const POLICY: &str =
    "version: 1\npermissions:\n  - permission: ws:deployments:create\n    branch: main\n";

/// Codes of the findings in a workflow file.
fn codes_in(workflow: &str) -> Vec<String> {
    let directory = Directory::with_workflows(&[("deploy.yml", workflow)]);
    directory.write(".github/repo-permissions.yml", POLICY);
    let run = lint_in(
        &directory,
        &[".github/repo-permissions.yml", "--format", "json"],
    );
    let output: Value =
        serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{}{}", run.out, run.err));
    let findings = output["findings"].as_array().unwrap().iter();
    let files = findings.filter(|finding| finding["file"] == ".github/workflows/deploy.yml");
    files
        .map(|finding| finding["code"].as_str().unwrap().to_owned())
        .collect()
}

/// Each finding with its honest twin.
#[test]
fn gate_findings_and_their_honest_twins() {
    let gate =
        |more: &str| format!("{{{GATE}, with: {{permission: ws:deployments:create}}{more}}}");
    let honest = gate("");
    let deploy = "run: terraform apply";
    let dispatch = "{workflow_dispatch: {inputs: {sha: {type: string}}}}";
    for (code, on, steps, twin) in [
        ("gate-continues", "push", vec![gate(", continue-on-error: true"), deploy.into()], vec![gate(", continue-on-error: false"), deploy.into()]),
        ("gate-continues", dispatch, vec![gate(", continue-on-error: '${{ vars.SOFT }}'"), deploy.into()], vec![honest.clone(), deploy.into()]),
        (
            "gate-left-out",
            "[push, schedule]",
            vec![gate(", if: github.event_name == 'push'"), deploy.into()],
            vec![gate(", if: github.event_name == 'push'"), format!("{{{deploy}, if: \"${{{{ github.event_name == 'push' }}}}\"}}")],
        ),
        (
            "gate-left-out",
            "push",
            vec![gate(", if: vars.GATE"), deploy.into()],
            vec![gate(", if: always()"), deploy.into()],
        ),
        (
            "gate-left-out",
            "push",
            vec![gate(", if: failure()"), deploy.into()],
            vec![gate(", if: success()"), deploy.into()],
        ),
        (
            "gate-left-out",
            "push",
            vec![gate(", if: '${{ success() }}'"), format!("{{{deploy}, if: success() || steps.a.outcome == 'failure'}}")],
            vec![gate(", if: '${{ success() }}'"), deploy.into()],
        ),
        (
            "gate-left-out",
            "[push, schedule]",
            vec![gate(", if: success() && github.event_name == 'push'"), deploy.into()],
            vec![gate(", if: '!cancelled()'"), deploy.into()],
        ),
        (
            "gate-ignored",
            "push",
            vec![gate(", if: success()"), format!("{{{deploy}, if: always()}}")],
            vec![gate(", if: ''"), deploy.into()],
        ),
        ("gate-late", "push", vec![deploy.into(), honest.clone()], vec!["run: terraform plan".into(), honest.clone(), deploy.into(), honest.clone()]),
        ("gate-concurrent", "push", vec![gate(", background: true"), deploy.into()], vec![gate(", background: false"), deploy.into()]),
        (
            "gate-concurrent",
            "push",
            vec![format!("parallel: [{honest}, {{{deploy}}}]")],
            vec![honest.clone(), format!("parallel: [{{{deploy}}}, {{run: make test}}]")],
        ),
        (
            "gate-ignored",
            "push",
            vec![honest.clone(), format!("{{{deploy}, if: always()}}")],
            vec![gate(", id: gate"), format!("{{{deploy}, if: \"${{{{ !cancelled() && steps.gate.outcome == 'success' }}}}\"}}")],
        ),
        (
            "dispatched-ref",
            dispatch,
            vec!["{uses: Actions/Checkout@v6, with: {Ref: '${{ inputs.sha }}'}}".into()],
            vec!["{uses: actions/checkout@v6, with: {ref: '${{ github.sha }}'}}".into()],
        ),
        (
            "dispatched-ref",
            "pull_request_target",
            vec!["{uses: actions/checkout@v6, with: {ref: '${{ github.event.pull_request.head.sha }}'}}".into()],
            vec!["{uses: actions/checkout@v6, with: {ref: '${{ github.event.pull_request.base.sha }}'}}".into()],
        ),
        (
            "dispatched-ref",
            "workflow_run",
            vec!["run: git checkout ${{ github.event.workflow_run.head_sha }}".into()],
            vec!["run: git checkout -b work".into()],
        ),
    ] {
        let found = |steps: &[String]| {
            let steps: Vec<_> = steps.iter().map(String::as_str).collect();
            codes_in(&workflow(on, &steps))
        };
        assert_eq!(found(&steps), [code], "{steps:?}");
        assert_eq!(found(&twin), [""; 0], "{twin:?}");
    }
    let beside = |gate: &str, asks: &str, deploy: &str| {
        format!(
            "{}    {gate}\n  apply:\n    needs: deploy\n    {asks}\n    steps: [{deploy}]\n",
            workflow("push", &[&honest])
        )
    };
    let deploy = "{run: terraform apply}";
    let both = format!("{honest}, {deploy}");
    let fails = "continue-on-error: ${{ vars.SOFT }}";
    let always = "if: always()";
    for (code, file, twin) in [
        (
            "gate-continues",
            beside(fails, "", deploy),
            beside("", "", deploy),
        ),
        (
            "gate-ignored",
            beside("", always, deploy),
            beside("", always, &both),
        ),
        (
            "gate-ignored",
            beside("", "if: failure() || success()", deploy),
            beside(
                "",
                "if: always() && needs.deploy.result == 'success'",
                deploy,
            ),
        ),
    ] {
        assert_eq!(codes_in(&file), [code], "{file}");
        assert_eq!(codes_in(&twin), [""; 0], "{twin}");
    }
}

/// Which contexts choose a reference depends on the event.
#[test]
fn a_reference_is_chosen_in_the_events_that_let_someone_choose_it() {
    let head = "github.head_ref || github.ref";
    let sha = "github.event.pull_request.head.sha || github.sha";
    let by_name =
        "github.event_name == 'pull_request' && github.event.pull_request.head.sha || github.sha";
    let dispatch = "{push: , workflow_dispatch: {inputs: {ref: }}}";
    for (on, expression, expected) in [
        // A pull request's own head is the token's branch, and other events have no head.
        ("pull_request", "github.head_ref", None),
        ("push", head, None),
        ("[push, pull_request]", head, None),
        ("[push, pull_request]", sha, None),
        ("[push, pull_request]", by_name, None),
        ("[pull_request, merge_group]", sha, None),
        ("[pull_request, workflow_dispatch]", head, None),
        ("[pull_request, schedule]", head, None),
        (
            "[push, workflow_dispatch]",
            "inputs.ref || github.ref",
            None,
        ),
        ("push", "github.event.inputs.ref || github.ref", None),
        ("[push, pull_request_target]", head, Some("github.head_ref")),
        ("[pull_request, pull_request_target]", by_name, None),
        (
            "[push, pull_request_target]",
            sha,
            Some("github.event.pull_request.head.sha"),
        ),
        (
            "[push, pull_request_review]",
            sha,
            Some("github.event.pull_request.head.sha"),
        ),
        (
            "[push, issue_comment]",
            "github.event.issue.number && format('refs/pull/{0}/head', github.event.issue.number) || github.ref",
            Some("github.event.issue.number"),
        ),
        (dispatch, "inputs.ref || github.ref", Some("inputs.ref")),
        (
            dispatch,
            "inputs.ref == 'old' && 'refs/heads/old' || github.ref",
            Some("inputs.ref"),
        ),
        (
            "[push, workflow_run]",
            "github.event.workflow_run.head_sha || github.sha",
            Some("github.event.workflow_run.head_sha"),
        ),
        (
            "push",
            "needs.plan.outputs.sha || github.sha",
            Some("needs.plan.outputs.sha"),
        ),
    ] {
        let step =
            format!("{{uses: actions/checkout@v6, with: {{ref: \"${{{{ {expression} }}}}\"}}}}");
        let text = workflow(on, &[&step]);
        let directory = Directory::with_workflows(&[("a.yml", &text)]).with("p.yml", POLICY);
        let out = lint_in(&directory, &["p.yml"]).out;
        let chosen = out
            .split_once("`")
            .filter(|_| out.contains("[dispatched-ref]"));
        let chosen = chosen.and_then(|(_, rest)| rest.split_once("` chooses"));
        assert_eq!(
            chosen.map(|(chosen, _)| chosen),
            expected,
            "{on}: {expression}\n{out}"
        );
    }
}

#[test]
fn the_condition_of_a_checkout_limits_its_events() {
    let checkout =
        "uses: actions/checkout@v6, with: {ref: '${{ github.event.pull_request.head.sha }}'}";
    let with_condition = |event: &str| {
        let step = format!("{{{checkout}, if: github.event_name == '{event}'}}");
        codes_in(&workflow("[pull_request, pull_request_target]", &[&step]))
    };
    assert_eq!(with_condition("pull_request"), [""; 0]);
    assert_eq!(with_condition("pull_request_target"), ["dispatched-ref"]);
}

#[test]
fn the_callers_of_a_file_choose_what_it_checks_out() {
    let called = workflow(
        "{workflow_call: {inputs: {sha: {type: string}}}}",
        &["{uses: actions/checkout@v6, with: {ref: '${{ inputs.sha }}'}}"],
    );
    let found = |callers: &[(&str, &str)]| {
        let callers: Vec<_> = callers
            .iter()
            .enumerate()
            .map(|(index, (on, sha))| {
                let text = format!(
                    "on: {on}\npermissions: {{id-token: write}}\njobs:\n  call:\n    uses: ./.github/workflows/deploy.yml\n    with: {{sha: '${{{{ {sha} }}}}'}}\n"
                );
                (format!("caller{index}.yml"), text)
            })
            .collect();
        let mut files: Vec<_> = callers
            .iter()
            .map(|(file, text)| (&**file, &**text))
            .collect();
        files.push(("deploy.yml", &called));
        let directory = Directory::with_workflows(&files).with("p.yml", POLICY);
        lint_in(&directory, &["p.yml"])
            .out
            .contains("[dispatched-ref]")
    };
    let dispatch = "{workflow_dispatch: {inputs: {sha: }}}";
    assert!(found(&[]));
    assert!(!found(&[("push", "github.sha")]));
    assert!(found(&[(dispatch, "inputs.sha")]));
    assert!(found(&[
        ("push", "github.sha"),
        (dispatch, "inputs.sha || github.sha")
    ]));
    assert!(!found(&[(
        "[push, pull_request]",
        "github.event.pull_request.head.sha || github.sha"
    )]));
    assert!(found(&[(
        "pull_request_target",
        "github.event.pull_request.head.sha || github.sha"
    )]));
}

#[test]
fn a_workflow_file_that_cannot_be_read_is_a_warning() {
    let directory = Directory::with_workflows(&[
        ("broken.yml", "on: [push\njobs: {}\n"),
        ("alias.yml", "on: push\njobs: {a: *unknown}\n"),
    ])
    .with(".github/repo-permissions.yml", POLICY)
    .with("other.yml", POLICY);
    let run = lint_in(&directory, &["other.yml", ".github/repo-permissions.yml"]);
    assert_eq!(run.code, Some(0), "{}", run.out);
    insta::assert_snapshot!(run.err, @"
    warning: cannot read the workflow `alias.yml`: line 2, column 11: not valid YAML: while parsing node, found unknown anchor
    warning: cannot read the workflow `broken.yml`: line 2, column 5: not valid YAML: illegal placement of ':' indicator
    ");
}

#[test]
fn a_finding_in_a_workflow_file_is_shown_in_its_file() {
    let gate =
        format!("{{{GATE}, continue-on-error: true, with: {{permission: ws:deployments:create}}}}");
    let text = workflow("push", &[&gate, "run: terraform apply"]);
    let directory = Directory::with_workflows(&[("deploy.yml", &text)]);
    directory.write(
        ".github/repo-permissions.yml",
        "version: 1\npermissions:\n  - permission: ws:deployments:create\n    branch: main\n",
    );
    let run = lint_in(&directory, &[".github/repo-permissions.yml"]);
    assert_eq!(run.code, Some(0));
    insta::assert_snapshot!(run.out, @"
    warning[gate-continues]: the job goes on after a denial, because this step has `continue-on-error`
     --> .github/workflows/deploy.yml:6:9
      |
    6 |       - {uses: Acme-Org/Repo-Permissions@v0, continue-on-error: true…
      |         ^
      |
      = help: remove it; to enforce nothing yet, write `mode: advisory`, which the check run shows

    0 errors, 1 warning, 0 notes in 2 files
    ");
    let run = lint_in(
        &directory,
        &[".github/repo-permissions.yml", "--format", "github"],
    );
    insta::assert_snapshot!(run.out, @"
    ::warning file=.github/workflows/deploy.yml,line=6,col=9,title=gate-continues::the job goes on after a denial, because this step has `continue-on-error` (remove it; to enforce nothing yet, write `mode: advisory`, which the check run shows)
    0 errors, 1 warning, 0 notes in 2 files
    ");
}
