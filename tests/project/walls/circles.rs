//! No file of a crate needs a file that needs it.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Names, Source, files};
use crate::support::root;

struct Module {
    file: String,
    source: Source,
}

/// The modules of a crate by their paths, without those that hold only tests.
struct Crate(BTreeMap<Names, Module>);

impl Crate {
    fn read(directory: &str) -> Self {
        let files = files(directory).into_iter();
        let files = files.filter(|file| !file.contains("_tests")).map(|file| {
            let text = std::fs::read_to_string(root().join(&file)).unwrap();
            (file, text)
        });
        Self::of(directory, files)
    }

    fn of(directory: &str, files: impl IntoIterator<Item = (String, String)>) -> Self {
        let modules = files.into_iter().filter_map(|(file, text)| {
            let path = path_of(file.strip_prefix(directory)?.trim_start_matches('/'))?;
            let source = Source::of(&text);
            Some((path, Module { file, source }))
        });
        Self(modules.collect())
    }

    /// The module that defines what a path names, seen from another module. `None` for other crates.
    fn definition(&self, from: &Names, path: &[String], depth: usize) -> Option<&Names> {
        let mut at = from.clone();
        match path.first()?.as_str() {
            "crate" => at.clear(),
            "self" | "super" => {}
            child if self.0.contains_key(&below(from, child)) => {}
            _ => return None,
        }
        for name in path {
            match name.as_str() {
                "crate" | "self" => {}
                "super" => _ = at.pop(),
                name => {
                    let child = below(&at, name);
                    if !self.0.contains_key(&child) {
                        return self.of_name(&at, name, depth);
                    }
                    at = child;
                }
            }
        }
        self.0.get_key_value(&at).map(|(path, _)| path)
    }

    /// The module that defines a name which another module has, its own or by `use`.
    fn of_name(&self, module: &Names, name: &str, depth: usize) -> Option<&Names> {
        let (path, found) = self.0.get_key_value(module)?;
        let source = &found.source;
        if depth == 0 || source.items.contains(name) {
            return Some(path);
        }
        if let Some(to) = source.uses.get(name) {
            return self.definition(module, to, depth - 1);
        }
        let globs = source.globs.iter();
        let mut modules = globs.filter_map(|glob| self.definition(module, glob, depth - 1));
        let defining = modules.find(|module| self.0[*module].source.items.contains(name));
        defining.or(Some(path))
    }

    /// For each file the files that it needs. What it only hands on, by `pub use`, it does not need.
    fn needs(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let of = |path: &Names, Module { file, source }: &Module| {
            // A trait is used without its name.
            let is_used = |name: &String| name == "_" || source.words.contains(name);
            let named = source.uses.iter().filter(|(name, _)| is_used(name));
            let paths = named.map(|(_, path)| path).chain(&source.globs);
            let needed = paths.chain(&source.paths);
            let needed = needed.filter_map(|to| self.definition(path, to, 8));
            let needed = needed.map(|path| self.0[path].file.as_str());
            needed.filter(|needed| needed != file).collect()
        };
        let modules = self.0.iter();
        let needs = modules.map(|(path, module)| (module.file.as_str(), of(path, module)));
        needs.collect()
    }
}

/// The module that a file is; `None` for a program's, which no other names.
fn path_of(file: &str) -> Option<Names> {
    let mut path: Names = file.split('/').map(str::to_owned).collect();
    let last = path.pop()?;
    match last.strip_suffix(".rs")? {
        "lib" | "mod" => {}
        "main" => return None,
        name => path.push(name.to_owned()),
    }
    Some(path)
}

fn below(path: &Names, name: &str) -> Names {
    let mut path = path.clone();
    path.push(name.to_owned());
    path
}

/// The files that need each other, directly or by others: each set once.
fn circles(needs: &BTreeMap<&str, BTreeSet<&str>>) -> BTreeSet<Vec<String>> {
    let reached = |from: &str| {
        let mut reached = BTreeSet::new();
        let mut next: Vec<&str> = needs[from].iter().copied().collect();
        while let Some(file) = next.pop() {
            if reached.insert(file) {
                next.extend(&needs[file]);
            }
        }
        reached
    };
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        needs.keys().map(|file| (*file, reached(file))).collect();
    let circle = |file: &&str| -> Vec<String> {
        let back = reached[*file]
            .iter()
            .filter(|other| reached[*other].contains(*file));
        back.map(|other| (*other).to_owned()).collect()
    };
    let circles = needs.keys().map(circle);
    circles.filter(|circle| !circle.is_empty()).collect()
}

#[test]
fn the_files_of_a_crate_need_each_other_in_one_direction() {
    let crates = std::fs::read_dir(root().join("crates")).unwrap();
    let crates = crates.map(|one| format!("crates/{}/src", one.unwrap().file_name().display()));
    let mut problems = String::new();
    for directory in crates.chain(["src", "simulator/src"].map(str::to_owned)) {
        let read = Crate::read(&directory);
        let needs = read.needs();
        for circle in circles(&needs) {
            problems += &shown(&circle, &needs);
        }
    }
    assert!(problems.is_empty(), "circles:\n{problems}");
}

/// The files of a circle, each with those of it that it needs.
fn shown(circle: &[String], needs: &BTreeMap<&str, BTreeSet<&str>>) -> String {
    let lines = circle.iter().map(|file| {
        let inside = needs[file.as_str()]
            .iter()
            .filter(|one| circle.iter().any(|file| file == *one));
        format!(
            "  {file} needs {}\n",
            inside.copied().collect::<Vec<_>>().join(", ")
        )
    });
    lines.chain(["\n".to_owned()]).collect()
}

#[test]
fn a_circle_is_found_by_each_way_to_name_a_file() {
    let forth = "use super::b::made; pub fn one() -> u8 { made() }";
    let found = |lib: &str, back: &str| {
        let files = [("lib.rs", lib), ("a.rs", forth), ("b.rs", back)];
        let files = files.map(|(file, text)| (file.to_owned(), text.to_owned()));
        circles(&Crate::of("", files).needs())
    };
    let circle = BTreeSet::from([vec!["a.rs".to_owned(), "b.rs".to_owned()]]);
    for (lib, back) in [
        ("", "use super::a::one; fn made() { one() }"),
        ("", "use crate::a::{self, other}; fn made() { a::one() }"),
        ("", "fn made() { crate::a::one() }"),
        ("", "use super::{a as c, x::{y, z}}; fn made() { c::one() }"),
        // By what the parent hands on.
        ("pub use a::one;", "use super::one; fn made() { one() }"),
        ("pub use self::a::*;", "use crate::one; fn made() { one() }"),
        ("use a::{one as two};", "fn made() { super::two() }"),
    ] {
        assert_eq!(found(lib, back), circle, "{lib} {back}");
    }
    for back in [
        "fn made() {} // super::a::one",
        "fn made() { \"super::a::one\" }",
        "use other::a::one; fn made() { one() }",
        "fn made() {}\n#[cfg(test)]\nmod tests { use super::super::a::one; }",
    ] {
        assert_eq!(found("pub use a::one;", back), BTreeSet::new(), "{back}");
    }
}
