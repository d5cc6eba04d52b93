//! The comparison leaves out no rule that can share a job, also among many other rules.

use super::*;
use engine::policy::Format;

/// Rules for other files, which share jobs with rules for any file.
fn siblings() -> String {
    let siblings = (0..40).map(|number| {
        format!(
            "  - {{ permission: a:b, workflow: s-{number}.yml, branch: [main, {{ glob: 'release/**' }}], \
             environment: 'x{number}.*', events: [push] }}\n"
        )
    });
    siblings.collect()
}

/// The sentences of the access that a change adds and removes. `policies` are lines of YAML after the siblings.
fn changes(old: &str, new: &str) -> String {
    let policies = [old, new].map(|rules| {
        let text = format!("version: 1\npermissions:\n{}{rules}", siblings());
        Policy::parse(&text, Format::Yaml).unwrap()
    });
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    let comparison = compare(&policies[0], &policies[1], now).unwrap();
    let mut text = String::new();
    for (sign, list) in [("+", &comparison.added), ("-", &comparison.removed)] {
        for change in list {
            assert!(change.example.is_some(), "{change:?}");
            let sentence = change.sentence(sign == "+");
            let section = change.section.phrase();
            text.push_str(&format!(
                "{sign} {}: {}\n",
                section.plain(),
                sentence.plain()
            ));
        }
    }
    text
}

/// The signs of the access that a change of top rules adds and removes.
fn signs(old: &[&str], new: &[&str]) -> String {
    let rules = |rules: &[&str]| {
        let rules = rules.iter();
        let rules = rules.map(|rule| format!("  - {{ permission: a:b, {rule} }}\n"));
        rules.collect::<String>()
    };
    let changes = changes(&rules(old), &rules(new));
    changes.lines().filter_map(|line| line.get(..1)).collect()
}

fn entry(repository: &str, rule: &str) -> String {
    format!("  - {{ repository: {repository}, permissions: [{{ permission: a:b, {rule} }}] }}\n")
}

fn entries(list: &[(&str, &str)]) -> String {
    let list = list
        .iter()
        .map(|(repository, rule)| entry(repository, rule));
    format!("repositories:\n{}", list.collect::<String>())
}

#[test]
fn a_rule_is_compared_with_each_pattern_that_can_start_alike() {
    let no_base = "workflow: w.yml, base: main";
    for (old, new, expected) in [
        // Other words for the same values.
        ("main", "'^main$'", ""),
        ("main", "{ glob: main }", ""),
        ("main", r"'\x6dain'", ""),
        ("main", "'(?x) m a i n # the default branch'", ""),
        ("main", "'(?:m|m)ain'", ""),
        ("main", "'[m]ain'", ""),
        ("[main, dev]", "'main|dev'", ""),
        ("[main, maintenance]", "'main(tenance)?'", ""),
        ("{ glob: 'release/**' }", "['release/(?s:.)*']", ""),
        ("'(main)?'", "main", ""),
        ("'[a-m]x'", "['[a-f]x', '[g-m]x']", ""),
        // Longer and shorter starts.
        ("'release/.*'", "'release/1.*'", "-"),
        ("'release/1.*'", "'release/.*'", "+"),
        ("'release/1.*'", "['release/1.*', 'release/10']", ""),
        ("'release/1.*'", "['release/1.*', 'release/20']", "+"),
        ("{ glob: 'a*' }", "'(a|b)[^/]*'", "+"),
        ("'x?main'", "main", "-"),
        ("main", "'x?main'", "+"),
        ("'.*main'", "main", "-"),
        ("main", "'(?i)main'", "+"),
        ("Main", "main", "+-"),
        ("'main|dev'", "'main|test'", "+-"),
        ("\"\u{e4}.*\"", "\"\u{e4}b\"", "-"),
    ] {
        let [old, new] = [old, new].map(|branch| format!("{no_base}, branch: {branch}"));
        assert_eq!(signs(&[&old], &[&new]), expected, "{old} {new}");
    }
}

#[test]
fn the_case_of_environments_is_ignored_as_in_a_decision() {
    for (old, new, expected) in [
        ("Production", "production", ""),
        ("PROD-eu", "'(?-i:prod-eu)'", "-"),
        ("'(?-i:prod-eu)'", "PROD-eu", "+"),
        ("'Prod-(eu|us)'", "[prod-US, prod-EU]", ""),
        // Outside ASCII, `Prod-\u{e4}` is another name than `prod-\u{e4}`.
        ("{ glob: 'Prod-*' }", "'prod-[^/]*'", "+-"),
        ("{ glob: 'Prod-[a-c]' }", "'prod-[a-c]'", ""),
        ("'[A-Z&&b]x'", "bx", ""),
        ("bx", "'[A-Z&&b]x'", ""),
        // With case it matches nothing, without case an `s`.
        ("'[a-z&&S]t'", "st", ""),
        // The long s and the sign of Kelvin are letters of other names.
        ("st", "\"\u{17f}t\"", "+-"),
        ("'st.*'", "\"\u{17f}t.*\"", "+-"),
        ("'[k]1'", "\"\u{212a}1\"", "+-"),
        ("k1", "'(?i)K1'", "+"),
        ("\"ma\u{df}\"", "'ma(.)'", "+"),
        ("\"MA\u{df}\"", "'ma(.)'", "+-"),
    ] {
        let [old, new] = [old, new].map(|name| format!("workflow: w.yml, environment: {name}"));
        assert_eq!(signs(&[&old], &[&new]), expected, "{old} {new}");
    }
}

#[test]
fn a_rule_that_moves_to_another_entry_changes_access() {
    let rule = "workflow: w.yml, branch: main, base: main";
    let (one, other) = (entries(&[("o/a", rule)]), entries(&[("o/b", rule)]));
    insta::assert_snapshot!(changes(&one, &other), @"
    + `o/b`: `w.yml` on `main` (pull requests into `main`) may now use `a:b`
    - `o/a`: `w.yml` on `main` (pull requests into `main`) may no longer use `a:b`
    ");
    let both = entries(&[("o/a", rule), ("o/b", rule)]);
    assert_eq!(
        changes(&both, &entries(&[("O/B", rule), ("o/A", rule)])),
        ""
    );
    assert_eq!(changes(&both, &entries(&[("'o/[ab]'", rule)])), "");
    assert_eq!(changes(&both, &entries(&[("'o/(a|b)'", rule)])), "");
    insta::assert_snapshot!(changes(&both, &entries(&[("{ glob: 'o/*' }", rule)])), @"+ `o/*`: `w.yml` on `main` (pull requests into `main`) may now use `a:b`");
    insta::assert_snapshot!(changes(&both, &entries(&[("'*'", rule)])), @"+ `*`: `w.yml` on `main` (pull requests into `main`) may now use `a:b`");
    // An entry for all repositories is also one for the policy's own, but the rules of that trust a base.
    let top = format!("  - {{ permission: a:b, {rule} }}\n");
    let star = entries(&[("'*'", rule)]);
    assert_eq!(changes(&format!("{top}{star}"), &star), "");
    assert_eq!(changes(&star, &format!("{top}{star}")), "");
    insta::assert_snapshot!(changes(&top, &star), @"+ `*`: `w.yml` on `main` (pull requests into `main`) may now use `a:b`");
    let top_of_any_base = "  - { permission: a:b, workflow: w.yml, branch: main }\n";
    insta::assert_snapshot!(changes(&star, &format!("{top_of_any_base}{star}")), @"+ the policy's own repository: `w.yml` on `main` in pull requests may now use `a:b`");
}

#[test]
fn each_condition_of_a_rule_can_change() {
    let rule = "workflow: w.yml, branch: main, base: main";
    let with = |more: &str| format!("{rule}, {more}");
    for (old, new, expected) in [
        ("events: [push]", "name: x", "+"),
        ("name: x", "events: [push]", "-"),
        ("name: x", "events: [push, workflow_run]", "+-"),
        ("events: [workflow_run]", "events: [issues]", "+-"),
        ("events: [push, issues]", "events: [issues, push]", ""),
        ("claims: { c: x }", "name: x", "+"),
        ("claims: { c: x }", "claims: { c: '*' }", "+"),
        ("claims: { c: x }", "claims: { d: x }", "+-"),
        ("claims: { c: 'x|y' }", "claims: { c: [y, x] }", ""),
        ("claims: { c: x, d: y }", "claims: { d: y, c: x }", ""),
        ("expires: 2027-01-01", "name: x", "+"),
        ("expires: 2027-01-01", "expires: 2027-01-02", "+"),
        ("expires: 2027-01-01", "expires: 2026-12-01", "-"),
        ("environment: '*'", "name: x", ""),
        ("environment: a", "environment: [b, a]", "+"),
    ] {
        let [old, new] = [old, new].map(with);
        assert_eq!(signs(&[&old], &[&new]), expected, "{old} {new}");
    }
    let based = |base: &str| format!("workflow: w.yml, branch: main, base: {base}");
    for (old, new, expected) in [
        ("main", "[main, dev]", "+"),
        ("'*'", "main", "-"),
        ("dev", "main", "+-"),
        ("'main|dev'", "[dev, main]", ""),
    ] {
        let [old, new] = [old, new].map(based);
        assert_eq!(signs(&[&old], &[&new]), expected, "{old} {new}");
    }
}

/// A rule for any file shares jobs with every other rule.
#[test]
fn rules_cover_another_one_only_together() {
    let file = |number: usize| format!("workflow: s-{number}.yml, branch: main");
    // The siblings limit the environment, so only one of these is covered, by itself.
    assert_eq!(
        signs(&[&file(1)], &[&file(1), "workflow: '*', branch: main"]),
        "+"
    );
    assert_eq!(signs(&["workflow: '*', branch: main"], &[&file(1)]), "-");
    let parts: Vec<_> = (0..30).map(file).collect();
    let parts: Vec<_> = parts.iter().map(String::as_str).collect();
    let all = "workflow: 's-([0-9]|[12][0-9])[.]yml', branch: main";
    assert_eq!(signs(&[all], &parts), "");
    assert_eq!(signs(&parts, &[all]), "");
    assert_eq!(signs(&[all], &parts[1..]), "-");
    assert_eq!(signs(&parts[1..], &[all]), "+");
    // By several conditions at once.
    let cells: Vec<_> = ["push", "schedule", "issues"]
        .into_iter()
        .flat_map(|event| {
            ["a", "b"].map(|name| format!("branch: main, events: [{event}], environment: {name}"))
        })
        .collect();
    let cells: Vec<_> = cells.iter().map(String::as_str).collect();
    let all = "branch: main, events: [issues, push, schedule], environment: 'a|b'";
    assert_eq!(signs(&[all], &cells), "");
    assert_eq!(signs(&cells, &[all]), "");
    assert_eq!(signs(&cells[..5], &[all]), "+");
    assert_eq!(signs(&[all], &cells[..5]), "-");
}

#[test]
fn a_pattern_without_an_automaton_is_compared_where_nothing_else_decides() {
    let rule = |branch: &str| format!("workflow: w.yml, branch: {branch}");
    let policy = |rules: &[&str]| {
        let rules = rules.iter();
        let rules = rules.map(|rule| format!("  - {{ permission: a:b, {rule} }}\n"));
        let text = format!("version: 1\npermissions:\n{}", rules.collect::<String>());
        Policy::parse(&text, Format::Yaml).unwrap()
    };
    let hard = rule(r"'\bmain\b'");
    let [old, new] =
        [vec![&*hard], vec![&*hard, "workflow: v.yml, branch: dev"]].map(|rules| policy(&rules));
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    let comparison = compare(&old, &new, now).unwrap();
    assert!(comparison.removed.is_empty());
    assert!(comparison.added[0].example.is_some());
}
