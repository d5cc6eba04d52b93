//! The findings of all parts of a review.

use super::cases::CaseResults;
use super::lines::Lines;
use super::material::Material;
use crate::compare::Comparison;
use crate::lint::{Finding, Level};
use crate::report::access;
use crate::report::check::Conclusion;
use engine::plural::{count, count_of, grouped};
use engine::policy::Policy;

/// Findings of all parts of a review.
pub(super) struct Reviewed<'r> {
    pub(super) material: &'r Material,
    pub(super) lines: Lines,
    pub(super) new: Option<&'r Policy>,
    pub(super) findings: &'r [Finding],
    /// `None` if the new policy is invalid.
    pub(super) comparison: Option<&'r Comparison<'r>>,
    /// `None` if there is no valid policy to run them on.
    pub(super) cases: Option<&'r CaseResults>,
}

impl Reviewed<'_> {
    fn count(&self, level: Level) -> usize {
        let findings = self.findings.iter();
        findings.filter(|finding| finding.level == level).count()
    }

    pub(super) fn conclusion(&self) -> Conclusion {
        let cases_fail = self
            .cases
            .is_some_and(|cases| cases.failed().next().is_some() || !cases.errors.is_empty());
        if self.count(Level::Error) > 0 || self.comparison.is_none() || cases_fail {
            Conclusion::Failure
        } else if self.comparison.is_some_and(Comparison::widens) || self.material.new.is_none() {
            Conclusion::Neutral
        } else {
            Conclusion::Success
        }
    }

    /// Returns the summary on one line, without a full stop.
    pub(super) fn summary(&self) -> String {
        if self.material.new.is_none() {
            return "the policy is removed: every check will end with `policy_not_found`"
                .to_owned();
        }
        let access = match self.comparison {
            Some(comparison) => access::summary(comparison),
            None => "the policy is invalid".to_owned(),
        };
        let mut parts = vec![access];
        for (number, noun) in [
            (self.count(Level::Error), "error"),
            (self.count(Level::Warning), "warning"),
        ] {
            if number > 0 {
                parts.push(count(number, noun));
            }
        }
        if let Some(cases) = self.cases {
            let failed = cases.failed().count();
            match (failed, cases.results.len()) {
                (0, 0) => {}
                (0, all) => parts.push(count_of(all, "case passes", "cases pass")),
                (1, all) => parts.push(format!("1 of {} fails", count(all, "case"))),
                (failed, all) => parts.push(format!(
                    "{} of {} fail",
                    grouped(failed),
                    count(all, "case")
                )),
            }
            if !cases.errors.is_empty() {
                parts.push("invalid test files".to_owned());
            }
        }
        parts.join("; ")
    }

    /// Returns errors, and other findings on lines that the pull request changes.
    pub(super) fn shown_findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| {
            finding.level == Level::Error || self.lines.is_changed(finding.position.line)
        })
    }

    /// Returns the first changed line of the rule that starts at line `first`, or `first`.
    pub(super) fn line_of_rule(&self, first: u32) -> u32 {
        let starts = self.new.iter().flat_map(|document| {
            let entries = document.repositories.iter().flat_map(|(_, list)| list);
            let rules = document.rules().map(|rule| rule.position.line);
            rules.chain(entries.map(|entry| entry.position.line))
        });
        let next = starts.filter(|line| *line > first).min();
        let last = next.map_or(u32::MAX, |next| next.saturating_sub(1));
        self.lines.first_changed(first..=last).unwrap_or(first)
    }
}
