//! A plain reference evaluator: what the contract says of patterns and decisions, in the most
//! obvious code. It shares nothing with the product, so that a mistake has to be made twice to hide.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod claims;
pub mod run;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

/// A pattern as it is written.
#[derive(Clone, Debug, PartialEq)]
pub enum Pattern {
    /// A bare text: `*`, a literal or a regex.
    Plain(String),
    /// `{exact: …}`.
    Exact(String),
    /// `{glob: …}`.
    Glob(String),
    /// `{regex: …}`.
    Regex(String),
}

/// One rule. An absent dimension means `*`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    pub name: Option<String>,
    /// Keys, or display names in any case.
    pub permissions: Vec<String>,
    pub workflow: Option<Vec<Pattern>>,
    pub branch: Option<Vec<Pattern>>,
    pub base: Option<Vec<Pattern>>,
    pub environment: Option<Vec<Pattern>>,
    pub events: Option<Vec<String>>,
    pub claims: Vec<(String, Vec<Pattern>)>,
    /// A year that is over at the end of its 31 December (UTC).
    pub expires_after_year: Option<u32>,
}

/// An entry of `repositories:`.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub repository: Vec<Pattern>,
    pub repository_id: Option<u64>,
    pub owner_id: Option<u64>,
    /// What the repository's own policy may grant as well.
    pub delegate: Vec<String>,
    pub permissions: Vec<Rule>,
}

/// A whole policy. `permissions` is rendered before `repositories`, so it is first in file order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlainPolicy {
    pub permissions: Option<Vec<Rule>>,
    pub repositories: Option<Vec<Entry>>,
}

impl PlainPolicy {
    /// Every rule with its entry, as they are counted.
    pub fn rules(&self) -> Vec<(&Rule, Option<&Entry>)> {
        let top = self.permissions.iter().flatten().map(|rule| (rule, None));
        let entries = self.repositories.iter().flatten();
        let of_entries = entries.flat_map(|entry| {
            let rules = entry.permissions.iter();
            rules.map(move |rule| (rule, Some(entry)))
        });
        top.chain(of_entries).collect()
    }
}

/// Where the policy comes from, as far as it matters to `permissions:` at the top.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Source {
    /// The running repository's own file, read at its default branch.
    Own,
    /// Another repository's file.
    Other,
    /// Inline, or from the workspace.
    Given,
    /// A file that somebody asks about, where nothing is granted.
    Offline,
}

/// The branch that a pull request goes into.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Base {
    /// The run merges nothing.
    #[default]
    None,
    Branch(String),
    /// The token does not say.
    Absent,
    /// The question leaves it out: taken to be trusted.
    Assumed,
}

/// The only events that a rule without `events:` matches.
pub const TRUSTED: [&str; 20] = [
    "push",
    "pull_request",
    "merge_group",
    "workflow_dispatch",
    "repository_dispatch",
    "schedule",
    "release",
    "create",
    "delete",
    "deployment",
    "registry_package",
    "page_build",
    "public",
    "label",
    "milestone",
    "project",
    "project_card",
    "project_column",
    "branch_protection_rule",
    "image_version",
];

/// What the job is.
#[derive(Clone, Debug, Default)]
pub struct Job {
    pub repository: String,
    pub repository_id: Option<String>,
    pub owner_id: Option<String>,
    pub workflow: Option<String>,
    pub branch: Option<String>,
    pub base: Base,
    /// Of the repository, where it is known.
    pub default_branch: Option<String>,
    pub environment: Option<String>,
    pub event: String,
    pub claims: Vec<(String, String)>,
    /// The year it is.
    pub year: u32,
}

/// What comes out. Rules are counted from 0 over the whole file.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// `allowed`, `denied` or `error`.
    pub decision: &'static str,
    pub reason: &'static str,
    pub granting: Option<usize>,
    /// The rule with the fewest failed dimensions, the first of those, and their names.
    pub nearest: Option<(usize, Vec<String>)>,
    /// Every rule that names the permission, and what it fails on.
    pub trace: Vec<(usize, Vec<String>)>,
}

impl Outcome {
    /// Of a policy that cannot be decided on.
    pub fn invalid() -> Self {
        error("policy_invalid")
    }
}

/// The keys that have a display name.
const DISPLAY_NAMES: [(&str, &str); 6] = [
    ("affected stacks create", "ws:affected_stacks:create"),
    ("deployments create", "ws:deployments:create"),
    ("locks create", "ws:locks:create"),
    ("locks delete", "ws:locks:delete"),
    ("instances create", "ws:instances:create"),
    ("instances update", "ws:instances:update"),
];

/// The key that a permission means.
pub fn key(permission: &str) -> &str {
    for (name, key) in DISPLAY_NAMES {
        if permission.to_lowercase() == name {
            return key;
        }
    }
    permission
}

/// The pattern is itself wrong.
struct Wrong;

pub fn evaluate(policy: &PlainPolicy, source: Source, job: &Job, permission: &str) -> Outcome {
    if source == Source::Other && policy.permissions.is_some() && policy.repositories.is_some() {
        return error("policy_invalid");
    }

    // Which rules apply to the repository, and do they trust its default branch?
    let mut counter = 0;
    let mut installed = false;
    let mut pinned_to_another = false;
    let mut own_rules: Vec<(usize, &Rule, Option<&str>)> = Vec::new();
    let is_own_policy = source == Source::Own || source == Source::Offline;
    if let Some(rules) = &policy.permissions {
        let counts = source == Source::Own || policy.repositories.is_none();
        for rule in rules {
            if counts {
                let trusted = if is_own_policy {
                    job.default_branch.as_deref()
                } else {
                    None
                };
                own_rules.push((counter, rule, trusted));
            }
            counter += 1;
        }
        if counts {
            installed = true;
        }
    }
    if let Some(entries) = &policy.repositories {
        for entry in entries {
            let named = match any_matches(&entry.repository, Some(&job.repository), true) {
                Ok(named) => named,
                Err(Wrong) => return error("policy_invalid"),
            };
            let pins_hold = pins_hold(entry, job);
            for rule in &entry.permissions {
                if named && pins_hold {
                    own_rules.push((counter, rule, None));
                }
                counter += 1;
            }
            if named && pins_hold {
                installed = true;
            }
            if named && !pins_hold {
                pinned_to_another = true;
            }
        }
    }
    if !installed {
        return if pinned_to_another {
            denied("repository_id_mismatch")
        } else {
            denied("repository_not_found")
        };
    }

    // Which of them name the permission, and what does each fail on?
    let mut results: Vec<(usize, Vec<String>)> = Vec::new();
    for (index, rule, default_branch) in own_rules {
        let mut named = rule.permissions.iter();
        if named.any(|written| key(written) == key(permission)) {
            match failed_dimensions(rule, job, default_branch) {
                Ok(failed) => results.push((index, failed)),
                Err(Wrong) => return error("policy_invalid"),
            }
        }
    }
    conclude(results)
}

fn pins_hold(entry: &Entry, job: &Job) -> bool {
    if let Some(id) = entry.repository_id
        && job.repository_id != Some(id.to_string())
    {
        return false;
    }
    if let Some(id) = entry.owner_id
        && job.owner_id != Some(id.to_string())
    {
        return false;
    }
    true
}

/// The repository's own policy, as it stands beside a central one.
#[derive(Clone, Copy, Debug)]
pub enum Own<'a> {
    Missing,
    Invalid,
    Policy(&'a PlainPolicy),
}

/// The same with the repository's own policy for what the policy delegates to it. Its rules are
/// counted behind those of the policy.
pub fn evaluate_with_own(
    policy: &PlainPolicy,
    source: Source,
    own: Own<'_>,
    job: &Job,
    permission: &str,
) -> Outcome {
    let central = evaluate(policy, source, job, permission);
    let mut is_delegated = false;
    for entry in policy.repositories.iter().flatten() {
        let named = any_matches(&entry.repository, Some(&job.repository), true);
        let mut delegated = entry.delegate.iter();
        if named.is_ok_and(|named| named)
            && pins_hold(entry, job)
            && delegated.any(|written| key(written) == key(permission))
        {
            is_delegated = true;
        }
    }
    if central.decision != "denied" || source == Source::Own || !is_delegated {
        return central;
    }
    let own = match own {
        Own::Missing => return central,
        Own::Invalid => return Outcome::invalid(),
        Own::Policy(own) => evaluate(own, Source::Own, job, permission),
    };
    if own.decision == "error" {
        return own;
    }
    let mut results = central.trace;
    for (index, failed) in own.trace {
        results.push((policy.rules().len() + index, failed));
    }
    conclude(results)
}

/// The decision that follows from the rules that name the permission, and what each fails on.
fn conclude(results: Vec<(usize, Vec<String>)>) -> Outcome {
    if results.is_empty() {
        return denied("permission_not_granted");
    }

    for (index, failed) in &results {
        if failed.is_empty() {
            return Outcome {
                decision: "allowed",
                reason: "granted",
                granting: Some(*index),
                nearest: None,
                trace: results.clone(),
            };
        }
    }
    // A reason of its own only for a rule that everything else matches.
    let stopped_only_by = |name: &str| results.iter().any(|(_, failed)| failed == &[name]);
    let reason = if stopped_only_by("event") {
        "untrusted_event"
    } else if stopped_only_by("expires") {
        "expired"
    } else {
        "no_rule_matches"
    };
    // The fewest failures; among equals one that the reason speaks of, then the first.
    let fewest = results.iter().map(|(_, failed)| failed.len()).min();
    let mut near: Vec<_> = results.iter().collect();
    near.retain(|(_, failed)| Some(failed.len()) == fewest);
    let named = match reason {
        "untrusted_event" => near.iter().find(|(_, failed)| failed == &["event"]),
        "expired" => near.iter().find(|(_, failed)| failed == &["expires"]),
        _ => None,
    };
    let nearest = *named.unwrap_or(&near[0]);
    let mut outcome = denied(reason);
    outcome.nearest = Some(nearest.clone());
    outcome.trace = results;
    outcome
}

fn error(reason: &'static str) -> Outcome {
    Outcome {
        decision: "error",
        reason,
        granting: None,
        nearest: None,
        trace: Vec::new(),
    }
}

fn denied(reason: &'static str) -> Outcome {
    Outcome {
        decision: "denied",
        reason,
        granting: None,
        nearest: None,
        trace: Vec::new(),
    }
}

/// `default_branch`: the one that the rule trusts as a base.
fn failed_dimensions(
    rule: &Rule,
    job: &Job,
    default_branch: Option<&str>,
) -> Result<Vec<String>, Wrong> {
    let mut failed = Vec::new();
    let base_matches = base_is_trusted(rule, &job.base, default_branch)?;
    let named = [
        ("workflow", &rule.workflow, &job.workflow, false),
        ("branch", &rule.branch, &job.branch, false),
        ("environment", &rule.environment, &job.environment, true),
    ];
    for (name, patterns, value, ignore_case) in named {
        if let Some(patterns) = patterns
            && !any_matches(patterns, value.as_deref(), ignore_case)?
        {
            failed.push(name.to_owned());
        }
        if name == "branch" && !base_matches {
            failed.push("base".to_owned());
        }
    }
    for (claim, patterns) in &rule.claims {
        let mut value = None;
        for (name, text) in &job.claims {
            if name == claim {
                value = Some(text.as_str());
            }
        }
        if !any_matches(patterns, value, false)? {
            failed.push(format!("claims.{claim}"));
        }
    }
    let event_matches = match &rule.events {
        Some(events) => events.contains(&job.event),
        None => TRUSTED.contains(&job.event.as_str()),
    };
    if !event_matches {
        failed.push("event".to_owned());
    }
    if let Some(year) = rule.expires_after_year
        && job.year > year
    {
        failed.push("expires".to_owned());
    }
    Ok(failed)
}

/// What runs in a pull request is the merge of its head and its base, so both have to be trusted.
fn base_is_trusted(rule: &Rule, base: &Base, default_branch: Option<&str>) -> Result<bool, Wrong> {
    let value = match base {
        Base::Branch(branch) => Some(branch.as_str()),
        Base::None | Base::Absent | Base::Assumed => None,
    };
    // A wrong pattern is wrong whatever the event.
    let by_base = match &rule.base {
        Some(patterns) => Some(any_matches(patterns, value, false)?),
        None => None,
    };
    let by_branch = match &rule.branch {
        Some(patterns) => any_matches(patterns, value, false)?,
        None => true,
    };
    if *base == Base::None || *base == Base::Assumed {
        return Ok(true);
    }
    if let Some(by_base) = by_base {
        return Ok(by_base);
    }
    Ok(by_branch || (value.is_some() && value == default_branch))
}

/// Every pattern is looked at, so that a wrong one is found wherever it stands.
fn any_matches(
    patterns: &[Pattern],
    value: Option<&str>,
    ignore_case: bool,
) -> Result<bool, Wrong> {
    if patterns.is_empty() {
        return Err(Wrong);
    }
    let mut any = false;
    for pattern in patterns {
        if matches(pattern, value, ignore_case)? {
            any = true;
        }
    }
    Ok(any)
}

fn matches(pattern: &Pattern, value: Option<&str>, ignore_case: bool) -> Result<bool, Wrong> {
    let text = match pattern {
        Pattern::Plain(text)
        | Pattern::Exact(text)
        | Pattern::Glob(text)
        | Pattern::Regex(text) => text,
    };
    if text.is_empty() || text.len() > 1024 {
        return Err(Wrong);
    }
    // Two values that differ beyond ASCII are two names.
    let ignore_case = ignore_case && value.is_none_or(str::is_ascii);
    // `NAME[bot]` is the login of an App. Elsewhere nobody means the letters b, o and t.
    if let Pattern::Plain(text) = pattern
        && is_app_login(text)
    {
        return Ok(value.is_some_and(|value| equal(text, value, ignore_case)));
    }
    if !matches!(pattern, Pattern::Exact(_)) && has_bot_class(text) {
        return Err(Wrong);
    }
    match pattern {
        Pattern::Plain(text) if text == "*" => Ok(true),
        Pattern::Plain(text) if !text.chars().any(|c| r"\^$*+?()[]{}|".contains(c)) => {
            Ok(value.is_some_and(|value| equal(text, value, ignore_case)))
        }
        Pattern::Exact(text) => Ok(value.is_some_and(|value| equal(text, value, ignore_case))),
        Pattern::Plain(text) | Pattern::Regex(text) => {
            // A comment of the verbose mode runs to the end of its line, and would swallow the rest.
            let whole = compiled(&format!("^(?:{text})$"), ignore_case)
                .or_else(|| compiled(&format!("^(?:{text}\n)$"), ignore_case));
            let (Some(_), Some(whole)) = (compiled(text, ignore_case), whole) else {
                return Err(Wrong);
            };
            let Some(value) = value else {
                return Ok(false);
            };
            let found = whole.find(value);
            Ok(found.is_some_and(|found| found.start() == 0 && found.end() == value.len()))
        }
        Pattern::Glob(text) => {
            let steps = glob_steps(text)?;
            let fold = |c: char| match ignore_case {
                true => c.to_ascii_lowercase(),
                false => c,
            };
            let chars: Vec<char> = value.unwrap_or_default().chars().map(fold).collect();
            let takes = |step: &Step, c: char| match &step.takes {
                Takes::One(of) => fold(*of) == c,
                // Of letters and digits only, so both cases of a letter are all its cases.
                Takes::Class(ranges) => ranges.iter().any(|(first, last)| {
                    let within = |c| (*first..=*last).contains(&c);
                    within(c) || (ignore_case && within(c.to_ascii_uppercase()))
                }),
                Takes::NoSlash => c != '/',
                Takes::Anything | Takes::Directories => true,
            };
            Ok(value.is_some() && glob_matches(&steps, &chars, takes))
        }
    }
}

/// `[A-Za-z0-9-]+\[bot\]`.
fn is_app_login(text: &str) -> bool {
    match text.strip_suffix("[bot]") {
        None | Some("") => false,
        Some(name) => name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'),
    }
}

/// Whether `[bot]` stands in a regex or a glob without a backslash before its bracket.
fn has_bot_class(text: &str) -> bool {
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if rest.starts_with("[bot]") {
            return true;
        }
        let mut chars = rest.chars();
        chars.next();
        if c == '\\' {
            chars.next();
        }
        rest = chars.as_str();
    }
    false
}

/// Whether the pattern matches the value; `None` if it is itself wrong.
pub fn verdict(pattern: &Pattern, value: Option<&str>, ignore_case: bool) -> Option<bool> {
    matches(pattern, value, ignore_case).ok()
}

/// Whether the pattern is itself wrong.
pub fn is_wrong(pattern: &Pattern) -> bool {
    matches(pattern, None, false).is_err()
}

/// `None` when it does not compile. Remembered, since compiling is what takes the time.
fn compiled(text: &str, ignore_case: bool) -> Option<Rc<regex::Regex>> {
    type Known = HashMap<(String, bool), Option<Rc<regex::Regex>>>;
    thread_local! {
        static KNOWN: RefCell<Known> = RefCell::default();
    }
    KNOWN.with_borrow_mut(|known| {
        if known.len() > 10_000 {
            known.clear();
        }
        let compile = || {
            let mut builder = regex::RegexBuilder::new(text);
            builder
                .case_insensitive(ignore_case)
                .size_limit(1 << 20)
                .build()
                .ok()
                .map(Rc::new)
        };
        let regex = known.entry((text.to_owned(), ignore_case));
        regex.or_insert_with(compile).clone()
    })
}

fn equal(a: &str, b: &str, ignore_case: bool) -> bool {
    if ignore_case {
        a.eq_ignore_ascii_case(b)
    } else {
        a == b
    }
}

/// What one character of a value may be.
enum Takes {
    One(char),
    /// `[…]`, as ranges.
    Class(Vec<(char, char)>),
    /// `*` repeats it.
    NoSlash,
    /// `**` repeats it.
    Anything,
    /// `**/` where a directory can start: zero or more directories.
    Directories,
}

/// A part of a glob, how often at least, and whether more often.
struct Step {
    takes: Takes,
    least: usize,
    more: bool,
}

/// GitHub's globs: `*` and `**`, `?` (the character before, once or not), `+` (once or more), `[…]`,
/// and `\` before a character that means itself.
fn glob_steps(glob: &str) -> Result<Vec<Step>, Wrong> {
    let mut steps: Vec<Step> = Vec::new();
    let chars: Vec<char> = glob.chars().collect();
    let once = |takes| Step {
        takes,
        least: 1,
        more: false,
    };
    let mut i = 0;
    while i < chars.len() {
        match chars[i] {
            '!' if i == 0 => return Err(Wrong),
            '*' if is_directories(&chars, i) => {
                steps.push(Step {
                    takes: Takes::Directories,
                    least: 0,
                    more: true,
                });
                i += 2;
            }
            '*' if chars.get(i + 1) == Some(&'*') => {
                steps.push(Step {
                    takes: Takes::Anything,
                    least: 0,
                    more: true,
                });
                i += 1;
            }
            '*' => steps.push(Step {
                takes: Takes::NoSlash,
                least: 0,
                more: true,
            }),
            '?' | '+' => {
                // After one character, and only once.
                let step = steps.last_mut().ok_or(Wrong)?;
                if step.least != 1 || step.more {
                    return Err(Wrong);
                }
                match chars[i] {
                    '?' => step.least = 0,
                    _ => step.more = true,
                }
            }
            '[' => {
                let inside = chars[i + 1..].iter().position(|c| *c == ']');
                let inside = inside.ok_or(Wrong)?;
                steps.push(once(Takes::Class(ranges(&chars[i + 1..i + 1 + inside])?)));
                i += inside + 1;
            }
            '\\' => {
                i += 1;
                steps.push(once(Takes::One(*chars.get(i).ok_or(Wrong)?)));
            }
            c => steps.push(once(Takes::One(c))),
        }
        i += 1;
    }
    Ok(steps)
}

/// Whether a whole `**/` stands at a place, at the start or behind a slash, and nothing repeats its slash.
fn is_directories(chars: &[char], at: usize) -> bool {
    chars[at..].starts_with(&['*', '*', '/'])
        && (at == 0 || chars[at - 1] == '/')
        && !matches!(chars.get(at + 3), Some('?' | '+'))
}

/// Letters, digits and ranges of them, of one kind each; a `-` at the start or the end is itself.
fn ranges(class: &[char]) -> Result<Vec<(char, char)>, Wrong> {
    if class.is_empty() {
        return Err(Wrong);
    }
    let kinds = ['a'..='z', 'A'..='Z', '0'..='9'];
    let of_one_kind = |a: &char, b: &char| {
        let mut kinds = kinds.iter();
        kinds.any(|kind| kind.contains(a) && kind.contains(b))
    };
    let mut ranges = Vec::new();
    let mut i = 0;
    while i < class.len() {
        let first = class[i];
        if first == '-' && (i == 0 || i == class.len() - 1) {
            ranges.push(('-', '-'));
            i += 1;
        } else if !first.is_ascii_alphanumeric() {
            return Err(Wrong);
        } else if let Some(['-', last]) = class.get(i + 1..i + 3) {
            if first > *last || !of_one_kind(&first, last) {
                return Err(Wrong);
            }
            ranges.push((first, *last));
            i += 3;
        } else {
            ranges.push((first, first));
            i += 1;
        }
    }
    Ok(ranges)
}

/// Keeps the places of the value that the steps so far can lead to.
fn glob_matches(steps: &[Step], value: &[char], takes: impl Fn(&Step, char) -> bool) -> bool {
    let mut places = BTreeSet::from([0]);
    for step in steps {
        let mut next = BTreeSet::new();
        for place in places {
            if matches!(step.takes, Takes::Directories) {
                let behind_slash = |at: &usize| value[at - 1] == '/';
                next.insert(place);
                next.extend((place + 1..=value.len()).filter(behind_slash));
                continue;
            }
            let run = value[place..].iter().take_while(|c| takes(step, **c));
            let most = if step.more {
                run.count()
            } else {
                run.take(1).count()
            };
            next.extend((step.least..=most).map(|taken| place + taken));
        }
        places = next;
    }
    places.contains(&value.len())
}

/// Whether a regex takes no more than so many bytes when it is compiled.
pub fn compiles_within(pattern: &Pattern, ignore_case: bool, size: usize) -> bool {
    let (Pattern::Plain(text) | Pattern::Regex(text)) = pattern else {
        return true;
    };
    let mut builder = regex::RegexBuilder::new(text);
    builder.case_insensitive(ignore_case).size_limit(size);
    builder.build().is_ok()
}
