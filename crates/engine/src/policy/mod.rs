//! Policies: their source, their content, and their problems.
//!
//! A text becomes tokens with positions (`yaml`, `json`), and a `grammar` turns the tokens into a checked
//! [`Policy`].

mod characters;
pub mod document;
mod draft;
mod format;
mod glob;
mod grammar;
mod json;
mod key;
mod kind;
mod matcher;
mod model;
mod nearest;
mod parse;
mod pattern;
mod position;
mod problem;
pub mod reader;
mod regex;
mod rule;
pub mod source;
pub mod token;
pub mod written;
pub mod yaml;
mod yaml_errors;

pub use format::{Format, MAX_FILE};
pub use key::{InvalidKey, KNOWN as KNOWN_KEYS, PermissionKey, nearest_key};
pub use kind::{Kind, MAX_PATTERN};
pub use matcher::{CaseSensitivity, Matcher};
pub use model::{Entry, MAX_RULES, Policy, PolicyQuery};
pub use nearest::{edits, nearest};
pub use pattern::Pattern;
pub use position::{Position, Span};
pub use problem::{Invalid, Problem, quoted};
pub use regex::{MAX_COMPILED, Regex};
pub use rule::{Expiry, Patterns, Rule, parse_instant};
pub use token::MAX_NESTING;
