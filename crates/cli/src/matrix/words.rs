//! The words of the table, the same in every format for people.

use std::borrow::Cow;

use super::Page;
use analysis::matrix::{Bases, Events, Grant, Hint, Matrix, Place, Row, Why};
use analysis::report::Phrase;
use analysis::workflows::Environment;
use engine::decision::RuleRef;
use engine::plural::count;
use engine::policy::{Kind, Pattern};

fn words<'a>(words: impl Into<Cow<'static, str>>) -> Phrase<'a> {
    let mut phrase = Phrase::default();
    phrase.words(words);
    phrase
}

fn patterns<'a>(phrase: &mut Phrase<'a>, list: &[&'a Pattern<'a>], last: &'static str) {
    for (index, pattern) in list.iter().enumerate() {
        if index > 0 {
            phrase.words(if index + 1 == list.len() { last } else { ", " });
        }
        phrase.quoted(&*pattern.text);
        // Without this it reads as a regex.
        if pattern.kind == Kind::Glob {
            phrase.words(" (glob)");
        }
    }
}

/// The branches of a grant.
pub(super) fn branches<'a>(grant: &Grant<'a>) -> Phrase<'a> {
    let mut phrase = Phrase::default();
    match grant.branches.as_slice() {
        [] => phrase.words("any branch"),
        list => patterns(&mut phrase, list, ", "),
    }
    phrase
}

/// The events that are accepted.
pub(super) fn events<'a>(events: &Events<'a>) -> Phrase<'a> {
    match events {
        Events::Trusted => words("on any trusted event"),
        Events::These(these) => {
            let mut phrase = words("on ");
            phrase.list(these.iter().copied(), ", ");
            phrase
        }
    }
}

/// The bases of pull requests.
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

/// What else has to hold, one phrase each.
pub(super) fn conditions<'a>(grant: &Grant<'a>) -> Vec<Phrase<'a>> {
    let mut all = Vec::new();
    // Of any branch into any branch there is nothing to say.
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

/// Why a rule that is for a row does not grant.
pub(super) fn hint<'a>(row: &Row<'a>, hint: &Hint<'a>) -> Phrase<'a> {
    let mut phrase = words(format!("line {}: ", hint.rule.line));
    match (hint.why, &hint.events, hint.expires) {
        (Why::Expired, _, Some(expires)) => {
            phrase.words("expired ");
            phrase.quoted(&*expires.text);
        }
        (Why::Base, ..) => phrase.words("trusts no base that pull requests start it for"),
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

/// The environment of a row.
pub(super) fn environment<'a>(row: &'a Row<'_>) -> Phrase<'a> {
    match &row.place {
        Place::File { environment, .. } => match environment {
            Environment::None => words("no environment"),
            Environment::Named(name) => {
                let mut phrase = Phrase::default();
                phrase.quoted(name);
                phrase
            }
            Environment::Dynamic(text) => {
                let mut phrase = Phrase::default();
                phrase.quoted(text);
                phrase
            }
        },
        Place::Unreadable { .. } | Place::Other => words("any environment"),
    }
}

/// What is to be known of a row.
pub(super) fn remark<'a>(row: &Row<'_>) -> Option<Phrase<'a>> {
    match &row.place {
        Place::File {
            environment: Environment::Dynamic(text),
            ..
        } => Some(words(if text.contains("${{") {
            "only a run knows it"
        } else {
            "the called workflow decides"
        })),
        Place::File { .. } if !row.id_token => {
            let mut phrase = words("no ");
            phrase.quoted("id-token: write");
            Some(phrase)
        }
        _ => None,
    }
}

/// The file of a row, and how it starts.
pub(super) fn file<'a>(row: &Row<'a>) -> (Phrase<'a>, Option<Phrase<'a>>) {
    let mut phrase = Phrase::default();
    match row.place {
        Place::File { file, .. } => phrase.quoted(file),
        Place::Unreadable { file } => {
            phrase.quoted(file);
            return (phrase, Some(words("not understood")));
        }
        Place::Other => {
            phrase.words("any other workflow file");
            return (phrase, Some(words("also one that a branch adds")));
        }
    }
    let these = Events::These(row.events.clone().unwrap_or_default());
    let mut starts = events(&these);
    if let Some(bases) = &row.bases {
        starts.words("; pull requests into ");
        starts.list(bases.iter().copied(), " or ");
    }
    (phrase, Some(starts))
}

/// A rule by its name and place.
pub(super) fn rule<'a>(rule: &RuleRef<'a>) -> Phrase<'a> {
    let mut phrase = words(format!("rule {} (", rule.number));
    if let Some(name) = &rule.name {
        phrase.quoted(name.clone());
        phrase.words(", ");
    }
    phrase.words(format!("line {})", rule.line));
    phrase
}

/// The files that are not there yet and that grants are for; none where there is no grant.
pub(super) fn others<'a: 'g, 'g>(
    grants: impl Iterator<Item = &'g Grant<'a>>,
) -> Option<Phrase<'a>> {
    let mut named: Vec<&Pattern<'a>> = Vec::new();
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
    let mut phrase = words("any other file that is ");
    patterns(&mut phrase, &named, " or ");
    (!is_none).then_some(phrase)
}

/// The files that have no row.
pub(super) fn only_called<'a>(matrix: &Matrix<'a>) -> Option<Phrase<'a>> {
    let files = matrix.only_called.as_slice();
    let mut phrase = Phrase::default();
    phrase.list(files.iter().copied(), " and ");
    phrase.words(match files {
        [] => return None,
        [_] => " is only called by other workflows: its jobs count for those",
        _ => " are only called by other workflows: their jobs count for those",
    });
    Some(phrase)
}

/// What the table is made from: a name, a value from outside, and words.
pub(super) fn head(page: &Page<'_>) -> Vec<(&'static str, String, String)> {
    let count = |number: usize, noun: &str| format!(", {}", count(number, noun));
    let mut head = vec![("policy", page.policy.clone(), count(page.rules, "rule"))];
    if let Some(repository) = &page.repository {
        head.push(("repository", repository.clone(), String::new()));
    }
    let files = count(page.files, "file");
    head.push(("workflows", page.workflows.clone(), files));
    head.push(("time", page.now.to_string(), String::new()));
    head
}
