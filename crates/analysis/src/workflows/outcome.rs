//! Ways in which a job runs.

use std::sync::Arc;

use super::gate::Request;
use super::start::Start;

/// One way in which a job runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How the run started.
    pub start: Arc<Start>,
    /// Environment of the job.
    pub environment: Environment,
    /// What its gates request.
    pub requests: Vec<Request>,
    /// Whether a condition that only a run can decide must hold.
    pub is_conditional: bool,
}

/// Environment of a job.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Environment {
    /// The job has none.
    None,
    /// Name of the environment.
    Named(String),
    /// Only a run knows it: the expression, or the call, as in the file.
    Dynamic(String),
}

impl Environment {
    /// Whether two environments are the same; GitHub ignores the case of their names.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Named(one), Self::Named(other)) => one.eq_ignore_ascii_case(other),
            _ => self == other,
        }
    }
}
