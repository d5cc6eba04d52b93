//! The result of a survey, for all formats.

use serde::Serialize;

use analysis::lint::Level;
use analysis::survey::{Code, EntryRow, RepositoryRow, Summary, SurveyFinding};
use engine::plural::{count, count_of, grouped};

/// A completed survey.
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
    pub(super) rows: Vec<SurveyRow>,
    pub(super) summary: &'r Summary,
    pub(super) cost: Cost,
}

/// The central policy.
#[derive(Clone, Copy)]
pub(super) struct Central<'r> {
    pub(super) file: &'r str,
    pub(super) text: &'r str,
    pub(super) entries: usize,
    /// Number of entries for other owners.
    pub(super) others: usize,
}

/// Cost of the requests.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Cost {
    /// Points of GraphQL's primary limit, as GitHub counts them.
    pub(super) points: u64,
    pub(super) graphql_requests: u64,
    pub(super) rest_requests: u64,
}

/// A row of the result.
pub(super) enum SurveyRow {
    Repository(RepositoryRow),
    Entry(EntryRow),
}

impl SurveyRow {
    /// Returns `OWNER/NAME`, or the entry.
    pub(super) fn name(&self, policy: &str) -> String {
        match self {
            Self::Repository(row) => row.repository.clone(),
            Self::Entry(row) => format!("{policy}:{}", row.entry),
        }
    }

    pub(super) fn findings(&self) -> &[SurveyFinding] {
        match self {
            Self::Repository(row) => &row.findings,
            Self::Entry(row) => &row.findings,
        }
    }
}

impl Report<'_> {
    /// Returns the kinds of findings with their numbers, the worst first.
    pub(super) fn codes(&self) -> impl Iterator<Item = (Code, u64)> {
        let codes = Code::ALL.iter();
        codes.filter_map(|code| Some((*code, *self.summary.findings.get(code)?)))
    }

    pub(super) fn policy_file(&self) -> &str {
        self.policy.map_or("", |policy| policy.file)
    }

    /// Returns the result in one line.
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
            (true, 0) => "no problems".to_owned(),
            (true, _) => "no problems in the visible ones".to_owned(),
            (false, _) => wrong.join(", "),
        };
        format!(
            "{}: {}, {uses} {}: {wrong}",
            self.owner,
            count_of(summary.repositories, "repository", "repositories"),
            self.action,
        )
    }

    /// Returns further facts, one per line.
    pub(super) fn details(&self) -> Vec<String> {
        let summary = self.summary;
        let mut lines = Vec::new();
        if summary.unseen > 0 {
            let why = summary.unseen_because.as_deref().unwrap_or_default();
            let what = count_of(summary.unseen, "repository", "repositories");
            lines.push(format!("{what} not visible: {why}"));
        }
        if summary.steps > 0 {
            let steps = count_of(summary.steps, "step uses", "steps use");
            lines.push(match summary.steps_with_own_policy {
                0 => format!("{steps} the action"),
                own if own == summary.steps => {
                    format!("{steps} the repository's own policy")
                }
                own => format!(
                    "{steps} the action, {} of them with the repository's own policy",
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
            lines.push(format!("{what} archived and skipped"));
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
