//! The policy: where it comes from, what it says, and what is wrong with it.
//!
//! A text becomes tokens with positions (`yaml`, `json`), tokens become a checked
//! [`Document`] by its `grammar`.

mod characters;
mod document;
mod draft;
mod glob;
mod grammar;
mod json;
mod key;
pub(crate) mod meant;
mod pattern;
mod position;
mod problem;
pub(crate) mod reader;
mod rule;
pub(crate) mod token;
pub(crate) mod written;
pub(crate) mod yaml;
mod yaml_errors;

pub mod lint;
pub mod source;

pub use document::{Asked, Document, Entry, Format, MAX_FILE, MAX_RULES};
pub use key::{InvalidKey, KNOWN as KNOWN_KEYS, PermissionKey, did_you_mean};
pub use pattern::{Case, Kind, MAX_COMPILED, MAX_PATTERN, Matcher, Pattern};
pub use position::{Place, Position};
pub(crate) use problem::quoted;
pub use problem::{Invalid, Problem};
pub use rule::{Expiry, Patterns, Rule, parse_instant};
pub use token::MAX_NESTING;
