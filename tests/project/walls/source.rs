//! Rust as far as paths need it: comments and tests out, `use` as a tree of names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

use crate::support::root;

/// The `.rs` files below a directory, from the root of the repository.
pub fn files(directory: &str) -> Vec<String> {
    let mut files = Vec::new();
    let mut directories = vec![Path::new(directory).to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(root().join(&directory)).unwrap() {
            let entry = entry.unwrap();
            let path = directory.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    files.sort();
    files
}

/// A source without comments, without what its literals say, and without the module of its tests at its end.
pub fn code(source: &str) -> String {
    static LEFT_OUT: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r####"(?sx)
            // [^\n]* | /\* .*? \*/
            | b? r\#{3} " .*? "\#{3} | b? r\#{2} " .*? "\#{2} | b? r\# " .*? "\# | b? r" [^"]* "
            | b? " (?: [^"\\] | \\ . )* " | b? ' (?: [^'\\] | \\ [^u] | \\ u \{ \w+ \} ) '
            "####,
        )
        .unwrap()
    });
    static TESTS: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?m)^#\[cfg\(test\)\]\n(?:#\[.*\]\n)*mod \w+").unwrap());
    let code = LEFT_OUT.replace_all(source, "\"\"");
    let tests = TESTS.find(&code).map_or(code.len(), |tests| tests.start());
    code[..tests].to_owned()
}

/// A path of names, such as that of a module from the root of its crate.
pub type Names = Vec<String>;

/// What a source defines, and what it takes from other modules.
#[derive(Debug, Default)]
pub struct Source {
    /// The path of each name that a `use` brings into the module.
    pub uses: BTreeMap<String, Names>,
    /// The modules from which a `use` brings all names.
    pub globs: Vec<Names>,
    /// The paths outside of `use`: `super::name`, `module::name`.
    pub paths: BTreeSet<Names>,
    /// The words outside of `use`.
    pub words: BTreeSet<String>,
    /// The names of its items.
    pub items: BTreeSet<String>,
}

impl Source {
    pub fn of(text: &str) -> Self {
        static PATTERNS: LazyLock<[Regex; 4]> = LazyLock::new(|| {
            [
                r"(?s)\b(?:pub(?:\([^)]*\))?\s+)?use\s+([^;]+);",
                r"(?:::)?\b[a-z_]\w*(?:::\w+)+",
                r"\w+",
                r"\b(?:fn|struct|enum|trait|const|static|type|macro_rules!)\s+(\w+)",
            ]
            .map(|pattern| Regex::new(pattern).unwrap())
        });
        let [declaration, path, word, item] = &*PATTERNS;
        let code = code(text);
        let rest = declaration.replace_all(&code, "");
        let paths = path.find_iter(&rest).map(|path| path.as_str());
        let paths = paths.filter(|path| !path.starts_with("::"));
        let mut source = Self {
            paths: paths.map(|path| joined(&[], path)).collect(),
            words: word
                .find_iter(&rest)
                .map(|word| word.as_str().to_owned())
                .collect(),
            items: item
                .captures_iter(&rest)
                .map(|item| item[1].to_owned())
                .collect(),
            ..Self::default()
        };
        for found in declaration.captures_iter(&code) {
            let tree = found[1].split_whitespace().collect::<Vec<_>>().join(" ");
            source.add(&[], &tree);
        }
        source
    }

    /// Adds a tree of names below a path.
    fn add(&mut self, path: &[String], tree: &str) {
        let tree = tree.trim();
        if let Some((head, group)) = tree.split_once('{') {
            let path = joined(path, head.trim_end_matches("::"));
            for part in parts(group.strip_suffix('}').unwrap()) {
                self.add(&path, part);
            }
        } else if let Some(module) = tree.strip_suffix('*') {
            self.globs.push(joined(path, module.trim_end_matches("::")));
        } else if !tree.is_empty() {
            let (from, name) = tree.split_once(" as ").unwrap_or((tree, ""));
            let mut path = joined(path, from);
            if path.last().is_some_and(|last| last == "self") {
                path.pop();
            }
            let last = path.last().cloned().unwrap_or_default();
            let name = if name.is_empty() {
                last
            } else {
                name.to_owned()
            };
            self.uses.insert(name, path);
        }
    }
}

fn joined(path: &[String], more: &str) -> Names {
    let more = more
        .split("::")
        .map(str::trim)
        .filter(|name| !name.is_empty());
    path.iter()
        .cloned()
        .chain(more.map(str::to_owned))
        .collect()
}

/// The parts between the commas that are in no braces.
fn parts(group: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&group[start..]);
    parts
}
