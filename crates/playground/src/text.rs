//! Texts of fields, and in an answer.

use analysis::report::text::visible;
use serde_json::Value;

/// Returns a text from outside in one line of visible characters.
pub(super) fn shown(text: &str) -> Value {
    Value::from(visible(text))
}

/// Returns the text of a field, unless it is left out.
pub(super) fn given(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}
