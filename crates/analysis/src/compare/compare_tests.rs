use super::*;
use engine::policy::Format;

/// The sentences of a comparison, `+` and `-`, with the remarks.
fn changes(old: &str, new: &str) -> String {
    let document = |rules: &str| format!("version: 1\n{rules}");
    let (old, new) = (document(old), document(new));
    let parse = |text| Policy::parse(text, Format::Yaml).unwrap();
    let (old, new) = (parse(&old), parse(&new));
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    let comparison = compare(&old, &new, now).unwrap();
    let mut text = String::new();
    for (sign, list) in [("+", &comparison.added), ("-", &comparison.removed)] {
        for change in list {
            let is_added = sign == "+";
            text.push_str(&format!(
                "{sign} {}: {} ({})\n",
                change.section.phrase().plain(),
                change.sentence(is_added).plain(),
                change.remark(is_added).plain()
            ));
        }
    }
    text
}

/// Rules at the top, one a line.
fn rules(list: &[&str]) -> String {
    let rules = list
        .iter()
        .map(|rule| format!("  - {{ permission: {rule} }}\n"));
    match rules.collect::<String>() {
        none if none.is_empty() => "permissions: []\n".to_owned(),
        rules => format!("permissions:\n{rules}"),
    }
}

fn of_rules(old: &[&str], new: &[&str]) -> String {
    changes(&rules(old), &rules(new))
}

#[test]
fn equivalent_policies_have_no_changes() {
    for (old, new) in [
        (
            &["a:b, branch: main|develop"][..],
            &["a:b, branch: [develop, main]"][..],
        ),
        (
            &["a:b, branch: [main, develop], base: main"],
            &[
                "a:b, branch: main, base: main",
                "a:b, branch: develop, base: main",
            ],
        ),
        (
            &["[a:b, a:c], branch: main"],
            &["a:c, branch: main", "a:b, branch: ^main$"],
        ),
        (&["a:b, name: one"], &["a:b, name: two"]),
        (&["a:b, branch: \"*\""], &["a:b"]),
        (&["a:b", "a:b, branch: main"], &["a:b"]),
        (
            &["a:b, environment: Production"],
            &["a:b, environment: '[P]RODUCTION'"],
        ),
        (
            &["a:b, branch: { glob: release/** }"],
            &["a:b, branch: 'release/(?s:.)*'"],
        ),
        (&["a:b, expires: 2026-01-31"], &[]),
        (
            &["a:b, expires: 2027-01-31"],
            &["a:b, expires: '2027-01-31T23:59:59.999999999Z'"],
        ),
        (
            &["a:b, events: [push, schedule]"],
            &["a:b, events: [schedule, push]"],
        ),
        (
            &[
                "a:b, branch: '[a-m]+'",
                "a:b, branch: '[n-z]+'",
                "a:b, branch: '[a-z]+'",
            ],
            &["a:b, branch: '[a-z]+'"],
        ),
        (&["a:b, claims: { x: '*' }"], &["a:b"]),
        (
            &[
                "a:b, environment: x, branch: y",
                "a:b, environment: x",
                "a:b, branch: y",
            ],
            &["a:b, branch: y", "a:b, environment: x"],
        ),
    ] {
        assert_eq!(of_rules(old, new), "", "{old:?} {new:?}");
        assert_eq!(of_rules(new, old), "", "{new:?} {old:?}");
    }
}

#[test]
fn what_is_new_is_said_with_a_job_that_shows_it() {
    let wider = |old: &str, new: &str| of_rules(&[old], &[new]);
    insta::assert_snapshot!(wider("a:b, workflow: d.yml, branch: main", "a:b, workflow: d.yml, branch: [main, 'release/.*']"), @"
    + the policy's own repository: `d.yml` on `release/.*` may now use `a:b` (for example: workflow `d.yml`, branch `release/1.0`, event `push`)
    + the policy's own repository: `d.yml` on `main` in pull requests may now use `a:b` (in part as before; new for example: workflow `d.yml`, branch `main`, base `release/1.0`, event `pull_request`)
    ");
    insta::assert_snapshot!(wider("a:b, branch: main", "a:b"), @"+ the policy's own repository: any workflow on any branch, with or without an environment, may now use `a:b` (in part as before; new for example: branch `feature/x`, event `push`)");
    insta::assert_snapshot!(wider("a:b, environment: production, branch: main", "a:b, branch: main"), @"+ the policy's own repository: any workflow on `main` may now use `a:b` (in part as before; new for example: branch `main`, event `push`, no environment)");
    insta::assert_snapshot!(wider("a:b, events: [push], branch: main", "a:b, events: [push, workflow_run], branch: main"), @"+ the policy's own repository: any workflow on `main` in `workflow_run` events may now use `a:b` (for example: branch `main`, event `workflow_run`)");
    insta::assert_snapshot!(wider("a:b, events: [push], branch: main", "a:b, branch: main"), @"+ the policy's own repository: any workflow on `main` may now use `a:b` (in part as before; new for example: branch `main`, event `workflow_dispatch`)");
    insta::assert_snapshot!(wider("a:b, branch: main, expires: 2026-12-31", "a:b, branch: main, expires: 2027-12-31"), @"+ the policy's own repository: any workflow on `main` until `2027-12-31` may now use `a:b` (in part as before; new for example: branch `main`, event `push`, time `2027-01-01T00:00:00Z`)");
    insta::assert_snapshot!(wider("a:b, branch: main, claims: { runner_environment: github-hosted }", "a:b, branch: main"), @"+ the policy's own repository: any workflow on `main` may now use `a:b` (in part as before; new for example: branch `main`, event `push`, claim `runner_environment=self-hosted`)");
    insta::assert_snapshot!(wider("a:b, branch: main", "[a:b, a:c, a:d], branch: main"), @"+ the policy's own repository: any workflow on `main` may now use `a:c` and `a:d` (for example: branch `main`, event `push`)");
    insta::assert_snapshot!(of_rules(&[], &["a:b"]), @"+ the policy's own repository: any workflow on any branch, with or without an environment, may now use `a:b` (for example: event `push`)");
    insta::assert_snapshot!(of_rules(&["a:b, branch: '[a-m]+'", "a:b, branch: '[n-z]+'"], &["a:b, branch: '[a-z]+'"]), @"+ the policy's own repository: any workflow on `[a-z]+` may now use `a:b` (in part as before; new for example: branch `main`, event `push`)");
}

#[test]
fn a_changed_base_is_changed_access() {
    let top = |old: &str, new: &str| of_rules(&[old], &[new]);
    let entry = |rule: &str| {
        format!(
            "repositories:\n  - {{ repository: o/r, permissions: [{{ permission: {rule} }}] }}\n"
        )
    };
    let central = |old: &str, new: &str| changes(&entry(old), &entry(new));
    insta::assert_snapshot!(central("a:b, branch: main", "a:b, branch: main, base: [main, dev]"), @"+ `o/r`: any workflow on `main` in pull requests into `dev` may now use `a:b` (for example: repository `o/r`, branch `main`, base `dev`, event `pull_request`)");
    insta::assert_snapshot!(central("a:b, branch: '[^:]+', base: main", "a:b, branch: '[^:]+'"), @"+ `o/r`: any workflow on `[^:]+` in pull requests may now use `a:b` (in part as before; new for example: repository `o/r`, branch `feature/x`, base `develop`, event `pull_request`)");
    insta::assert_snapshot!(top("a:b, branch: x, base: main", "a:b, branch: x"), @"
    + the policy's own repository: any workflow on `x` in pull requests may now use `a:b` (in part as before; new for example: branch `x`, base `develop` (the default branch), event `pull_request`)
    - the policy's own repository: any workflow on `x` in pull requests into `main` may no longer use `a:b` (in part still granted; no longer for example: branch `x`, base `main`, event `pull_request`)
    ");
    insta::assert_snapshot!(top("a:b, branch: x, base: '*'", "a:b, branch: x"), @"- the policy's own repository: any workflow on `x` in pull requests may no longer use `a:b` (in part still granted; no longer for example: branch `x`, base `main`, event `pull_request`)");
    insta::assert_snapshot!(top("a:b", "a:b, base: main"), @"- the policy's own repository: any workflow on any branch in pull requests, with or without an environment, may no longer use `a:b` (in part still granted; no longer for example: base `develop`, event `pull_request`)");
    insta::assert_snapshot!(top("a:b, branch: x, base: main, events: [push]", "a:b, branch: x, events: [push]"), @"");
    insta::assert_snapshot!(top("a:b, branch: x, events: [pull_request_target], base: main", "a:b, branch: x, events: [pull_request_target], base: [main, dev]"), @"+ the policy's own repository: any workflow on `x` in pull requests into `dev` in `pull_request_target` events may now use `a:b` (for example: branch `x`, base `dev`, event `pull_request_target`)");
    insta::assert_snapshot!(top("a:b, branch: x, events: [push]", "a:b, branch: x, events: [push, event_of_tomorrow]"), @"+ the policy's own repository: any workflow on `x` in `event_of_tomorrow` events may now use `a:b` (for example: branch `x`, event `event_of_tomorrow`)");
    // A token that names no base: only `*` matches it.
    insta::assert_snapshot!(top("a:b, base: '.*'", "a:b, base: '*'"), @"+ the policy's own repository: any workflow on any branch in pull requests, with or without an environment, may now use `a:b` (in part as before; new for example: event `pull_request`, a base that its token does not name)");
    // No ref has a line feed in its name.
    insta::assert_snapshot!(top("a:b, branch: 'feat/.*'", "a:b, branch: { glob: 'feat/**' }"), @"");
    insta::assert_snapshot!(changes(&rules(&["a:b, branch: x"]), &entry("a:b, branch: x")), @"
    + `o/r`: any workflow on `x` may now use `a:b` (in part as before; new for example: repository `o/r`, branch `x`, event `push`)
    - the policy's own repository: any workflow on `x` may no longer use `a:b` (in part still granted; no longer for example: repository `acme-org/infra`, branch `x`, event `push`)
    ");
}

/// A rule at the top is for one repository, an entry for `*` for all.
#[test]
fn a_rule_at_the_top_is_not_an_entry_for_every_repository() {
    let entry = "repositories:\n  - { repository: '*', permissions: [{ permission: a:b, branch: main, base: main }] }\n";
    let top = rules(&["a:b, branch: main, base: main"]);
    insta::assert_snapshot!(changes(&top, entry), @"+ `*`: any workflow on `main` (pull requests into `main`) may now use `a:b` (in part as before; new for example: branch `main`, event `push`)");
}

/// The events that a rule matches without naming them are a closed list, of which one stays unnamed.
#[test]
fn a_rule_without_events_is_wider_than_one_that_names_the_ordinary_ones() {
    insta::assert_snapshot!(of_rules(&["a:b, events: [push, workflow_dispatch, schedule, merge_group, pull_request]"], &["a:b"]), @"+ the policy's own repository: any workflow on any branch, with or without an environment, may now use `a:b` (in part as before; new for example: event `repository_dispatch`)");
    let all = format!(
        "a:b, events: [{}]",
        engine::decision::TRUSTED_EVENTS.join(", ")
    );
    assert_eq!(of_rules(&[&all], &["a:b"]), "");
    assert_eq!(of_rules(&["a:b"], &[&all]), "");
}

#[test]
fn a_plain_text_ignores_the_case_of_ascii_letters_only() {
    // As a regex without case `ſ` matches an `s`; as a text it does not.
    let change = of_rules(&["a:b, environment: ſ"], &["a:b, environment: ^ſ$"]);
    assert!(change.starts_with("+ "), "{change:?}");
    let change = of_rules(&["a:b, environment: kß"], &["a:b, environment: Kß"]);
    assert!(!change.is_empty(), "{change:?}");
    assert_eq!(
        of_rules(&["a:b, environment: kA1"], &["a:b, environment: Ka1"]),
        ""
    );
}

#[test]
fn repositories_and_pins_are_compared_too() {
    let entry = |repository: &str| {
        format!(
            "repositories:\n  - {{ repository: {repository}, permissions: [{{ permission: a:b, branch: main }}] }}\n"
        )
    };
    insta::assert_snapshot!(changes(&entry("acme/infra"), &entry("{ glob: 'acme/*' }")), @"+ `acme/*`: any workflow on `main` may now use `a:b` (in part as before; new for example: repository `acme/a`, branch `main`, event `push`)");
    insta::assert_snapshot!(changes(&entry("acme/infra, repository_id: 5"), &entry("acme/infra")), @"+ `acme/infra`: any workflow on `main` may now use `a:b` (in part as before; new for example: repository `acme/infra`, branch `main`, event `push`, another repository id)");
    insta::assert_snapshot!(changes(&entry("acme/infra"), &entry("acme/infra, owner_id: 7")), @"- `acme/infra`: any workflow on `main` may no longer use `a:b` (in part still granted; no longer for example: repository `acme/infra`, branch `main`, event `push`, another owner id)");
    insta::assert_snapshot!(changes(&entry("ACME/Infra"), &entry("acme/infra")), @"");
    insta::assert_snapshot!(changes(&rules(&["a:b, branch: main"]), &entry("acme/infra")), @r"
    + `acme/infra`: any workflow on `main` may now use `a:b` (in part as before; new for example: repository `acme/infra`, branch `main`, event `push`)
    - the policy's own repository: any workflow on `main` may no longer use `a:b` (in part still granted; no longer for example: repository `acme-org/infra`, branch `main`, event `push`)
    ");
    insta::assert_snapshot!(changes(&entry("'.*'"), &format!("{}{}", rules(&["a:b, branch: main"]), entry("acme/infra"))), @"
    + the policy's own repository: any workflow on `main` in pull requests may now use `a:b` (in part as before; new for example: branch `main`, base `develop` (the default branch), event `pull_request`)
    - `.*`: any workflow on `main` may no longer use `a:b` (in part still granted; no longer for example: repository `acme-org/infra`, branch `main`, event `push`)
    ");
}

#[test]
fn what_is_delegated_is_access_too() {
    let entry = |repository: &str, delegate: &str| {
        format!(
            "repositories:\n  - {{ repository: {repository}, {delegate}permissions: [{{ permission: a:b }}] }}\n"
        )
    };
    let plain = entry("o/r", "");
    insta::assert_snapshot!(changes(&plain, &entry("o/r", "delegate: [a:b, a:c], ")), @"+ `o/r`: the repository's own policy may now grant `a:b` and `a:c` (by `.github/repo-permissions.yml` at its default branch, to any job)");
    insta::assert_snapshot!(changes(&entry("o/r", "delegate: a:c, "), &plain), @"- `o/r`: the repository's own policy may no longer grant `a:c` (by `.github/repo-permissions.yml` at its default branch, to any job)");
    insta::assert_snapshot!(changes(&entry("o/r, repository_id: 5", "delegate: a:c, "), &entry("o/r, repository_id: 6", "delegate: a:c, ")), @r"
    + `o/r` with id `6`: any workflow on any branch, with or without an environment, may now use `a:b` (for example: repository `o/r`, repository id `6`, event `push`)
    + `o/r` with id `6`: the repository's own policy may now grant `a:c` (by `.github/repo-permissions.yml` at its default branch, to any job)
    - `o/r` with id `5`: any workflow on any branch, with or without an environment, may no longer use `a:b` (for example: repository `o/r`, repository id `5`, event `push`)
    - `o/r` with id `5`: the repository's own policy may no longer grant `a:c` (by `.github/repo-permissions.yml` at its default branch, to any job)
    ");
    assert_eq!(
        changes(
            &entry("o/r", "delegate: a:c, "),
            &entry("O/R", "delegate: [a:c, a:c], ")
        ),
        ""
    );
}

#[test]
fn what_cannot_be_compared_counts_as_new() {
    insta::assert_snapshot!(of_rules(&[r"a:b, branch: '\bmain\b'"], &["a:b, branch: main"]), @r"
    + the policy's own repository: any workflow on `main` may now use `a:b` (perhaps as before: the policies are too large to compare exactly)
    - the policy's own repository: any workflow on `\bmain\b` may no longer use `a:b` (perhaps still granted: the policies are too large to compare exactly)
    ");
    insta::assert_snapshot!(of_rules(&["a:b, branch: main"], &[r"a:b, branch: '\bmain\b'"]), @r"
    + the policy's own repository: any workflow on `\bmain\b` may now use `a:b` (perhaps as before: the policies are too large to compare exactly)
    - the policy's own repository: any workflow on `main` may no longer use `a:b` (perhaps still granted: the policies are too large to compare exactly)
    ");
    // As it is written it is the same.
    assert_eq!(
        of_rules(
            &[r"a:b, branch: '\bmain\b'"],
            &[r"a:b, branch: ['\bmain\b']"]
        ),
        ""
    );
}

#[test]
fn a_pattern_that_does_not_compile_granted_nothing() {
    insta::assert_snapshot!(of_rules(&["a:b, branch: '('", "a:b, branch: main", "a:c"], &["a:b, branch: main", "a:c"]), @"+ the policy's own repository: any workflow on `main` may now use `a:b` (for example: branch `main`, event `push`)");
    let text = format!(
        "version: 1\n{}",
        rules(&["a:b, branch: '('", "a:b, environment: '['"])
    );
    let new = Policy::parse(&text, Format::Yaml).unwrap();
    let old = "version: 1\npermissions: []\n";
    let old = Policy::parse(old, Format::Yaml).unwrap();
    let invalid = compare(&old, &new, Timestamp::UNIX_EPOCH).unwrap_err();
    assert_eq!(invalid.iter().count(), 2, "{invalid}");
}
