//! The grammar of a file of cases, read as strictly as the policy.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::expect::Expect;
use super::suite::{Claim, Contents, Given, Placed, TestCase};
use crate::github::RepositoryName;
use crate::policy::reader::{Grammar, Read, Reader};
use crate::policy::token::{ScalarKind, Syntax, Token};
use crate::policy::{Problem, parse_instant, quoted};
use crate::report::text::truncate;

/// The grammar of a file of cases.
#[derive(Clone, Default)]
pub(super) struct Cases<'a> {
    /// The line of each name so far.
    names: BTreeMap<Cow<'a, str>, u32>,
}

impl<'a> Grammar<'a> for Cases<'a> {
    type Document = Contents<'a>;
    const NOUN: &'static str = "file of cases";
    const START: &'static str = "start with `policy: FILE` and `tests:`";

    fn root<S: Syntax<'a>>(reader: &mut Reader<'a, S, Self>) -> Read<Contents<'a>> {
        reader.suite()
    }
}

/// Whether a whole number is the same to every reader.
fn is_decimal(number: &str) -> bool {
    number == "0" || !number.starts_with(['0', '+', '-'])
}

impl<'a, S: Syntax<'a>> Reader<'a, S, Cases<'a>> {
    fn suite(&mut self) -> Read<Contents<'a>> {
        let before = self.problem_count();
        let (mut policy, mut own_policy) = (None, None);
        let (mut policy_repository, mut cases) = (None, None);
        let at = self.mapping("the file of cases", &Contents::KEYS, |reader, key, at| {
            match key {
                "policy" => policy = reader.filled("`policy`")?,
                "own_policy" => own_policy = reader.filled("`own_policy`")?,
                "policy_repository" => policy_repository = reader.repository()?,
                _ => cases = Some((at, reader.cases()?)),
            }
            Ok(())
        })?;
        let clean = self.problem_count() == before;
        if let (Some(at), true) = (at, clean) {
            if policy.is_none() {
                self.missing(at, "policy", "policy: repo-permissions.yml")?;
            }
            match &cases {
                None => self.missing(at, "tests", "tests:")?,
                // Nothing tested must not look like all passed.
                Some((at, cases)) if cases.is_empty() => {
                    let problem = Problem::new(self.position(*at), "`tests` has no case");
                    self.problem(problem)?;
                }
                Some(_) => {}
            }
        }
        Ok(Contents {
            policy: policy.map(|(text, _)| text).unwrap_or_default(),
            own_policy,
            policy_repository,
            cases: cases.map(|(_, cases)| cases).unwrap_or_default(),
        })
    }

    fn cases(&mut self) -> Read<Vec<TestCase<'a>>> {
        let mut cases = Vec::new();
        self.list("`tests`", |reader, at| {
            cases.extend(reader.case(at)?);
            Ok(())
        })?;
        Ok(cases)
    }

    fn case(&mut self, at: S::At) -> Read<Option<TestCase<'a>>> {
        let before = self.problem_count();
        let (mut name, mut permissions, mut expect, mut context) = (None, None, None, None);
        let (mut claims, mut claims_file, mut payload_file, mut now) = (None, None, None, None);
        let mapping = self.mapping("a case", &TestCase::KEYS, |reader, key, at| {
            match key {
                "name" => name = reader.name()?,
                "permission" => permissions = Some(reader.permission_keys("`permission`")?),
                "context" => context = Some(reader.context()?),
                "claims" => claims = Some(reader.claim_values(at)?),
                "claims_file" => claims_file = reader.filled("`claims_file`")?,
                "payload_file" => payload_file = reader.filled("`payload_file`")?,
                "now" => now = reader.now()?,
                _ => expect = reader.expect()?,
            }
            Ok(())
        })?;
        if mapping.is_none() || self.problem_count() != before {
            return Ok(None);
        }
        let derived = claims.is_some() || claims_file.is_some();
        if !derived && context.is_none() {
            self.missing(at, "context", "context: { repository: OWNER/NAME }")?;
        }
        if let (Some((_, at)), false) = (&payload_file, derived) {
            let problem = Problem::new(*at, "`payload_file` without `claims` or `claims_file`");
            self.problem(problem.help("the payload only says where the claims' `head_ref` is"))?;
        }
        if name.is_none() {
            self.missing(at, "name", "name: a feature branch cannot deploy")?;
        }
        if permissions.is_none() {
            self.missing(at, "permission", "permission: ws:deployments:create")?;
        }
        if expect.is_none() {
            self.missing(at, "expect", "expect: denied")?;
        }
        let (Some(name), Some(permissions), Some(expect)) = (name, permissions, expect) else {
            return Ok(None);
        };
        Ok(Some(TestCase {
            position: self.position(at),
            name,
            permissions,
            context: context.unwrap_or_default(),
            claims: claims.unwrap_or_default(),
            claims_file,
            payload_file,
            now,
            expect,
        }))
    }

    fn context(&mut self) -> Read<Given<'a>> {
        let mut given = Given::default();
        self.mapping("`context`", &Given::KEYS, |reader, key, at| {
            let field = match key {
                "repository" => {
                    given.repository = reader.repository()?;
                    return Ok(());
                }
                "repository_id" => {
                    given.repository_id = reader.id("`repository_id`")?;
                    return Ok(());
                }
                "owner_id" => {
                    given.owner_id = reader.id("`owner_id`")?;
                    return Ok(());
                }
                "claims" => {
                    given.claims = reader.claim_values(at)?;
                    return Ok(());
                }
                "workflow" => &mut given.workflow,
                "branch" => &mut given.branch,
                "base" => &mut given.base,
                "default_branch" => &mut given.default_branch,
                "environment" => &mut given.environment,
                "event" => &mut given.event,
                _ => &mut given.actor,
            };
            *field = reader.filled(&format!("`{key}`"))?.map(|(text, _)| text);
            Ok(())
        })?;
        Ok(given)
    }

    fn claim_values(&mut self, at: S::At) -> Read<Vec<Claim<'a>>> {
        let before = self.problem_count();
        let mut claims = Vec::new();
        self.open_mapping("`claims`", |reader, name, _| {
            let what = format!("the claim {}", quoted(&truncate(&name, 64)));
            // GitHub writes its own claims as strings, ids too: a number may be left without quotes,
            // unless YAML 1.1 reads it in base 8.
            let number = matches!(
                &reader.peek()?.0,
                Token::Scalar(scalar) if scalar.kind == ScalarKind::Integer && is_decimal(&scalar.text)
            );
            if number {
                let value = reader.scalar(&what, ScalarKind::Integer)?;
                claims.extend(value.map(|(scalar, _)| (name, scalar.text)));
            } else {
                claims.extend(reader.filled(&what)?.map(|(text, _)| (name, text)));
            }
            Ok(())
        })?;
        if claims.is_empty() && self.problem_count() == before {
            let problem = Problem::new(self.position(at), "`claims` names no claim");
            self.problem(problem.help("leave the key out"))?;
        }
        Ok(claims)
    }

    fn name(&mut self) -> Read<Option<Cow<'a, str>>> {
        let found = self.text("`name`")?;
        let found = found.map(|(text, at)| (text, self.position(at)));
        let Some((name, at)) = self.not_empty("`name`", found)? else {
            return Ok(None);
        };
        match self.grammar.names.get(&name) {
            Some(first) => {
                let short = quoted(&truncate(&name, 64));
                let message = format!("a second case is named {short}, after line {first}");
                self.problem(Problem::new(at, message).over(&name))?;
            }
            None => {
                self.grammar.names.insert(name.clone(), at.line);
            }
        }
        Ok(Some(name))
    }

    fn repository(&mut self) -> Read<Option<Cow<'a, str>>> {
        let Some((text, at)) = self.filled("a repository")? else {
            return Ok(None);
        };
        if RepositoryName::parse(&text).is_none() {
            let message = format!("{} is not a repository", quoted(&truncate(&text, 256)));
            self.problem(
                Problem::new(at, message)
                    .over(&text)
                    .help("write `OWNER/NAME`"),
            )?;
            return Ok(None);
        }
        Ok(Some(text))
    }

    fn now(&mut self) -> Read<Option<Timestamp>> {
        let Some((scalar, at)) = self.any_scalar("`now`", "an instant")? else {
            return Ok(None);
        };
        let text = scalar.text;
        // YAML 1.1 reads it as the same instant, not as a text.
        let is_date = matches!(scalar.kind, ScalarKind::Text | ScalarKind::Disputed);
        let instant = parse_instant(&text).filter(|_| is_date);
        if instant.is_none() {
            let message = format!(
                "`now` is {}, expected an instant",
                quoted(&truncate(&text, 64))
            );
            let problem = Problem::new(self.position(at), message).over(&text);
            self.problem(problem.help("write `2027-01-31T12:00:00Z`, with its offset"))?;
        }
        Ok(instant)
    }

    fn expect(&mut self) -> Read<Option<Expect>> {
        let Some((text, at)) = self.filled("`expect`")? else {
            return Ok(None);
        };
        let expect = Expect::parse(&text);
        if expect.is_none() {
            let message = format!(
                "`expect` is {}, which no case can have",
                quoted(&truncate(&text, 64))
            );
            self.problem(Problem::new(at, message).over(&text).help(Expect::help()))?;
        }
        Ok(expect)
    }

    /// A text that is not empty. An absent value is written by leaving its key out.
    fn filled(&mut self, what: &str) -> Read<Option<Placed<'a>>> {
        let found = self.scalar(what, ScalarKind::Text)?;
        let found = found.map(|(scalar, at)| (scalar.text, self.position(at)));
        self.not_empty(what, found)
    }

    fn not_empty(&mut self, what: &str, found: Option<Placed<'a>>) -> Read<Option<Placed<'a>>> {
        if let Some((text, at)) = &found
            && text.is_empty()
        {
            let problem = Problem::new(*at, format!("{what} is empty"));
            self.problem(problem.help("give it a value or leave the key out"))?;
            return Ok(None);
        }
        Ok(found)
    }
}
