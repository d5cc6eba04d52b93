//! The playground: answers the questions of a page, as `check`, `lint`, `matrix` and `diff` answer them on the command
//! line.
//!
//! A question is a JSON object with the member `ask`, and its answer is a JSON object; neither is a stable interface,
//! because the page is built with this crate. Everything in an answer is text that the page shows as text, but for the
//! page of a matrix, which is HTML.

mod compare;
mod decide;
mod findings;
#[cfg(target_family = "wasm")]
mod host;
mod matrix;
mod policy;
mod text;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use self::policy::PolicyText;

/// A question of the page.
#[derive(Deserialize)]
struct Question {
    /// The page's clock.
    now: Timestamp,
    #[serde(flatten)]
    ask: Ask,
}

#[derive(Deserialize)]
#[serde(tag = "ask", rename_all = "lowercase")]
enum Ask {
    /// May this job use a permission?
    Decide(Box<decide::Question>),
    /// Who can do what?
    Matrix(matrix::Question),
    /// What does this change?
    Compare { old: PolicyText, new: PolicyText },
}

/// Answers a question. If that fails, the answer has only the member `error`, with the reason.
pub fn answer(question: &str) -> String {
    let answer = match serde_json::from_str(question) {
        Ok(Question { now, ask }) => match ask {
            Ask::Decide(question) => decide::answer(&question, now),
            Ask::Matrix(question) => matrix::answer(question, now),
            Ask::Compare { old, new } => compare::answer(&old, &new, now),
        },
        Err(error) => {
            json!({ "error": format!("the page asks a question that is not valid: {error}") })
        }
    };
    answer.to_string()
}

#[cfg(test)]
mod tests;
