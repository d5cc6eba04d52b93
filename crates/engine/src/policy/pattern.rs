//! Patterns that values must match.
//!
//! Parsing a policy determines only the kind of a pattern; a decision that needs the pattern compiles it. A
//! pattern always matches the **whole** value.

use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::Arc;

use regex_syntax::ast;
use regex_syntax::hir::{self, Class, ClassUnicode, ClassUnicodeRange, Hir};

use super::format::Format;
use super::glob;
use super::kind::{BOT, Kind, MAX_PATTERN, is_name};
use super::matcher::{CaseSensitivity, Matcher};
use super::position::Position;
use super::problem::{Problem, quoted};
use super::regex::{MAX_COMPILED, NotCompiled, Regex};
use super::written;

/// A pattern as in the policy, not compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// Text of the pattern.
    pub text: Arc<str>,
    /// Notation of the pattern.
    pub kind: Kind,
    /// Position in the policy.
    pub position: Position,
}

impl Pattern {
    /// Keys of a pattern with an explicit kind.
    pub const KEYS: [&'static str; 3] = ["exact", "glob", "regex"];

    /// Returns the single value that it matches, if it is a valid one.
    pub fn name(&self) -> Option<&Arc<str>> {
        is_name(self.kind, &self.text).then_some(&self.text)
    }

    /// Compiles the pattern.
    ///
    /// ```
    /// # use engine::policy::{CaseSensitivity, Kind, Pattern, Position};
    /// let pattern = |text: &str, kind| Pattern {
    ///     text: text.into(),
    ///     kind,
    ///     position: Position::START,
    /// };
    /// let glob = pattern("release/*", Kind::Glob);
    /// let matcher = glob.compile(CaseSensitivity::Sensitive)?;
    /// assert!(matcher.matches(Some("release/1.0")));
    /// assert!(!matcher.matches(Some("release/1.0/fix")));
    /// assert!(!matcher.matches(None));
    ///
    /// let regex = pattern("main|develop", Kind::Regex);
    /// let matcher = regex.compile(CaseSensitivity::Sensitive)?;
    /// assert!(!matcher.matches(Some("maintenance")), "a pattern matches the whole value");
    /// # Ok::<(), engine::policy::Invalid>(())
    /// ```
    ///
    /// # Errors
    /// The pattern is empty, longer than [`MAX_PATTERN`], syntactically invalid, or compiles to more than
    /// [`MAX_COMPILED`] bytes.
    pub fn compile(&self, case: CaseSensitivity) -> Result<Matcher<'_>, Problem> {
        if self.text.is_empty() {
            return Err(self
                .problem("the pattern is empty")
                .help("write `\"*\"` for every value, or leave out the key"));
        }
        if self.text.len() > MAX_PATTERN {
            let seen = self.text.len();
            return Err(self
                .problem(format!(
                    "the pattern has {seen} bytes, the limit is {MAX_PATTERN}"
                ))
                .help("split it into a list of shorter patterns"));
        }
        match self.kind {
            Kind::Any => Ok(Matcher::Any),
            Kind::Literal | Kind::Exact => Ok(Matcher::Equal(&self.text, case)),
            // It wraps the syntax tree and not the text, so `(?x)` comments and inline flags do not affect
            // the wrapping.
            Kind::Regex | Kind::Glob => self.compile_regex(self.tree(case)?),
        }
    }

    /// Returns the syntax tree of a regex or a glob, without the wrapping. Parsing the text by itself rejects
    /// `a)|(`, so a pattern cannot escape from the wrapping.
    pub fn tree(&self, case: CaseSensitivity) -> Result<Hir, Problem> {
        let regex = match self.kind {
            Kind::Any => Cow::Borrowed("(?s:.)*"),
            Kind::Literal | Kind::Exact => {
                return Ok(self.equal(case));
            }
            Kind::Regex => Cow::Borrowed(&*self.text),
            Kind::Glob => Cow::Owned(
                glob::to_regex(&self.text)
                    .map_err(|why| self.problem(format!("{} is not valid: {why}", self.named())))?,
            ),
        };
        // Below the limit of 250 in the crate `regex`, which includes the wrapping.
        let mut parser = ast::parse::ParserBuilder::new().nest_limit(200).build();
        let parsed = parser
            .parse(&regex)
            .map_err(|error| self.not_a_regex(&error.into()))?;
        if regex.contains(BOT) && has_bot_class(&regex, &parsed) {
            return Err(self.bot_class());
        }
        hir::translate::TranslatorBuilder::new()
            .case_insensitive(case == CaseSensitivity::Insensitive)
            .build()
            .translate(&regex, &parsed)
            .map_err(|error| self.not_a_regex(&error.into()))
    }

    fn bot_class(&self) -> Problem {
        let message = format!(
            "{} is not valid: the class `{BOT}` matches one of the letters `b`, `o` and `t`",
            self.named()
        );
        self.problem(message)
            .help(r"for the end of a GitHub App's login, write `\[bot\]`, and put the pattern in single quotes")
    }

    /// Returns the syntax tree for [`Matcher::Equal`]: it ignores the case of ASCII letters only, while a regex
    /// without case treats `ſ` as `s`.
    fn equal(&self, case: CaseSensitivity) -> Hir {
        let parts = self.text.chars().map(|c| {
            let cases = [c.to_ascii_lowercase(), c.to_ascii_uppercase()];
            let [lower, upper] = cases.map(|c| ClassUnicodeRange::new(c, c));
            match case {
                CaseSensitivity::Insensitive => {
                    Hir::class(Class::Unicode(ClassUnicode::new([lower, upper])))
                }
                CaseSensitivity::Sensitive => Hir::literal(c.to_string().into_bytes()),
            }
        });
        Hir::concat(parts.collect())
    }

    fn compile_regex(&self, tree: Hir) -> Result<Matcher<'_>, Problem> {
        Regex::new(tree)
            .map(Matcher::Regex)
            .map_err(|error| match error {
                NotCompiled::TooLarge => self
                    .problem(format!(
                        "{} is larger than {MAX_COMPILED} bytes when compiled",
                        self.named()
                    ))
                    .help("reduce its repetitions, or split it into a list"),
                NotCompiled::Refused(error) => {
                    self.problem(format!("{} is not valid: {error}", self.named()))
                }
            })
    }

    /// Whether the error comes from a back-reference, by number or by name in the notation of Python and Perl, for
    /// which the parser reports another error.
    fn refers_back(&self, error: &regex_syntax::ast::Error) -> bool {
        use regex_syntax::ast::ErrorKind;
        let at = self.text.get(error.span().start.offset..);
        let is_one_of = |starts: &[&str]| {
            at.is_some_and(|text| starts.iter().any(|start| text.starts_with(start)))
        };
        match error.kind() {
            ErrorKind::UnsupportedBackreference => true,
            ErrorKind::FlagUnrecognized => is_one_of(&["P="]),
            ErrorKind::EscapeUnrecognized => is_one_of(&[r"\k", r"\g"]),
            _ => false,
        }
    }

    fn not_a_regex(&self, error: &regex_syntax::Error) -> Problem {
        use regex_syntax::ast::ErrorKind;
        let (what, at) = match error {
            regex_syntax::Error::Parse(error) => {
                let what = match error.kind() {
                    ErrorKind::UnsupportedLookAround => "look-around is not supported".to_owned(),
                    _ if self.refers_back(error) => "back-references are not supported".to_owned(),
                    kind => kind.to_string(),
                };
                (what, error.span().start.offset)
            }
            regex_syntax::Error::Translate(error) => {
                (error.kind().to_string(), error.span().start.offset)
            }
            other => (other.to_string(), 0),
        };
        let problem = self.problem(format!(
            "{} is not valid: {what}, at byte {at}",
            self.named()
        ));
        match error {
            regex_syntax::Error::Parse(error)
                if error.kind() == &ErrorKind::UnsupportedLookAround =>
            {
                problem.help("list what is allowed instead of excluding what is not")
            }
            regex_syntax::Error::Parse(error) if self.refers_back(error) => {
                problem.help("write the alternatives out, such as `(a-a|b-b)`")
            }
            regex_syntax::Error::Parse(error)
                if error.kind() == &ErrorKind::RepetitionMissing && self.kind == Kind::Regex =>
            {
                problem.help(self.instead_of_a_repetition())
            }
            _ => problem,
        }
    }

    /// Says what to write where a repetition operator has nothing before it, which mostly is a glob.
    fn instead_of_a_repetition(&self) -> String {
        let text = &*self.text;
        if text.contains(BOT) {
            return r"in a regex, `.*` matches any text, and `\[bot\]` the end of a GitHub App's login".to_owned();
        }
        // `|` and `\` mean something else in a glob.
        match !text.contains(['|', '\\']) && glob::to_regex(text).is_ok() {
            true => format!(
                "for a glob write {}; in a regex, `.*` matches any text",
                quoted(&written::pattern(text, Kind::Glob, Format::Yaml))
            ),
            false => "in a regex, `.*` matches any text".to_owned(),
        }
    }

    fn named(&self) -> String {
        format!("the {} {}", self.kind.name(), quoted(&self.text))
    }

    fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::new(self.position, message).over(&self.text)
    }
}

/// Whether a regex contains the class `[bot]`, also inside another class.
fn has_bot_class(regex: &str, tree: &ast::Ast) -> bool {
    struct Finder<'r> {
        regex: &'r str,
        found: bool,
    }
    impl Finder<'_> {
        fn look(&mut self, class: &ast::ClassBracketed) {
            let span = class.span.start.offset..class.span.end.offset;
            self.found |= self.regex.get(span) == Some(BOT);
        }
    }
    impl ast::Visitor for Finder<'_> {
        type Output = bool;
        type Err = Infallible;

        fn finish(self) -> Result<bool, Infallible> {
            Ok(self.found)
        }

        fn visit_pre(&mut self, tree: &ast::Ast) -> Result<(), Infallible> {
            if let ast::Ast::ClassBracketed(class) = tree {
                self.look(class);
            }
            Ok(())
        }

        fn visit_class_set_item_pre(&mut self, item: &ast::ClassSetItem) -> Result<(), Infallible> {
            if let ast::ClassSetItem::Bracketed(class) = item {
                self.look(class);
            }
            Ok(())
        }
    }
    let finder = Finder {
        regex,
        found: false,
    };
    match ast::visit(tree, finder) {
        Ok(found) => found,
    }
}

#[cfg(test)]
#[path = "pattern_tests.rs"]
mod tests;
