//! Runs the test cases of a review.

use crate::PolicyRepository;
use jiff::Timestamp;

use super::material::{CaseFile, Material};
use crate::cases::{CaseResult, Coverage, FileError, PolicyFile, Suite, run};

/// Results of the test cases.
#[derive(Debug, Default)]
pub(super) struct CaseResults {
    /// Results with the path of their test file.
    pub(super) results: Vec<(String, CaseResult)>,
    pub(super) errors: Vec<FileError>,
    pub(super) coverage: Coverage,
}

impl CaseResults {
    pub(super) fn run(material: &Material, policy: &str, now: Timestamp) -> Self {
        let mut cases = Self::default();
        for file in &material.cases {
            match cases.run_file(material, file, policy, now) {
                Ok(results) => {
                    let results = results.into_iter();
                    let results = results.map(|result| (file.path.clone(), result));
                    cases.results.extend(results);
                }
                Err(errors) => cases.errors.extend(errors),
            }
        }
        cases
    }

    fn run_file(
        &mut self,
        material: &Material,
        file: &CaseFile,
        policy: &str,
        now: Timestamp,
    ) -> Result<Vec<CaseResult>, Vec<FileError>> {
        let unreadable = |why: &str| vec![FileError::new(&file.path, why)];
        let text = file.text.as_ref().map_err(|why| unreadable(why))?;
        let suite = Suite::parse(&file.path, text)?;
        let policy = PolicyFile {
            name: &material.path,
            text: Ok(policy),
            repository: material
                .repository
                .clone()
                .map_or(PolicyRepository::Unknown, PolicyRepository::Named),
        };
        let read = |name: &str| match file.files.get(name) {
            Some(Ok(text)) => Ok(text.as_bytes()),
            Some(Err(why)) => Err(why.clone()),
            None => Err("the review did not fetch it".to_owned()),
        };
        // The page does not show the matching rules of cases, so none are kept.
        let coverage = &mut self.coverage;
        run(&suite, &policy, read, now, &|| true, coverage, &mut 0)
    }

    /// Returns the failed cases.
    pub(super) fn failed(&self) -> impl Iterator<Item = &(String, CaseResult)> {
        self.results
            .iter()
            .filter(|(_, result)| !result.has_passed())
    }
}
