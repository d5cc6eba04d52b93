//! What a run of cases found.

use super::expect::Expect;
use engine::context::Context;
use engine::decision::{Decision, PermissionDecision, Reason};
use engine::policy::{Position, Problem};

/// How many rules of one permission explain a case that does not hold; a large policy has thousands.
const MAX_RULES: usize = 5;

/// One case that was run.
#[derive(Clone, Debug)]
pub struct CaseResult {
    /// Where it starts in the file of cases.
    pub position: Position,
    /// Its name, once in a file.
    pub name: String,
    /// The answer that it expects.
    pub expected: Expect,
    /// What was decided on all its permissions.
    pub decision: Decision,
    /// Why.
    pub reason: Reason,
    /// The decision in one sentence.
    pub message: String,
    /// What the case leaves out and the decision takes for granted: `base`.
    pub assumed: Option<&'static str>,
    /// How it was decided. Only of the first cases that do not hold: their number is the caller's.
    pub failed: Option<Failed>,
    pub(super) holds: bool,
}

/// How the decision came about that a case did not expect.
#[derive(Clone, Debug)]
pub struct Failed {
    /// The values that the patterns of the rules were matched with.
    pub context: Context,
    /// Each permission; empty for an error.
    pub permissions: Vec<Explained>,
}

/// A decision with the rules that explain it.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The decision. Its trace has the rule that grants, or those that come nearest, in file order.
    pub decision: PermissionDecision,
    /// How many rules its trace leaves out.
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
    /// Whether the decision is the expected one.
    pub fn holds(&self) -> bool {
        self.holds
    }

    /// Whether it could not be decided, and that was not expected.
    pub fn is_error(&self) -> bool {
        self.decision == Decision::Error && !self.holds()
    }

    /// What was decided, with its reason: `denied (no_rule_matches)`.
    pub fn got(&self) -> String {
        format!("{} ({})", self.decision.as_str(), self.reason.code())
    }
}

/// Why the cases of a file were not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// The file of cases or the policy, as the caller named it.
    pub file: String,
    /// Where, if it is about one place.
    pub position: Option<Position>,
    /// How many characters it is about, 0 for a point.
    pub length: u32,
    /// What was seen and what was expected.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl FileError {
    /// An error about a file as a whole.
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

    /// `FILE:LINE:COLUMN: MESSAGE (HELP)`.
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
