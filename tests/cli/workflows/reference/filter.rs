//! The filters of `on:` and the refs that decide them.

use std::cell::RefCell;
use std::collections::HashMap;

use regex::Regex;

use super::yaml::Node;
use crate::support::pattern;

/// `branches` and `branches-ignore`, or the same of tags.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    only: Option<Vec<String>>,
    ignore: Option<Vec<String>>,
}

impl Filter {
    pub fn read(trigger: &Node, key: &str) -> Self {
        // A key without a value filters nothing.
        let given = |key: &str| trigger.get(key).filter(|node| !node.is_null());
        let list = |key: &str| given(key).map(Node::texts);
        Self {
            only: list(key),
            ignore: list(&format!("{key}-ignore")),
        }
    }

    /// Whether it is in the file.
    pub fn is_given(&self) -> bool {
        self.only.is_some() || self.ignore.is_some()
    }

    /// Whether a name passes. In a list the last pattern that fits decides.
    pub fn accepts(&self, name: &str) -> bool {
        if let Some(patterns) = &self.only {
            let mut accepted = false;
            for pattern in patterns {
                match pattern.strip_prefix('!') {
                    Some(pattern) if glob_matches(pattern, name) => accepted = false,
                    None if glob_matches(pattern, name) => accepted = true,
                    _ => {}
                }
            }
            return accepted;
        }
        let ignored = self.ignore.iter().flatten();
        !ignored
            .into_iter()
            .any(|pattern| glob_matches(pattern, name))
    }

    /// Names that decide it: for each pattern one that fits, and one with each of the texts that expressions
    /// look for in a name.
    pub fn samples(&self, texts: &[String]) -> Vec<String> {
        let patterns = self.only.iter().chain(&self.ignore).flatten();
        let patterns = patterns.map(|pattern| pattern.trim_start_matches('!'));
        patterns
            .flat_map(|pattern| {
                let with = texts.iter().filter(|_| pattern.contains('*'));
                let with = with.map(move |text| sample_with(pattern, text, text));
                std::iter::once(sample(pattern)).chain(with)
            })
            .collect()
    }
}

/// A name that fits a glob.
pub fn sample(glob: &str) -> String {
    sample_with(glob, "x/y", "x")
}

/// A name that fits a glob, with these texts for `**` and for `*`.
fn sample_with(glob: &str, many: &str, one: &str) -> String {
    let name = glob.replace("**", many).replace('*', one);
    let class = pattern::regex(r"\[([^\]-])[^\]]*\]").unwrap();
    class.replace_all(&name, "$1").replace(['?', '+', '\\'], "")
}

/// Whether a glob fits a name. One that is not valid fits none.
pub fn glob_matches(glob: &str, name: &str) -> bool {
    thread_local! {
        // The same few globs are tried with many names.
        static KNOWN: RefCell<HashMap<String, Option<Regex>>> = RefCell::default();
    }
    KNOWN.with_borrow_mut(|known| {
        let of_glob = known.entry(glob.to_owned());
        let regex = of_glob.or_insert_with(|| regex(glob).ok());
        regex.as_ref().is_some_and(|regex| regex.is_match(name))
    })
}

/// A glob as a regex over a whole name. GitHub's cheat sheet: `*` stops at a slash, `**` does not, `?` and `+`
/// repeat, `[…]` is a class.
pub fn regex(glob: &str) -> Result<Regex, regex::Error> {
    let mut regex = String::from("(?s)^");
    let mut rest = glob;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            // Zero or more directories, which nothing repeats.
            '*' if rest.starts_with("**/")
                && !rest[3..].starts_with(['?', '+'])
                && (rest.len() == glob.len() || glob[..glob.len() - rest.len()].ends_with('/')) =>
            {
                regex.push_str("(.*/)?");
                3
            }
            '*' if rest.starts_with("**") => {
                regex.push_str(".*");
                rest.len() - rest.trim_start_matches('*').len()
            }
            '*' => {
                regex.push_str("[^/]*");
                1
            }
            '?' | '+' => {
                regex.push(first);
                1
            }
            '[' if rest.contains(']') => {
                let end = rest.find(']').unwrap() + 1;
                regex.push_str(&rest[..end]);
                end
            }
            '\\' if rest.len() > 1 => {
                let next = rest[1..].chars().next().unwrap();
                regex.push_str(&regex::escape(&next.to_string()));
                1 + next.len_utf8()
            }
            other => {
                regex.push_str(&regex::escape(&other.to_string()));
                other.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    regex.push('$');
    pattern::regex(&regex)
}
