//! Who can do what? As `matrix --format html` answers it.

use analysis::matrix::rules::{self, Selection, select};
use analysis::matrix::view::{Folded, Folding, Page, SharedFinding};
use analysis::matrix::{AccessMatrix, html};
use analysis::workflows::{RunOptions, Workflows};
use analysis::{Inputs, PolicyRepository};
use engine::policy::{Invalid, quoted};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::findings::findings;
use super::policy::PolicyText;
use super::text::given;

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
    /// Repository that contains the policy; empty if nobody knows it.
    policy_repository: String,
    /// In decimal digits, or empty.
    repository_id: String,
    owner_id: String,
    /// Empty if nobody knows it.
    default_branch: String,
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
    let repository = given(&question.repository);
    let findings = findings(&question.policy, names, repository.as_deref(), now);
    match page(question, now) {
        Ok(page) => json!({ "html": page, "findings": findings }),
        Err(error) => json!({ "error": error, "findings": findings }),
    }
}

fn page(question: Question, now: Timestamp) -> Result<String, String> {
    let invalid = |invalid: Invalid| format!("the policy is not valid: {invalid}");
    let name = question.policy.name("policy");
    let policy = question.policy.parse().map_err(invalid)?;
    let repository = given(&question.repository);
    let policy_repository = given(&question.policy_repository);
    let policy_repository =
        policy_repository.map_or(PolicyRepository::Unknown, PolicyRepository::Named);
    let selection = Selection {
        repository: repository.as_deref(),
        repository_id: id("Repository id", &question.repository_id)?,
        owner_id: id("Owner id", &question.owner_id)?,
        policy_repository: &policy_repository,
        inputs: Inputs::Fields,
    };
    let selected = select(&policy, &name, &selection).map_err(|error| match error {
        rules::Error::Message(message) => message,
        rules::Error::Invalid(error) => invalid(error),
    })?;
    let mut files = question.workflows;
    files.sort_by(|one, other| one.name.cmp(&other.name));
    let texts = files.into_iter().map(|file| (file.name, Ok(file.text)));
    let workflows = Workflows::of_texts(texts);
    let mut notes = selected.notes;
    notes.extend(workflows.unreadable.iter().map(ToString::to_string));
    let default_branch = given(&question.default_branch);
    let options = RunOptions {
        action: ACTION,
        default_branch: default_branch.as_deref(),
    };
    let repository = selected.repository.as_deref();
    let matrix = AccessMatrix::new(&selected.rules, repository, &workflows, options, now)
        .map_err(invalid)?;
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

/// Reads an id from the field with this label.
fn id(label: &str, text: &str) -> Result<Option<u64>, String> {
    let read = |text: String| {
        let wrong = |_| {
            let seen = quoted(&text);
            format!("the field `{label}` is {seen}, expected a whole number")
        };
        text.parse().map_err(wrong)
    };
    given(text).map(read).transpose()
}
