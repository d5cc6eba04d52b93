//! The policy: where it comes from, what it says, and what is wrong with it.
//!
//! A text becomes tokens with positions (`yaml`, `json`), tokens become a checked
//! [`Policy`] by its `grammar`.

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
pub use pattern::{Case, Kind, MAX_PATTERN, Matcher, Pattern};
pub use position::{Place, Position};
pub use problem::quoted;
pub use problem::{Invalid, Problem};
pub use regex::{MAX_COMPILED, Regex};
pub use rule::{Expiry, Patterns, Rule, parse_instant};
pub use token::MAX_NESTING;
