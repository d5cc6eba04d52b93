//! Grammar of files of cases, as strict as that of policies.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::contents::{CaseContext, Claim, Contents, Located, TestCase};
use super::expect::Expect;
use crate::report::text::truncate;
use engine::RepositoryName;
use engine::policy::reader::{Grammar, Read, Reader};
use engine::policy::token::{ScalarKind, Syntax, Token};
use engine::policy::{Problem, parse_instant, quoted};

/// Grammar of a file of cases.
#[derive(Clone, Default)]
pub(super) struct Cases<'a> {
    /// Lines of the names so far.
    names: BTreeMap<Cow<'a, str>, u32>,
}

impl<'a> Grammar<'a> for Cases<'a> {
    type Output = Contents<'a>;
    const NOUN: &'static str = "file of cases";
    const START: &'static str = "start with `policy: FILE` and `tests:`";

    fn root<S: Syntax<'a>>(reader: &mut Reader<'a, S, Self>) -> Read<Contents<'a>> {
        read_suite(reader)
    }
}

type CasesReader<'a, S> = Reader<'a, S, Cases<'a>>;

/// Returns whether all YAML readers agree on a whole number.
fn is_decimal(number: &str) -> bool {
    number == "0" || !number.starts_with(['0', '+', '-'])
}

fn read_suite<'a, S: Syntax<'a>>(reader: &mut CasesReader<'a, S>) -> Read<Contents<'a>> {
    let before = reader.problem_count();
    let (mut policy, mut own_policy) = (None, None);
    let (mut policy_repository, mut cases) = (None, None);
    let at = reader.mapping("the file of cases", &Contents::KEYS, |reader, key, at| {
        match key {
            "policy" => policy = read_filled(reader, "`policy`")?,
            "own_policy" => own_policy = read_filled(reader, "`own_policy`")?,
            "policy_repository" => policy_repository = read_repository(reader)?,
            _ => cases = Some((at, read_cases(reader)?)),
        }
        Ok(())
    })?;
    let clean = reader.problem_count() == before;
    if let (Some(at), true) = (at, clean) {
        if policy.is_none() {
            reader.missing(at, "policy", "policy: repo-permissions.yml")?;
        }
        match &cases {
            None => reader.missing(at, "tests", "tests:")?,
            // A file without cases must not look like a passed one.
            Some((at, cases)) if cases.is_empty() => {
                let problem = Problem::new(reader.position(*at), "`tests` has no case");
                reader.problem(problem)?;
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

fn read_cases<'a, S: Syntax<'a>>(reader: &mut CasesReader<'a, S>) -> Read<Vec<TestCase<'a>>> {
    let mut cases = Vec::new();
    reader.list("`tests`", |reader, at| {
        cases.extend(read_case(reader, at)?);
        Ok(())
    })?;
    Ok(cases)
}

fn read_case<'a, S: Syntax<'a>>(
    reader: &mut CasesReader<'a, S>,
    at: S::At,
) -> Read<Option<TestCase<'a>>> {
    let before = reader.problem_count();
    let (mut name, mut permissions, mut expect, mut context) = (None, None, None, None);
    let (mut claims, mut claims_file, mut payload_file, mut now) = (None, None, None, None);
    let mapping = reader.mapping("a case", &TestCase::KEYS, |reader, key, at| {
        match key {
            "name" => name = read_name(reader)?,
            "permission" => permissions = Some(reader.permission_keys("`permission`")?),
            "context" => context = Some(read_context(reader)?),
            "claims" => claims = Some(read_claim_values(reader, at)?),
            "claims_file" => claims_file = read_filled(reader, "`claims_file`")?,
            "payload_file" => payload_file = read_filled(reader, "`payload_file`")?,
            "now" => now = read_now(reader)?,
            _ => expect = read_expect(reader)?,
        }
        Ok(())
    })?;
    if mapping.is_none() || reader.problem_count() != before {
        return Ok(None);
    }
    let derived = claims.is_some() || claims_file.is_some();
    if !derived && context.is_none() {
        reader.missing(at, "context", "context: { repository: OWNER/NAME }")?;
    }
    if let (Some((_, at)), false) = (&payload_file, derived) {
        let problem = Problem::new(*at, "`payload_file` without `claims` or `claims_file`");
        reader.problem(
            problem.help("the payload only adds the repository of the claims' `head_ref`"),
        )?;
    }
    if name.is_none() {
        reader.missing(at, "name", "name: a feature branch cannot deploy")?;
    }
    if permissions.is_none() {
        reader.missing(at, "permission", "permission: ws:deployments:create")?;
    }
    if expect.is_none() {
        reader.missing(at, "expect", "expect: denied")?;
    }
    let (Some(name), Some(permissions), Some(expect)) = (name, permissions, expect) else {
        return Ok(None);
    };
    Ok(Some(TestCase {
        position: reader.position(at),
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

fn read_context<'a, S: Syntax<'a>>(reader: &mut CasesReader<'a, S>) -> Read<CaseContext<'a>> {
    let mut given = CaseContext::default();
    reader.mapping("`context`", &CaseContext::KEYS, |reader, key, at| {
        let field = match key {
            "repository" => {
                given.repository = read_repository(reader)?;
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
                given.claims = read_claim_values(reader, at)?;
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
        *field = read_filled(reader, &format!("`{key}`"))?.map(|(text, _)| text);
        Ok(())
    })?;
    Ok(given)
}

fn read_claim_values<'a, S: Syntax<'a>>(
    reader: &mut CasesReader<'a, S>,
    at: S::At,
) -> Read<Vec<Claim<'a>>> {
    let before = reader.problem_count();
    let mut claims = Vec::new();
    reader.open_mapping("`claims`", |reader, name, _| {
        let what = format!("the claim {}", quoted(&truncate(&name, 64)));
        // GitHub's own claims are strings, ids too. A number needs no quotes, unless YAML 1.1 reads it in
        // base 8.
        let number = matches!(
            &reader.peek()?.0,
            Token::Scalar(scalar) if scalar.kind == ScalarKind::Integer && is_decimal(&scalar.text)
        );
        if number {
            let value = reader.scalar(&what, ScalarKind::Integer)?;
            claims.extend(value.map(|(scalar, _)| (name, scalar.text)));
        } else {
            claims.extend(read_filled(reader, &what)?.map(|(text, _)| (name, text)));
        }
        Ok(())
    })?;
    if claims.is_empty() && reader.problem_count() == before {
        let problem = Problem::new(reader.position(at), "`claims` names no claim");
        reader.problem(problem.help("leave the key out"))?;
    }
    Ok(claims)
}

fn read_name<'a, S: Syntax<'a>>(reader: &mut CasesReader<'a, S>) -> Read<Option<Cow<'a, str>>> {
    let found = reader.text("`name`")?;
    let found = found.map(|(text, at)| (text, reader.position(at)));
    let Some((name, at)) = read_not_empty(reader, "`name`", found)? else {
        return Ok(None);
    };
    match reader.grammar.names.get(&name) {
        Some(first) => {
            let short = quoted(&truncate(&name, 64));
            let message = format!("a second case is named {short}, after line {first}");
            reader.problem(Problem::new(at, message).over(&name))?;
        }
        None => {
            reader.grammar.names.insert(name.clone(), at.line);
        }
    }
    Ok(Some(name))
}

fn read_repository<'a, S: Syntax<'a>>(
    reader: &mut CasesReader<'a, S>,
) -> Read<Option<Cow<'a, str>>> {
    let Some((text, at)) = read_filled(reader, "a repository")? else {
        return Ok(None);
    };
    if RepositoryName::parse(&text).is_none() {
        let message = format!("{} is not a repository", quoted(&truncate(&text, 256)));
        reader.problem(
            Problem::new(at, message)
                .over(&text)
                .help("write `OWNER/NAME`"),
        )?;
        return Ok(None);
    }
    Ok(Some(text))
}

fn read_now<'a, S: Syntax<'a>>(reader: &mut CasesReader<'a, S>) -> Read<Option<Timestamp>> {
    let Some((scalar, at)) = reader.any_scalar("`now`", "an instant")? else {
        return Ok(None);
    };
    let text = scalar.text;
    // YAML 1.1 reads an instant as such, and not as a string.
    let is_date = matches!(scalar.kind, ScalarKind::Text | ScalarKind::Ambiguous);
    let instant = parse_instant(&text).filter(|_| is_date);
    if instant.is_none() {
        let message = format!(
            "`now` is {}, expected an instant",
            quoted(&truncate(&text, 64))
        );
        let problem = Problem::new(reader.position(at), message).over(&text);
        reader.problem(problem.help("write `2027-01-31T12:00:00Z`, with its offset"))?;
    }
    Ok(instant)
}

fn read_expect<'a, S: Syntax<'a>>(reader: &mut CasesReader<'a, S>) -> Read<Option<Expect>> {
    let Some((text, at)) = read_filled(reader, "`expect`")? else {
        return Ok(None);
    };
    let expect = Expect::parse(&text);
    if expect.is_none() {
        let message = format!(
            "`expect` is {}, which is not possible in a case",
            quoted(&truncate(&text, 64))
        );
        reader.problem(Problem::new(at, message).over(&text).help(Expect::help()))?;
    }
    Ok(expect)
}

/// Reads a string that is not empty. To express an absent value, leave out its key.
fn read_filled<'a, S: Syntax<'a>>(
    reader: &mut CasesReader<'a, S>,
    what: &str,
) -> Read<Option<Located<'a>>> {
    let found = reader.scalar(what, ScalarKind::Text)?;
    let found = found.map(|(scalar, at)| (scalar.text, reader.position(at)));
    read_not_empty(reader, what, found)
}

fn read_not_empty<'a, S: Syntax<'a>>(
    reader: &mut CasesReader<'a, S>,
    what: &str,
    found: Option<Located<'a>>,
) -> Read<Option<Located<'a>>> {
    if let Some((text, at)) = &found
        && text.is_empty()
    {
        let problem = Problem::new(*at, format!("{what} is empty"));
        reader.problem(problem.help("give it a value or leave the key out"))?;
        return Ok(None);
    }
    Ok(found)
}
