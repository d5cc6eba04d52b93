//! How far a survey is, and what it found: a file of JSON lines, of which each page adds some.
//!
//! A page is there when its last line is. What follows the last whole page was being written when the
//! program ended, and is cut off. Nothing of the rows is held: a report reads them again.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use analysis::survey::{Asked, EntryRow, RepositoryRow, Seen, Summary, Survey};
use engine::policy::quoted;
use platform::private_file;

/// The shape of the lines.
const VERSION: u32 = 1;
/// The longest line that is read, in bytes.
const MAX_LINE: u64 = 64 << 20;

/// What a survey is of. One of something else does not go on with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    /// In lower case.
    pub(super) owner: String,
    /// The URL of the REST API.
    pub(super) api: String,
    /// The name of the action.
    pub(super) action: String,
    /// The SHA-256 of the policy.
    pub(super) policy: Option<String>,
    /// When it was started.
    pub(super) started: String,
}

/// What asking has cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cost {
    /// Of GraphQL's primary limit, as GitHub counts them.
    pub(super) points: u64,
    pub(super) graphql_requests: u64,
    pub(super) rest_requests: u64,
}

impl std::ops::AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.points += other.points;
        self.graphql_requests += other.graphql_requests;
        self.rest_requests += other.rest_requests;
    }
}

/// The end of a page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PageEnd {
    /// Where the next page starts; absent after the last.
    pub(super) next: Option<String>,
    /// How many repositories there are.
    pub(super) total: u64,
    /// Up to here.
    pub(super) summary: Summary,
    /// What the page adds.
    pub(super) seen: Seen,
    /// Of this page.
    pub(super) cost: Cost,
}

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Line {
    Survey {
        version: u32,
        of: Header,
    },
    Repository(RepositoryRow),
    Page(PageEnd),
    Asked {
        number: usize,
        is: Asked,
        cost: Cost,
    },
    Entry(EntryRow),
    Done {
        at: String,
        summary: Summary,
    },
}

/// Where a survey stands.
#[derive(Debug)]
pub(super) struct State {
    file: File,
    /// As far as it counts.
    end: u64,
    header: Header,
    is_listed: bool,
    next: Option<String>,
    total: u64,
    seen: u64,
    cost: Cost,
    finished: Option<String>,
}

impl State {
    /// Opens a state, or starts one; without a name it ends with the program. `survey` gets what was
    /// seen before.
    pub(super) fn open(
        path: Option<&Path>,
        header: Header,
        survey: &mut Survey<'_>,
    ) -> Result<Self, String> {
        let name = path.map(|path| quoted(&path.display().to_string()));
        let name = name.unwrap_or_else(|| "a temporary file".to_owned());
        let failed = |error: std::io::Error| format!("{name} cannot be used: {error}");
        let file = match path {
            Some(path) => options().create(true).open(path).map_err(failed)?,
            None => temporary().map_err(failed)?,
        };
        // Two that write to one file would spoil it.
        file.try_lock()
            .map_err(|_| format!("{name} is in use by another survey"))?;
        let mut state = Self {
            file,
            end: 0,
            header,
            is_listed: false,
            next: None,
            total: 0,
            seen: 0,
            cost: Cost::default(),
            finished: None,
        };
        if state.file.metadata().map_err(failed)?.len() == 0 {
            let line = Line::Survey {
                version: VERSION,
                of: state.header.clone(),
            };
            state.write(text(&line)).map_err(failed)?;
        } else {
            state.read(survey).map_err(|why| format!("{name} {why}"))?;
            state.file.set_len(state.end).map_err(failed)?;
        }
        Ok(state)
    }

    fn read(&mut self, survey: &mut Survey<'_>) -> Result<(), String> {
        let unread = |error: std::io::Error| format!("cannot be read: {error}");
        let file = self.file.try_clone().map_err(unread)?;
        let mut lines = lines(&file).map_err(unread)?;
        let header = match lines.next() {
            Some((line, end)) => (line, end),
            None => return Err("is no state of a survey".to_owned()),
        };
        self.end = header.1;
        match header.0 {
            Line::Survey { version, .. } if version != VERSION => {
                return Err("is of another version of this program: give another file".to_owned());
            }
            Line::Survey { of, .. } => {
                self.header.is_same(&of)?;
                self.header = of;
            }
            _ => return Err("is no state of a survey".to_owned()),
        }
        let (mut end, mut summary) = (self.end, Summary::default());
        for (line, after) in lines {
            match line {
                Line::Page(page) => {
                    self.turn(&page);
                    summary = page.summary;
                    if let Some(policy) = survey.policy() {
                        policy.restore(page.seen);
                    }
                }
                Line::Asked { number, is, cost } => {
                    self.cost += cost;
                    if let Some(policy) = survey.policy() {
                        policy.answer(number, is);
                    }
                }
                Line::Done { at, summary: whole } => {
                    self.finished = Some(at);
                    summary = whole;
                }
                // They count with the line that follows them.
                Line::Repository(_) | Line::Entry(_) => continue,
                Line::Survey { .. } => break,
            }
            end = after;
        }
        (self.end, survey.summary) = (end, summary);
        Ok(())
    }

    fn turn(&mut self, page: &PageEnd) {
        self.next.clone_from(&page.next);
        self.is_listed = page.next.is_none();
        self.total = page.total;
        self.seen = page.summary.repositories + page.summary.unseen;
        self.cost += page.cost;
    }

    /// Adds the line of a repository to those of its page.
    pub(super) fn repository(rows: &mut String, row: &RepositoryRow) {
        rows.push_str(&text(&Line::Repository(row.clone())));
    }

    /// Writes a page.
    pub(super) fn page(&mut self, rows: String, end: PageEnd) -> std::io::Result<()> {
        self.turn(&end);
        self.write(rows + &text(&Line::Page(end)))
    }

    /// Writes what GitHub said of a name.
    pub(super) fn asked(
        &mut self,
        number: usize,
        asked: &Asked,
        cost: Cost,
    ) -> std::io::Result<()> {
        self.cost += cost;
        self.write(text(&Line::Asked {
            number,
            is: asked.clone(),
            cost,
        }))
    }

    /// Writes the end, with what is wrong with the policy's entries.
    pub(super) fn finish(
        &mut self,
        entries: &[EntryRow],
        summary: &Summary,
    ) -> std::io::Result<()> {
        let at = now();
        let rows = entries.iter().map(|row| text(&Line::Entry(row.clone())));
        let end = text(&Line::Done {
            at: at.clone(),
            summary: summary.clone(),
        });
        self.write(rows.collect::<String>() + &end)?;
        self.finished = Some(at);
        Ok(())
    }

    fn write(&mut self, text: String) -> std::io::Result<()> {
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(text.as_bytes())?;
        self.file.sync_data()?;
        self.end += u64::try_from(text.len()).unwrap_or_default();
        Ok(())
    }

    /// The lines again, from the start.
    pub(super) fn lines(&self) -> std::io::Result<impl Iterator<Item = Line>> {
        Ok(lines(&self.file)?.map(|(line, _)| line))
    }

    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    pub(super) fn cost(&self) -> Cost {
        self.cost
    }

    /// When it was done, if it is.
    pub(super) fn finished(&self) -> Option<&str> {
        self.finished.as_deref()
    }

    /// Whether every page was read.
    pub(super) fn is_listed(&self) -> bool {
        self.is_listed
    }

    /// Where the next page starts.
    pub(super) fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// How many repositories were seen, of how many.
    pub(super) fn progress(&self) -> (u64, u64) {
        (self.seen, self.total.max(self.seen))
    }
}

impl Header {
    /// Whether a survey of this can go on with one of that.
    fn is_same(&self, other: &Self) -> Result<(), String> {
        let policy = |header: &Self| match &header.policy {
            Some(sha256) => format!("policy {}", sha256.get(..16).unwrap_or_default()),
            None => "policy none".to_owned(),
        };
        for (own, others) in [
            (
                format!("owner {}", self.owner),
                format!("owner {}", other.owner),
            ),
            (format!("API {}", self.api), format!("API {}", other.api)),
            (
                format!("action {}", self.action),
                format!("action {}", other.action),
            ),
            (policy(self), policy(other)),
        ] {
            if own != others {
                return Err(format!(
                    "is of another survey ({}), this one has {}: give another file, or delete it",
                    quoted(&others),
                    quoted(&own)
                ));
            }
        }
        Ok(())
    }
}

/// The time, to seconds.
pub(super) fn now() -> String {
    Timestamp::now().strftime("%FT%TZ").to_string()
}

fn options() -> OpenOptions {
    // The names of private repositories are nobody else's business.
    let mut options = private_file();
    options.read(true).write(true);
    options
}

/// A file that only this program has.
fn temporary() -> std::io::Result<File> {
    for number in 0_u32.. {
        let name = format!("repo-permissions-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        match options().create_new(true).open(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            opened => {
                let file = opened?;
                std::fs::remove_file(path)?;
                return Ok(file);
            }
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

fn text(line: &Line) -> String {
    // Texts and numbers only: there is nothing that could fail.
    serde_json::to_string(line).unwrap_or_default() + "\n"
}

/// Whole lines from the start, each with where it ends. What is no line any more ends them.
fn lines(file: &File) -> std::io::Result<impl Iterator<Item = (Line, u64)>> {
    let mut reader = BufReader::new(file);
    reader.seek(SeekFrom::Start(0))?;
    let mut end = 0;
    Ok(std::iter::from_fn(move || {
        let mut line = Vec::new();
        reader
            .by_ref()
            .take(MAX_LINE)
            .read_until(b'\n', &mut line)
            .ok()?;
        if line.last() != Some(&b'\n') {
            return None;
        }
        end += u64::try_from(line.len()).ok()?;
        Some((serde_json::from_slice(&line).ok()?, end))
    }))
}
