//! Comments that accept findings: `# repo-permissions: ignore[broad-write] the reason`.
//!
//! A comment behind a value is for its line, one on a line of its own for the next line with content.

use super::catalogue::{self, Level};
use super::finding::Finding;
use engine::policy::{Position, quoted};

/// Start of the comment's text.
const MARK: &str = "repo-permissions: ignore[";

/// A comment that accepts findings.
struct Ignore {
    position: Position,
    /// Line whose findings it accepts, from 1.
    line: u32,
    codes: Vec<String>,
    has_reason: bool,
}

/// Removes the findings that comments of a YAML text accept, and adds one for each comment that has no effect.
/// Errors stay.
pub fn without_ignored(text: &str, findings: Vec<Finding>) -> Vec<Finding> {
    let ignores = ignores(text);
    let accepts = |ignore: &Ignore, finding: &Finding| {
        ignore.has_reason
            && finding.level != Level::Error
            && finding.position.line == ignore.line
            && ignore.codes.iter().any(|code| code == finding.code)
    };
    let unused = ignores.iter().filter_map(|ignore| {
        let (at, count) = (ignore.position, MARK.len());
        let length = u32::try_from(count).unwrap_or_default();
        if !ignore.has_reason {
            let message = "this comment has no effect, because it does not say why".to_owned();
            let finding = Finding::new(&catalogue::UNUSED_IGNORE, at, length, message);
            return Some(finding.help("write the reason behind the `]`"));
        }
        let is_unused = |code: &&String| {
            let accepted = |finding: &Finding| finding.code == **code && accepts(ignore, finding);
            !findings.iter().any(accepted)
        };
        let codes: Vec<_> = ignore
            .codes
            .iter()
            .filter(is_unused)
            .map(|code| quoted(code))
            .collect();
        let message = format!(
            "line {} has no finding {} to ignore",
            ignore.line,
            codes.join(", ")
        );
        let finding = Finding::new(&catalogue::UNUSED_IGNORE, at, length, message);
        (!codes.is_empty()).then(|| finding.help("remove the comment, or correct the code"))
    });
    let unused: Vec<_> = unused.collect();
    let mut kept = findings;
    kept.retain(|finding| !ignores.iter().any(|ignore| accepts(ignore, finding)));
    kept.extend(unused);
    kept
}

fn ignores(text: &str) -> Vec<Ignore> {
    if !text.contains(MARK) {
        return Vec::new();
    }
    let lines: Vec<&str> = text.lines().collect();
    let number = |index: usize| u32::try_from(index + 1).unwrap_or(u32::MAX);
    let mut ignores = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some((before, rest)) = line.split_once(MARK) else {
            continue;
        };
        let Some(value) = before.trim_end().strip_suffix('#') else {
            continue;
        };
        let is_comment = value.is_empty() || value.ends_with([' ', '\t']);
        let Some((codes, reason)) = rest.split_once(']').filter(|_| is_comment) else {
            continue;
        };
        let has_content =
            |line: &&str| !line.trim_start().is_empty() && !line.trim_start().starts_with('#');
        let line = match value.trim().is_empty() {
            false => index,
            true => {
                let mut later = lines.iter().enumerate().skip(index + 1);
                later
                    .find(|(_, line)| has_content(line))
                    .map_or(index, |(later, _)| later)
            }
        };
        let column = u32::try_from(before.chars().count() + 1).unwrap_or(u32::MAX);
        ignores.push(Ignore {
            position: Position {
                line: number(index),
                column,
            },
            line: number(line),
            codes: codes
                .split(',')
                .map(|code| code.trim().to_owned())
                .collect(),
            has_reason: !reason.trim().is_empty(),
        });
    }
    ignores
}

#[cfg(test)]
mod tests {
    use crate::lint::{LintOptions, lint};
    use engine::policy::Format;

    fn codes(text: &str) -> Vec<&'static str> {
        let findings = lint(text, Format::Yaml, &LintOptions::default());
        findings.iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn a_comment_with_a_reason_accepts_the_findings_of_one_line() {
        let with = |before: &str, behind: &str| {
            codes(&format!(
                "version: 1\npermissions:\n{before}  - permission: ws:locks:create{behind}\n    branch: feature/*\n"
            ))
        };
        let ignore = "# repo-permissions: ignore[broad-write] all";
        assert_eq!(with("", ""), ["glob-like"]);
        let broad = |behind: &str| {
            codes(&format!(
                "version: 1\npermissions:\n  - permission: ws:locks:create{behind}\n"
            ))
        };
        assert_eq!(broad(""), ["broad-write"]);
        assert_eq!(broad(&format!(" {ignore}")), [""; 0]);
        assert_eq!(
            broad(" # repo-permissions: ignore[broad-write]"),
            ["broad-write", "unused-ignore"]
        );
        assert_eq!(
            broad(" # repo-permissions: ignore[glob-like] x"),
            ["broad-write", "unused-ignore"]
        );
        assert_eq!(
            broad(" # repo-permissions: ignore[broad-write, glob-like] x"),
            ["unused-ignore"]
        );
        // On a line of its own it is for the next line with content.
        assert_eq!(
            with(&format!("  {ignore}\n\n  # more\n"), ""),
            ["unused-ignore", "glob-like"]
        );
        let own = codes(&format!(
            "version: 1\npermissions:\n  {ignore}\n\n  # more\n  - permission: ws:locks:create\n"
        ));
        assert_eq!(own, [""; 0]);
        // It is not a comment.
        assert_eq!(
            broad("\n    name: 'x# repo-permissions: ignore[broad-write] y'"),
            ["broad-write"]
        );
        // An error stays.
        let invalid = codes("version: 1\npermissions: 1 # repo-permissions: ignore[invalid] x\n");
        assert_eq!(invalid, ["invalid", "unused-ignore"]);
    }
}
