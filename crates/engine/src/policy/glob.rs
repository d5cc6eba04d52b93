//! Converts globs with the syntax of GitHub's branch filters to regexes.
//!
//! Source: docs.github.com, "Workflow syntax", filter pattern cheat sheet. `*` stops at `/`, `**`
//! does not; `**/` in place of whole directories is zero or more of them; `?` and `+` repeat the character before them; `[…]` is one of the listed characters or
//! ranges of letters and digits; `\` escapes the next character. Crates for shell globs treat `?` and `**`
//! differently, so this module uses none.

use std::iter::Peekable;
use std::str::Chars;

/// Returns the regex of a glob, which must match the complete value, or why the glob is invalid.
pub(super) fn to_regex(glob: &str) -> Result<String, &'static str> {
    let mut regex = String::with_capacity(glob.len() * 2);
    let mut chars = glob.chars().peekable();
    // Whether a single character precedes, which `?` or `+` can repeat.
    let mut repeatable = false;
    let mut at_start = true;
    // Whether a directory can start here.
    let mut after_slash = true;
    while let Some(c) = chars.next() {
        let was_repeatable = std::mem::replace(&mut repeatable, false);
        let was_after_slash = std::mem::replace(&mut after_slash, false);
        match c {
            '!' if at_start => {
                return Err("a pattern cannot exclude, so it cannot start with `!`");
            }
            '*' if chars.next_if_eq(&'*').is_some() => {
                after_slash = was_after_slash && skip_slash(&mut chars);
                regex.push_str(match after_slash {
                    true => "(?:(?s:.)*/)?",
                    false => "(?s:.)*",
                });
            }
            '*' => regex.push_str("[^/]*"),
            '?' | '+' if was_repeatable => regex.push(c),
            '?' | '+' => return Err("`?` and `+` need a character before them to repeat"),
            '[' => {
                regex.push_str(&class(&mut chars)?);
                repeatable = true;
            }
            '\\' => {
                let next = chars.next().ok_or("it ends with a `\\`")?;
                push_literal(&mut regex, next);
                (repeatable, after_slash) = (true, next == '/');
            }
            c => {
                push_literal(&mut regex, c);
                (repeatable, after_slash) = (true, c == '/');
            }
        }
        at_start = false;
    }
    Ok(regex)
}

/// Skips the slash that ends `**/`, unless a `?` or `+` repeats it.
fn skip_slash(chars: &mut Peekable<Chars<'_>>) -> bool {
    let mut ahead = chars.clone();
    let is_whole = ahead.next() == Some('/') && !matches!(ahead.next(), Some('?' | '+'));
    is_whole && chars.next().is_some()
}

fn push_literal(regex: &mut String, c: char) {
    regex.push_str(&regex_syntax::escape(c.encode_utf8(&mut [0; 4])));
}

/// Converts a class by listing its ranges, because `a--b` and `A-z` have another meaning in a regex.
fn class(chars: &mut impl Iterator<Item = char>) -> Result<String, &'static str> {
    let mut inside = String::new();
    loop {
        match chars.next().ok_or("`[` is never closed")? {
            ']' => break,
            c => inside.push(c),
        }
    }
    if inside.is_empty() {
        return Err("`[]` lists no character");
    }
    let mut class = String::from("[");
    let mut rest = inside.chars().peekable();
    while let Some(first) = rest.next() {
        let is_edge = class.len() == 1 || rest.peek().is_none();
        if first == '-' && is_edge {
            class.push_str(r"\-");
            continue;
        }
        if !first.is_ascii_alphanumeric() {
            return Err("`[…]` accepts only letters, digits and their ranges");
        }
        class.push(first);
        let mut ahead = rest.clone();
        if let (Some('-'), Some(last)) = (ahead.next(), ahead.next()) {
            let kinds = ['a'..='z', 'A'..='Z', '0'..='9'];
            let mut kinds = kinds.iter();
            if first > last || !kinds.any(|kind| kind.contains(&first) && kind.contains(&last)) {
                return Err(
                    "a range in `[…]` must go up, between letters of one case or between digits",
                );
            }
            class.extend(['-', last]);
            rest = ahead;
        }
    }
    class.push(']');
    Ok(class)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(glob: &str, value: &str) -> bool {
        let regex = to_regex(glob).unwrap();
        regex::Regex::new(&format!(r"\A(?:{regex})\z"))
            .unwrap()
            .is_match(value)
    }

    #[test]
    fn as_in_githubs_cheat_sheet() {
        for (glob, yes, no) in [
            (
                "feature/*",
                &["feature/my-branch", "feature/"][..],
                &["feature/a/b", "feature", "xfeature/a"][..],
            ),
            (
                "feature/**",
                &["feature/beta-a/my-branch", "feature/x"],
                &["features/x"],
            ),
            ("main", &["main"], &["mainz", "Main"]),
            ("*", &["main", "releases"], &["all/the/branches"]),
            ("**", &["all/the/branches", "every/tag"], &[]),
            (
                "*feature",
                &["mona-feature", "feature", "ver-10-feature"],
                &["a/feature", "feature-x"],
            ),
            ("v2*", &["v2", "v2.0", "v2.9"], &["v1", "xv2"]),
            (
                "v[12].[0-9]+.[0-9]+",
                &["v1.10.1", "v2.0.0"],
                &["v3.0.0", "v1x0.1"],
            ),
            ("*.jsx?", &["page.js", "page.jsx"], &["page.jsxx"]),
            (
                "releases/**-alpha",
                &["releases/beta/3-alpha"],
                &["releases/beta"],
            ),
            ("*.js", &["app.js", "index.js"], &["js/index.js"]),
            (
                "**.js",
                &["index.js", "js/index.js", "src/js/app.js"],
                &["app.jsx"],
            ),
            (
                "docs/*",
                &["docs/README.md", "docs/file.txt"],
                &["docs/a/file.txt"],
            ),
            (
                "docs/**",
                &["docs/README.md", "docs/mona/octocat.txt"],
                &["docs", "src/docs/a.md"],
            ),
            (
                "docs/**/*.md",
                &[
                    "docs/README.md",
                    "docs/mona/hello-world.md",
                    "docs/a/markdown/file.md",
                ],
                &["docsREADME.md", "docs/a.txt", "x/docs/README.md"],
            ),
            (
                "**/docs/**",
                &[
                    "docs/hello.md",
                    "dir/docs/my-file.txt",
                    "space/docs/plan/space.doc",
                ],
                &["docs", "mydocs/hello.md"],
            ),
            (
                "**/README.md",
                &["README.md", "js/README.md"],
                &["MYREADME.md", "js/MYREADME.md", "README.md/x"],
            ),
            (
                "**/*src/**",
                &["a/src/app.js", "my-src/code/js/app.js"],
                &["src", "a/srcs/app.js"],
            ),
            (
                "**/*-post.md",
                &["my-post.md", "path/their-post.md"],
                &["path/post.md"],
            ),
            (
                "**/migrate-*.sql",
                &[
                    "migrate-10909.sql",
                    "db/migrate-v1.0.sql",
                    "db/sept/migrate-v1.sql",
                ],
                &["db/xmigrate-v1.sql"],
            ),
            // `**/` is directories only where it stands in their place.
            (
                "rel/**/x",
                &["rel/x", "rel/a/x", "rel/a/b/x"],
                &["relx", "rel/ax", "rel//y"],
            ),
            ("rel**/x", &["rel/x", "rel-1/x", "rel/a/x"], &["relx"]),
            (
                "**/**/dev",
                &["dev", "a/dev", "a/b/dev"],
                &["xdev", "a/xdev"],
            ),
            ("**/+dev", &["/dev", "a//dev"], &["dev"]),
            ("**/?dev", &["dev", "a/dev", "adev"], &["deva"]),
            (r"a\/**/b", &["a/b", "a/x/b"], &["ab"]),
            (r"a\*b", &["a*b"], &["axb"]),
            ("[-a]", &["-", "a"], &["b"]),
            ("[a-c-]", &["-", "b"], &["d"]),
            ("release/1.0", &["release/1.0"], &["release/1x0"]),
            (
                "acme-org/service-*",
                &["acme-org/service-a"],
                &["acme-org/other", "acme-org/service-a/b"],
            ),
        ] {
            for value in yes {
                assert!(matches(glob, value), "{glob} should match {value}");
            }
            for value in no {
                assert!(!matches(glob, value), "{glob} should not match {value}");
            }
        }
    }

    #[test]
    fn what_is_not_a_glob() {
        for glob in [
            "!main", "?x", "*?", "**+", "a??", "[ab", "[]", "[^a]", r"x\", "[a&&b]", "[a--z]",
            "[A-z]", "[z-a]", "[a-z-9]", "[é]",
        ] {
            assert!(to_regex(glob).is_err(), "{glob}");
        }
    }
}
