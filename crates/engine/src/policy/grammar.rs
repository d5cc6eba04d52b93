//! The grammar of a policy: one reader for YAML and JSON, the one definition of what is valid.
//!
//! Unknown, duplicate or empty keys and wrong types make the whole document invalid; the reader goes
//! on after such a problem, so that all of them are told at once. Patterns are only classified here;
//! see [`super::pattern`].

use std::borrow::Cow;

use super::document::{Asked, Document, Entry, MAX_RULES};
use super::key::PermissionKey;
use super::pattern::{Kind, Pattern};
use super::position::{Place, Position};
use super::problem::{Problem, quoted};
use super::reader::{Grammar, Read, Reader};
use super::rule::{Expiry, Patterns, Rule};
use super::token::{Scalar, ScalarKind, Syntax, Token};

/// What is read, and what of it is kept.
#[derive(Clone, Copy)]
pub(super) struct Policy<'q> {
    /// The rules so far.
    rules: usize,
    /// What is kept; all where nothing is asked.
    asked: Option<&'q Asked<'q>>,
    /// Whether what is being read may be kept. What is not is read without a place to keep it.
    keeps: bool,
}

impl<'q> Policy<'q> {
    pub(super) fn new(asked: Option<&'q Asked<'q>>) -> Self {
        Self {
            rules: 0,
            asked,
            keeps: true,
        }
    }
}

impl<'a> Grammar<'a> for Policy<'_> {
    type Document = Document<'a>;
    const NOUN: &'static str = "policy";
    const START: &'static str = "start with `version: 1` and `permissions:`";

    fn root<S: Syntax<'a>>(reader: &mut Reader<'a, S, Self>) -> Read<Document<'a>> {
        reader.policy()
    }
}

impl<'a, S: Syntax<'a>> Reader<'a, S, Policy<'_>> {
    fn policy(&mut self) -> Read<Document<'a>> {
        let mut document = Document {
            workspace: None,
            permissions: None,
            repositories: None,
        };
        let mut version = false;
        let before = self.problem_count();
        let at = self.mapping("the policy", &Document::KEYS, |reader, key, at| {
            match key {
                "version" => {
                    version = true;
                    reader.version()?;
                }
                "workspace" => {
                    document.workspace = reader.text("`workspace`")?.map(|(text, _)| text);
                }
                "permissions" => document.permissions = Some(reader.rules(true)?),
                _ => document.repositories = Some((at, reader.entries()?)),
            }
            Ok(())
        })?;
        // The key may be misspelt, which is already told then.
        if let (false, Some(at), true) = (version, at, self.problem_count() == before) {
            self.problem(Problem::new(at, "`version` is missing").help("add `version: 1`"))?;
        }
        Ok(document)
    }

    fn version(&mut self) -> Read<()> {
        let Some((scalar, at)) = self.scalar("`version`", ScalarKind::Integer)? else {
            self.advise("write `version: 1`");
            return Ok(());
        };
        if scalar.text != "1" {
            let message = format!(
                "`version` is {}, this program knows version 1",
                quoted(&scalar.text)
            );
            let problem = Problem::new(at, message).over(&scalar.text);
            self.problem(problem.help("write `version: 1`, or use a later release"))?;
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
        let mut delegate = Vec::new();
        let before = self.problem_count();
        let mapping = self.mapping(
            "an entry of `repositories`",
            &Entry::KEYS,
            |reader, key, _| {
                match key {
                    "repository" => {
                        repository = reader.patterns("`repository`")?;
                        let grammar = &mut reader.grammar;
                        if let (Some(asked), Some(repository)) = (grammar.asked, &repository) {
                            grammar.keeps = asked.may_concern(repository);
                        }
                    }
                    "repository_id" => repository_id = reader.id("`repository_id`")?,
                    "owner_id" => owner_id = reader.id("`owner_id`")?,
                    "delegate" => delegate = reader.permission_keys("`delegate`")?,
                    _ => rules = Some(reader.rules(false)?),
                }
                Ok(())
            },
        )?;
        let keeps = std::mem::replace(&mut self.grammar.keeps, true);
        if mapping.is_none() {
            return Ok(None);
        }
        let clean = self.problem_count() == before;
        if clean && repository.is_none() {
            self.missing(at, "repository", "repository: OWNER/NAME")?;
        }
        if clean && rules.is_none() {
            self.missing(at, "permissions", "permissions: []")?;
        }
        Ok(repository.filter(|_| keeps).map(|repository| Entry {
            position: at,
            repository,
            repository_id,
            owner_id,
            delegate,
            permissions: rules.unwrap_or_default(),
        }))
    }

    fn rules(&mut self, at_top: bool) -> Read<Vec<Rule<'a>>> {
        let mut rules = Vec::new();
        let mut number = 0;
        self.list("`permissions`", |reader, at| {
            number += 1;
            reader.grammar.rules += 1;
            if reader.grammar.rules > MAX_RULES {
                let message = format!("more than {MAX_RULES} rules, which is the limit");
                return reader.fatal(Problem::new(at, message).help("split the policy"));
            }
            rules.extend(reader.rule(at, number, at_top)?);
            Ok(())
        })?;
        Ok(rules)
    }

    fn rule(&mut self, position: Position, number: usize, at_top: bool) -> Read<Option<Rule<'a>>> {
        let mut rule = Rule {
            position,
            number,
            at_top,
            name: None,
            permissions: Vec::new(),
            permission_places: Vec::new(),
            workflow: None,
            branch: None,
            base: None,
            environment: None,
            events: None,
            claims: Vec::new(),
            expires: None,
        };
        let mut named = false;
        let before = self.problem_count();
        let keeps = self.grammar.keeps;
        let mapping = self.mapping("a rule", &Rule::KEYS, |reader, key, at| {
            match key {
                "name" => rule.name = reader.text("`name`")?.map(|(text, _)| text),
                "permission" => {
                    named = true;
                    let (mut permissions, mut places) = (Vec::new(), Vec::new());
                    reader.each_permission_key("`permission`", |key, place| {
                        if keeps {
                            permissions.push(key);
                            places.extend(place);
                        }
                    })?;
                    if let Some(asked) = reader.grammar.asked {
                        reader.grammar.keeps = permissions.iter().any(|key| asked.names(key));
                    }
                    (rule.permissions, rule.permission_places) = (permissions, places);
                }
                "workflow" => rule.workflow = reader.patterns("`workflow`")?,
                "branch" => rule.branch = reader.patterns("`branch`")?,
                "base" => rule.base = reader.patterns("`base`")?,
                "environment" => rule.environment = reader.patterns("`environment`")?,
                "events" => rule.events = Some(reader.events(at)?),
                "claims" => rule.claims = reader.claims(at)?,
                _ => rule.expires = reader.expires()?,
            }
            Ok(())
        })?;
        let keeps = std::mem::replace(&mut self.grammar.keeps, keeps);
        if mapping.is_none() {
            return Ok(None);
        }
        if !named && self.problem_count() == before {
            self.missing(position, "permission", "permission: ws:deployments:create")?;
        }
        Ok(keeps.then_some(rule))
    }

    fn events(&mut self, at: Position) -> Read<Vec<Cow<'a, str>>> {
        let (mut events, mut seen) = (Vec::new(), false);
        let before = self.problem_count();
        let one = match &self.peek()?.0 {
            Token::Scalar(scalar) => Some(quoted(&format!("[{}]", scalar.text))),
            _ => None,
        };
        self.list("`events`", |reader, _| {
            let Some((scalar, at)) = reader.scalar("an event", ScalarKind::Text)? else {
                return Ok(());
            };
            let name = &scalar.text;
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
                let message = format!("{} is not the name of an event", quoted(name));
                let problem = Problem::new(at, message).over(name);
                return reader.problem(problem.help(
                    "events are named as in `on:`, such as `push`; patterns are not allowed here",
                ));
            }
            seen = true;
            if reader.grammar.keeps {
                events.push(scalar.text);
            }
            Ok(())
        })?;
        if let Some(list) = one {
            self.advise(format!("write {list}"));
        }
        if !seen && self.problem_count() == before {
            let problem = Problem::new(at, "`events` names no event");
            self.problem(problem.help("leave the key out for every trusted event"))?;
        }
        Ok(events)
    }

    fn claims(&mut self, at: Position) -> Read<Vec<(Cow<'a, str>, Patterns<'a>)>> {
        let (mut claims, mut seen) = (Vec::new(), false);
        let before = self.problem_count();
        self.open_mapping("`claims`", |reader, key, _| {
            let what = format!("the claim {}", quoted(&key));
            if let Some(patterns) = reader.patterns(&what)? {
                seen = true;
                if reader.grammar.keeps {
                    claims.push((key, patterns));
                }
            }
            Ok(())
        })?;
        if !seen && self.problem_count() == before {
            let problem = Problem::new(at, "`claims` names no claim");
            self.problem(
                problem.help("leave the key out, or write `runner_environment: github-hosted`"),
            )?;
        }
        Ok(claims)
    }

    fn expires(&mut self) -> Read<Option<Expiry<'a>>> {
        let Some((scalar, at)) = self.any_scalar("`expires`", "a date")? else {
            return Ok(None);
        };
        let text = scalar.text.clone();
        // YAML 1.1 reads it as the same date, not as a text.
        let is_date = matches!(scalar.kind, ScalarKind::Text | ScalarKind::Disputed);
        if let Some(expiry) = Expiry::parse(scalar.text).filter(|_| is_date) {
            return Ok(Some(expiry));
        }
        let message = format!(
            "`expires` is {}, which is neither a date nor an instant",
            quoted(&text)
        );
        let help = Expiry::help(&text);
        self.problem(Problem::new(at, message).over(&text).help(help))?;
        Ok(None)
    }

    /// A pattern or a list of patterns. What is wrong inside a pattern is found when it is compiled.
    fn patterns(&mut self, what: &str) -> Read<Option<Patterns<'a>>> {
        let (token, position) = self.peek()?;
        let position = *position;
        let mut list = Vec::new();
        if matches!(token, Token::ListStart) {
            let element = format!("an element of {what}");
            let before = self.problem_count();
            self.list(what, |reader, _| {
                let pattern = reader.pattern(&element)?;
                list.extend(pattern.filter(|_| reader.grammar.keeps));
                Ok(())
            })?;
            // A list of which nothing could be read is not an empty one.
            if list.is_empty() && self.problem_count() > before {
                return Ok(None);
            }
        } else {
            match self.pattern(what)? {
                Some(pattern) if self.grammar.keeps => list.push(pattern),
                Some(_) => {}
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
        let before = self.problem_count();
        let mut patterns = Vec::new();
        let at = self.mapping(what, &Pattern::KEYS, |reader, key, _| {
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
        if let (Some(at), true) = (at, patterns.len() != 1 && self.problem_count() == before) {
            let problem = Problem::new(at, "a pattern has exactly one of `exact`, `glob`, `regex`");
            self.problem(problem.help("write a list of patterns for several"))?;
        }
        Ok(patterns.pop())
    }
}

// What the file of cases says in the same words.
impl<'a, S: Syntax<'a>, G> Reader<'a, S, G> {
    /// A permission key or a list of them, never none.
    pub fn permission_keys(&mut self, what: &str) -> Read<Vec<PermissionKey<'a>>> {
        let mut keys = Vec::new();
        self.each_permission_key(what, |key, _| keys.push(key))?;
        Ok(keys)
    }

    /// The same one by one, each with its place where they are a list.
    fn each_permission_key(
        &mut self,
        what: &str,
        mut take: impl FnMut(PermissionKey<'a>, Option<Place>),
    ) -> Read<()> {
        let (token, at) = self.peek()?;
        let (is_list, at) = (matches!(token, Token::ListStart), *at);
        if !is_list {
            if let Some((key, _)) = self.permission_key(what)? {
                take(key, None);
            }
            return Ok(());
        }
        let mut seen = false;
        self.list(what, |reader, _| {
            seen = true;
            if let Some((key, place)) = reader.permission_key(what)? {
                take(key, Some(place));
            }
            Ok(())
        })?;
        if !seen {
            let problem = Problem::new(at, "the list of permissions is empty");
            self.problem(problem.help("name one, such as `ws:deployments:create`"))?;
        }
        Ok(())
    }

    fn permission_key(&mut self, what: &str) -> Read<Option<(PermissionKey<'a>, Place)>> {
        let Some((scalar, position)) = self.scalar(what, ScalarKind::Text)? else {
            return Ok(None);
        };
        let length = u32::try_from(scalar.text.chars().count()).unwrap_or(u32::MAX);
        match PermissionKey::parse(scalar.text) {
            Ok(key) => Ok(Some((key, Place { position, length }))),
            Err(error) => {
                let problem = Problem::new(position, error.to_string()).help(error.help());
                self.problem(Problem { length, ..problem })?;
                Ok(None)
            }
        }
    }

    /// An id of a repository or an owner, positive. YAML 1.1 reads a leading zero as base 8, and more
    /// texts as numbers than YAML 1.2 does: only decimal digits mean the same to all.
    pub fn id(&mut self, what: &str) -> Read<Option<u64>> {
        let Some((scalar, at)) = self.any_scalar(what, ScalarKind::Integer.name())? else {
            return Ok(None);
        };
        let text = &scalar.text;
        let id = match scalar.kind {
            ScalarKind::Integer if !text.starts_with(['0', '+', '-']) => text.parse().ok(),
            _ => None,
        };
        if id.is_none() {
            let message = format!("{what} is {}, expected a positive integer", quoted(text));
            let problem = Problem::new(at, message).over(text);
            self.problem(problem.help(
                "write it in decimal digits, without quotes, a sign, a leading zero or an underscore",
            ))?;
        }
        Ok(id)
    }
}

#[cfg(test)]
#[path = "grammar_tests.rs"]
mod tests;
