//! What the policy's reader sees in many texts, for `.ci/outside/grammar`.

use ::engine::policy::{Format, Policy};
use serde_json::json;

use super::targets::policy_text::written;

/// Reads the texts in the file `GRAMMAR_TEXTS` (JSON, one a line) and writes their trees to the file
/// `GRAMMAR_TREES`.
#[test]
#[ignore = "run by .ci/outside/grammar"]
fn trees_of_many_texts() {
    let file = |variable: &str| std::env::var_os(variable).unwrap();
    let texts = std::fs::read_to_string(file("GRAMMAR_TEXTS")).unwrap();
    let mut trees = String::new();
    for line in texts.lines() {
        let text: String = serde_json::from_str(line).unwrap();
        let read = match Policy::parse(&text, Format::Yaml) {
            Ok(document) => json!({ "tree": written(&document) }),
            Err(invalid) => json!({ "error": invalid.to_string() }),
        };
        trees.push_str(&format!("{read}\n"));
    }
    std::fs::write(file("GRAMMAR_TREES"), trees).unwrap();
}
