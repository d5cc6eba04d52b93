//! Text to a policy.

use super::document::{read, read_partly};
use super::format::Format;
use super::grammar::PolicyGrammar;
use super::model::{Policy, PolicyQuery};
use super::problem::Invalid;

impl Policy {
    /// Parses a policy.
    ///
    /// # Errors
    /// All problems found, at least one: an exceeded limit, a syntax error (which ends the parsing), or a part
    /// that does not match the schema.
    pub fn parse(text: &str, format: Format) -> Result<Self, Invalid> {
        read(text, format, PolicyGrammar::new(None))
    }

    /// Parses a policy for one check. It validates all of it in the same way, but keeps only parts that can
    /// affect the check. The decision is the same as with the complete policy.
    ///
    /// # Errors
    /// The same as [`Policy::parse`].
    pub fn parse_for(text: &str, format: Format, asked: &PolicyQuery<'_>) -> Result<Self, Invalid> {
        read(text, format, PolicyGrammar::new(Some(asked)))
    }

    /// Parses the valid parts of a policy that can be invalid. The result lacks the invalid parts, so it is for
    /// advice only.
    pub fn parse_partly(text: &str, format: Format) -> (Option<Self>, Option<Invalid>) {
        read_partly(text, format, PolicyGrammar::new(None))
    }
}
