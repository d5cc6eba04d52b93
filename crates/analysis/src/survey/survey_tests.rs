use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use engine::context::Context;
use engine::decision::{Provenance, RepositoryRules};
use engine::policy::{Format, Policy};

const ACTION: &str = "repo-permissions";

fn workflows(files: &[(&str, &str)]) -> Workflows {
    let texts = files.iter();
    Workflows::of_texts(texts.map(|(file, text)| ((*file).to_owned(), Ok((*text).to_owned()))))
}

fn repository(name: &str) -> Repository {
    Repository {
        name: name.to_owned(),
        id: Some(123),
        owner_id: Some(7),
        is_private: true,
        ..Repository::default()
    }
}

fn lines<'f>(findings: impl IntoIterator<Item = &'f SurveyFinding>) -> String {
    let line = |finding: &SurveyFinding| {
        let line = finding.line.map(|line| format!(":{line}"));
        let line = line.unwrap_or_default();
        let place = finding.file.as_ref().map(|file| format!(" {file}{line}"));
        let place = place.unwrap_or_default();
        format!("{}{place} {}", finding.code.as_str(), finding.message)
    };
    let lines: Vec<_> = findings.into_iter().map(line).collect();
    lines.join("\n")
}

/// Prints the findings about one private repository.
fn found(policy: &str, files: &[(&str, &str)]) -> String {
    let document = Policy::parse(policy, Format::Yaml).unwrap();
    let policy = (!policy.starts_with("version: 1\npermissions"))
        .then(|| SurveyPolicy::new(&document, "acme-org").unwrap());
    let mut survey = Survey::new(ACTION, policy);
    let row = survey.add(&repository("acme-org/infra"), Ok(&workflows(files)));
    row.map_or_else(String::new, |row| lines(&row.findings))
}

const NO_POLICY: &str = "version: 1\npermissions: []\n";
const ALL: &str = "permissions: {id-token: write, contents: read, checks: write, statuses: write}";
const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

/// Returns a workflow whose step in line 5 uses this action.
fn asking(on: &str, permissions: &str, with: &str) -> String {
    let uses = format!("uses: o/repo-permissions@{SHA}");
    format!(
        "on: {on}\n{permissions}\njobs:\n  deploy:\n    steps: [{{{uses}, with: {{{with}}}}}]\n"
    )
}

#[test]
fn a_job_whose_step_only_reviews_needs_less() {
    let found = |permissions: &str, with: &str| {
        found(NO_POLICY, &[("a.yml", &asking("push", permissions, with))])
    };
    let checks = "permissions: {contents: read, checks: write}";
    assert_eq!(found(checks, "review: 'true'"), "");
    let reads = "permissions: {contents: read}";
    insta::assert_snapshot!(found(reads, "review: 'true'"), @"missing-checks a.yml:5 the job `deploy` has no `checks: write`");
    insta::assert_snapshot!(found(ALL, "review: 'false'"), @"invalid-permission a.yml:5 requests no permission");
}

#[test]
fn a_job_needs_what_its_step_does() {
    let found = |permissions: &str, with: &str| {
        let with = format!("permission: 'a:b', {with}");
        found(NO_POLICY, &[("a.yml", &asking("push", permissions, &with))])
    };
    assert_eq!(found(ALL, ""), "");
    assert_eq!(found("permissions: write-all", ""), "");
    insta::assert_snapshot!(found("", ""), @"missing-id-token a.yml:5 the job `deploy` has no `permissions:`, and GitHub's defaults never include `id-token: write`");
    insta::assert_snapshot!(found("permissions: read-all", ""), @"missing-id-token a.yml:5 the job `deploy` has no `id-token: write`, `checks: write`, `statuses: write`");
    let id_token = "permissions: {id-token: write}";
    insta::assert_snapshot!(found(id_token, ""), @"
    missing-contents a.yml:5 the job `deploy` has no `contents: read`
    missing-checks a.yml:5 the job `deploy` has no `checks: write`
    missing-statuses a.yml:5 the job `deploy` has no `statuses: write`
    ");
    insta::assert_snapshot!(found(id_token, "report: 'summary, status', policy: ./p.yml"), @"missing-statuses a.yml:5 the job `deploy` has no `statuses: write`");
    for with in [
        "report: none, policy: acme-org/policies/p.yml@main",
        "token: '${{ secrets.READER }}'",
        "app-client-id: x, app-private-key: '${{ secrets.KEY }}'",
        "report: '${{ vars.REPORT }}', policy: \"version: 1\\npermissions: []\\n\"",
    ] {
        assert_eq!(found(id_token, with), "", "{with}");
    }
    let token = found(id_token, "token: '${{ github.token }}', report: summary");
    assert!(token.starts_with("missing-contents"), "{token}");
}

#[test]
fn a_public_repository_needs_no_contents_permission() {
    let mut survey = Survey::new(ACTION, None);
    let text = asking(
        "push",
        "permissions: {id-token: write}",
        "permission: 'a:b', report: none",
    );
    let public = Repository {
        is_private: false,
        ..repository("acme-org/infra")
    };
    let row = survey
        .add(&public, Ok(&workflows(&[("a.yml", &text)])))
        .unwrap();
    assert_eq!(row.findings, []);
}

#[test]
fn a_called_workflow_is_reported_with_its_caller() {
    let gate = asking("workflow_call", "", "permission: 'a:b'");
    let caller = |permissions: &str| {
        format!("on: push\n{permissions}\njobs: {{call: {{uses: ./.github/workflows/gate.yml}}}}\n")
    };
    assert_eq!(found(NO_POLICY, &[("gate.yml", &gate)]), "");
    let (may, may_not) = (caller(ALL), caller("permissions: {contents: read}"));
    let files = [
        ("gate.yml", &*gate),
        ("may.yml", &may),
        ("not.yml", &may_not),
    ];
    insta::assert_snapshot!(found(NO_POLICY, &files), @"missing-id-token gate.yml:5 the job `deploy`, called by `not.yml`, has no `id-token: write`, `checks: write`, `statuses: write`");
    let mut survey = Survey::new(ACTION, None);
    let row = survey
        .add(&repository("o/r"), Ok(&workflows(&files)))
        .unwrap();
    let asks: Vec<_> = row
        .workflows
        .iter()
        .map(|file| (&*file.file, file.steps.len()))
        .collect();
    assert_eq!(asks, [("may.yml", 1), ("not.yml", 1)]);
    assert_eq!((survey.summary.steps, survey.summary.with_action), (2, 1));
}

#[test]
fn invalid_steps() {
    let text = asking(
        "[push, pull_request_target]",
        ALL,
        "permission: 'deploy, ws:locks:create'",
    );
    let text = text.replace(SHA, "v0");
    insta::assert_snapshot!(found(NO_POLICY, &[("a.yml", &text)]), @"
    invalid-permission a.yml:5 `deploy` is not a permission key
    untrusted-event a.yml:5 requests permissions on `pull_request_target`
    mutable-ref a.yml:5 uses `o/repo-permissions@v0`
    ");
    insta::assert_snapshot!(found(NO_POLICY, &[("a.yml", &asking("push", ALL, "mode: x"))]), @"invalid-permission a.yml:5 requests no permission");
    let dynamic = asking("push", ALL, "permission: '${{ vars.P }}'");
    assert_eq!(found(NO_POLICY, &[("a.yml", &dynamic)]), "");
    insta::assert_snapshot!(found(NO_POLICY, &[("a.yml", "on: push\njobs:\n\t- x")]), @"not-understood a.yml:3 not valid YAML: tabs disallowed within this context (block indentation)");
}

const CENTRAL: &str = "\
version: 1
repositories:
  - repository: acme-org/infra
    repository_id: 123
    delegate: own:key
    permissions:
      - permission: ws:locks:create
      - permission: ws:locks:delete
        events: [workflow_run]
  - repository: { glob: acme-org/service-* }
    owner_id: 7
    permissions: []
";

#[test]
fn steps_that_use_the_policy_need_an_entry_with_a_rule() {
    const POLICY: &str = "policy: acme-org/policies/p.yml@main";
    let ask = |on: &str, permission: &str| {
        asking(on, ALL, &format!("permission: '{permission}', {POLICY}"))
    };
    let named = ask("[push, workflow_run]", "ws:locks:delete, own:key");
    assert_eq!(found(CENTRAL, &[("a.yml", &named)]), "");
    insta::assert_snapshot!(found(CENTRAL, &[("a.yml", &ask("workflow_run", "Locks Create, ws:x:y"))]), @"
    permission-not-named a.yml:5 requests `ws:x:y`; entry at line 3
    untrusted-event a.yml:5 requests permissions on `workflow_run`
    ");
    // A repository's own policy is another policy.
    let own = asking("push", ALL, "permission: 'ws:x:y'");
    assert_eq!(found(CENTRAL, &[("a.yml", &own)]), "");
    let other = CENTRAL.replace("acme-org/infra", "acme-org/other");
    insta::assert_snapshot!(found(&other, &[("a.yml", &named), ("b.yml", &own), ("c.yml", &named), ("d.yml", &named)]), @"
    no-entry a.yml:5 uses the policy `acme-org/policies/p.yml@main`, as do 2 more steps
    untrusted-event a.yml:5 requests permissions on `workflow_run`
    untrusted-event c.yml:5 requests permissions on `workflow_run`
    untrusted-event d.yml:5 requests permissions on `workflow_run`
    ");
}

/// Prints the findings about a policy's entries for a set of repositories.
fn entries(
    policy: &str,
    repositories: &[(&str, u64, u64)],
    answers: &[(&str, CurrentName)],
) -> String {
    let document = Policy::parse(policy, Format::Yaml).unwrap();
    let policy = SurveyPolicy::new(&document, "Acme-Org").unwrap();
    let mut survey = Survey::new(ACTION, Some(policy));
    for (name, id, owner_id) in repositories {
        let repository = Repository {
            id: Some(*id),
            owner_id: Some(*owner_id),
            ..repository(name)
        };
        survey.add(&repository, Ok(&workflows(&[])));
    }
    let policy = survey.policy().unwrap();
    let mut from = 0;
    let mut questions = Vec::new();
    while let Some((number, name)) = policy.next_lookup(from) {
        from = number + 1;
        let name = name.to_string();
        if let Some((_, answer)) = answers.iter().find(|(asked, _)| *asked == name) {
            policy.set_current_name(number, answer.clone());
        }
        questions.push(name);
    }
    let rows = survey.finish();
    let rows: Vec<_> = rows
        .iter()
        .map(|row| format!("{} {}\n{}", row.entry, row.repository, lines(&row.findings)))
        .collect();
    format!("asked: {}\n{}", questions.join(" "), rows.join("\n"))
}

#[test]
fn entries_for_renamed_recreated_and_missing_repositories() {
    let policy = "\
version: 1
repositories:
  - {repository: acme-org/fine, repository_id: 1, owner_id: 7, permissions: []}
  - {repository: acme-org/recreated, repository_id: 2, permissions: []}
  - {repository: acme-org/moved, repository_id: 3, permissions: []}
  - {repository: [acme-org/renamed, ACME-org/gone, acme-org/away, acme-org/new], permissions: []}
  - {repository: {glob: 'acme-org/*'}, owner_id: 8, permissions: []}
  - {repository: 'acme-org/nothing-.*', permissions: []}
  - {repository: {glob: other-org/*}, permissions: []}
  - {repository: 'other-org/x', permissions: []}
  - {repository: '(acme|other)-org/none', permissions: []}
  - {repository: no-slash, permissions: []}
";
    let repositories = [
        ("acme-org/fine", 1, 7),
        ("acme-org/recreated", 22, 7),
        ("acme-org/called-so-today", 3, 7),
        ("acme-org/was-recreated", 2, 7),
    ];
    let is = |name: &str| CurrentName::Is(name.to_owned());
    let answers = [
        ("acme-org/renamed", is("acme-org/x")),
        ("ACME-org/gone", CurrentName::Gone),
        ("acme-org/away", is("other-org/away")),
        ("acme-org/new", is("Acme-Org/New")),
    ];
    insta::assert_snapshot!(entries(policy, &repositories, &answers), @"
    asked: acme-org/renamed ACME-org/gone acme-org/away acme-org/new
    4 acme-org/recreated
    id-differs `acme-org/recreated` has `repository_id` 22, but the entry pins 2; the pinned id 2 now belongs to `acme-org/was-recreated`
    5 acme-org/moved
    renamed the pinned id 3 now belongs to `acme-org/called-so-today`
    6 acme-org/renamed, ACME-org/gone, acme-org/away, acme-org/new
    renamed `acme-org/renamed` was renamed to `acme-org/x`
    gone `ACME-org/gone`
    renamed `acme-org/away` was transferred to `other-org/away`
    7 acme-org/*
    id-differs `acme-org/fine` has `owner_id` 7, but the entry pins 8; 3 more repositories differ
    8 acme-org/nothing-.*
    matches-nothing the regex `acme-org/nothing-.*`
    11 (acme|other)-org/none
    matches-nothing the regex `(acme|other)-org/none`
    ");
    let document = Policy::parse(policy, Format::Yaml).unwrap();
    assert_eq!(
        SurveyPolicy::new(&document, "acme-org").unwrap().counts(),
        (10, 3)
    );
}

#[test]
fn a_policy_that_other_repositories_cannot_use_is_rejected() {
    for policy in [
        "version: 1\npermissions: []\nrepositories: []\n",
        "version: 1\nrepositories: [{repository: 'a)', permissions: []}]\n",
        "version: 1\nrepositories: [{repository: [], permissions: []}]\n",
    ] {
        let document = Policy::parse(policy, Format::Yaml).unwrap();
        assert!(
            SurveyPolicy::new(&document, "acme-org").is_err(),
            "{policy}"
        );
    }
}

proptest! {
    #[test]
    fn the_same_entries_apply_as_in_a_decision(
        patterns in proptest::collection::vec("(A|a)/[b-d]|\\{(glob|regex|exact): '(A|a)/[b-d.*?]{1,2}'\\}|'[*]'", 1..6),
        pins in proptest::collection::vec((0_u64..3, 0_u64..3), 6),
        names in proptest::collection::vec(("[aA]/[B-D]{1,2}", 0_u64..3, 0_u64..3), 1..6),
    ) {
        let mut text = "version: 1\nrepositories:\n".to_owned();
        for (pattern, (id, owner)) in patterns.iter().zip(&pins) {
            text.push_str(&format!("  - repository: {pattern}\n"));
            for (key, pin) in [("repository_id", id), ("owner_id", owner)] {
                if *pin > 0 {
                    text.push_str(&format!("    {key}: {pin}\n"));
                }
            }
            text.push_str("    permissions: []\n");
        }
        let document = Policy::parse(&text, Format::Yaml).unwrap();
        let Ok(mut policy) = SurveyPolicy::new(&document, "a") else {
            return Ok(());
        };
        for (name, id, owner) in &names {
            let seen = Repository { name: name.clone(), id: Some(*id), owner_id: Some(*owner), ..Repository::default() };
            let spoken = policy.match_repository(&seen);
            let lines: BTreeSet<_> = policy.lines(&spoken).into_iter().collect();
            let context = Context {
                repository: Some(name.clone()),
                repository_id: Some(id.to_string()),
                repository_owner_id: Some(owner.to_string()),
                ..Context::default()
            };
            let repository_rules = RepositoryRules::find(&document, Provenance::OtherRepository, &context, &|| true).unwrap();
            let agreeing = repository_rules.entries.iter().filter(|(_, agrees)| *agrees);
            let expected: BTreeSet<_> = agreeing.map(|(entry, _)| entry.position.line).collect();
            prop_assert_eq!(lines, expected);
        }
    }
}
