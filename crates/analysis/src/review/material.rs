//! Inputs of a review.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use engine::encoding::NotText;

/// Inputs of a review.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Material {
    /// Path of the policy in the repository.
    pub path: String,
    /// Policy before the pull request; `None` if there was none.
    pub old: Option<Text>,
    /// Policy of the pull request; `None` if the pull request removes it.
    pub new: Option<Text>,
    /// Test files beside the policy.
    pub cases: Vec<CaseFile>,
    /// Names of the pull request's workflow files; `None` if they could not be listed.
    pub workflows: Option<BTreeSet<String>>,
    /// `OWNER/NAME` of the repository.
    pub repository: Option<String>,
}

/// Text of a file, or why it is not text.
pub type Text = Result<String, NotText>;

/// A test file and the files that it names.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CaseFile {
    /// Path of the file in the repository.
    pub path: String,
    /// Text of the file, or why it could not be read.
    pub text: Result<String, String>,
    /// Texts of the files that its cases name, by these names.
    pub files: BTreeMap<String, Result<String, String>>,
}
