//! Reads files of cases and runs them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use jiff::Timestamp;

use crate::policy_text::read_policy;
use crate::work_tree::policy_repository;
use analysis::cases;
use analysis::cases::{CaseResult, Coverage, FileError, PolicyFile, Suite};
use engine::encoding::text_of;
use engine::policy::MAX_FILE;
use platform::Variables;

/// Suffixes of files of cases, which lie beside their policy.
const SUFFIXES: [&str; 3] = [".tests.yml", ".tests.yaml", ".tests.json"];

/// Maximum number of failed cases that are explained with their rules; the others show only their message.
pub(super) const MAX_EXPLAINED: usize = 50;

/// Results of all files of a run.
#[derive(Debug)]
pub(super) struct Results {
    pub(super) files: Vec<FileResult>,
    pub(super) coverage: Coverage,
    /// The first path to each policy, because files of cases can name it by different paths.
    policies: BTreeMap<PathBuf, String>,
    /// Number of further cases that may have an explanation.
    to_explain: usize,
}

impl Default for Results {
    fn default() -> Self {
        Self {
            files: Vec::new(),
            coverage: Coverage::default(),
            policies: BTreeMap::new(),
            to_explain: MAX_EXPLAINED,
        }
    }
}

/// Results of a file of cases.
#[derive(Debug, Default)]
pub(super) struct FileResult {
    /// Its path on the command line.
    pub(super) file: String,
    /// The policy that it tests, for messages; empty if unknown.
    pub(super) policy: String,
    /// The repository's own policy, if there is one.
    pub(super) own_policy: String,
    pub(super) cases: Vec<CaseResult>,
    /// Why its cases did not run.
    pub(super) errors: Vec<FileError>,
}

impl Results {
    /// Runs the cases of a file, or of every file of cases in a directory. `now` is the time of cases that do not
    /// set their own.
    pub(super) fn add(&mut self, path: &Path, now: Timestamp) {
        if !path.is_dir() {
            return self.add_file(path, now);
        }
        let error = match case_files(path) {
            Ok(files) if !files.is_empty() => {
                return files.iter().for_each(|file| self.add_file(file, now));
            }
            Ok(_) => format!(
                "the directory has no file of cases: expected a name ending in `{}`",
                SUFFIXES.join("`, `")
            ),
            Err(error) => format!("the directory cannot be read: {error}"),
        };
        let file = path.display().to_string();
        self.files.push(FileResult {
            errors: vec![FileError::new(&file, error)],
            file,
            ..FileResult::default()
        });
    }

    fn add_file(&mut self, path: &Path, now: Timestamp) {
        let mut result = FileResult {
            file: path.display().to_string(),
            ..FileResult::default()
        };
        match self.run(path, &mut result, now) {
            Ok(cases) => result.cases = cases,
            Err(errors) => result.errors = errors,
        }
        self.files.push(result);
    }

    fn run(
        &mut self,
        path: &Path,
        result: &mut FileResult,
        now: Timestamp,
    ) -> Result<Vec<CaseResult>, Vec<FileError>> {
        let text = read(path);
        let text =
            text.map_err(|error| vec![FileError::new(&result.file, format!("{error:#}"))])?;
        let suite = Suite::parse(&result.file, &text)?;
        result.own_policy = suite.own_policy().unwrap_or_default();
        let directory = path.parent().unwrap_or(Path::new(""));
        let path = directory.join(suite.policy());
        let key = path.canonicalize().unwrap_or_else(|_| path.clone());
        let name = self.policies.entry(key);
        let name = name.or_insert_with(|| path.display().to_string());
        result.policy.clone_from(name);
        let text = read_policy(&path, name);
        let policy = PolicyFile {
            name,
            text: text.as_deref().map_err(Clone::clone),
            repository: policy_repository(None, &path, &Variables::new(std::env::vars_os())),
        };
        let read = |name: &str| platform::read_capped(&directory.join(name), MAX_FILE);
        let (coverage, to_explain) = (&mut self.coverage, &mut self.to_explain);
        cases::run(&suite, &policy, read, now, &|| true, coverage, to_explain)
    }

    pub(super) fn cases(&self) -> impl Iterator<Item = &CaseResult> {
        self.files.iter().flat_map(|file| &file.cases)
    }

    pub(super) fn errors(&self) -> impl Iterator<Item = &FileError> {
        self.files.iter().flat_map(|file| &file.errors)
    }

    /// Returns the numbers of passed and failed cases.
    pub(super) fn counts(&self) -> (usize, usize) {
        let passed = self.cases().filter(|case| case.has_passed()).count();
        (passed, self.cases().count() - passed)
    }

    /// Returns 0 if all cases passed, 1 if some failed, and 2 if a file is invalid.
    pub(super) fn exit_code(&self) -> u8 {
        if self.errors().next().is_some() || self.cases().any(CaseResult::is_error) {
            return 2;
        }
        u8::from(!self.cases().all(CaseResult::has_passed))
    }
}

/// Lists the files of cases in a directory, sorted by name.
fn case_files(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in directory.read_dir()? {
        let path = entry?.path();
        let name = path.to_string_lossy();
        if SUFFIXES.iter().any(|suffix| name.ends_with(suffix)) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> anyhow::Result<String> {
    let bytes = platform::read_capped(path, MAX_FILE).context("the file cannot be read")?;
    text_of(bytes).map_err(|error| anyhow!("the file is {error}"))
}
