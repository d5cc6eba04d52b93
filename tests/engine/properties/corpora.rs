//! The inputs that the fuzzers have kept, once more, without a fuzzer.

use super::targets::ALL;
use crate::support::root;

#[test]
fn every_kept_input_still_holds() {
    let corpora = root().join("fuzz/corpus");
    for (target, run) in ALL {
        let mut count = 0;
        for file in std::fs::read_dir(corpora.join(target)).unwrap() {
            let file = file.unwrap().path();
            let data = std::fs::read(&file).unwrap();
            if std::panic::catch_unwind(|| run(&data)).is_err() {
                panic!("{} does not hold", file.display());
            }
            count += 1;
        }
        assert!(count >= 5, "{target} has {count} inputs");
    }
}

#[test]
fn every_target_is_built_and_run() {
    let names = |text: &str, before: &str| -> Vec<String> {
        let lines = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix(before));
        let mut names: Vec<_> = lines
            .map(|name| name.trim_matches('"').to_owned())
            .collect();
        names.sort();
        names
    };
    let mut targets: Vec<_> = ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
    targets.extend(targets_of_the_server());
    targets.sort();
    let manifest = include_str!("../../../fuzz/Cargo.toml");
    let manifest = manifest.split_once("[[bin]]").unwrap().1;
    assert_eq!(names(manifest, "name = "), targets);
    let workflow = include_str!("../../../.github/workflows/fuzz.yml");
    assert_eq!(names(workflow, "- target: "), targets);
}

/// The targets that `crates/server/src/fuzzing` lists and replays.
fn targets_of_the_server() -> Vec<String> {
    let list = include_str!("../../../crates/server/src/fuzzing/mod.rs");
    let rows = list.lines().filter_map(|line| {
        let row = line.trim().strip_prefix("(\"")?;
        row.split_once("\", ")
    });
    let names: Vec<_> = rows.map(|(name, _)| name.to_owned()).collect();
    assert!(!names.is_empty());
    names
}
