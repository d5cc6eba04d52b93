//! Parses mappings, lists and scalars strictly, and reports a problem for everything unexpected.
//!
//! It supports YAML and JSON and knows no keys: the grammars of the policy and of the test file define
//! these.

use std::borrow::Cow;

use super::characters;
use super::format::Format;
use super::nearest::nearest;
use super::position::Position;
use super::problem::{Invalid, MAX_PROBLEMS, Problem, quoted};
use super::token::{Scalar, ScalarKind, Syntax, Token, Tokens};
use super::written::{self, double_quoted};

/// Maximum number of keys in one mapping: more than a token has claims, and low enough that the search for
/// duplicates stays fast.
const MAX_KEYS: usize = 256;

/// Grammar of one kind of document.
pub trait Grammar<'a>: Sized {
    /// Result of parsing a document.
    type Output;
    /// Name of the document in messages.
    const NOUN: &'static str;
    /// Help for an empty document: how to start one.
    const START: &'static str;

    /// Parses the document from its first token.
    fn root<S: Syntax<'a>>(reader: &mut Reader<'a, S, Self>) -> Read<Self::Output>;
}

/// Reader of one document, with the state of its grammar `G`.
pub struct Reader<'a, S: Syntax<'a>, G> {
    tokens: Tokens<'a, S>,
    problems: Vec<Problem>,
    /// Keys of the open mappings so far, with their positions, those of the innermost mapping last.
    keys: Vec<(Cow<'a, str>, S::At)>,
    /// Index of the innermost mapping's first key.
    first_key: usize,
    noun: &'static str,
    /// State of the grammar.
    pub grammar: G,
}

/// A problem that ends the parsing.
pub struct Fatal;

/// Result of parsing a part; an error ends the parsing.
pub type Read<T> = Result<T, Fatal>;

impl<'a, S: Syntax<'a>, G: Grammar<'a>> Reader<'a, S, G> {
    pub(super) fn new(syntax: S, grammar: G) -> Self {
        Self {
            tokens: Tokens::new(syntax),
            problems: Vec::new(),
            keys: Vec::new(),
            first_key: 0,
            noun: G::NOUN,
            grammar,
        }
    }

    pub(super) fn document(mut self) -> (Option<G::Output>, Option<Invalid>) {
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
    /// Parses text for people, in which an emoji can contain a joiner.
    pub fn text(&mut self, what: &str) -> Read<Option<(Cow<'a, str>, S::At)>> {
        let found = self.scalar_of_kind(what, ScalarKind::Text)?;
        Ok(found.map(|(scalar, at)| (scalar.text, at)))
    }

    /// Parses a scalar of this kind without invisible characters. It reports a problem for anything else and skips
    /// it.
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

    /// Parses a scalar of any kind. It reports a problem for anything else and skips it.
    pub fn any_scalar(&mut self, what: &str, expected: &str) -> Read<Option<(Scalar<'a>, S::At)>> {
        if matches!(self.peek()?.0, Token::Scalar(_))
            && let (Token::Scalar(scalar), at) = self.next()?
        {
            return Ok(Some((scalar, at)));
        }
        self.wrong_type(what, expected)?;
        Ok(None)
    }

    /// Parses a list of scalars of a kind, as [`list`](Self::list) does, and suggests the list of a single one.
    pub fn list_of(
        &mut self,
        what: &str,
        kind: ScalarKind,
        element: impl FnMut(&mut Self, S::At) -> Read<()>,
    ) -> Read<()> {
        let one = match &self.peek()?.0 {
            Token::Scalar(scalar) if kind == ScalarKind::Text => {
                Some(written::scalar(&scalar.text, S::FORMAT))
            }
            Token::Scalar(scalar) if scalar.kind == kind => Some(scalar.text.to_string()),
            _ => None,
        };
        self.list(what, element)?;
        if let Some(one) = one {
            self.advise(format!("write {}", quoted(&format!("[{one}]"))));
        }
        Ok(())
    }

    /// Parses a list and calls `item` for each item. It reports a problem of `what` for anything else.
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

    /// Parses a mapping with a fixed set of keys, each at most once, and returns its position. It reports a problem
    /// for anything else, skips it, and returns `None`.
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

    /// Parses a mapping with any keys, each at most once and with a value.
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

    /// Parses a mapping whose keys are text. It calls `member` with each key before checking for duplicates.
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
                    let problem = Problem::new(self.position(at), "a key must be a string");
                    self.problem(problem.help("a value that starts with `{` needs quotes"))?;
                    continue;
                }
            }
            let (Token::Scalar(key), at) = self.next()? else {
                continue;
            };
            if key.kind == ScalarKind::Text && key.hidden.is_none() && key.text != "<<" {
                member(self, key.text, at)?;
                continue;
            }
            self.skip()?;
            let position = self.position(at);
            self.problem(wrong_key::<S>(&key, position, self.noun))?;
        }
    }

    /// Returns whether a key of the innermost mapping has a value and is not a duplicate. Otherwise it reports a
    /// problem and skips the value.
    fn is_new_key(&mut self, key: Cow<'a, str>, at: S::At) -> Read<bool> {
        let mut seen = self.keys.iter().skip(self.first_key);
        if let Some(&(_, first)) = seen.find(|(seen, _)| *seen == key) {
            let first = self.position(first).line;
            let message = format!("duplicate key {}, first at line {first}", quoted(&key));
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

    /// Reports that a mapping lacks a key, with an example.
    pub fn missing(&mut self, at: S::At, key: &str, example: &str) -> Read<()> {
        let problem = Problem::new(self.position(at), format!("`{key}` is missing"));
        self.problem(problem.help(format!("add `{example}`")))
    }

    /// Returns the next token without consuming it.
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

    /// Returns the line and column of a position.
    pub fn position(&mut self, at: S::At) -> Position {
        self.tokens.syntax.position(at)
    }

    /// Skips the next value.
    pub fn skip(&mut self) -> Read<()> {
        match self.tokens.skip() {
            Ok(()) => Ok(()),
            Err(problem) => self.fatal(problem),
        }
    }

    /// Reports a problem; too many problems end the parsing.
    pub fn problem(&mut self, problem: Problem) -> Read<()> {
        if self.problems.len() >= MAX_PROBLEMS {
            // The last one in file order: a problem of a whole rule is at its start.
            let positions = self.problems.iter().map(|problem| problem.position);
            let last = positions.fold(problem.position, Position::max);
            return self.fatal(Problem::too_many(last));
        }
        self.problems.push(problem);
        Ok(())
    }

    /// Adds help to the latest problem.
    pub(crate) fn advise(&mut self, help: impl Into<String>) {
        if let Some(latest) = self.problems.last_mut() {
            latest.help = Some(help.into());
        }
    }

    /// Returns the number of problems so far.
    pub fn problem_count(&self) -> usize {
        self.problems.len()
    }

    pub(crate) fn fatal<T>(&mut self, problem: Problem) -> Read<T> {
        self.problems.push(problem);
        Err(Fatal)
    }
}

/// Returns the problem of a key that is not a string, has an invisible character, or means a merge.
fn wrong_key<'a, S: Syntax<'a>>(key: &Scalar<'_>, at: Position, noun: &str) -> Problem {
    if let Some((c, at)) = key.hidden {
        return characters::hidden_problem(c, at, S::FORMAT, "the key");
    }
    let message = match &*key.text {
        "<<" => format!("merge keys (`<<`) are not allowed in a {noun}"),
        "" => "a key is empty, expected a string".to_owned(),
        text => format!(
            "the key {} is {}, expected a string",
            quoted(text),
            key.kind.name()
        ),
    };
    let problem = Problem::new(at, message).over(&key.text);
    match (&*key.text, key.kind) {
        ("<<", _) => problem.help("write the values out"),
        (_, ScalarKind::Null) => problem,
        (text, _) => problem.help(in_quotes(text)),
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

/// Returns the help to quote a value.
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
