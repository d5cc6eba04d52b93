//! Results of cases.

use super::expect::Expect;
use engine::context::Context;
use engine::decision::{Decision, PermissionDecision, Reason};
use engine::policy::{Position, Problem};

/// Maximum number of rules per permission that explain a failed case; a large policy has thousands.
const MAX_RULES: usize = 5;

/// Result of a case.
#[derive(Clone, Debug)]
pub struct CaseResult {
    /// Position in the file of cases.
    pub position: Position,
    /// Its name, unique in the file.
    pub name: String,
    /// The expected result.
    pub expected: Expect,
    /// The decision on all its permissions.
    pub decision: Decision,
    /// The reason.
    pub reason: Reason,
    /// The decision as one sentence.
    pub message: String,
    /// Missing value that the decision assumed: `base`.
    pub assumed: Option<&'static str>,
    /// Explanation of a failed case; the caller limits the number.
    pub failed: Option<Failed>,
    pub(super) has_passed: bool,
}

/// Explanation of an unexpected decision.
#[derive(Clone, Debug)]
pub struct Failed {
    /// The values that the rules were matched with.
    pub context: Context,
    /// Decisions on the permissions; empty for an error.
    pub permissions: Vec<Explained>,
}

/// A decision with the rules that explain it.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The decision. Its trace has the granting rule or the nearest ones, in file order.
    pub decision: PermissionDecision,
    /// Number of rules that the trace omits.
    pub hidden: usize,
}

impl Explained {
    pub(super) fn of(mut decision: PermissionDecision) -> Self {
        let all = decision.trace.len();
        if decision.decision == Decision::Allowed {
            let granting = decision.rule.as_ref();
            decision.trace.retain(|rule| Some(&rule.rule) == granting);
            return Self {
                decision,
                hidden: 0,
            };
        }
        let nearest = decision.nearest.as_ref().map(|nearest| &nearest.rule);
        decision
            .trace
            .sort_by_key(|rule| (Some(&rule.rule) != nearest, rule.failed().count()));
        decision.trace.truncate(MAX_RULES);
        decision
            .trace
            .sort_by_key(|rule| (rule.rule.own_policy, rule.rule.line, rule.rule.column));
        Self {
            hidden: all - decision.trace.len(),
            decision,
        }
    }
}

impl CaseResult {
    /// Returns whether the decision is the expected one.
    pub fn has_passed(&self) -> bool {
        self.has_passed
    }

    /// Returns whether there was an unexpected error instead of a decision.
    pub fn is_error(&self) -> bool {
        self.decision == Decision::Error && !self.has_passed()
    }

    /// Returns the decision with its reason: `denied (no_rule_matches)`.
    pub fn got(&self) -> String {
        format!("{} ({})", self.decision.as_str(), self.reason.code())
    }
}

/// Why the cases of a file did not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// The file of cases or the policy, in the caller's spelling.
    pub file: String,
    /// Position, if the error has one.
    pub position: Option<Position>,
    /// Number of affected characters, 0 for a point.
    pub length: u32,
    /// Actual and expected value.
    pub message: String,
    /// Advice.
    pub help: Option<String>,
}

impl FileError {
    /// Creates an error without a position.
    pub fn new(file: &str, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            position: None,
            length: 0,
            message: message.into(),
            help: None,
        }
    }

    pub(super) fn each<'a>(
        file: &str,
        problems: impl IntoIterator<Item = &'a Problem>,
    ) -> Vec<Self> {
        let problems = problems.into_iter();
        problems
            .map(|problem| Self {
                file: file.to_owned(),
                position: Some(problem.position),
                length: problem.length,
                message: problem.message.clone(),
                help: problem.help.clone(),
            })
            .collect()
    }

    /// Returns `FILE:LINE:COLUMN: MESSAGE (HELP)`.
    pub fn text(&self) -> String {
        let mut text = self.file.clone();
        if let Some(Position { line, column }) = self.position {
            text.push_str(&format!(":{line}:{column}"));
        }
        text.push_str(": ");
        text.push_str(&self.message);
        if let Some(help) = &self.help {
            text.push_str(&format!(" ({help})"));
        }
        text
    }
}
