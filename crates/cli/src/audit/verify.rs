//! `audit verify`: verifies that records are well-formed and that their decisions follow from their policies.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use serde::Serialize;

use super::log::{Line, each_record};
use super::policies::Policies;
use crate::output::{OutputFormat, print};
use crate::progress;
use crate::style::Colours;
use analysis::audit::{Evaluated, Recorded};
use engine::decision::{Decision, Reason};
use engine::plural::{count, count_of, grouped};
use engine::policy::quoted;

/// Maximum number of findings in the output.
const MAX_FINDINGS: usize = 100;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Audit logs: files of the input `audit-log`, or logs of jobs
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Policy at the time of the decision; repeatable. Records name it by its SHA-256
    #[arg(long, value_name = "FILE")]
    policy: Vec<PathBuf>,
    /// Clone of the policy's repository, whose history has the policies by their blob SHA
    #[arg(long, value_name = "DIR")]
    git: Option<PathBuf>,
    /// Also fail for records whose policy is unavailable
    #[arg(long)]
    strict: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

/// Result for all files.
#[derive(Debug, Default, Serialize)]
struct Verified {
    /// Number of records.
    records: u64,
    /// Number of lines that are not records, without empty ones.
    other_lines: u64,
    /// Records whose decision is confirmed.
    same: u64,
    /// Records whose decision would be different.
    different: u64,
    /// Records of another version, or with contradictions.
    malformed: u64,
    /// Errors before the policy was read, so that there is no decision to repeat.
    undecided: u64,
    /// Records whose policy is unavailable, by its SHA-256.
    without_policy: BTreeMap<String, u64>,
    findings: Vec<Mismatch>,
}

#[derive(Debug, Serialize)]
struct Mismatch {
    file: String,
    line: u64,
    what: String,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let mut found = Verified::default();
    let verified = Policies::read(&arguments.policy, arguments.git.as_deref())
        .and_then(|policies| verify(arguments, policies, &mut found));
    match arguments.format {
        OutputFormat::Human => print(&human(&found, Colours::stdout())),
        // Serializing strings and numbers cannot fail.
        OutputFormat::Json => print(&(serde_json::to_string(&found).unwrap_or_default() + "\n")),
    }
    verified?;
    if found.records == 0 {
        let files = arguments
            .files
            .iter()
            .map(|file| quoted(&file.display().to_string()));
        bail!(
            "{} has no audit record, so nothing was verified",
            files.collect::<Vec<_>>().join(", ")
        );
    }
    let is_missing = arguments.strict && !found.without_policy.is_empty();
    let fails = found.different + found.malformed > 0 || is_missing;
    Ok(u8::from(fails))
}

fn verify(
    arguments: &Arguments,
    mut policies: Policies<'_>,
    found: &mut Verified,
) -> anyhow::Result<()> {
    let size = |path: &PathBuf| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let bar = progress::bar("{bar:16} {percent} % of {binary_total_bytes}, {eta} left");
    bar.set_length(arguments.files.iter().map(size).sum());
    let mut before = 0;
    for path in &arguments.files {
        let take = |line: &Line<'_>| {
            bar.set_position(before + line.read);
            found.add(path, line, &mut policies);
            Ok(())
        };
        let others = each_record(path, take)?;
        found.other_lines += others;
        before += size(path);
    }
    Ok(())
}

impl Verified {
    fn add(&mut self, path: &Path, line: &Line<'_>, policies: &mut Policies<'_>) {
        self.records += 1;
        let what = match &line.record {
            Err(why) => {
                self.malformed += 1;
                format!("{why:#}")
            }
            Ok(recorded) => match self.verdict(recorded, policies) {
                Some(what) => what,
                None => return,
            },
        };
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(Mismatch {
                file: path.display().to_string(),
                line: line.number,
                what,
            });
        }
    }

    /// Returns what is not correct about a record.
    fn verdict(&mut self, recorded: &Recorded, policies: &mut Policies<'_>) -> Option<String> {
        let policy = recorded
            .policy
            .as_ref()
            .filter(|policy| !policy.sha256.is_empty());
        // Other errors are not decisions by the policy.
        let was_decided =
            recorded.decision != Decision::Error || recorded.reason == Reason::PolicyInvalid;
        let (Some(policy), true, Some(_)) = (policy, was_decided, &recorded.context) else {
            self.undecided += 1;
            return None;
        };
        let own = recorded.own_policy.as_ref();
        for policy in [Some(policy), own].into_iter().flatten() {
            policies.look_up(policy);
        }
        let of = |policy| policies.get(policy).ok_or(policy);
        let (by, own) = match (of(policy), own.map(of).transpose()) {
            (Ok(by), Ok(own)) => (by, own),
            (Err(missing), _) | (_, Err(missing)) => {
                let records = self.without_policy.entry(missing.sha256.clone());
                *records.or_default() += 1;
                return None;
            }
        };
        match by.evaluate(recorded, own) {
            // There is a job, so this is for want of a key.
            None => {
                self.malformed += 1;
                let subject = quoted(&recorded.permission);
                Some(format!("its subject {subject} is not a permission key"))
            }
            Some(evaluated) if is_same(recorded, &evaluated) => {
                self.same += 1;
                None
            }
            Some(evaluated) => {
                self.different += 1;
                Some(format!(
                    "`{}` is recorded as {}, but the recorded policy and job give {}",
                    recorded.permission,
                    describe(recorded.reason, recorded.rule.map(|rule| rule.line)),
                    describe(evaluated.reason, evaluated.rule.map(|rule| rule.line))
                ))
            }
        }
    }
}

fn is_same(recorded: &Recorded, evaluated: &Evaluated) -> bool {
    // With less detail, records leave the rule out.
    let rule_agrees = recorded.rule.is_none() || recorded.rule == evaluated.rule;
    recorded.reason == evaluated.reason && rule_agrees
}

fn describe(reason: Reason, rule: Option<u32>) -> String {
    let decision = reason.decision().as_str();
    match rule {
        Some(line) => format!("{decision} ({}, rule at line {line})", reason.code()),
        None => format!("{decision} ({})", reason.code()),
    }
}

fn human(found: &Verified, colours: Colours) -> String {
    let mut text = String::new();
    for finding in &found.findings {
        let place = format!("{}:{}", finding.file, finding.line);
        let _ = writeln!(
            text,
            "{} {}",
            colours.strong(&place),
            colours.denied(&finding.what)
        );
    }
    let listed = u64::try_from(found.findings.len()).unwrap_or(u64::MAX);
    let more = (found.different + found.malformed).saturating_sub(listed);
    if more > 0 {
        let _ = writeln!(text, "and {more} more");
    }
    if !text.is_empty() {
        text.push('\n');
    }
    for (sha256, number) in &found.without_policy {
        let records = count(number, "record");
        let line = format!("{records}: no policy with SHA-256 {sha256} was found");
        let _ = writeln!(text, "{}", colours.warning(&line));
    }
    let _ = write!(
        text,
        "{}: {} decided the same, {} decided differently, {} malformed, {} without a decision to repeat, {} without \
         their policy",
        count(found.records, "record"),
        grouped(found.same),
        grouped(found.different),
        grouped(found.malformed),
        grouped(found.undecided),
        grouped(found.without_policy.values().sum::<u64>())
    );
    if found.other_lines > 0 {
        let others = count_of(
            found.other_lines,
            "line is not a record",
            "lines are not records",
        );
        let _ = write!(text, "; {others}");
    }
    text.push('\n');
    text
}
