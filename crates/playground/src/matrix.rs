//! Who can do what? As `matrix --format html` answers it.

use analysis::Inputs;
use analysis::matrix::rules::{self, Selection, select};
use analysis::matrix::view::{Folded, Folding, Page, SharedFinding};
use analysis::matrix::{AccessMatrix, html};
use analysis::workflows::{RunOptions, Workflows};
use engine::policy::Invalid;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::findings::findings;
use super::policy::PolicyText;

/// Name of this action in `uses:`, without its owner.
const ACTION: &str = "repo-permissions";
/// What the page of the matrix calls the workflow files.
const PLACE: &str = ".github/workflows";

/// The fields of the page.
#[derive(Deserialize)]
pub(super) struct Question {
    policy: PolicyText,
    /// Empty for the policy's own repository.
    repository: String,
    workflows: Vec<File>,
}

/// A workflow file.
#[derive(Deserialize)]
struct File {
    name: String,
    text: String,
}

pub(super) fn answer(question: Question, now: Timestamp) -> Value {
    let names = question.workflows.iter().map(|file| file.name.clone());
    let names = Some(names.collect()).filter(|_| !question.workflows.is_empty());
    let repository = Some(question.repository.trim()).filter(|name| !name.is_empty());
    let findings = findings(&question.policy, names, repository, now);
    let mut files: Vec<_> = question.workflows.into_iter().collect();
    files.sort_by(|one, other| one.name.cmp(&other.name));
    let texts = files.into_iter().map(|file| (file.name, Ok(file.text)));
    let workflows = Workflows::of_texts(texts);
    match page(&question.policy, repository, &workflows, now) {
        Ok(page) => json!({ "html": page, "findings": findings }),
        Err(error) => json!({ "error": error, "findings": findings }),
    }
}

fn page(
    text: &PolicyText,
    repository: Option<&str>,
    workflows: &Workflows,
    now: Timestamp,
) -> Result<String, String> {
    let invalid = |invalid: Invalid| format!("the policy is not valid: {invalid}");
    let name = text.name("policy");
    let policy = text.parse().map_err(invalid)?;
    let selection = Selection {
        repository,
        repository_id: None,
        owner_id: None,
        origin: None,
        inputs: Inputs::Fields,
    };
    let selected = select(&policy, &name, &selection).map_err(|error| match error {
        rules::Error::Message(message) => message,
        rules::Error::Invalid(error) => invalid(error),
    })?;
    let mut notes = selected.notes;
    notes.extend(workflows.unreadable.iter().map(ToString::to_string));
    let options = RunOptions {
        action: ACTION,
        default_branch: None,
    };
    let repository = selected.repository.as_deref();
    let matrix =
        AccessMatrix::new(&selected.rules, repository, workflows, options, now).map_err(invalid)?;
    let findings = SharedFinding::all(&matrix);
    Ok(html::render(&Page {
        policy: name,
        repository: selected.repository.clone(),
        workflows: PLACE.to_owned(),
        files: workflows.files.len() + workflows.unreadable.len(),
        rules: selected.rules.len(),
        now,
        matrix: &matrix,
        folded: Folded::new(&matrix, &findings, Folding::On),
        findings,
        notes,
    }))
}
