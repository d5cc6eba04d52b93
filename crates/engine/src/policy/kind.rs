//! Notations of patterns.

/// Maximum length of a pattern, in bytes.
pub const MAX_PATTERN: usize = 1024;
/// Suffix of the login of a GitHub App.
pub(super) const BOT: &str = "[bot]";

/// Notation of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `*`: every value, including an absent one.
    Any,
    /// Text without a character of `\ ^ $ * + ? ( ) [ ] { } |`, or the login of a GitHub App, `NAME[bot]`: equal
    /// to the value.
    Literal,
    /// Syntax of the Rust crate `regex`, for the whole value; also written `{regex: …}`.
    Regex,
    /// `{exact: …}`: equal to the value, with any characters.
    Exact,
    /// `{glob: …}`: the syntax of GitHub's branch filters.
    Glob,
}

impl Kind {
    /// Returns the kind of a pattern from its plain text.
    ///
    /// ```
    /// # use engine::policy::Kind;
    /// assert_eq!(Kind::of("*"), Kind::Any);
    /// assert_eq!(Kind::of("release/1.0"), Kind::Literal);
    /// assert_eq!(Kind::of("release/.*"), Kind::Regex);
    /// assert_eq!(Kind::of("dependabot[bot]"), Kind::Literal);
    /// ```
    pub fn of(text: &str) -> Self {
        const META: &[char] = &[
            '\\', '^', '$', '*', '+', '?', '(', ')', '[', ']', '{', '}', '|',
        ];
        if text == "*" {
            Self::Any
        } else if text.contains(META) && !is_app_login(text) {
            Self::Regex
        } else {
            Self::Literal
        }
    }

    /// Returns the kind with a name.
    pub fn named(name: &str) -> Option<Self> {
        let mut all = [
            Self::Any,
            Self::Literal,
            Self::Regex,
            Self::Exact,
            Self::Glob,
        ]
        .into_iter();
        all.find(|kind| kind.name() == name)
    }

    /// Returns the name in traces.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Literal => "literal",
            Self::Regex => "regex",
            Self::Exact => "exact",
            Self::Glob => "glob",
        }
    }
}

/// Whether a pattern is a single value and valid.
pub(super) fn is_name(kind: Kind, text: &str) -> bool {
    matches!(kind, Kind::Literal | Kind::Exact) && (1..=MAX_PATTERN).contains(&text.len())
}

/// Whether a text is the login of a GitHub App, such as `dependabot[bot]`. As a regex, it would not match
/// itself but `dependabotb`, a login that anyone can register.
fn is_app_login(text: &str) -> bool {
    let name = text.strip_suffix(BOT).unwrap_or_default();
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}
