//! Selects records.

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use crate::instant::date_or_instant;
use analysis::audit::Recorded;
use engine::decision::Decision;
use engine::policy::PermissionKey;

#[derive(Debug, Args)]
pub(super) struct Filter {
    /// Decision of the record; repeatable
    #[arg(long, value_enum, value_name = "DECISION")]
    decision: Vec<DecisionFilter>,
    /// Permission key or display name; repeatable
    #[arg(long, value_name = "KEY", value_parser = key)]
    permission: Vec<String>,
    /// Repository; repeatable
    #[arg(long, value_name = "OWNER/NAME")]
    repository: Vec<String>,
    /// Only records from this time on: a date, or an instant in RFC 3339
    #[arg(long, value_name = "TIME", value_parser = date_or_instant)]
    since: Option<Timestamp>,
    /// Only records before this time: a date, or an instant in RFC 3339
    #[arg(long, value_name = "TIME", value_parser = date_or_instant)]
    until: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DecisionFilter {
    Allowed,
    Denied,
    Error,
}

impl Filter {
    pub(super) fn matches(&self, recorded: &Recorded) -> bool {
        let decided = match recorded.decision {
            Decision::Allowed => DecisionFilter::Allowed,
            Decision::Denied => DecisionFilter::Denied,
            Decision::Error => DecisionFilter::Error,
        };
        let repository = recorded.context.as_ref();
        let repository = repository.and_then(|context| context.repository.as_deref());
        let is_of = |name: &String| {
            repository.is_some_and(|repository| repository.eq_ignore_ascii_case(name))
        };
        (self.decision.is_empty() || self.decision.contains(&decided))
            && (self.permission.is_empty() || self.permission.contains(&recorded.permission))
            && (self.repository.is_empty() || self.repository.iter().any(is_of))
            && self.since.is_none_or(|since| recorded.time >= since)
            && self.until.is_none_or(|until| recorded.time < until)
    }
}

fn key(text: &str) -> anyhow::Result<String> {
    let key = PermissionKey::parse(text.to_owned().into());
    key.map(|key| key.to_string())
        .map_err(|error| anyhow!("{error} ({})", error.help()))
}
