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

const GATE: &str =
    "- {uses: repo-permissions/repo-permissions@v0, with: {permission: ws:deployments:create}}";

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
        let name = path.file_name()?.to_str()?;
        Some(Self::of(name, &default_branch(path), files))
    }

    fn of(name: &str, default_branch: &str, files: BTreeMap<String, String>) -> Self {
        let texts: Vec<_> = files
            .iter()
            .map(|(file, text)| (&**file, &**text))
            .collect();
        Self {
            name: name.to_owned(),
            default_branch: default_branch.to_owned(),
            directory: Directory::with_workflows(&texts),
            files,
            binary: binary("REPOSITORIES_BINARY"),
        }
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
        // A process that ends within a millisecond or so is gone before its memory is read.
        let memory = match measured.kilobytes {
            0..2_048 => "-".to_owned(),
            kilobytes => format!("{:.1} MB", kilobytes as f64 / 1024.0),
        };
        report.cells.push(format!("{time} ms, {memory}"));
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
        report.cells.push(self.files.len().to_string());
        let Some(proposed) = self.propose(&mut report) else {
            return report;
        };
        self.directory.write(POLICY, &proposed);
        let arguments = ["matrix", POLICY, "--workflows", ".", "--format", "json"];
        self.run(&mut report, &arguments);
        self.run(&mut report, &["lint", POLICY, "--format", "json"]);
        let lines = proposed.lines();
        let outcommented = lines.filter(|line| line.starts_with("  # - name:"));
        let rules = policy::rules(&proposed).len();
        let cells = [
            format!("{rules}, {}", outcommented.count()),
            proposed.lines().count().to_string(),
        ];
        report.cells.extend(cells);
        self.compare(&proposed, &mut report);
        report
    }

    /// The same with a gate in front of each job's steps: then `init` proposes something for each job that can ask.
    fn with_gates(&self) -> Self {
        let files = self.files.iter();
        let files = files.map(|(file, text)| (file.clone(), with_gates(text)));
        Self::of(&self.name, &self.default_branch, files.collect())
    }

    fn report_gates(&self, report: &mut Report) {
        let mut aside = Report::default();
        let Some(proposed) = self.propose(&mut aside) else {
            report.wrong.extend(aside.wrong);
            return;
        };
        report
            .cells
            .push(policy::rules(&proposed).len().to_string());
        self.compare(&proposed, report);
    }

    fn propose(&self, report: &mut Report) -> Option<String> {
        let init = ["init", "--stdout", "--default-branch", &self.default_branch];
        self.run(report, &init)
    }

    /// Compares what the program says with the runs of the files.
    fn compare(&self, proposed: &str, report: &mut Report) {
        let texts = self.files.iter();
        let repository = Repository::read(texts.map(|(file, text)| (&**file, &**text)));
        let rules = policy::rules(proposed);
        let names: Vec<_> = rules.iter().flat_map(|rule| rule.names()).collect();
        let runs = product::all_runs_of(&repository, &self.default_branch, &names);
        let undecided: usize = runs.values().map(|(_, runs)| runs.undecided.len()).sum();
        let wider = proposal::wider_rules(proposed, &repository, &runs);
        let missing = proposal::missing_rules(proposed, &runs);
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
        for found in [&wider, &missing, &unusable] {
            report.cells.push(found.len().to_string());
        }
        report.cells.push(undecided.to_string());
        report
            .wrong
            .extend(wider.into_iter().map(|text| format!("wider: {text}")));
        report
            .wrong
            .extend(missing.into_iter().map(|text| format!("missing: {text}")));
        report.wrong.extend(unusable);
        for (file, reason) in &repository.invalid {
            report.wrong.push(format!("not compared: {file}: {reason}"));
        }
    }
}

/// Puts a gate in front of the steps of each job that has them as a block.
fn with_gates(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    let mut gated = String::new();
    for (at, line) in lines.iter().enumerate() {
        writeln!(gated, "{line}").unwrap();
        let is_steps = line.trim_end().trim_start_matches(' ') == "steps:";
        let is_text = |line: &&&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
        let first = lines[at + 1..].iter().find(is_text);
        if let Some(first) = first.filter(|first| is_steps && first.trim_start().starts_with("- "))
        {
            let indentation = first.len() - first.trim_start().len();
            writeln!(gated, "{:indentation$}{GATE}", "").unwrap();
        }
    }
    gated
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
        let mut report = checkout.report();
        checkout.with_gates().report_gates(&mut report);
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
        "| repository | files | init | matrix | lint | rules, outcommented | lines | wider | missing | unusable | undecided \
         | rules with gates | wider | missing | unusable | undecided |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n{table}\n{wrong}"
    );
    let is_fault = |line: &&str| !line.contains("not compared: ");
    assert_eq!(wrong.lines().filter(is_fault).count(), 0);
}
