//! The program in checkouts of repositories that other people wrote.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use super::product::{self, POLICY};
use super::reference::Repository;
use super::{policy, proposal, rows};
use crate::support::directory::Directory;
use crate::support::each_at_work;
use crate::support::memory::measure;
use crate::support::program::binary;

/// Longer than this for a command is too long, with a release build.
const MAX_MILLISECONDS: u128 = 10_000;

/// A line of the table, and what is wrong.
#[derive(Default)]
struct Report {
    cells: Vec<String>,
    wrong: Vec<String>,
}

/// A checkout with what the program is asked about it.
struct Checkout {
    name: String,
    default_branch: String,
    files: BTreeMap<String, String>,
    directory: Directory,
    binary: PathBuf,
}

impl Checkout {
    fn read(path: &Path) -> Option<Self> {
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(path.join(".github/workflows"))
            .ok()?
            .flatten()
        {
            let name = entry.file_name().into_string().ok()?;
            let is_workflow = name.ends_with(".yml") || name.ends_with(".yaml");
            if let Some(text) = std::fs::read_to_string(entry.path())
                .ok()
                .filter(|_| is_workflow)
            {
                files.insert(name, text);
            }
        }
        let texts: Vec<_> = files
            .iter()
            .map(|(file, text)| (&**file, &**text))
            .collect();
        Some(Self {
            name: path.file_name()?.to_str()?.to_owned(),
            default_branch: default_branch(path),
            directory: Directory::with_workflows(&texts),
            files,
            binary: binary("REPOSITORIES_BINARY"),
        })
    }

    /// Runs the program; its output, or why there is none.
    fn run(&self, report: &mut Report, arguments: &[&str]) -> Option<String> {
        let mut command = Command::new(&self.binary);
        command
            .args(arguments)
            .current_dir(&self.directory.0)
            .env_clear();
        let measured = measure(&mut command);
        let time = measured.time.as_millis();
        report.cells.push(format!(
            "{time} ms, {:.1} MB",
            measured.kilobytes as f64 / 1024.0
        ));
        if time > MAX_MILLISECONDS {
            report.wrong.push(format!("{arguments:?}: {time} ms"));
        }
        let output = measured.output;
        // A finding of lint is expected.
        let is_fine = matches!(output.status.code(), Some(0))
            || (arguments[0] == "lint" && output.status.code() == Some(1));
        if !is_fine {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            report
                .wrong
                .push(format!("{arguments:?}: {:?} {said}", output.status.code()));
            return None;
        }
        String::from_utf8(output.stdout).ok()
    }

    fn report(&self) -> Report {
        let mut report = Report::default();
        let repository = Repository::read(self.files.iter().map(|(file, text)| (&**file, &**text)));
        report.cells.push(self.files.len().to_string());
        let init = ["init", "--stdout", "--default-branch", &self.default_branch];
        let Some(proposed) = self.run(&mut report, &init) else {
            return report;
        };
        self.directory.write(POLICY, &proposed);
        self.run(
            &mut report,
            &["matrix", POLICY, "--workflows", ".", "--format", "json"],
        );
        self.run(&mut report, &["lint", POLICY, "--format", "json"]);
        let rules = policy::rules(&proposed);
        let outcommented = proposed
            .lines()
            .filter(|line| line.starts_with("  # - name:"))
            .count();
        report
            .cells
            .push(format!("{}, {outcommented}", rules.len()));
        report.cells.push(proposed.lines().count().to_string());

        let names: Vec<_> = rules.iter().flat_map(|rule| rule.names()).collect();
        let runs = product::all_runs_of(&repository, &self.default_branch, &names);
        let undecided: usize = runs.values().map(|(_, runs)| runs.undecided.len()).sum();
        report.cells.push(undecided.to_string());
        let wider = proposal::wider_rules(&proposed, &repository, &runs);
        report.cells.push(wider.len().to_string());
        report.wrong.extend(wider);
        let (usable, texts) = product::usable_rules(&runs);
        let mut unusable = Vec::new();
        if !texts.is_empty() {
            self.directory.write("usable.yml", &usable);
            let arguments = [
                "matrix",
                "usable.yml",
                "--workflows",
                ".",
                "--format",
                "json",
            ];
            let mut aside = Report::default();
            let json = self.run(&mut aside, &arguments);
            report.wrong.extend(aside.wrong);
            if let Some(matrix) = json.and_then(|text| serde_json::from_str(&text).ok()) {
                unusable.extend(product::wrongly_unused(&matrix, &texts));
                unusable.extend(rows::missing_rows(&matrix, &runs));
            }
        }
        report.cells.push(unusable.len().to_string());
        report.wrong.extend(unusable);
        for (file, reason) in &repository.invalid {
            report.wrong.push(format!("not compared: {file}: {reason}"));
        }
        report
    }
}

/// What git says, or `main`.
fn default_branch(path: &Path) -> String {
    let of = |file: &str, prefix: &str| {
        let text = std::fs::read_to_string(path.join(".git").join(file)).ok()?;
        Some(text.trim().strip_prefix(prefix)?.to_owned())
    };
    of("refs/remotes/origin/HEAD", "ref: refs/remotes/origin/")
        .or_else(|| of("HEAD", "ref: refs/heads/"))
        .unwrap_or_else(|| "main".to_owned())
}

#[test]
#[ignore = "needs checkouts and a release build: .ci/outside/repositories"]
fn repositories_of_other_people() {
    let folder = PathBuf::from(std::env::var_os("REPOSITORIES").unwrap());
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let checkouts: Vec<_> = paths
        .iter()
        .filter_map(|path| Checkout::read(path))
        .collect();
    assert!(!checkouts.is_empty(), "no checkout with workflow files");
    let reports = Mutex::new(BTreeMap::new());
    each_at_work(&checkouts, 2, |checkout| {
        let started = std::time::Instant::now();
        let report = checkout.report();
        eprintln!("{} {:?}", checkout.name, started.elapsed());
        reports
            .lock()
            .unwrap()
            .insert(checkout.name.clone(), report);
    });
    let (mut table, mut wrong) = (String::new(), String::new());
    for (name, report) in reports.into_inner().unwrap() {
        writeln!(table, "| {name} | {} |", report.cells.join(" | ")).unwrap();
        for text in report.wrong {
            writeln!(wrong, "{name}: {text}").unwrap();
        }
    }
    println!(
        "| repository | files | init | matrix | lint | rules, outcommented | lines | undecided | wider | unusable |\n\
         |---|---|---|---|---|---|---|---|---|---|\n{table}\n{wrong}"
    );
    let is_fault = |line: &&str| !line.contains("not compared: ");
    assert_eq!(wrong.lines().filter(is_fault).count(), 0);
}
