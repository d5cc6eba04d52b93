//! The policy document: one reader for YAML and JSON, the one definition of what is valid.
//!
//! Unknown, duplicate or empty keys and wrong types make the whole document invalid; the reader goes
//! on after such a problem, so that all of them are told at once. Patterns are only classified here;
//! see [`super::pattern`].

use std::borrow::Cow;

use super::json::Json;
use super::key::PermissionKey;
use super::pattern::{Kind, Pattern};
use super::position::Position;
use super::problem::{Invalid, Problem};
use super::rule::{Expiry, Patterns, Rule};
use super::token::{Scalar, ScalarKind, Syntax, Token, Tokens};
use super::yaml::Yaml;

/// The largest policy file in bytes.
pub const MAX_FILE: usize = 10 << 20;
/// The most rules of one policy.
pub const MAX_RULES: usize = 200_000;
/// After this many problems the reader gives up.
const MAX_PROBLEMS: usize = 50;

/// The syntax of a policy text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `.yml`, `.yaml`, and any policy without a file name.
    Yaml,
    /// `.json`.
    Json,
}

impl Format {
    /// By the ending of the file's name.
    pub fn of_path(path: &str) -> Self {
        if path.to_ascii_lowercase().ends_with(".json") {
            Self::Json
        } else {
            Self::Yaml
        }
    }
}

/// A policy whose structure is valid.
#[derive(Clone, Debug)]
pub struct Document<'a> {
    /// `workspace:`, a label for audit records.
    pub workspace: Option<Cow<'a, str>>,
    /// `permissions:` at the top, for the repository that the file was read from.
    pub permissions: Option<Vec<Rule<'a>>>,
    /// `repositories:` with its position.
    pub repositories: Option<(Position, Vec<Entry<'a>>)>,
}

/// What a policy says of one repository, or of those that a pattern names.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// Where it starts in the file.
    pub position: Position,
    /// `repository:`, `OWNER/NAME`.
    pub repository: Patterns<'a>,
    /// `repository_id:`, a pin against renamed or re-created repositories.
    pub repository_id: Option<u64>,
    /// `owner_id:`, likewise.
    pub owner_id: Option<u64>,
    /// `permissions:`.
    pub permissions: Vec<Rule<'a>>,
}

impl<'a> Document<'a> {
    /// Reads a policy.
    ///
    /// # Errors
    /// Every problem that was found, at least one: a limit, a syntax error (which ends the reading),
    /// or a part that is not as the schema says.
    pub fn parse(text: &'a str, format: Format) -> Result<Self, Invalid> {
        if text.len() > MAX_FILE {
            let message = format!(
                "the policy has {} bytes, the limit is {MAX_FILE}",
                text.len()
            );
            return Err(Problem::new(Position::START, message).into());
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        match format {
            Format::Yaml => Reader::new(Yaml::new(text)).document(),
            Format::Json => Reader::new(Json::new(text)).document(),
        }
    }

    /// Every rule of the document, in file order within its list.
    pub fn rules(&self) -> impl Iterator<Item = &Rule<'a>> {
        let entries = self.repositories.iter().flat_map(|(_, entries)| entries);
        let top = self.permissions.iter().flatten();
        top.chain(entries.flat_map(|entry| &entry.permissions))
    }
}

struct Reader<'a, S> {
    tokens: Tokens<S, (Token<'a>, Position)>,
    problems: Vec<Problem>,
    rules: usize,
}

/// A problem that ends the reading.
struct Fatal;

type Read<T> = Result<T, Fatal>;

impl<'a, S: Syntax<'a>> Reader<'a, S> {
    fn new(syntax: S) -> Self {
        Self {
            tokens: Tokens::new(syntax),
            problems: Vec::new(),
            rules: 0,
        }
    }

    fn document(mut self) -> Result<Document<'a>, Invalid> {
        let document = self
            .root()
            .and_then(|document| self.end().map(|()| document));
        match Invalid::from_problems(self.problems) {
            Some(invalid) => Err(invalid),
            None => document.map_err(|Fatal| {
                Problem::new(Position::START, "the policy could not be read").into()
            }),
        }
    }

    fn end(&mut self) -> Read<()> {
        match self.next()? {
            (Token::End, _) => Ok(()),
            (_, at) => self.fatal(Problem::new(at, "text after the end of the policy")),
        }
    }

    fn root(&mut self) -> Read<Document<'a>> {
        if let (Token::End, _) = self.peek()? {
            return self.fatal(
                Problem::new(Position::START, "the policy is empty")
                    .help("start with `version: 1` and `permissions:`"),
            );
        }
        let mut document = Document {
            workspace: None,
            permissions: None,
            repositories: None,
        };
        let mut version = false;
        let allowed = &["version", "workspace", "permissions", "repositories"];
        let at = self.mapping("the policy", allowed, |reader, key, at| {
            match key {
                "version" => {
                    version = true;
                    reader.version()?;
                }
                "workspace" => document.workspace = reader.text("`workspace`")?,
                "permissions" => document.permissions = Some(reader.rules()?),
                _ => document.repositories = Some((at, reader.entries()?)),
            }
            Ok(())
        })?;
        if let (false, Some(at)) = (version, at) {
            self.problem(Problem::new(at, "`version` is missing").help("add `version: 1`"))?;
        }
        Ok(document)
    }

    fn version(&mut self) -> Read<()> {
        let Some((scalar, at)) = self.scalar("`version`", ScalarKind::Integer)? else {
            return Ok(());
        };
        if scalar.text != "1" {
            let message = format!(
                "`version` is `{}`, this program knows version 1",
                scalar.text
            );
            self.problem(Problem::new(at, message).over(&scalar.text))?;
        }
        Ok(())
    }

    fn entries(&mut self) -> Read<Vec<Entry<'a>>> {
        let mut entries = Vec::new();
        self.list("`repositories`", |reader, at| {
            entries.extend(reader.entry(at)?);
            Ok(())
        })?;
        Ok(entries)
    }

    fn entry(&mut self, at: Position) -> Read<Option<Entry<'a>>> {
        let (mut repository, mut repository_id, mut owner_id, mut rules) = (None, None, None, None);
        let allowed = &["repository", "repository_id", "owner_id", "permissions"];
        let mapping = self.mapping("an entry of `repositories`", allowed, |reader, key, _| {
            match key {
                "repository" => repository = reader.patterns("`repository`")?,
                "repository_id" => repository_id = reader.id("`repository_id`")?,
                "owner_id" => owner_id = reader.id("`owner_id`")?,
                _ => rules = Some(reader.rules()?),
            }
            Ok(())
        })?;
        if mapping.is_none() {
            return Ok(None);
        }
        if repository.is_none() {
            self.missing(at, "repository", "repository: OWNER/NAME")?;
        }
        if rules.is_none() {
            self.missing(at, "permissions", "permissions: []")?;
        }
        Ok(repository.map(|repository| Entry {
            position: at,
            repository,
            repository_id,
            owner_id,
            permissions: rules.unwrap_or_default(),
        }))
    }

    fn rules(&mut self) -> Read<Vec<Rule<'a>>> {
        let mut rules = Vec::new();
        let mut number = 0;
        self.list("`permissions`", |reader, at| {
            number += 1;
            reader.rules += 1;
            if reader.rules > MAX_RULES {
                let message = format!("more than {MAX_RULES} rules, which is the limit");
                return reader.fatal(Problem::new(at, message).help("split the policy"));
            }
            rules.extend(reader.rule(at, number)?);
            Ok(())
        })?;
        Ok(rules)
    }

    fn rule(&mut self, position: Position, number: usize) -> Read<Option<Rule<'a>>> {
        let mut rule = Rule {
            position,
            number,
            name: None,
            permissions: Vec::new(),
            workflow: None,
            branch: None,
            environment: None,
            events: None,
            claims: Vec::new(),
            expires: None,
        };
        let mut named = false;
        let allowed = &[
            "name",
            "permission",
            "workflow",
            "branch",
            "environment",
            "events",
            "claims",
            "expires",
        ];
        let mapping = self.mapping("a rule", allowed, |reader, key, at| {
            match key {
                "name" => rule.name = reader.text("`name`")?,
                "permission" => {
                    named = true;
                    rule.permissions = reader.permission_keys()?;
                }
                "workflow" => rule.workflow = reader.patterns("`workflow`")?,
                "branch" => rule.branch = reader.patterns("`branch`")?,
                "environment" => rule.environment = reader.patterns("`environment`")?,
                "events" => rule.events = Some(reader.events(at)?),
                "claims" => rule.claims = reader.claims(at)?,
                _ => rule.expires = reader.expires()?,
            }
            Ok(())
        })?;
        if mapping.is_none() {
            return Ok(None);
        }
        if !named {
            self.missing(position, "permission", "permission: ws:deployments:create")?;
        }
        Ok(Some(rule))
    }

    fn permission_keys(&mut self) -> Read<Vec<PermissionKey<'a>>> {
        let mut keys = Vec::new();
        let what = "`permission`";
        let (one, at) = (!matches!(self.peek()?.0, Token::ListStart), self.peek()?.1);
        if one {
            keys.extend(self.permission_key(what)?);
            return Ok(keys);
        }
        let mut seen = false;
        self.list(what, |reader, _| {
            seen = true;
            keys.extend(reader.permission_key(what)?);
            Ok(())
        })?;
        if !seen {
            self.problem(Problem::new(at, "the list of permissions is empty"))?;
        }
        Ok(keys)
    }

    fn permission_key(&mut self, what: &str) -> Read<Option<PermissionKey<'a>>> {
        let Some((scalar, at)) = self.scalar(what, ScalarKind::Text)? else {
            return Ok(None);
        };
        let length = scalar.text.clone();
        match PermissionKey::parse(scalar.text) {
            Ok(key) => Ok(Some(key)),
            Err(error) => {
                let problem = Problem::new(at, error.to_string()).help(error.help());
                self.problem(problem.over(&length))?;
                Ok(None)
            }
        }
    }

    fn events(&mut self, at: Position) -> Read<Vec<Cow<'a, str>>> {
        let mut events = Vec::new();
        let mut seen = false;
        self.list("`events`", |reader, _| {
            seen = true;
            let Some((scalar, at)) = reader.scalar("an event", ScalarKind::Text)? else {
                return Ok(());
            };
            let name = &scalar.text;
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
                let message = format!("`{name}` is not the name of an event");
                let problem = Problem::new(at, message).over(name);
                return reader.problem(problem.help(
                    "events are named as in `on:`, such as `push`; patterns are not allowed here",
                ));
            }
            events.push(scalar.text);
            Ok(())
        })?;
        if !seen {
            let problem = Problem::new(at, "`events` names no event");
            self.problem(problem.help("leave the key out for every trusted event"))?;
        }
        Ok(events)
    }

    fn claims(&mut self, at: Position) -> Read<Vec<(Cow<'a, str>, Patterns<'a>)>> {
        let mut claims = Vec::new();
        let mut seen = false;
        self.open_mapping("`claims`", |reader, key, _| {
            seen = true;
            let what = format!("the claim `{key}`");
            if let Some(patterns) = reader.patterns(&what)? {
                claims.push((key, patterns));
            }
            Ok(())
        })?;
        if !seen {
            let problem = Problem::new(at, "`claims` names no claim");
            self.problem(
                problem.help("leave the key out, or write `runner_environment: github-hosted`"),
            )?;
        }
        Ok(claims)
    }

    fn expires(&mut self) -> Read<Option<Expiry<'a>>> {
        let Some((scalar, at)) = self.scalar("`expires`", ScalarKind::Text)? else {
            return Ok(None);
        };
        let text = scalar.text.clone();
        let expiry = Expiry::parse(scalar.text);
        if expiry.is_none() {
            let message = format!("`expires` is `{text}`, which is no date and no instant");
            let problem = Problem::new(at, message).over(&text);
            self.problem(
                problem.help("write `2027-01-31`, or `2027-01-31T12:00:00Z` with its offset"),
            )?;
        }
        Ok(expiry)
    }

    fn id(&mut self, what: &str) -> Read<Option<u64>> {
        let Some((scalar, at)) = self.scalar(what, ScalarKind::Integer)? else {
            return Ok(None);
        };
        let id = scalar.text.parse().ok().filter(|id| *id > 0);
        if id.is_none() {
            let message = format!("{what} is `{}`, expected a positive integer", scalar.text);
            self.problem(Problem::new(at, message).over(&scalar.text))?;
        }
        Ok(id)
    }

    /// A pattern or a list of patterns. What is wrong inside a pattern is found when it is compiled.
    fn patterns(&mut self, what: &str) -> Read<Option<Patterns<'a>>> {
        let (token, position) = self.peek()?;
        let position = *position;
        let mut list = Vec::new();
        if matches!(token, Token::ListStart) {
            let element = format!("an element of {what}");
            self.list(what, |reader, _| {
                list.extend(reader.pattern(&element)?);
                Ok(())
            })?;
        } else {
            match self.pattern(what)? {
                Some(pattern) => list.push(pattern),
                None => return Ok(None),
            }
        }
        Ok(Some(Patterns { position, list }))
    }

    fn pattern(&mut self, what: &str) -> Read<Option<Pattern<'a>>> {
        if !matches!(self.peek()?.0, Token::MappingStart) {
            let found = self.scalar(what, ScalarKind::Text)?;
            return Ok(found.map(|(Scalar { text, .. }, position)| Pattern {
                kind: Kind::of(&text),
                text,
                position,
            }));
        }
        let before = self.problems.len();
        let mut patterns = Vec::new();
        let allowed = &["exact", "glob", "regex"];
        let at = self.mapping(what, allowed, |reader, key, _| {
            let kind = match key {
                "exact" => Kind::Exact,
                "glob" => Kind::Glob,
                _ => Kind::Regex,
            };
            let found = reader.scalar(&format!("`{key}`"), ScalarKind::Text)?;
            patterns.extend(found.map(|(Scalar { text, .. }, position)| Pattern {
                text,
                kind,
                position,
            }));
            Ok(())
        })?;
        if let (Some(at), true) = (at, patterns.len() != 1 && self.problems.len() == before) {
            let problem = Problem::new(at, "a pattern has exactly one of `exact`, `glob`, `regex`");
            self.problem(problem.help("write a list of patterns for several"))?;
        }
        Ok(patterns.pop())
    }

    // What follows knows YAML and JSON, not policies.

    fn text(&mut self, what: &str) -> Read<Option<Cow<'a, str>>> {
        Ok(self
            .scalar(what, ScalarKind::Text)?
            .map(|(scalar, _)| scalar.text))
    }

    /// A scalar of the kind; anything else is a problem and passed over.
    fn scalar(&mut self, what: &str, kind: ScalarKind) -> Read<Option<(Scalar<'a>, Position)>> {
        if let Token::Scalar(_) = self.peek()?.0 {
            let (token, at) = self.next()?;
            let Token::Scalar(scalar) = token else {
                return Ok(None);
            };
            if scalar.kind == kind {
                return Ok(Some((scalar, at)));
            }
            self.problem(wrong_scalar(what, kind, &scalar, at))?;
            return Ok(None);
        }
        self.wrong_type(what, kind.name())?;
        Ok(None)
    }

    fn list(
        &mut self,
        what: &str,
        mut element: impl FnMut(&mut Self, Position) -> Read<()>,
    ) -> Read<()> {
        if !matches!(self.peek()?.0, Token::ListStart) {
            return self.wrong_type(what, "a list");
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
    fn mapping(
        &mut self,
        what: &str,
        allowed: &[&'static str],
        mut member: impl FnMut(&mut Self, &'static str, Position) -> Read<()>,
    ) -> Read<Option<Position>> {
        self.open_mapping(what, |reader, key, at| {
            match allowed.iter().find(|known| **known == key) {
                Some(known) => member(reader, known, at),
                None => {
                    reader.skip()?;
                    reader.problem(unknown_key(what, &key, allowed, at))
                }
            }
        })
    }

    /// A mapping with any keys, each at most once and with a value.
    fn open_mapping(
        &mut self,
        what: &str,
        mut member: impl FnMut(&mut Self, Cow<'a, str>, Position) -> Read<()>,
    ) -> Read<Option<Position>> {
        let (token, start) = self.peek()?;
        let start = *start;
        if !matches!(token, Token::MappingStart) {
            self.wrong_type(what, "a mapping")?;
            return Ok(None);
        }
        self.next()?;
        let mut seen: Vec<(Cow<'a, str>, Position)> = Vec::new();
        loop {
            match self.peek()?.0 {
                Token::MappingEnd | Token::End => {
                    self.next()?;
                    return Ok(Some(start));
                }
                Token::Scalar(_) => {}
                _ => {
                    let at = self.peek()?.1;
                    self.skip()?;
                    self.skip()?;
                    self.problem(Problem::new(at, "a key has to be a text"))?;
                    continue;
                }
            }
            let (Token::Scalar(Scalar { text: key, kind }), at) = self.next()? else {
                continue;
            };
            if kind != ScalarKind::Text {
                self.skip()?;
                let message = format!("the key `{key}` is {}, expected a text", kind.name());
                self.problem(Problem::new(at, message).over(&key))?;
                continue;
            }
            if key == "<<" {
                self.skip()?;
                let problem = Problem::new(at, "merge keys (`<<`) are not allowed in a policy");
                self.problem(problem.over(&key).help("write the values out"))?;
                continue;
            }
            if let Some((_, first)) = seen.iter().find(|(seen, _)| *seen == key) {
                let message = format!("`{key}` is given twice, first at line {}", first.line);
                self.skip()?;
                self.problem(Problem::new(at, message).over(&key))?;
                continue;
            }
            if seen.len() >= MAX_KEYS {
                let message =
                    format!("more than {MAX_KEYS} keys in one mapping, which is the limit");
                return self.fatal(Problem::new(at, message));
            }
            seen.push((key.clone(), at));
            if let (
                Token::Scalar(Scalar {
                    kind: ScalarKind::Null,
                    ..
                }),
                _,
            ) = self.peek()?
            {
                self.next()?;
                let problem = Problem::new(at, format!("`{key}` has no value")).over(&key);
                self.problem(problem.help("give it a value or remove the key"))?;
                continue;
            }
            member(self, key, at)?;
        }
    }

    fn wrong_type(&mut self, what: &str, expected: &str) -> Read<()> {
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
                format!("{} (`{}`)", scalar.kind.name(), scalar.text),
                Some(scalar.text.clone()),
            ),
            _ => ("missing".to_owned(), None),
        };
        self.skip()?;
        let problem = Problem::new(at, format!("{what} is {seen}, expected {expected}"));
        self.problem(match length {
            Some(text) => problem.over(&text),
            None => problem,
        })
    }

    fn missing(&mut self, at: Position, key: &str, example: &str) -> Read<()> {
        let problem = Problem::new(at, format!("`{key}` is missing"));
        self.problem(problem.help(format!("add `{example}`")))
    }

    fn peek(&mut self) -> Read<&(Token<'a>, Position)> {
        match self.tokens.peek() {
            Ok(token) => Ok(token),
            Err(problem) => {
                self.problems.push(problem);
                Err(Fatal)
            }
        }
    }

    fn next(&mut self) -> Read<(Token<'a>, Position)> {
        match self.tokens.next() {
            Ok(token) => Ok(token),
            Err(problem) => self.fatal(problem),
        }
    }

    fn skip(&mut self) -> Read<()> {
        match self.tokens.skip() {
            Ok(()) => Ok(()),
            Err(problem) => self.fatal(problem),
        }
    }

    fn problem(&mut self, problem: Problem) -> Read<()> {
        self.problems.push(problem);
        if self.problems.len() >= MAX_PROBLEMS {
            return Err(Fatal);
        }
        Ok(())
    }

    fn fatal<T>(&mut self, problem: Problem) -> Read<T> {
        self.problems.push(problem);
        Err(Fatal)
    }
}

/// The most keys of one mapping: above what a token has claims, low enough that looking for
/// duplicates stays cheap.
const MAX_KEYS: usize = 256;

fn wrong_scalar(what: &str, kind: ScalarKind, scalar: &Scalar<'_>, at: Position) -> Problem {
    let text = &scalar.text;
    let message = match scalar.kind {
        ScalarKind::Null => format!("{what} has no value, expected {}", kind.name()),
        seen => format!(
            "{what} is {} (`{text}`), expected {}",
            seen.name(),
            kind.name()
        ),
    };
    let problem = Problem::new(at, message).over(text);
    match (kind, scalar.kind) {
        (ScalarKind::Text, ScalarKind::Null) => problem,
        (ScalarKind::Text, _) => problem.help(format!("write it in quotes: `\"{text}\"`")),
        (ScalarKind::Integer, ScalarKind::Text) => problem.help("write the number without quotes"),
        _ => problem,
    }
}

fn unknown_key(what: &str, key: &str, allowed: &[&str], at: Position) -> Problem {
    let near = allowed
        .iter()
        .map(|known| (strsim::damerau_levenshtein(key, known), known))
        .min()
        .filter(|(distance, _)| *distance <= 2);
    let problem = Problem::new(at, format!("unknown key `{key}` in {what}")).over(key);
    match near {
        Some((_, known)) => problem.help(format!("did you mean `{known}`?")),
        None => problem.help(format!("known keys: `{}`", allowed.join("`, `"))),
    }
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
