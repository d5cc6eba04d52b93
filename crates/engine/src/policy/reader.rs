//! Reads mappings, lists and scalars strictly, with a problem for all that is not as expected.
//!
//! It knows YAML and JSON, but no document: the grammars of the policy and of the file of cases are
//! built on it.

use std::borrow::Cow;

use super::characters;
use super::json::Json;
use super::model::{Format, MAX_FILE};
use super::nearest::nearest;
use super::position::Position;
use super::problem::{Invalid, Problem, quoted};
use super::token::{Scalar, ScalarKind, Syntax, Token, Tokens};
use super::written::double_quoted;
use super::yaml::Yaml;

/// After this many problems the reader gives up.
pub(super) const MAX_PROBLEMS: usize = 50;
/// The most keys of one mapping: above what a token has claims, low enough that looking for
/// duplicates stays cheap.
const MAX_KEYS: usize = 256;

/// What one kind of document is made of.
pub trait Grammar<'a>: Sized {
    /// What the text becomes.
    type Output;
    /// What the document is called in messages.
    const NOUN: &'static str;
    /// How to start one, told when it is empty.
    const START: &'static str;

    /// Reads the document from its first token.
    fn root<S: Syntax<'a>>(reader: &mut Reader<'a, S, Self>) -> Read<Self::Output>;
}

/// Reads a document by its grammar.
pub fn read<'a, G: Grammar<'a>>(
    text: &'a str,
    format: Format,
    grammar: G,
) -> Result<G::Output, Invalid> {
    match read_partly(text, format, grammar) {
        (Some(document), None) => Ok(document),
        (_, Some(invalid)) => Err(invalid),
        (None, None) => {
            let message = format!("the {} could not be read", G::NOUN);
            Err(Problem::new(Position::START, message).into())
        }
    }
}

/// Reads what can be read of a document, and says what is wrong with the rest. What is wrong is left
/// out of the document: it is for advice only.
pub(crate) fn read_partly<'a, G: Grammar<'a>>(
    text: &'a str,
    format: Format,
    grammar: G,
) -> (Option<G::Output>, Option<Invalid>) {
    if let Some(problem) = too_large(text, G::NOUN) {
        return (None, Some(problem.into()));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(invalid) = characters::refused(text, format, G::NOUN) {
        return (None, Some(invalid));
    }
    let (document, invalid) = match format {
        Format::Yaml => Reader::new(Yaml::new(text, G::NOUN), grammar).document(),
        Format::Json => Reader::new(Json::new(text), grammar).document(),
    };
    match invalid.as_ref().and_then(|_| merge_conflict(text)) {
        Some(conflict) => (None, Some(conflict.into())),
        // To the YAML parser the end of a text without a last line break is on a line of its own.
        None => (
            document,
            invalid.map(|invalid| invalid.not_after(end(text))),
        ),
    }
}

/// What keeps a text from being looked at.
fn too_large(text: &str, noun: &str) -> Option<Problem> {
    (text.len() > MAX_FILE).then(|| {
        let length = text.len();
        let message = format!("the {noun} has {length} bytes, the limit is {MAX_FILE}");
        Problem::new(Position::START, message)
    })
}

/// The place after the last character of a text.
fn end(text: &str) -> Position {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let last = text.rsplit('\n').next().unwrap_or_default();
    Position {
        line: number(text.matches('\n').count().saturating_add(1)),
        column: number(last.chars().count().saturating_add(1)),
    }
}

/// The mark that git leaves in a file that it cannot merge: all else that is wrong comes from it.
fn merge_conflict(text: &str) -> Option<Problem> {
    let mut lines = text.lines().enumerate();
    let (index, line) = lines.find(|(_, line)| line.starts_with("<<<<<<< "))?;
    let line_number = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
    let at = Position {
        line: line_number,
        column: 1,
    };
    let problem = Problem::new(at, "a merge conflict that is not resolved").over(line);
    Some(problem.help("keep one of both sides, without the lines `<<<<<<<`, `=======`, `>>>>>>>`"))
}

/// Reads one document; its grammar `G` may keep something meanwhile.
pub struct Reader<'a, S: Syntax<'a>, G> {
    tokens: Tokens<'a, S>,
    problems: Vec<Problem>,
    /// The keys so far of the mappings that are open, the innermost last, with their places.
    keys: Vec<(Cow<'a, str>, S::At)>,
    /// Where those of the innermost mapping start.
    first_key: usize,
    noun: &'static str,
    /// What the grammar keeps while it reads.
    pub grammar: G,
}

/// A problem that ends the reading.
pub struct Fatal;

/// Result of reading one part; an error ends the reading.
pub type Read<T> = Result<T, Fatal>;

impl<'a, S: Syntax<'a>, G: Grammar<'a>> Reader<'a, S, G> {
    fn new(syntax: S, grammar: G) -> Self {
        Self {
            tokens: Tokens::new(syntax),
            problems: Vec::new(),
            keys: Vec::new(),
            first_key: 0,
            noun: G::NOUN,
            grammar,
        }
    }

    fn document(mut self) -> (Option<G::Output>, Option<Invalid>) {
        let document = self.whole().ok();
        (document, Invalid::from_problems(self.problems))
    }

    fn whole(&mut self) -> Read<G::Output> {
        if let (Token::End, _) = self.peek()? {
            let message = format!("the {} is empty", G::NOUN);
            return self.fatal(Problem::new(Position::START, message).help(G::START));
        }
        let is_mapping = matches!(self.peek()?.0, Token::MappingStart);
        let document = G::root(self)?;
        if !is_mapping {
            self.advise(G::START);
        }
        match self.next()? {
            (Token::End, _) => Ok(document),
            (_, at) => {
                let message = format!("text after the end of the {}", G::NOUN);
                let problem = Problem::new(self.position(at), message);
                self.fatal(problem)
            }
        }
    }
}

impl<'a, S: Syntax<'a>, G> Reader<'a, S, G> {
    /// A text for people: an emoji may have its joiner.
    pub fn text(&mut self, what: &str) -> Read<Option<(Cow<'a, str>, S::At)>> {
        let found = self.scalar_of_kind(what, ScalarKind::Text)?;
        Ok(found.map(|(scalar, at)| (scalar.text, at)))
    }

    /// A scalar of the kind in which everything can be seen; anything else is a problem and passed over.
    pub fn scalar(&mut self, what: &str, kind: ScalarKind) -> Read<Option<(Scalar<'a>, S::At)>> {
        let found = self.scalar_of_kind(what, kind)?;
        if let Some((
            Scalar {
                hidden: Some((c, at)),
                ..
            },
            _,
        )) = found
        {
            self.problem(characters::hidden_problem(c, at, S::FORMAT, what))?;
            return Ok(None);
        }
        Ok(found)
    }

    fn scalar_of_kind(
        &mut self,
        what: &str,
        kind: ScalarKind,
    ) -> Read<Option<(Scalar<'a>, S::At)>> {
        let Some((scalar, at)) = self.any_scalar(what, kind.name())? else {
            return Ok(None);
        };
        if scalar.kind == kind {
            return Ok(Some((scalar, at)));
        }
        let at = self.position(at);
        self.problem(wrong_scalar(what, kind, &scalar, at))?;
        Ok(None)
    }

    /// A scalar of any kind; anything else is a problem and passed over.
    pub fn any_scalar(&mut self, what: &str, expected: &str) -> Read<Option<(Scalar<'a>, S::At)>> {
        if matches!(self.peek()?.0, Token::Scalar(_))
            && let (Token::Scalar(scalar), at) = self.next()?
        {
            return Ok(Some((scalar, at)));
        }
        self.wrong_type(what, expected)?;
        Ok(None)
    }

    /// Reads a list and calls `item` at each of its items; anything else is a problem of `what`.
    pub fn list(
        &mut self,
        what: &str,
        mut element: impl FnMut(&mut Self, S::At) -> Read<()>,
    ) -> Read<()> {
        if !matches!(self.peek()?.0, Token::ListStart) {
            self.wrong_type(what, "a list")?;
            self.advise(S::LIST);
            return Ok(());
        }
        self.next()?;
        loop {
            let (token, at) = self.peek()?;
            let at = *at;
            if let Token::ListEnd | Token::End = token {
                self.next()?;
                return Ok(());
            }
            element(self, at)?;
        }
    }

    /// A mapping with a fixed set of keys, each at most once. Gives where it starts, `None` when it
    /// is no mapping (which is then a problem and passed over).
    pub fn mapping(
        &mut self,
        what: &str,
        allowed: &[&'static str],
        mut member: impl FnMut(&mut Self, &'static str, S::At) -> Read<()>,
    ) -> Read<Option<S::At>> {
        let mapping = self.members(what, |reader, key, at| {
            match allowed.iter().find(|known| **known == key) {
                Some(known) => {
                    if reader.is_new_key(Cow::Borrowed(known), at)? {
                        member(reader, known, at)?;
                    }
                }
                None => {
                    let problem = unknown_key(what, &key, allowed, reader.position(at));
                    if reader.is_new_key(key, at)? {
                        reader.skip()?;
                        reader.problem(problem)?;
                    }
                }
            }
            Ok(())
        })?;
        if mapping.is_none() {
            self.advise(format!("write its keys: `{}`", allowed.join("`, `")));
        }
        Ok(mapping)
    }

    /// A mapping with any keys, each at most once and with a value.
    pub fn open_mapping(
        &mut self,
        what: &str,
        mut member: impl FnMut(&mut Self, Cow<'a, str>, S::At) -> Read<()>,
    ) -> Read<Option<S::At>> {
        self.members(what, |reader, key, at| {
            if reader.is_new_key(key.clone(), at)? {
                member(reader, key, at)?;
            }
            Ok(())
        })
    }

    /// A mapping whose keys are texts. Each is given before it is looked for among the others.
    fn members(
        &mut self,
        what: &str,
        mut member: impl FnMut(&mut Self, Cow<'a, str>, S::At) -> Read<()>,
    ) -> Read<Option<S::At>> {
        let (token, start) = self.peek()?;
        let start = *start;
        if !matches!(token, Token::MappingStart) {
            self.wrong_type(what, "a mapping")?;
            return Ok(None);
        }
        self.next()?;
        let outer = std::mem::replace(&mut self.first_key, self.keys.len());
        loop {
            match self.peek()?.0 {
                Token::MappingEnd | Token::End => {
                    self.next()?;
                    self.keys.truncate(self.first_key);
                    self.first_key = outer;
                    return Ok(Some(start));
                }
                Token::Scalar(_) => {}
                _ => {
                    let at = self.peek()?.1;
                    self.skip()?;
                    self.skip()?;
                    let problem = Problem::new(self.position(at), "a key has to be a text");
                    self.problem(problem.help("a value that starts with `{` needs quotes"))?;
                    continue;
                }
            }
            let (
                Token::Scalar(Scalar {
                    text: key,
                    kind,
                    hidden,
                }),
                at,
            ) = self.next()?
            else {
                continue;
            };
            if let Some((c, at)) = hidden {
                self.skip()?;
                self.problem(characters::hidden_problem(c, at, S::FORMAT, "the key"))?;
                continue;
            }
            if key == "<<" {
                self.skip()?;
                let message = format!("merge keys (`<<`) are not allowed in a {}", self.noun);
                let problem = Problem::new(self.position(at), message);
                self.problem(problem.over(&key).help("write the values out"))?;
                continue;
            }
            if kind != ScalarKind::Text {
                self.skip()?;
                let message = match &*key {
                    "" => "a key is empty, expected a text".to_owned(),
                    key => format!(
                        "the key {} is {}, expected a text",
                        quoted(key),
                        kind.name()
                    ),
                };
                let problem = Problem::new(self.position(at), message).over(&key);
                self.problem(match kind {
                    ScalarKind::Null => problem,
                    _ => problem.help(in_quotes(&key)),
                })?;
                continue;
            }
            member(self, key, at)?;
        }
    }

    /// Whether a key of the innermost mapping is its first of that name and has a value. If not, that
    /// is a problem and the value passed over.
    fn is_new_key(&mut self, key: Cow<'a, str>, at: S::At) -> Read<bool> {
        let mut seen = self.keys.iter().skip(self.first_key);
        if let Some(&(_, first)) = seen.find(|(seen, _)| *seen == key) {
            let first = self.position(first).line;
            let message = format!("{} is given twice, first at line {first}", quoted(&key));
            self.skip()?;
            let problem = Problem::new(self.position(at), message).over(&key);
            self.problem(problem)?;
            return Ok(false);
        }
        if self.keys.len() - self.first_key >= MAX_KEYS {
            let message = format!("more than {MAX_KEYS} keys in one mapping, which is the limit");
            let problem = Problem::new(self.position(at), message);
            return self.fatal(problem);
        }
        let null = ScalarKind::Null;
        let has_value =
            !matches!(&self.peek()?.0, Token::Scalar(Scalar { kind, .. }) if *kind == null);
        if !has_value {
            self.next()?;
            let message = format!("{} has no value", quoted(&key));
            let problem = Problem::new(self.position(at), message).over(&key);
            self.problem(problem.help("give it a value or remove the key"))?;
        }
        self.keys.push((key, at));
        Ok(has_value)
    }

    pub(crate) fn wrong_type(&mut self, what: &str, expected: &str) -> Read<()> {
        let (token, at) = self.peek()?;
        let at = *at;
        let (seen, length) = match token {
            Token::MappingStart => ("a mapping".to_owned(), None),
            Token::ListStart => ("a list".to_owned(), None),
            Token::Scalar(Scalar {
                kind: ScalarKind::Null,
                ..
            }) => ("empty".to_owned(), None),
            Token::Scalar(scalar) => (
                format!("{} ({})", scalar.kind.name(), quoted(&scalar.text)),
                Some(scalar.text.clone()),
            ),
            _ => ("missing".to_owned(), None),
        };
        self.skip()?;
        let at = self.position(at);
        let problem = Problem::new(at, format!("{what} is {seen}, expected {expected}"));
        self.problem(match length {
            Some(text) => problem.over(&text),
            None => problem,
        })
    }

    /// Adds the problem that a mapping lacks a key, with an example of it.
    pub fn missing(&mut self, at: S::At, key: &str, example: &str) -> Read<()> {
        let problem = Problem::new(self.position(at), format!("`{key}` is missing"));
        self.problem(problem.help(format!("add `{example}`")))
    }

    /// Returns the next token and leaves it in its place.
    pub fn peek(&mut self) -> Read<&(Token<'a>, S::At)> {
        match self.tokens.peek() {
            Ok(token) => Ok(token),
            Err(problem) => {
                self.problems.push(problem);
                Err(Fatal)
            }
        }
    }

    pub(crate) fn next(&mut self) -> Read<(Token<'a>, S::At)> {
        match self.tokens.next() {
            Ok(token) => Ok(token),
            Err(problem) => self.fatal(problem),
        }
    }

    pub(crate) fn syntax(&mut self) -> &mut S {
        &mut self.tokens.syntax
    }

    /// Returns the line and the column of a place.
    pub fn position(&mut self, at: S::At) -> Position {
        self.tokens.syntax.position(at)
    }

    pub(crate) fn skip(&mut self) -> Read<()> {
        match self.tokens.skip() {
            Ok(()) => Ok(()),
            Err(problem) => self.fatal(problem),
        }
    }

    /// Adds a problem; too many of them end the reading.
    pub fn problem(&mut self, problem: Problem) -> Read<()> {
        self.problems.push(problem);
        if self.problems.len() >= MAX_PROBLEMS {
            return Err(Fatal);
        }
        Ok(())
    }

    /// Says what to do about the latest problem.
    pub(crate) fn advise(&mut self, help: impl Into<String>) {
        if let Some(latest) = self.problems.last_mut() {
            latest.help = Some(help.into());
        }
    }

    /// How many problems there are so far.
    pub fn problem_count(&self) -> usize {
        self.problems.len()
    }

    pub(crate) fn fatal<T>(&mut self, problem: Problem) -> Read<T> {
        self.problems.push(problem);
        Err(Fatal)
    }
}

fn wrong_scalar(what: &str, kind: ScalarKind, scalar: &Scalar<'_>, at: Position) -> Problem {
    let text = quoted(&scalar.text);
    let message = match scalar.kind {
        ScalarKind::Null => format!("{what} has no value, expected {}", kind.name()),
        seen => format!(
            "{what} is {} ({text}), expected {}",
            seen.name(),
            kind.name()
        ),
    };
    let problem = Problem::new(at, message).over(&scalar.text);
    match (kind, scalar.kind) {
        (ScalarKind::Text, ScalarKind::Null) => problem,
        (ScalarKind::Text, _) => problem.help(in_quotes(&scalar.text)),
        _ => problem,
    }
}

/// Says to write a value as a text.
fn in_quotes(text: &str) -> String {
    let written = double_quoted(text, Format::Yaml);
    format!("write it in quotes: {}", quoted(&written))
}

fn unknown_key(what: &str, key: &str, allowed: &[&str], at: Position) -> Problem {
    let problem = Problem::new(at, format!("unknown key {} in {what}", quoted(key))).over(key);
    match nearest(key, allowed.iter().copied()) {
        Some(known) => problem.help(format!("did you mean `{known}`?")),
        None => problem.help(format!("known keys: `{}`", allowed.join("`, `"))),
    }
}
