//! For random workflow files: `matrix` calls no rule unusable that a run can use, and `init` proposes no rule
//! that is wider than its file.
//!
//! `WORKFLOW_REPOSITORIES=1000 cargo test --test cli workflows::property` tries more of them,
//! `WORKFLOW_SEED=7` starts at another one.

use super::generate::{self, Generated};
use super::product::{self, Product};
use super::reference::Repository;
use super::{proposal, rows};
use crate::support::directory::Directory;
use crate::support::each_at_work;

const FILES: usize = 12;

/// What `init` does not read as narrowly as GitHub does: a permission or an environment that a part of a name decides,
/// where no filter names it; a failure beside the results that exclude it; and a pull request from a branch with the
/// name of its base, which a rule cannot tell from a merged one.
const NOT_YET: [&str; 4] = [
    "endsWith(github.ref",
    "contains(github.ref,",
    "failure()",
    "closed",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Property {
    Usable,
    Rows,
    Narrow,
}

fn number(variable: &str, default: u64) -> u64 {
    let given = std::env::var(variable).ok();
    given.map_or(default, |text| text.parse().unwrap())
}

/// Where a property does not hold, each with what is wrong.
fn wrong(files: &[Generated]) -> Vec<(Property, String)> {
    let texts: Vec<_> = files
        .iter()
        .map(|file| (file.file.clone(), file.text()))
        .collect();
    let texts: Vec<_> = texts
        .iter()
        .map(|(file, text)| (&**file, &**text))
        .collect();
    let repository = Repository::read(texts.iter().copied());
    assert!(repository.invalid.is_empty(), "{:?}", repository.invalid);
    let directory = Directory::with_workflows(&texts);
    let product = Product {
        directory: &directory,
    };
    let mut wrong = Vec::new();
    let mut add = |property, found: Vec<String>, not_yet: &[&str]| {
        let is_known = |message: &String| {
            let named = |own: &&Generated| message.contains(&own.file);
            let called = |own: &&Generated| own.file.starts_with("called");
            let mut own = files.iter().filter(|own| named(own) || called(own));
            own.any(|own| not_yet.iter().any(|word| own.text().contains(word)))
        };
        let found = found.into_iter().filter(|message| !is_known(message));
        wrong.extend(found.map(|text| (property, text)));
    };
    let runs = product::all_runs(&repository, &[]);
    let (policy, rules) = product::usable_rules(&runs);
    if !rules.is_empty() {
        let matrix = product.matrix(&policy);
        add(
            Property::Usable,
            product::wrongly_unused(&matrix, &rules),
            &[],
        );
        add(Property::Rows, rows::missing_rows(&matrix, &runs), &[]);
    }
    let policy = product.proposal();
    let rules = super::policy::rules(&policy);
    let names: Vec<_> = rules.iter().flat_map(|rule| rule.names()).collect();
    let runs = product::all_runs(&repository, &names);
    let wider = proposal::wider_rules(&policy, &repository, &runs);
    add(Property::Narrow, wider, &NOT_YET);
    wrong
}

/// Leaves parts out as long as the same property does not hold, and shows what remains.
fn smallest(mut files: Vec<Generated>, property: Property, message: &str) -> String {
    let file = message.split(':').next().unwrap().to_owned();
    let is_wrong = |files: &[Generated]| {
        let texts: Vec<_> = files
            .iter()
            .map(|file| (&*file.file, file.text()))
            .collect();
        let read = Repository::read(texts.iter().map(|(file, text)| (*file, &**text)));
        read.invalid.is_empty() && wrong(files).iter().any(|(other, _)| *other == property)
    };
    // Other files than this one, and those that it calls.
    let own: Vec<_> = files
        .iter()
        .filter(|other| other.file == file || other.file.starts_with("called"))
        .cloned()
        .collect();
    if is_wrong(&own) {
        files = own;
    }
    'smaller: loop {
        for at in 0..files.len() {
            let mut without = files.clone();
            without.remove(at);
            let smaller = files[at].smaller().into_iter().map(|file| {
                let mut files = files.clone();
                files[at] = file;
                files
            });
            for candidate in std::iter::once(without).chain(smaller) {
                if is_wrong(&candidate) {
                    files = candidate;
                    continue 'smaller;
                }
            }
        }
        let wrong = wrong(&files)
            .into_iter()
            .find(|(other, _)| *other == property);
        let texts = files
            .iter()
            .map(|file| format!("--- {}\n{}", file.file, file.text()));
        return format!("{}\n{}", wrong.unwrap().1, texts.collect::<String>());
    }
}

#[test]
fn random_workflows_are_read_as_github_reads_them() {
    let (count, seed) = (
        number("WORKFLOW_REPOSITORIES", 20),
        number("WORKFLOW_SEED", 0),
    );
    let seeds: Vec<_> = (seed..seed + count).collect();
    let found = std::sync::Mutex::new(Vec::new());
    each_at_work(&seeds, 2, |seed| {
        let files = generate::repository(*seed, FILES);
        let wrong = wrong(&files);
        for property in [Property::Usable, Property::Rows, Property::Narrow] {
            let mut of_property = wrong.iter().filter(|(other, _)| *other == property);
            if let Some((_, message)) = of_property.next() {
                let shown = smallest(files.clone(), property, message);
                found
                    .lock()
                    .unwrap()
                    .push(format!("seed {seed}, {property:?}: {shown}"));
            }
        }
    });
    let found = found.into_inner().unwrap();
    assert!(found.is_empty(), "{}", found.join("\n"));
}
