//! Texts in an answer.

use analysis::report::text::visible;
use serde_json::Value;

/// Returns a text from outside in one line of visible characters.
pub(super) fn shown(text: &str) -> Value {
    Value::from(visible(text))
}
