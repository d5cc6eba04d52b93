//! Workflow files written for one question each, with the runs that GitHub makes of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::product::{self, DEFAULT_BRANCH, Product};
use super::reference::filter::{glob_matches, sample};
use super::reference::{
    Environment, Finding, Outcome, Reference, Repository, Run, Runs, Universe, candidates, keys,
};
use super::{proposal, rows};
use crate::support::directory::Directory;
use crate::support::root;

/// Where the program differs from GitHub today: the case and the check. A line that is no longer true fails
/// the test. An empty variable `KNOWN_DIFFERENCES` shows them all.
const DIFFERENCES: &str = include_str!("corpus/DIFFERENCES");

/// Files that make up a repository.
struct Case {
    name: String,
    files: BTreeMap<String, String>,
}

/// What the comments at the top of a file say.
#[derive(Default)]
struct Expected {
    runs: Vec<Line>,
    findings: BTreeSet<(String, Finding)>,
    is_invalid: bool,
}

/// `# Run: EVENT… REF… | JOB | ENVIRONMENT | TOKEN | PERMISSIONS`.
struct Line {
    text: String,
    events: Vec<String>,
    refs: Vec<String>,
    job: String,
    outcome: Outcome,
}

fn cases() -> Vec<Case> {
    let directory = root().join("tests/cli/workflows/corpus");
    let mut cases: Vec<_> = entries(&directory)
        .iter()
        .filter(|path| path.is_dir() || path.extension().is_some_and(|end| end == "yml"))
        .map(|path| Case::read(path))
        .collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

impl Case {
    fn read(path: &Path) -> Self {
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        let files = match path.is_dir() {
            true => entries(path),
            false => vec![path.to_owned()],
        };
        let files = files.iter();
        let files = files.map(|file| (name(file), std::fs::read_to_string(file).unwrap()));
        Self {
            name: name(path).trim_end_matches(".yml").to_owned(),
            files: files.collect(),
        }
    }

    fn repository(&self) -> Repository {
        Repository::read(self.files.iter().map(|(file, text)| (&**file, &**text)))
    }

    fn expected(&self, file: &str) -> Expected {
        let mut expected = Expected::default();
        for line in self.files[file].lines() {
            let Some(line) = line.strip_prefix("# ") else {
                break;
            };
            let fields = |text: &str| {
                text.split('|')
                    .map(|f| f.trim().to_owned())
                    .collect::<Vec<_>>()
            };
            if let Some(run) = line.strip_prefix("Run: ") {
                expected
                    .runs
                    .push(Line::read(&fields(run), &format!("{file}: {line}")));
            } else if let Some(finding) = line.strip_prefix("Finding: ") {
                let [job, finding] = &*fields(finding) else {
                    panic!("{file}: {line}");
                };
                let known = Finding::ALL.iter().find(|(name, _)| name == finding);
                let (_, finding) = known.unwrap_or_else(|| panic!("{file}: {line}"));
                expected.findings.insert((job.clone(), *finding));
            } else if line.starts_with("Invalid: ") {
                expected.is_invalid = true;
            }
        }
        expected
    }

    /// Files and codes of the findings.
    fn findings(&self) -> impl Iterator<Item = (String, String)> {
        self.files.keys().flat_map(|file| {
            let findings = self.expected(file).findings.into_iter();
            findings.map(move |(job, finding)| {
                let file = job.split_once('/').map_or(file.as_str(), |(file, _)| file);
                (file.to_owned(), finding.code().to_owned())
            })
        })
    }

    fn directory(&self) -> Directory {
        let files: Vec<_> = self
            .files
            .iter()
            .map(|(file, text)| (&**file, &**text))
            .collect();
        Directory::with_workflows(&files)
    }
}

impl Line {
    fn read(fields: &[String], text: &str) -> Self {
        let [when, job, environment, token, asks] = fields else {
            panic!("five fields: {text}");
        };
        let (refs, events): (Vec<_>, Vec<_>) = when
            .split_whitespace()
            .map(str::to_owned)
            .partition(|word| word.contains(':'));
        Self {
            text: text.to_owned(),
            events,
            refs,
            job: job.clone(),
            outcome: Outcome {
                environment: match environment.as_str() {
                    "-" => Environment::None,
                    "?" => Environment::Unknown,
                    name => Environment::Named(name.to_lowercase()),
                },
                id_token: match token.as_str() {
                    "id-token" => true,
                    "-" => false,
                    _ => panic!("`id-token` or `-`: {text}"),
                },
                gates: keys(&asks.replace([' ', '-', '?'], ",")).collect(),
                may_ask_more: asks.contains('?'),
            },
        }
    }

    fn is_for(&self, event: &str, reference: &Reference) -> bool {
        if !self.events.iter().any(|own| own == event) {
            return false;
        }
        let (kind, name, head) = match reference {
            Reference::Branch(name) => match name.strip_prefix("gh-readonly-queue/") {
                Some(name) => ("queue", name.trim_end_matches("/pr-1-abc"), ""),
                None => ("branch", &**name, ""),
            },
            Reference::Tag(name) => ("tag", &**name, ""),
            Reference::Pull { head, base } | Reference::Target { head, base } => {
                ("into", &**base, &**head)
            }
        };
        let fits = |word: &str| {
            let (own, glob) = word.split_once(':').unwrap();
            let value = if own == "from" { head } else { name };
            (own == kind || own == "from") && glob_matches(glob, value)
        };
        // As in a filter, the last one that fits decides.
        let accepts = |words: Vec<&String>| {
            let mut accepted = words.is_empty();
            for word in words {
                match word.strip_prefix('!') {
                    Some(word) if fits(word) => accepted = false,
                    None if fits(word) => accepted = true,
                    _ => {}
                }
            }
            accepted
        };
        let is_head = |word: &&String| word.trim_start_matches('!').starts_with("from:");
        let (heads, refs) = self.refs.iter().partition(is_head);
        accepts(heads) && accepts(refs)
    }

    /// Names that its refs are about.
    fn samples(&self) -> Vec<String> {
        let words = self.refs.iter().map(|word| word.trim_start_matches('!'));
        words
            .filter_map(|word| {
                let (kind, glob) = word.split_once(':')?;
                let name = sample(glob);
                match kind {
                    "tag" => Some(format!("refs/tags/{name}")),
                    "from" => None,
                    _ => Some(name),
                }
            })
            .collect()
    }
}

/// The runs that the lines say, out of all events and refs.
fn expected_runs(lines: &[Line], events: &[String], universe: &Universe) -> Runs {
    let mut runs = Runs::default();
    let mut used = BTreeSet::new();
    for event in events {
        for reference in candidates(event, universe) {
            for line in lines.iter().filter(|line| line.is_for(event, &reference)) {
                used.insert(&line.text);
                runs.all.insert(Run {
                    event: event.clone(),
                    reference: reference.clone(),
                    job: line.job.clone(),
                    outcome: line.outcome.clone(),
                });
            }
        }
    }
    for line in lines {
        assert!(used.contains(&line.text), "fits no run: {}", line.text);
    }
    runs
}

/// Before the product is compared with the corpus, the corpus is compared with another reading of it.
#[test]
fn the_reference_reads_the_corpus_as_it_says() {
    let mut wrong = Vec::new();
    let cases = cases();
    for case in &cases {
        let repository = case.repository();
        for file in case.files.keys() {
            let expected = case.expected(file);
            let at = format!("{}/{file}", case.name);
            assert!(
                case.files[file].starts_with("# Why: ")
                    || case.files[file].starts_with("# Called "),
                "{at} does not say why"
            );
            let invalid = repository.invalid.get(file);
            assert_eq!(invalid.is_some(), expected.is_invalid, "{at}: {invalid:?}");
            if expected.is_invalid {
                continue;
            }
            let samples: Vec<_> = expected.runs.iter().flat_map(Line::samples).collect();
            let universe = repository.universe(file, DEFAULT_BRANCH, &samples);
            let events = repository.events(file);
            let (wanted, found) = (
                expected_runs(&expected.runs, &events, &universe),
                repository.runs(file, &universe),
            );
            assert!(found.undecided.is_empty(), "{at}: {:?}", found.undecided);
            for run in wanted.all.difference(&found.all) {
                wrong.push(format!("{at}: only the file says {run:?}"));
            }
            for run in found.all.difference(&wanted.all) {
                wrong.push(format!("{at}: only the reference says {run:?}"));
            }
            let findings = repository.findings(file);
            if findings != expected.findings && !events.is_empty() {
                wrong.push(format!("{at}: {:?}, not {findings:?}", expected.findings));
            }
        }
    }
    assert!(cases.len() >= 60, "{} cases", cases.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_product_reads_the_corpus_as_github_does() {
    let mut differences = BTreeMap::new();
    for case in cases() {
        let directory = case.directory();
        let product = Product {
            directory: &directory,
        };
        let repository = case.repository();
        let lines = case.files.keys().flat_map(|file| case.expected(file).runs);
        let samples: Vec<_> = lines.flat_map(|line| line.samples()).collect();
        let runs = product::all_runs(&repository, &samples);
        let (policy, rules) = product::usable_rules(&runs);
        let mut add = |check: &str, found: Vec<String>| {
            if !found.is_empty() {
                differences.insert(format!("{} {check}", case.name), found.join("\n    "));
            }
        };
        if !rules.is_empty() {
            let matrix = product.matrix(&policy);
            add("unusable", product::wrongly_unused(&matrix, &rules));
            let rows = [
                rows::missing_rows(&matrix, &runs),
                rows::surplus_rows(&matrix, &runs),
            ];
            add("rows", rows.concat());
        }
        let expected: BTreeSet<_> = case.findings().collect();
        let found = product.findings();
        let differing = expected.symmetric_difference(&found);
        add(
            "findings",
            differing
                .map(|(file, code)| format!("{file}: {code}"))
                .collect(),
        );
        let policy = product.proposal();
        let extra: Vec<_> = super::policy::rules(&policy)
            .iter()
            .flat_map(|rule| rule.names())
            .collect();
        let runs = product::all_runs(&repository, &[samples, extra].concat());
        add("wider", proposal::wider_rules(&policy, &repository, &runs));
        add("missing", proposal::missing_rules(&policy, &runs));
    }
    let known = std::env::var("KNOWN_DIFFERENCES").unwrap_or(DIFFERENCES.to_owned());
    let known: BTreeSet<_> = known
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    let new = differences
        .iter()
        .filter(|(name, _)| !known.contains(name.as_str()));
    let mut wrong: Vec<_> = new
        .map(|(name, why)| format!("new: {name}\n    {why}"))
        .collect();
    let gone = known
        .iter()
        .filter(|name| !differences.contains_key(**name));
    wrong.extend(gone.map(|name| format!("gone: {name}")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
