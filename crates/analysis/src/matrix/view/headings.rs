//! Phrases about the page and the blocks of its table, shared by all formats for people.

use super::fold::Block;
use super::page::Page;
use super::words::words;
use crate::matrix::{Row, RowKind};
use crate::report::Phrase;
use crate::workflows::Environment;
use engine::plural::count;

/// Returns the facts above the table: a name, an untrusted value, and trusted text.
pub fn facts(page: &Page<'_, '_>) -> Vec<(&'static str, String, String)> {
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

/// Rows with the same remarks.
pub struct Label<'r, 'm, 'a> {
    /// The rows, at least one.
    pub rows: &'r [&'m Row<'a>],
    /// What they have in common.
    pub remarks: Vec<Phrase<'r>>,
}

/// Returns the rows of a group of a block with their remarks.
pub fn labels<'r, 'm, 'a>(
    group: &'r [&'m Row<'a>],
    block: &'r Block<'_, '_>,
) -> Vec<Label<'r, 'm, 'a>> {
    let chunks = group.chunk_by(|row, next| remarks(row, block) == remarks(next, block));
    let labels = chunks.map(|rows| Label {
        rows,
        remarks: rows
            .first()
            .map(|row| remarks(row, block))
            .unwrap_or_default(),
    });
    labels.collect()
}

/// Returns remarks about a row of a block.
fn remarks<'a>(row: &'a Row<'_>, block: &'a Block<'_, '_>) -> Vec<Phrase<'a>> {
    let mut remarks = Vec::new();
    match &row.kind {
        RowKind::File {
            environment: Environment::Dynamic(text),
            ..
        } => remarks.push(words(if text.contains("${{") {
            "only a run has the value"
        } else {
            "the called workflow decides"
        })),
        RowKind::File { .. } if !row.id_token => {
            let mut phrase = words("no ");
            phrase.quoted("id-token: write");
            remarks.push(phrase);
        }
        _ => {}
    }
    let all = Starts::of_block(block);
    let own = Starts {
        events: row.events.as_deref().unwrap_or_default(),
        bases: row.bases.as_deref().filter(|_| all.bases.is_none()),
    };
    if own.events.len() < all.events.len() || own.bases.is_some() {
        let mut phrase = words("only ");
        own.describe(&mut phrase);
        remarks.push(phrase);
    }
    remarks
}

/// How jobs start.
struct Starts<'a> {
    events: &'a [&'a str],
    /// Branches that pull requests go into, if known.
    bases: Option<&'a [&'a str]>,
}

impl<'a> Starts<'a> {
    /// Returns the events of the files, and the bases if they are the same for all jobs.
    fn of_block(block: &'a Block<'_, '_>) -> Self {
        let merge = block.rows.iter().filter(|row| {
            let mut events = row.events.iter().flatten();
            events.any(|event| *event == "pull_request")
        });
        let mut bases = merge.map(|row| row.bases.as_deref());
        let first = bases.next().flatten();
        let row = block.rows.first();
        Self {
            events: row.map(|row| row.triggers.as_slice()).unwrap_or_default(),
            bases: first.filter(|first| bases.all(|other| other == Some(*first))),
        }
    }

    fn describe(&self, phrase: &mut Phrase<'a>) {
        phrase.words("on ");
        phrase.list(self.events.iter().copied(), ", ");
        if let Some(bases) = &self.bases {
            phrase.words("; pull requests into ");
            phrase.list(bases.iter().copied(), " or ");
        }
    }
}

/// Describes the files of a block, one phrase each.
pub fn files<'a>(block: &Block<'_, 'a>) -> Vec<Phrase<'a>> {
    if block.files.is_empty() {
        return vec![words("any other workflow file")];
    }
    let files = block.files.iter().map(|file| {
        let mut phrase = Phrase::default();
        phrase.quoted(*file);
        phrase
    });
    files.collect()
}

/// Describes what starts the files of a block.
pub fn starts<'a>(block: &'a Block<'_, '_>) -> Option<Phrase<'a>> {
    match block.rows.first()?.kind {
        RowKind::File { .. } => {
            let starts = Starts::of_block(block);
            let mut phrase = Phrase::default();
            starts.describe(&mut phrase);
            (!starts.events.is_empty()).then_some(phrase)
        }
        RowKind::Unreadable { .. } => Some(words("not readable")),
        RowKind::Other => Some(words("also files that a branch adds")),
    }
}
