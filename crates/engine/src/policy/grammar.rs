//! Grammar of a policy: one parser for YAML and JSON, and the only definition of a valid policy.
//!
//! Unknown, duplicate or empty keys and wrong types make the complete policy invalid. The reader continues
//! after these problems, so all of them are reported together. The grammar only classifies patterns;
//! [`super::pattern`] compiles them.

use std::borrow::Cow;

use jiff::Timestamp;

use super::draft::{Draft, DraftEntry, DraftKey, DraftPattern, DraftPatterns, DraftRule, Indices};
use super::key::{PermissionKey, canonical};
use super::kind::Kind;
use super::model::{Entry, MAX_RULES, Policy, PolicyQuery};
use super::pattern::Pattern;
use super::problem::{Problem, quoted};
use super::reader::{Grammar, Read, Reader};
use super::rule::{Expiry, Rule};
use super::token::{Scalar, ScalarKind, Syntax, Token};

/// Grammar of a policy, and which of its parts are kept.
#[derive(Clone, Copy)]
pub(super) struct PolicyGrammar<'q> {
    /// Number of rules so far.
    rules: usize,
    /// Check whose parts are kept; `None` keeps all parts.
    asked: Option<&'q PolicyQuery<'q>>,
    /// Whether the current entry is kept; `None` before its `repository` is known.
    keeps: Option<bool>,
}

impl<'q> PolicyGrammar<'q> {
    pub(super) fn new(asked: Option<&'q PolicyQuery<'q>>) -> Self {
        Self {
            rules: 0,
            asked,
            keeps: Some(true),
        }
    }

    /// Returns whether an entry is kept before its `repository` is parsed.
    fn keeps_at_first(&self) -> Option<bool> {
        self.asked.is_none().then_some(true)
    }
}

impl<'a> Grammar<'a> for PolicyGrammar<'_> {
    type Output = Policy;
    const NOUN: &'static str = "policy";
    const START: &'static str = "start with `version: 1`, and `permissions:` or `repositories:`";

    fn root<S: Syntax<'a>>(reader: &mut Reader<'a, S, Self>) -> Read<Policy> {
        reader.policy()
    }
}

impl<'a, S: Syntax<'a>> Reader<'a, S, PolicyGrammar<'_>> {
    fn policy(&mut self) -> Read<Policy> {
        let mut document = Policy::default();
        let draft = &mut Draft::new();
        let mut version = false;
        let before = self.problem_count();
        let at = self.mapping("the policy", &Policy::KEYS, |reader, key, at| {
            match key {
                "version" => {
                    version = true;
                    reader.version()?;
                }
                "workspace" => {
                    document.workspace =
                        reader.text("`workspace`")?.map(|(text, _)| (*text).into());
                }
                "permissions" => document.permissions = Some(reader.rules(draft, true)?),
                _ => {
                    let entries = reader.entries(draft)?;
                    document.repositories = Some((reader.position(at), entries));
                }
            }
            Ok(())
        })?;
        // A misspelt key already has a problem.
        if let (false, Some(at), true) = (version, at, self.problem_count() == before) {
            let problem = Problem::new(self.position(at), "`version` is missing");
            self.problem(problem.help("add `version: 1`"))?;
        }
        Ok(document)
    }

    fn version(&mut self) -> Read<()> {
        let Some((scalar, at)) = self.scalar("`version`", ScalarKind::Integer)? else {
            self.advise("write `version: 1`");
            return Ok(());
        };
        if scalar.text != "1" {
            let message = format!("`version` is {}, expected 1", quoted(&scalar.text));
            let problem = Problem::new(self.position(at), message).over(&scalar.text);
            self.problem(problem.help("write `version: 1`, or use a later release"))?;
        }
        Ok(())
    }

    fn entries(&mut self, draft: &mut Draft<'a, S::At>) -> Read<Box<[Entry]>> {
        let mut entries = Vec::new();
        self.list("`repositories`", |reader, at| {
            let mark = draft.mark();
            reader.grammar.keeps = reader.grammar.keeps_at_first();
            entries.extend(reader.entry(draft, at)?);
            reader.grammar.keeps = Some(true);
            draft.rules.clear();
            draft.back_to(&mark);
            Ok(())
        })?;
        Ok(entries.into())
    }

    fn entry(&mut self, draft: &mut Draft<'a, S::At>, at: S::At) -> Read<Option<Entry>> {
        let (mut repository, mut repository_id, mut owner_id, mut rules) = (None, None, None, None);
        let mut delegate = 0..0;
        let before = self.problem_count();
        let mapping = self.mapping(
            "an entry of `repositories`",
            &Entry::KEYS,
            |reader, key, _| {
                match key {
                    "repository" => {
                        repository = reader.patterns(draft, "`repository`")?;
                        let grammar = &mut reader.grammar;
                        if let (Some(asked), Some(repository)) = (grammar.asked, &repository) {
                            grammar.keeps = Some(draft.may_concern(repository, asked));
                        }
                    }
                    "repository_id" => repository_id = reader.id("`repository_id`")?,
                    "owner_id" => owner_id = reader.id("`owner_id`")?,
                    "delegate" => delegate = reader.draft_keys(draft, "`delegate`")?,
                    _ => rules = Some(reader.rules(draft, false)?),
                }
                Ok(())
            },
        )?;
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
        let Some(repository) = repository.filter(|_| self.grammar.keeps == Some(true)) else {
            return Ok(None);
        };
        let waiting = std::mem::take(&mut draft.rules).into_iter();
        let waiting = waiting.map(|rule| draft.rule(rule, self.syntax()));
        let rules = rules.unwrap_or_default().into_iter().chain(waiting);
        let rules = rules.collect();
        let entry = DraftEntry {
            at,
            repository,
            repository_id,
            owner_id,
            delegate,
        };
        Ok(Some(draft.entry(entry, rules, self.syntax())))
    }

    /// Parses the rules of a list and returns those that are kept. The rules of an entry that may be dropped stay
    /// in the draft.
    fn rules(&mut self, draft: &mut Draft<'a, S::At>, at_top: bool) -> Read<Box<[Rule]>> {
        let mut rules = Vec::new();
        let mut number = 0;
        self.list("`permissions`", |reader, at| {
            number += 1;
            reader.grammar.rules += 1;
            if reader.grammar.rules > MAX_RULES {
                let message = format!("more than {MAX_RULES} rules, which is the limit");
                let problem = Problem::new(reader.position(at), message);
                return reader.fatal(problem.help("split the policy"));
            }
            let mark = draft.mark();
            let rule = reader.rule(draft, at, number, at_top)?;
            let asked = reader.grammar.asked;
            let rule = rule
                .filter(|rule| asked.is_none_or(|asked| draft.names_one(&rule.permissions, asked)));
            match (rule, reader.grammar.keeps) {
                (Some(rule), None) => {
                    draft.rules.push(rule);
                    return Ok(());
                }
                (Some(rule), Some(true)) => rules.push(draft.rule(rule, reader.syntax())),
                (_, Some(false)) | (None, _) => {}
            }
            draft.back_to(&mark);
            Ok(())
        })?;
        Ok(rules.into())
    }

    fn rule(
        &mut self,
        draft: &mut Draft<'a, S::At>,
        at: S::At,
        number: u32,
        at_top: bool,
    ) -> Read<Option<DraftRule<'a, S::At>>> {
        let mut rule = DraftRule {
            at,
            number,
            at_top,
            name: None,
            permissions: 0..0,
            workflow: None,
            branch: None,
            base: None,
            environment: None,
            events: None,
            claims: 0..0,
            expires: None,
        };
        let mut named = false;
        let before = self.problem_count();
        let mapping = self.mapping("a rule", &Rule::KEYS, |reader, key, at| {
            match key {
                "name" => rule.name = reader.text("`name`")?.map(|(text, _)| text),
                "permission" => {
                    named = true;
                    rule.permissions = reader.draft_keys(draft, "`permission`")?;
                }
                "workflow" => rule.workflow = reader.patterns(draft, "`workflow`")?,
                "branch" => rule.branch = reader.patterns(draft, "`branch`")?,
                "base" => rule.base = reader.patterns(draft, "`base`")?,
                "environment" => rule.environment = reader.patterns(draft, "`environment`")?,
                "events" => rule.events = Some(reader.events(draft, at)?),
                "claims" => rule.claims = reader.claims(draft, at)?,
                _ => rule.expires = reader.expires()?,
            }
            Ok(())
        })?;
        if mapping.is_none() {
            return Ok(None);
        }
        if !named && self.problem_count() == before {
            self.missing(at, "permission", "permission: ws:deployments:create")?;
        }
        Ok(Some(rule))
    }

    fn draft_keys(&mut self, draft: &mut Draft<'a, S::At>, what: &str) -> Read<Indices> {
        let from = draft.keys.len();
        self.each_permission_key(what, |key| draft.keys.push(key))?;
        Ok(from..draft.keys.len())
    }

    fn events(&mut self, draft: &mut Draft<'a, S::At>, at: S::At) -> Read<Indices> {
        let from = draft.events.len();
        let before = self.problem_count();
        self.list_of("`events`", ScalarKind::Text, |reader, _| {
            let Some((scalar, at)) = reader.scalar("an event", ScalarKind::Text)? else {
                return Ok(());
            };
            let name = &scalar.text;
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
                let message = format!("{} is not the name of an event", quoted(name));
                let problem = Problem::new(reader.position(at), message).over(name);
                return reader.problem(problem.help(
                    "name events as in `on:`, such as `push`; patterns are not allowed here",
                ));
            }
            draft.events.push(scalar.text);
            Ok(())
        })?;
        let events = from..draft.events.len();
        if events.is_empty() && self.problem_count() == before {
            let problem = Problem::new(self.position(at), "`events` names no event");
            self.problem(problem.help("leave out the key to accept every trusted event"))?;
        }
        Ok(events)
    }

    fn claims(&mut self, draft: &mut Draft<'a, S::At>, at: S::At) -> Read<Indices> {
        let from = draft.claims.len();
        let before = self.problem_count();
        self.open_mapping("`claims`", |reader, key, _| {
            let what = format!("the claim {}", quoted(&key));
            let patterns = reader.patterns(draft, &what)?;
            draft
                .claims
                .extend(patterns.map(|patterns| (key, patterns)));
            Ok(())
        })?;
        let claims = from..draft.claims.len();
        if claims.is_empty() && self.problem_count() == before {
            let problem = Problem::new(self.position(at), "`claims` names no claim");
            self.problem(problem.help(
                "leave out the key, or name a claim such as `runner_environment: github-hosted`",
            ))?;
        }
        Ok(claims)
    }

    fn expires(&mut self) -> Read<Option<(Cow<'a, str>, Timestamp)>> {
        let Some((scalar, at)) = self.any_scalar("`expires`", "a date")? else {
            return Ok(None);
        };
        let text = scalar.text;
        // YAML 1.1 parses it as the same date, not as text.
        let is_date = matches!(scalar.kind, ScalarKind::Text | ScalarKind::Ambiguous);
        if let Some(last) = Expiry::parse(&text).filter(|_| is_date) {
            return Ok(Some((text, last)));
        }
        let message = format!(
            "`expires` is {}, which is neither a date nor an instant",
            quoted(&text)
        );
        let problem = Problem::new(self.position(at), message).over(&text);
        self.problem(problem.help(Expiry::help(&text)))?;
        Ok(None)
    }

    /// Parses a pattern or a list of patterns. Compiling a pattern finds the errors in it.
    fn patterns(
        &mut self,
        draft: &mut Draft<'a, S::At>,
        what: &str,
    ) -> Read<Option<DraftPatterns<S::At>>> {
        let (token, at) = self.peek()?;
        let at = *at;
        let from = draft.patterns.len();
        if matches!(token, Token::ListStart) {
            let element = format!("an element of {what}");
            let before = self.problem_count();
            self.list(what, |reader, _| {
                draft.patterns.extend(reader.pattern(&element)?);
                Ok(())
            })?;
            // A list whose items are all invalid is not empty.
            if draft.patterns.len() == from && self.problem_count() > before {
                return Ok(None);
            }
        } else {
            let Some(pattern) = self.pattern(what)? else {
                return Ok(None);
            };
            draft.patterns.push(pattern);
        }
        let list = from..draft.patterns.len();
        Ok(Some(DraftPatterns { at, list }))
    }

    fn pattern(&mut self, what: &str) -> Read<Option<DraftPattern<'a, S::At>>> {
        if !matches!(self.peek()?.0, Token::MappingStart) {
            let found = self.scalar(what, ScalarKind::Text)?;
            return Ok(found.map(|(Scalar { text, .. }, at)| DraftPattern {
                text,
                kind: None,
                at,
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
            patterns.extend(found.map(|(Scalar { text, .. }, at)| DraftPattern {
                text,
                kind: Some(kind),
                at,
            }));
            Ok(())
        })?;
        if let (Some(at), true) = (at, patterns.len() != 1 && self.problem_count() == before) {
            let message = "a pattern must have exactly one of `exact`, `glob`, `regex`";
            let problem = Problem::new(self.position(at), message);
            self.problem(problem.help("for several patterns, write a list"))?;
        }
        Ok(patterns.pop())
    }
}

// These parts have the same syntax in a test file.
impl<'a, S: Syntax<'a>, G> Reader<'a, S, G> {
    /// Parses a permission key or a list of keys, at least one.
    pub fn permission_keys(&mut self, what: &str) -> Read<Vec<PermissionKey>> {
        let mut keys = Vec::new();
        self.each_permission_key(what, |(key, _)| {
            keys.push(PermissionKey::of_canonical(key.into()));
        })?;
        Ok(keys)
    }

    /// Parses the same keys one by one, with their positions if they are a list.
    fn each_permission_key(
        &mut self,
        what: &str,
        mut take: impl FnMut(DraftKey<'a, S::At>),
    ) -> Read<()> {
        let (token, at) = self.peek()?;
        let (is_list, at) = (matches!(token, Token::ListStart), *at);
        if !is_list {
            if let Some((key, _)) = self.permission_key(what)? {
                take((key, None));
            }
            return Ok(());
        }
        let mut seen = false;
        self.list(what, |reader, _| {
            seen = true;
            if let Some((key, place)) = reader.permission_key(what)? {
                take((key, place));
            }
            Ok(())
        })?;
        if !seen {
            let problem = Problem::new(self.position(at), "the list of permissions is empty");
            self.problem(problem.help("name one, such as `ws:deployments:create`"))?;
        }
        Ok(())
    }

    fn permission_key(&mut self, what: &str) -> Read<Option<DraftKey<'a, S::At>>> {
        let Some((scalar, at)) = self.scalar(what, ScalarKind::Text)? else {
            return Ok(None);
        };
        let length = u32::try_from(scalar.text.chars().count()).unwrap_or(u32::MAX);
        match canonical(scalar.text) {
            Ok(key) => Ok(Some((key, Some((at, length))))),
            Err(error) => {
                let position = self.position(at);
                let problem = Problem::new(position, error.to_string()).help(error.help());
                self.problem(Problem { length, ..problem })?;
                Ok(None)
            }
        }
    }

    /// Parses the positive id of a repository or an owner. YAML 1.1 treats a leading zero as base 8 and has more
    /// notations for numbers than YAML 1.2: only decimal digits mean the same in both.
    pub fn id(&mut self, what: &str) -> Read<Option<u64>> {
        let Some((scalar, at)) = self.any_scalar(what, ScalarKind::Integer.name())? else {
            return Ok(None);
        };
        let text = &scalar.text;
        let is_decimal = scalar.kind == ScalarKind::Integer && !text.starts_with(['0', '+', '-']);
        let id = text.parse().ok().filter(|_| is_decimal);
        if id.is_none() && is_decimal {
            let message = format!(
                "{what} is {}, which is larger than {}, the limit",
                quoted(text),
                u64::MAX
            );
            let problem = Problem::new(self.position(at), message).over(text);
            self.problem(problem)?;
        } else if id.is_none() {
            let seen = match scalar.kind {
                ScalarKind::Text => format!("a string ({})", quoted(text)),
                _ => quoted(text),
            };
            let message = format!("{what} is {seen}, expected a positive integer");
            let problem = Problem::new(self.position(at), message).over(text);
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
