//! A policy and a job of the input's making: decided as the reference does, from YAML and from JSON.

use ::engine::decision::{Engine, Policies};
use ::engine::policy::{Format, Policy};
use arbitrary::{Result, Unstructured};

use crate::reference::{Base, Entry, Job, Pattern, PlainPolicy, Rule, Source, evaluate};
use crate::{engine, written};

const PERMISSIONS: &[&str] = &[
    "ws:deployments:create",
    "Deployments create",
    "a:b",
    "x:y:z",
];
const WORDS: &[&str] = &[
    "main", "Main", "a/b", "a/B", "x.yml", "größe", "ſ", "1", "true", "o:main",
];
const PATTERNS: &[&str] = &[
    "*", ".*", "**", "a/*", "main|a/b", "[a-m]ain", "(", "x?", "^main$", "a)|(",
];
const EVENTS: &[&str] = &[
    "push",
    "pull_request",
    "pull_request_target",
    "workflow_run",
];
const CLAIMS: &[&str] = &["actor", "runner_environment"];
/// No braces: a repetition can come near the limit of what is compiled, where each of both measures
/// for itself.
const FREE: &[char] = &[
    'a', 'm', 'A', 'b', '/', '.', '*', '?', '+', '|', '(', ')', '[', ']', '-', '^', '$', '\\', ':',
    '#', ' ', '\'', '"', '!', '&', ',', '1', 'ä', 'ſ', 'K',
];

pub fn run(data: &[u8]) {
    let mut input = Unstructured::new(data);
    // Out of bytes: what there is of it has been tried.
    if let Ok((policy, source, job, permission)) = question(&mut input) {
        decide(&policy, source, &job, permission);
    }
}

fn decide(policy: &PlainPolicy, source: Source, job: &Job, permission: &str) {
    let expected = evaluate(policy, source, job, permission);
    let context = engine::context(job);
    for ((text, lines), format) in [
        (written::yaml(policy), Format::Yaml),
        (written::json(policy), Format::Json),
    ] {
        let document = Policy::parse(&text, format).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let by = Engine::new(document);
        let by = Policies::one(&by, engine::scope(source));
        let decision = engine::decision(by, &context, permission, job.year);
        let outcome = engine::outcome(decision.as_ref(), |rule| {
            let at = lines.iter().position(|line| *line == rule.line);
            at.expect("the line of a rule")
        });
        assert_eq!(outcome, expected, "{permission} {job:#?}\n{text}");
    }
}

fn question(u: &mut Unstructured<'_>) -> Result<(PlainPolicy, Source, Job, &'static str)> {
    let source = *u.choose(&[Source::Own, Source::Other, Source::Given])?;
    let permission = *u.choose(PERMISSIONS)?;
    let mut job = job(u)?;
    let permissions = maybe(u, |u| few(u, 4, rule))?;
    let repositories = maybe(u, |u| few(u, 3, entry))?;
    let mut policy = PlainPolicy {
        permissions,
        repositories,
    };
    bases(u, &mut policy, &mut job)?;
    Ok((policy, source, job, permission))
}

/// Bases come last, so that inputs of before they were read mean what they meant.
fn bases(u: &mut Unstructured<'_>, policy: &mut PlainPolicy, job: &mut Job) -> Result<()> {
    job.base = match u.int_in_range(0..=4)? {
        0 => Base::None,
        1 => Base::Absent,
        2 => Base::Assumed,
        _ => Base::Branch(text(u)?),
    };
    job.default_branch = maybe(u, text)?;
    let entries = policy.repositories.iter_mut().flatten();
    let of_entries = entries.flat_map(|entry| &mut entry.permissions);
    for rule in policy.permissions.iter_mut().flatten().chain(of_entries) {
        rule.base = maybe(u, |u| few(u, 2, pattern))?;
    }
    Ok(())
}

fn job(u: &mut Unstructured<'_>) -> Result<Job> {
    Ok(Job {
        repository: text(u)?,
        repository_id: maybe(u, id)?.map(|id| id.to_string()),
        owner_id: maybe(u, id)?.map(|id| id.to_string()),
        workflow: maybe(u, text)?,
        branch: maybe(u, text)?,
        base: Base::None,
        default_branch: None,
        environment: maybe(u, text)?,
        event: word(u, EVENTS)?,
        claims: match maybe(u, text)? {
            Some(value) => vec![(word(u, CLAIMS)?, value)],
            None => Vec::new(),
        },
        year: u.int_in_range(2025..=2027)?,
    })
}

fn entry(u: &mut Unstructured<'_>) -> Result<Entry> {
    Ok(Entry {
        repository: few(u, 2, pattern)?,
        repository_id: maybe(u, id)?,
        owner_id: maybe(u, id)?,
        delegate: few(u, 1, |u| word(u, PERMISSIONS))?,
        permissions: few(u, 3, rule)?,
    })
}

fn rule(u: &mut Unstructured<'_>) -> Result<Rule> {
    let mut permissions = few(u, 1, |u| word(u, PERMISSIONS))?;
    permissions.push(word(u, PERMISSIONS)?);
    let mut claims = Vec::new();
    for name in CLAIMS {
        if let Some(patterns) = maybe(u, |u| few(u, 2, pattern))? {
            claims.push(((*name).to_owned(), patterns));
        }
    }
    Ok(Rule {
        name: maybe(u, text)?,
        permissions,
        workflow: maybe(u, |u| few(u, 2, pattern))?,
        branch: maybe(u, |u| few(u, 2, pattern))?,
        base: None,
        environment: maybe(u, |u| few(u, 2, pattern))?,
        // An empty list of events is refused when it is read.
        events: maybe(u, |u| few(u, 2, |u| word(u, EVENTS)))?.filter(|events| !events.is_empty()),
        claims,
        expires_after_year: maybe(u, |u| u.int_in_range(2025..=2026))?,
    })
}

fn pattern(u: &mut Unstructured<'_>) -> Result<Pattern> {
    let text = match u.ratio(1, 3)? {
        true => word(u, PATTERNS)?,
        false => text(u)?,
    };
    Ok(match u.int_in_range(0..=5)? {
        0 => Pattern::Exact(text),
        1 => Pattern::Glob(text),
        2 => Pattern::Regex(text),
        _ => Pattern::Plain(text),
    })
}

/// One of the words, or any text of a few characters.
fn text(u: &mut Unstructured<'_>) -> Result<String> {
    if u.ratio(2, 3)? {
        return word(u, WORDS);
    }
    let length = u.int_in_range(0..=10)?;
    (0..length).map(|_| u.choose(FREE).copied()).collect()
}

fn word(u: &mut Unstructured<'_>, words: &[&str]) -> Result<String> {
    Ok((*u.choose(words)?).to_owned())
}

fn id(u: &mut Unstructured<'_>) -> Result<u64> {
    u.int_in_range(1..=3)
}

fn maybe<'b, T>(
    u: &mut Unstructured<'b>,
    make: impl FnOnce(&mut Unstructured<'b>) -> Result<T>,
) -> Result<Option<T>> {
    Ok(match u.arbitrary()? {
        true => Some(make(u)?),
        false => None,
    })
}

fn few<'b, T>(
    u: &mut Unstructured<'b>,
    most: usize,
    mut make: impl FnMut(&mut Unstructured<'b>) -> Result<T>,
) -> Result<Vec<T>> {
    let count = u.int_in_range(0..=most)?;
    (0..count).map(|_| make(u)).collect()
}
