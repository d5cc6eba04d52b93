//! Policies: their source, their content, and their problems.
//!
//! A text becomes tokens with positions (`yaml`, `json`), and a `grammar` turns the tokens into a checked
//! [`Policy`].

mod characters;
mod draft;
mod glob;
mod grammar;
mod json;
mod key;
mod model;
mod nearest;
mod pattern;
mod position;
mod problem;
pub mod reader;
mod regex;
mod rule;
pub mod token;
pub mod written;
pub mod yaml;
mod yaml_errors;

pub mod source;

pub use key::{InvalidKey, KNOWN as KNOWN_KEYS, PermissionKey, nearest_key};
pub use model::{Entry, Format, MAX_FILE, MAX_RULES, Policy, PolicyQuery};
pub use nearest::{edits, nearest};
pub use pattern::{CaseSensitivity, Kind, MAX_PATTERN, Matcher, Pattern};
pub use position::{Position, Span};
pub use problem::quoted;
pub use problem::{Invalid, Problem};
pub use regex::{MAX_COMPILED, Regex};
pub use rule::{Expiry, Patterns, Rule, parse_instant};
pub use token::MAX_NESTING;
