//! What each fuzz target does with its input. Whatever the bytes are, none of them may panic.

pub mod cases_file;
pub mod claims_to_context;
pub mod decision;
pub mod event_payload;
pub mod pattern_and_value;
pub mod policy_text;
pub mod token_and_keys;

mod places;

/// A target's name and what it does with its input.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
#[allow(dead_code, reason = "for the replay of the corpora")]
pub const ALL: [Target; 7] = [
    ("cases_file", cases_file::run),
    ("claims_to_context", claims_to_context::run),
    ("decision", decision::run),
    ("event_payload", event_payload::run),
    ("pattern_and_value", pattern_and_value::run),
    ("policy_text", policy_text::run),
    ("token_and_keys", token_and_keys::run),
];
