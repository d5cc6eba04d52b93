//! `glob-like`: as a regex, `feature/*` matches `feature` and any number of slashes.

use super::catalogue::GLOB_LIKE;
use super::dimension::Dimension;
use super::findings::Findings;
use super::replacement::propose;
use super::scan::{Item, neighbours, scan};
use engine::policy::{CaseSensitivity, Kind, Pattern, Position, quoted};

/// Characters that names do not repeat.
const SEPARATORS: &[char] = &['/', '-', '_', ':', '@', ',', ' '];

pub(super) fn check(dimension: Dimension<'_>, pattern: &Pattern, findings: &mut Findings<'_>) {
    let items = scan(&pattern.text);
    if !looks_like_a_glob(&items) {
        return;
    }
    let glob = as_glob(&pattern.text).map(|glob| (glob, Kind::Glob));
    let glob = glob.as_ref().map(|(glob, kind)| (&**glob, *kind));
    let glob = propose(dimension, pattern, glob, findings);
    let regex = as_regex(&items);
    let regex = propose(dimension, pattern, [(&*regex, Kind::Regex)], findings);
    let regex = regex.map(|regex| quoted(&regex.written));
    let message = format!(
        "the regex {} looks like a glob: its `*` repeats the character before it",
        quoted(&pattern.text)
    );
    let finding = findings.pattern(&GLOB_LIKE, pattern, message);
    findings.push(match (glob, regex) {
        (Some(glob), Some(regex)) => finding
            .help(format!(
                "write {}, or the regex {regex}",
                quoted(&glob.written)
            ))
            .fix(glob.fix),
        (Some(glob), None) => finding
            .help(format!("write {}", quoted(&glob.written)))
            .fix(glob.fix),
        (None, Some(regex)) => finding.help(format!("write the regex {regex}")),
        (None, None) => finding,
    });
}

fn looks_like_a_glob(items: &[Item]) -> bool {
    // Without other characters of a regex, `release*` is a glob too.
    let is_plain = items
        .iter()
        .all(|item| item.is_bare() && !"^$+?(){}|".contains(item.c));
    neighbours(items).any(|(before, item, _)| {
        item.is('*')
            && before.is_some_and(|before| {
                before.is_bare()
                    && (SEPARATORS.contains(&before.c)
                        || before.c == '*'
                        || (is_plain && before.c.is_alphanumeric()))
            })
    })
}

/// Returns the text as a glob, if globs support all its special characters.
pub(super) fn as_glob(text: &str) -> Option<String> {
    let text = text.strip_prefix('^').unwrap_or(text);
    let text = text.strip_suffix('$').unwrap_or(text);
    let readable = !text.contains(['^', '$', '(', ')', '{', '}', '|', '\\']);
    let glob = Pattern {
        text: text.into(),
        kind: Kind::Glob,
        position: Position::START,
    };
    // `.*` belongs to a regex. In a glob, it would require a dot.
    let is_glob =
        readable && !text.contains(".*") && glob.compile(CaseSensitivity::Sensitive).is_ok();
    is_glob.then(|| text.to_owned())
}

/// Returns the probably intended regex, without anchors, which have no effect.
fn as_regex(items: &[Item]) -> String {
    let items = match items {
        [first, items @ ..] if first.is('^') => items,
        items => items,
    };
    let items = match items {
        [items @ .., last] if last.is('$') => items,
        items => items,
    };
    let mut regex = String::new();
    let mut skip = false;
    for (before, item, after) in neighbours(items) {
        if std::mem::take(&mut skip) {
            continue;
        }
        if item.is('*') && before.is_none_or(|b| b.is_bare() && b.c != '.' && b.c != ')') {
            skip = after.is_some_and(|after| after.is('*'));
            regex.push_str(if skip { ".*" } else { "[^/]*" });
        } else if item.is('.') && !after.is_some_and(Item::repeats) {
            regex.push_str(r"\.");
        } else {
            if item.is_escaped {
                regex.push('\\');
            }
            regex.push(item.c);
        }
    }
    regex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_glob() {
        for (text, regex) in [
            ("feature/*", "feature/[^/]*"),
            ("feature/**", "feature/.*"),
            ("release-*", "release-[^/]*"),
            ("release*", "release[^/]*"),
            ("deploy-*.yml", r"deploy-[^/]*\.yml"),
            ("^feature/*$", "feature/[^/]*"),
            ("(feat|fix)/*", "(feat|fix)/[^/]*"),
        ] {
            let items = scan(text);
            assert!(looks_like_a_glob(&items), "{text}");
            assert_eq!(as_regex(&items), regex);
        }
        for text in [
            "prod.*",
            r".*\.yml$",
            "^(main|develop|feature/.*)$",
            r"v\d*",
            "v[0-9]*",
            "(ab)*",
            r"a\-*",
            "(x*)",
            r"feature/\*",
            "a{2}*",
            "[-*]",
        ] {
            assert!(!looks_like_a_glob(&scan(text)), "{text}");
        }
    }

    #[test]
    fn a_glob_is_proposed_where_it_can_be_one() {
        assert_eq!(as_glob("^feature/*$").as_deref(), Some("feature/*"));
        assert_eq!(as_glob("*.yml").as_deref(), Some("*.yml"));
        assert_eq!(as_glob("(a|b)/*"), None);
        assert_eq!(as_glob("a/*.*.x"), None);
    }
}
