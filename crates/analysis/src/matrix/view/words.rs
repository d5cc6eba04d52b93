//! Phrases of the table, shared by all formats for people.

use std::borrow::Cow;

use crate::matrix::{AccessMatrix, Bases, Events, Grant, Hint, Row, RowKind, Why};
use crate::report::Phrase;
use crate::workflows::Environment;
use engine::decision::RuleRef;
use engine::plural::count;
use engine::policy::{Kind, Pattern};

/// Maximum length of a short list of environments, in bytes.
const MAX_LISTED: usize = 80;

/// Makes a phrase of words of the program.
pub fn words<'a>(words: impl Into<Cow<'static, str>>) -> Phrase<'a> {
    let mut phrase = Phrase::default();
    phrase.words(words);
    phrase
}

fn patterns<'a>(phrase: &mut Phrase<'a>, list: &[&'a Pattern], last: &'static str) {
    for (index, pattern) in list.iter().enumerate() {
        if index > 0 {
            phrase.words(if index + 1 == list.len() { last } else { ", " });
        }
        phrase.quoted(&*pattern.text);
        // A pattern without a note is a regex.
        if pattern.kind == Kind::Glob {
            phrase.words(" (glob)");
        }
    }
}

/// Describes the branches of a grant.
pub fn branches<'a>(grant: &Grant<'a>) -> Phrase<'a> {
    let mut phrase = Phrase::default();
    match grant.branches.as_slice() {
        [] => phrase.words("any branch"),
        list => patterns(&mut phrase, list, ", "),
    }
    phrase
}

/// Describes the accepted events.
pub fn events<'a>(events: &Events<'a>) -> Phrase<'a> {
    match events {
        Events::Trusted => words("on any trusted event"),
        Events::These(these) => {
            let mut phrase = words("on ");
            phrase.list(these.iter().copied(), ", ");
            phrase
        }
    }
}

/// Describes the bases of pull requests.
fn bases<'a>(bases: &Bases<'a>) -> Phrase<'a> {
    match bases {
        Bases::Any => words("pull requests into any branch"),
        Bases::Named(list) => {
            let mut phrase = words("pull requests into ");
            patterns(&mut phrase, list, " or ");
            phrase
        }
        Bases::Branches { or_default: true } => {
            words("pull requests into these or the default branch")
        }
        Bases::Branches { or_default: false } => words("pull requests into these"),
    }
}

/// Describes the other conditions, one phrase each.
pub fn conditions<'a>(grant: &Grant<'a>) -> Vec<Phrase<'a>> {
    let mut all = Vec::new();
    // "Any branch into any branch" is not a condition.
    let says_bases = |bases: &&Bases<'_>| **bases != Bases::Any || !grant.branches.is_empty();
    all.extend(grant.bases.as_ref().filter(says_bases).map(bases));
    if !grant.workflows.is_empty() {
        let mut phrase = words("if the file is ");
        patterns(&mut phrase, &grant.workflows, " or ");
        all.push(phrase);
    }
    if !grant.environments.is_empty() {
        let mut phrase = words("if the environment is ");
        patterns(&mut phrase, &grant.environments, " or ");
        all.push(phrase);
    }
    for (name, claim) in grant.claims {
        let mut phrase = words("if ");
        phrase.quoted(&**name);
        phrase.words(" is ");
        patterns(&mut phrase, &claim.list.iter().collect::<Vec<_>>(), " or ");
        all.push(phrase);
    }
    if let Some(expires) = grant.expires {
        let mut phrase = words("until ");
        phrase.quoted(&*expires.text);
        all.push(phrase);
    }
    all
}

/// Explains why a rule that covers a row does not grant.
pub fn hint<'a>(row: &Row<'a>, hint: &Hint<'a>) -> Phrase<'a> {
    let mut phrase = words(format!("line {}: ", hint.rule.line));
    match (hint.why, &hint.events, hint.expires) {
        (Why::Expired, _, Some(expires)) => {
            phrase.words("expired ");
            phrase.quoted(&*expires.text);
        }
        (Why::Base, ..) => phrase.words("trusts none of the bases of its pull requests"),
        (Why::Event, Events::These(these), _) => {
            phrase.words("only on ");
            phrase.list(these.iter().copied(), " or ");
        }
        _ => {
            phrase.words("does not name ");
            phrase.list(row.events.iter().flatten().copied(), " or ");
        }
    }
    phrase
}

/// Describes the environment of a row.
pub fn environment<'a>(row: &'a Row<'_>) -> Phrase<'a> {
    let mut phrase = Phrase::default();
    environment_of(&mut phrase, row);
    phrase
}

fn environment_of<'a>(phrase: &mut Phrase<'a>, row: &'a Row<'_>) {
    match &row.kind {
        RowKind::File { environment, .. } => match environment {
            Environment::None => phrase.words("no environment"),
            Environment::Named(text) | Environment::Dynamic(text) => phrase.quoted(text),
        },
        RowKind::Unreadable { .. } | RowKind::Other => phrase.words("any environment"),
    }
}

/// Explains why the rules that cover rows do not grant, once each.
pub fn hints<'a>(rows: &[&Row<'a>]) -> Vec<Phrase<'a>> {
    let mut all: Vec<Phrase<'_>> = Vec::new();
    for row in rows {
        for one in row.cells.iter().flat_map(|cell| &cell.hints) {
            let one = hint(row, one);
            if !all.contains(&one) {
                all.push(one);
            }
        }
    }
    all
}

/// Lists the environments of rows.
pub fn environments<'a>(rows: &[&'a Row<'_>]) -> Phrase<'a> {
    let mut phrase = Phrase::default();
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            phrase.words(", ");
        }
        environment_of(&mut phrase, row);
    }
    phrase
}

/// Lists the environments of rows if the list is short.
pub fn short_environments<'a>(rows: &[&'a Row<'_>]) -> Option<Phrase<'a>> {
    let list = environments(rows);
    (list.plain().len() <= MAX_LISTED).then_some(list)
}

/// Lists the environments of rows, or counts them if the list is long.
pub fn environments_in_short<'a>(rows: &[&'a Row<'_>]) -> Phrase<'a> {
    short_environments(rows).unwrap_or_else(|| words(count(rows.len(), "environment")))
}

/// Describes a rule by its name and position.
pub fn rule<'a>(rule: &RuleRef) -> Phrase<'a> {
    let mut phrase = words(format!("rule {} (", rule.number));
    if let Some(name) = &rule.name {
        phrase.quoted(name.to_string());
        phrase.words(", ");
    }
    phrase.words(format!("line {})", rule.line));
    phrase
}

/// Describes the files without a row that grants cover, or returns `None` without grants.
pub fn others<'a: 'g, 'g>(grants: impl Iterator<Item = &'g Grant<'a>>) -> Option<Phrase<'a>> {
    let mut named: Vec<&Pattern> = Vec::new();
    let mut is_none = true;
    for grant in grants {
        is_none = false;
        if grant.workflows.is_empty() {
            return Some(words("any other workflow file"));
        }
        for pattern in &grant.workflows {
            if !named.contains(pattern) {
                named.push(pattern);
            }
        }
    }
    let mut phrase = words("any other file matching ");
    patterns(&mut phrase, &named, " or ");
    (!is_none).then_some(phrase)
}

/// Describes the files that have no row of their own: those whose jobs are in other rows, and the others.
pub fn only_called<'a>(matrix: &AccessMatrix<'a>) -> Vec<Phrase<'a>> {
    let has_row = |file: &&str| matrix.rows.iter().any(|row| row.has_jobs_of(file));
    let (called, others): (Vec<_>, Vec<_>) =
        matrix.only_called.iter().partition(|file| has_row(file));
    let mut notes = Vec::new();
    let mut note = |files: &[&'a str], one: &'static str, several: &'static str| {
        let mut phrase = Phrase::default();
        phrase.list(files.iter().copied(), " and ");
        phrase.words(match files {
            [] => return,
            [_] => one,
            _ => several,
        });
        notes.push(phrase);
    };
    note(
        &called,
        " is only called by other workflows: their rows include its jobs",
        " are only called by other workflows, whose rows include their jobs",
    );
    note(
        &others,
        " is only called by other workflows, and no row includes its jobs, because no run here reaches them by a local path",
        " are only called by other workflows, and no row includes their jobs, because no run here reaches them by a local path",
    );
    notes
}
