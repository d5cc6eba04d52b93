use super::*;
use engine::policy::{CaseSensitivity, Position};

fn pattern(text: &str) -> Pattern {
    let (kind, text) = match text.split_once(':') {
        Some(("glob", glob)) => (Kind::Glob, glob),
        Some(("exact", text)) => (Kind::Exact, text),
        _ => (Kind::of(text), text),
    };
    Pattern {
        text: text.into(),
        kind,
        position: Position::START,
    }
}

fn classes_of(patterns: &[&str], inside: u32, ignores_case: bool) -> Vec<Class> {
    let mut automata = Automata::default();
    let languages = patterns
        .iter()
        .map(|text| Language::of(&pattern(text), ignores_case, &mut automata).unwrap());
    let languages = languages.collect();
    let domain = Domain {
        every: Domain::TEXT,
        familiar: &[],
        ignores_case,
    };
    let found = classes(languages, inside, &domain, &mut automata, &mut 10_000);
    let (classes, is_complete) = found.unwrap();
    assert!(is_complete);
    classes
}

/// Each class as the patterns that match and a value.
fn seen(patterns: &[&str], inside: u32, ignores_case: bool) -> Vec<String> {
    let mut seen: Vec<_> = classes_of(patterns, inside, ignores_case)
        .iter()
        .map(|class| {
            let matched = class.matched.iter();
            let matched: Vec<_> = matched.map(|number| patterns[*number as usize]).collect();
            format!("{} by [{}]", class.value, matched.join(", "))
        })
        .collect();
    seen.sort();
    seen
}

#[test]
fn classes_are_all_the_combinations_that_have_a_value() {
    assert_eq!(
        seen(&["main", "main|develop", "ma.*"], 0, false),
        [
            "a by []",
            "develop by [main|develop]",
            "ma by [ma.*]",
            "main by [main, main|develop, ma.*]",
        ]
    );
    assert_eq!(
        seen(&["release/.*", "glob:release/*"], 1, false),
        [
            "release//a by [release/.*]",
            "release/a by [release/.*, glob:release/*]"
        ]
    );
}

#[test]
fn case_is_ignored_for_ascii_values_only() {
    assert_eq!(
        seen(&["Staging", "(?-i:Staging)"], 1, true),
        [
            "Staging by [Staging, (?-i:Staging)]",
            "staging by [Staging]"
        ]
    );
    assert_eq!(
        seen(&["[s\u{17f}]", "s"], 1, true),
        ["s by [[s\u{17f}], s]", "\u{17f} by [[s\u{17f}]]"]
    );
}

#[test]
fn values_are_not_empty_and_are_utf_8() {
    assert_eq!(seen(&["()"], 1, false), [""; 0]);
    assert_eq!(seen(&["(?s-u:[\\x00-\\x7f])*"], 0, false).len(), 2);
}

const PATTERNS: [&str; 16] = [
    "main",
    "Main",
    "maintenance",
    "exact:m*",
    "glob:ma*",
    "glob:release/**",
    "ma(in)?",
    "(?i)MAIN",
    "(?-i:main)",
    "main|dev",
    ".*n",
    "[a-m]+",
    "\u{17f}",
    "[s\u{17f}]",
    "ma\u{df}",
    r"\w+",
];

/// The classes of three patterns agree with what the patterns match: every fourth triple, which are some of each pair.
#[test]
fn a_class_is_what_its_patterns_match() {
    let values = [
        "m",
        "ma",
        "m*",
        "main",
        "MAIN",
        "Main",
        "dev",
        "n",
        "maintenance",
        "s",
        "S",
        "\u{17f}",
        "\u{212a}",
        "ma\u{df}",
        "MA\u{df}",
        "release/1",
        "release/1/2",
        "x y",
    ];
    let numbers = 0..PATTERNS.len();
    let triples = numbers.clone().flat_map(|one| {
        let numbers = one + 1..PATTERNS.len();
        numbers.flat_map(move |two| (two + 1..PATTERNS.len()).map(move |three| [one, two, three]))
    });
    for (triple, inside) in triples.zip((0..3).cycle()).step_by(4) {
        for ignores_case in [false, true] {
            // The interner numbers them once.
            if ignores_case && triple.starts_with(&[0, 1]) {
                continue;
            }
            let patterns = triple.map(|number| PATTERNS[number]);
            let classes = classes_of(&patterns, inside, ignores_case);
            let matched = |value: &str| {
                let case = match ignores_case {
                    true => CaseSensitivity::ignored_for(Some(value)),
                    false => CaseSensitivity::Sensitive,
                };
                let is_match =
                    |text: &str| pattern(text).compile(case).unwrap().matches(Some(value));
                let matched = (0..).zip(&patterns).filter(|(_, text)| is_match(text));
                matched.map(|(number, _)| number).collect::<Vec<u32>>()
            };
            let is_wanted = |matched: &[u32]| {
                inside == 0 || matched.first().is_some_and(|first| *first < inside)
            };
            for class in &classes {
                assert_eq!(
                    matched(&class.value),
                    class.matched,
                    "{patterns:?} {class:?}"
                );
                assert!(is_wanted(&class.matched), "{patterns:?} {class:?}");
            }
            let known: Vec<_> = classes.iter().map(|class| class.matched.clone()).collect();
            for value in values {
                let matched = matched(value);
                let is_known = known.contains(&matched) || !is_wanted(&matched);
                assert!(is_known, "{patterns:?} {value}");
            }
        }
    }
}

#[test]
fn an_unfinished_walk_keeps_its_classes() {
    let mut automata = Automata::default();
    let languages = |automata: &mut Automata| {
        let patterns = ["a", "b.{5}", ".*c.{9}"].map(pattern);
        let languages = patterns
            .each_ref()
            .map(|one| Language::of(one, false, automata));
        languages.into_iter().flatten().collect()
    };
    let domain = Domain {
        every: Domain::TEXT,
        familiar: &[],
        ignores_case: false,
    };
    let first = languages(&mut automata);
    let mut left = 200;
    let found = classes(first, 1, &domain, &mut automata, &mut left);
    assert_eq!(found.unwrap().0.len(), 1);
    assert!(left > 0);
    let all = languages(&mut automata);
    let (found, is_complete) = classes(all, 0, &domain, &mut automata, &mut left).unwrap();
    assert_eq!((is_complete, left), (false, 0));
    assert!(found.iter().any(|class| class.matched == [0]), "{found:?}");
}
