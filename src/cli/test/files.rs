//! Files of cases, read from the file system and run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::cases::{self, CaseResult, Coverage, FileError, PolicyFile, Suite};
use crate::cli::check::read_policy;
use crate::policy::MAX_FILE;

/// All files of one run.
#[derive(Debug, Default)]
pub(super) struct Results {
    pub(super) files: Vec<FileResult>,
    pub(super) coverage: Coverage,
    /// What each policy was called first: several files of cases may lead to it on several ways.
    policies: BTreeMap<PathBuf, String>,
}

/// One file of cases.
#[derive(Debug)]
pub(super) struct FileResult {
    /// As the command line named it.
    pub(super) file: String,
    pub(super) cases: Vec<CaseResult>,
    /// Why its cases were not run.
    pub(super) errors: Vec<FileError>,
}

impl Results {
    /// Runs the cases of a file. `now` is for those that don't say their own.
    pub(super) fn add(&mut self, path: &Path, now: Timestamp) {
        let file = path.display().to_string();
        let (cases, errors) = match self.run(path, &file, now) {
            Ok(cases) => (cases, Vec::new()),
            Err(errors) => (Vec::new(), errors),
        };
        self.files.push(FileResult {
            file,
            cases,
            errors,
        });
    }

    fn run(
        &mut self,
        path: &Path,
        file: &str,
        now: Timestamp,
    ) -> Result<Vec<CaseResult>, Vec<FileError>> {
        let text = read(path).map_err(|why| vec![FileError::new(file, why)])?;
        let suite = Suite::parse(file, &text)?;
        let directory = path.parent().unwrap_or(Path::new(""));
        let path = directory.join(suite.policy());
        let key = path.canonicalize().unwrap_or_else(|_| path.clone());
        let name = self.policies.entry(key);
        let name = name.or_insert_with(|| path.display().to_string());
        let text = read_policy(&path, name);
        let policy = PolicyFile {
            name,
            text: text.as_deref().map_err(Clone::clone),
        };
        let read = |name: &str| crate::read_capped(&directory.join(name), MAX_FILE);
        cases::run(&suite, &policy, read, now, &|| true, &mut self.coverage)
    }

    pub(super) fn cases(&self) -> impl Iterator<Item = &CaseResult> {
        self.files.iter().flat_map(|file| &file.cases)
    }

    pub(super) fn errors(&self) -> impl Iterator<Item = &FileError> {
        self.files.iter().flat_map(|file| &file.errors)
    }

    /// How many cases hold, and how many do not.
    pub(super) fn counts(&self) -> (usize, usize) {
        let passed = self.cases().filter(|case| case.holds()).count();
        (passed, self.cases().count() - passed)
    }

    /// 0 all hold, 1 some do not, 2 something is invalid.
    pub(super) fn exit_code(&self) -> u8 {
        if self.errors().next().is_some() || self.cases().any(CaseResult::is_error) {
            return 2;
        }
        u8::from(!self.cases().all(CaseResult::holds))
    }
}

fn read(path: &Path) -> Result<String, String> {
    let bytes = crate::read_capped(path, MAX_FILE)
        .map_err(|error| format!("the file cannot be read: {error}"))?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("the file is not UTF-8 text: byte {at}")
    })
}
