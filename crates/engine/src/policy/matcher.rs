//! Compares a value with a compiled pattern.

use super::regex::Regex;

/// Case sensitivity of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CaseSensitivity {
    /// `A` differs from `a`.
    Sensitive,
    /// `A` equals `a`. Used only for ASCII values, see [`CaseSensitivity::ignored_for`].
    Insensitive,
}

impl CaseSensitivity {
    /// Returns the case sensitivity for a repository or an environment. GitHub ignores case, but a value with a
    /// non-ASCII character is compared exactly: under Unicode's rules `ſtaging` (U+017F) equals `staging`,
    /// and anyone can create an environment with that name without protection.
    ///
    /// ```
    /// # use engine::policy::CaseSensitivity;
    /// assert_eq!(CaseSensitivity::ignored_for(Some("Staging")), CaseSensitivity::Insensitive);
    /// assert_eq!(CaseSensitivity::ignored_for(Some("\u{17f}taging")), CaseSensitivity::Sensitive);
    /// ```
    pub fn ignored_for(value: Option<&str>) -> Self {
        match value {
            Some(value) if !value.is_ascii() => Self::Sensitive,
            _ => Self::Insensitive,
        }
    }
}

/// A compiled pattern.
#[derive(Clone, Debug)]
pub enum Matcher<'p> {
    /// Every value, including an absent one.
    Any,
    /// One value.
    Equal(&'p str, CaseSensitivity),
    /// A regex for the whole value.
    Regex(Regex),
}

impl Matcher<'_> {
    /// Whether the value matches. An absent value matches only `*`.
    pub fn matches(&self, value: Option<&str>) -> bool {
        match (self, value) {
            (Self::Any, _) => true,
            (_, None) => false,
            (Self::Equal(text, CaseSensitivity::Sensitive), Some(value)) => *text == value,
            (Self::Equal(text, CaseSensitivity::Insensitive), Some(value)) => {
                text.eq_ignore_ascii_case(value)
            }
            (Self::Regex(regex), Some(value)) => regex.is_match(value),
        }
    }
}
