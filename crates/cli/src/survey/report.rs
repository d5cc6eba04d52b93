//! What all forms of the result have in common.

use serde::Serialize;

use analysis::lint::Level;
use analysis::survey::{Code, EntryRow, Finding, RepositoryRow, Summary};
use engine::plural::{count, count_of, grouped};

/// A survey that is done.
pub(super) struct Report<'r> {
    /// In lower case.
    pub(super) owner: String,
    /// The URL of the REST API.
    pub(super) api: &'r str,
    pub(super) action: &'r str,
    pub(super) policy: Option<Central<'r>>,
    pub(super) started: String,
    pub(super) finished: String,
    /// The repositories, then the entries.
    pub(super) rows: Vec<Row>,
    pub(super) summary: &'r Summary,
    pub(super) cost: Cost,
}

/// The central policy.
#[derive(Clone, Copy)]
pub(super) struct Central<'r> {
    pub(super) file: &'r str,
    pub(super) text: &'r str,
    pub(super) entries: usize,
    /// How many of the entries are for other owners.
    pub(super) others: usize,
}

/// What asking has cost.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Cost {
    /// Of GraphQL's primary limit, as GitHub counts them.
    pub(super) points: u64,
    pub(super) graphql_requests: u64,
    pub(super) rest_requests: u64,
}

/// A line of the result.
pub(super) enum Row {
    Repository(RepositoryRow),
    Entry(EntryRow),
}

impl Row {
    /// `OWNER/NAME`, or the entry.
    pub(super) fn name(&self, policy: &str) -> String {
        match self {
            Self::Repository(row) => row.repository.clone(),
            Self::Entry(row) => format!("{policy}:{}", row.entry),
        }
    }

    pub(super) fn findings(&self) -> &[Finding] {
        match self {
            Self::Repository(row) => &row.findings,
            Self::Entry(row) => &row.findings,
        }
    }
}

impl Report<'_> {
    /// The kinds of findings that there are, the worst first, with how many.
    pub(super) fn codes(&self) -> impl Iterator<Item = (Code, u64)> {
        let codes = Code::ALL.iter();
        codes.filter_map(|code| Some((*code, *self.summary.findings.get(code)?)))
    }

    pub(super) fn policy_file(&self) -> &str {
        self.policy.map_or("", |policy| policy.file)
    }

    /// The result in one line.
    pub(super) fn headline(&self) -> String {
        let summary = self.summary;
        let uses = match summary.with_action {
            1 => "1 uses",
            _ => &format!("{} use", grouped(summary.with_action)),
        };
        let levels = [(Level::Error, "error"), (Level::Warning, "warning")];
        let wrong = levels.map(|(level, noun)| (summary.of_level(level), noun));
        let wrong = wrong.iter().filter(|(number, _)| *number > 0);
        let wrong: Vec<_> = wrong.map(|(number, noun)| count(*number, noun)).collect();
        let wrong = match (wrong.is_empty(), summary.unseen) {
            (true, 0) => "nothing is wrong".to_owned(),
            (true, _) => "nothing is wrong with those that can be seen".to_owned(),
            (false, _) => wrong.join(", "),
        };
        format!(
            "{}: {}, {uses} {}: {wrong}",
            self.owner,
            count_of(summary.repositories, "repository", "repositories"),
            self.action,
        )
    }

    /// What else there is to know, a line each.
    pub(super) fn details(&self) -> Vec<String> {
        let summary = self.summary;
        let mut lines = Vec::new();
        if summary.unseen > 0 {
            let why = summary.unseen_because.as_deref().unwrap_or_default();
            let what = count_of(summary.unseen, "repository", "repositories");
            lines.push(format!("{what} cannot be seen: {why}"));
        }
        if summary.steps > 0 {
            let steps = count_of(summary.steps, "step asks", "steps ask");
            lines.push(match summary.steps_with_own_policy {
                0 => steps,
                own if own == summary.steps => format!("{steps} a policy of the repository itself"),
                own => format!(
                    "{steps}, {} of them a policy of the repository itself",
                    grouped(own)
                ),
            });
        }
        if summary.with_id_token_only > 0 {
            let what = count_of(
                summary.with_id_token_only,
                "repository asks",
                "repositories ask",
            );
            lines.push(format!("{what} for `id-token: write` without this action"));
        }
        if summary.archived > 0 {
            let what = count_of(summary.archived, "repository is", "repositories are");
            lines.push(format!("{what} archived, and left out"));
        }
        if let Some(policy) = self.policy {
            let others = match policy.others {
                0 => String::new(),
                others => format!(", {others} of them for other owners"),
            };
            let whom = count_of(summary.with_entry, "repository has", "repositories have");
            let (file, entries) = (policy.file, count_of(policy.entries, "entry", "entries"));
            lines.push(format!("{file}: {entries}{others}; {whom} one"));
        }
        let cost = self.cost;
        let points = match cost.points {
            0 => String::new(),
            points => format!(" for {}", count(points, "point")),
        };
        lines.push(format!(
            "{} of GraphQL{points} and {} of REST, {} to {}",
            count(cost.graphql_requests, "request"),
            grouped(cost.rest_requests),
            self.started,
            self.finished,
        ));
        lines
    }
}
