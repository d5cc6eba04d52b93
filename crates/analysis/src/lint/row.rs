//! A finding for programs.

use std::ops::Range;

use serde::Serialize;

use super::catalogue::Level;
use super::finding::Finding;
use super::fix::Fix;

/// A finding as a row of JSON.
#[derive(Clone, Debug, Serialize)]
pub struct FindingRow<'a> {
    code: &'static str,
    level: Level,
    file: &'a str,
    /// From 1.
    line: u32,
    /// In characters, from 1.
    column: u32,
    /// One past the last character.
    end_column: u32,
    message: &'a str,
    help: Option<&'a str>,
    /// Replacement for the text from `column` to `end_column`, if the fix changes nothing else.
    fix: Option<&'a str>,
    /// Whether the policy grants the same after the fix.
    fix_safe: Option<bool>,
    /// The complete change.
    edit: Option<Edit<'a>>,
}

#[derive(Clone, Debug, Serialize)]
struct Edit<'a> {
    line: u32,
    column: u32,
    end_line: u32,
    /// One past the last replaced character.
    end_column: u32,
    text: &'a str,
}

impl<'a> Edit<'a> {
    fn of(fix: &'a Fix) -> Self {
        let Range { start, end } = fix.range;
        Self {
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
            text: &fix.replacement,
        }
    }
}

impl<'a> FindingRow<'a> {
    /// Returns the row of a finding in this file.
    pub fn of(file: &'a str, finding: &'a Finding) -> Self {
        Self {
            code: finding.code,
            level: finding.level,
            file,
            line: finding.position.line,
            column: finding.position.column,
            end_column: finding.end_column(),
            message: &finding.message,
            help: finding.help.as_deref(),
            fix: finding.replacement(),
            fix_safe: finding.fix.as_ref().map(|fix| fix.is_safe),
            edit: finding.fix.as_ref().map(Edit::of),
        }
    }
}
