//! Impossible values (`never-matches`, `trailing-dash-environment`) and missing workflow files (`extension`,
//! `unknown-workflow`).

use super::catalogue::{EXTENSION, NEVER_MATCHES, TRAILING_DASH_ENVIRONMENT, UNKNOWN_WORKFLOW};
use super::claims;
use super::dimension::Dimension;
use super::finding::Finding;
use super::findings::Findings;
use super::forms::Forms;
use super::replacement::{Replacement, propose, replace};
use crate::pattern_text::{branch_of, file_of, kinds};
use engine::policy::{CaseSensitivity, Kind, Pattern, Patterns, Rule, nearest, quoted};
use std::collections::BTreeSet;

const WORKFLOWS: &str = ".github/workflows/";

pub(super) fn check(dimension: Dimension<'_>, patterns: &Patterns, findings: &mut Findings<'_>) {
    for pattern in &patterns.list {
        match (dimension, is_name(pattern)) {
            (Dimension::Workflow, _) => workflow(pattern, findings),
            (Dimension::Branch, _) => branch(dimension, pattern, findings),
            (Dimension::Base, is_name) => base(pattern, is_name, findings),
            (Dimension::Repository, true) => repository_name(pattern, findings),
            (Dimension::Environment, is_name) => environment(pattern, is_name, findings),
            _ => {}
        }
    }
}

/// Finds regexes that no value matches, such as `[a&&b]`, `a^b` and, because an empty value is absent, `^$`.
pub(super) fn check_possible(
    dimension: Dimension<'_>,
    patterns: &Patterns,
    forms: &mut Forms,
    findings: &mut Findings<'_>,
) {
    let regexes = patterns.list.iter();
    for pattern in regexes.filter(|pattern| pattern.kind == Kind::Regex) {
        // Another check reports a claim that has other values.
        if forms.matches_any(dimension, pattern) || !claims::may_match(dimension, pattern, forms) {
            continue;
        }
        let message = format!("the regex {} matches no value", quoted(&pattern.text));
        let finding = findings.pattern(&NEVER_MATCHES, pattern, message);
        let matcher = pattern.compile(CaseSensitivity::Sensitive);
        findings.push(
            match matcher.is_ok_and(|matcher| matcher.matches(Some(""))) {
                true => finding.help("only `*` matches an absent value"),
                false => finding,
            },
        );
    }
}

fn is_name(pattern: &Pattern) -> bool {
    matches!(pattern.kind, Kind::Literal | Kind::Exact) && !pattern.text.is_empty()
}

/// Checks a workflow. Values are the name of a file in this repository, or `OWNER/REPO/PATH` in another one.
fn workflow(pattern: &Pattern, findings: &mut Findings<'_>) {
    let text: &str = &pattern.text;
    let name = quoted(text);
    let is_file = |name: &str| [".yml", ".yaml"].iter().any(|e| name.ends_with(e));
    if let Some(file) = file_of(text, pattern.kind, findings.repository.as_deref()) {
        let message = format!(
            "no job has the workflow {name}: a file of the repository itself is named without a path"
        );
        let finding = findings.pattern(&NEVER_MATCHES, pattern, message);
        let kinds = kinds(file, pattern.kind).map(|kind| (file, kind));
        push(Dimension::Workflow, pattern, kinds, finding, findings);
    } else if !is_name(pattern) {
    } else if text.contains("@refs/") {
        let message = format!("no job has the workflow {name}: it is a file without a ref");
        let finding = findings.pattern(&NEVER_MATCHES, pattern, message);
        findings.push(finding.help("remove the `@` and the text after it; `branch` names the ref"));
    } else if text.contains('/') {
        if !is_path_of_a_repository(text) {
            let message = format!("no job has the workflow {name}");
            let finding = findings.pattern(&NEVER_MATCHES, pattern, message);
            findings.push(finding.help(
                "write the file name, or `OWNER/REPO/.github/workflows/FILE` for a file of another repository",
            ));
        }
    } else if !is_file(text) {
        let message =
            format!("no job has the workflow {name}: it is the name of a file, not `name:` in it");
        let finding = findings.pattern(&NEVER_MATCHES, pattern, message);
        findings.push(finding.help("write the file name with its extension, such as `deploy.yml`"));
    }
}

fn is_path_of_a_repository(text: &str) -> bool {
    let mut parts = text.splitn(3, '/');
    let word = |extra: &'static [u8]| {
        move |part: &str| {
            let fits = |b: u8| b.is_ascii_alphanumeric() || extra.contains(&b);
            !part.is_empty() && part.bytes().all(fits)
        }
    };
    parts.next().is_some_and(word(b"-_"))
        && parts.next().is_some_and(word(b"-_."))
        && parts.next().is_some_and(|path| !path.is_empty())
}

/// Adds a finding about a name with a replacement.
fn push(
    dimension: Dimension<'_>,
    pattern: &Pattern,
    instead: [(&str, Kind); 3],
    finding: Finding,
    findings: &mut Findings<'_>,
) {
    let proposal = propose(dimension, pattern, instead, findings);
    findings.push(Replacement::advise(proposal, finding));
}

/// Checks a base, which is a branch of the repository itself, so it has neither an owner nor a full ref of another
/// kind.
fn base(pattern: &Pattern, is_name: bool, findings: &mut Findings<'_>) {
    let text = &*pattern.text;
    let is_other_ref = text.starts_with("refs/") && !text.starts_with("refs/heads/");
    if !is_name || !(text.contains(':') || is_other_ref) {
        return branch(Dimension::Base, pattern, findings);
    }
    let message = format!(
        "{} is never a base: a base is a branch of the repository itself",
        quoted(text)
    );
    let finding = findings.pattern(&NEVER_MATCHES, pattern, message);
    findings.push(finding.help("name the base branch of the pull requests"));
}

fn branch(dimension: Dimension<'_>, pattern: &Pattern, findings: &mut Findings<'_>) {
    let text: &str = &pattern.text;
    if let Some(short) = branch_of(text, pattern.kind) {
        let message = format!(
            "{} matches no branch: branch names do not start with `refs/heads/`",
            quoted(text)
        );
        let finding = findings.pattern(&NEVER_MATCHES, pattern, message);
        let kinds = kinds(short, pattern.kind).map(|kind| (short, kind));
        push(dimension, pattern, kinds, finding, findings);
    } else if is_name(pattern)
        && let Some(why) = no_ref(text)
    {
        let message = format!("no branch is named {}: a branch {why}", quoted(text));
        let finding = findings.pattern(&NEVER_MATCHES, pattern, message);
        findings.push(match text.ends_with('/') {
            true => finding.help("for all branches below a name, write `{ glob: \"NAME/**\" }`"),
            false => finding.help("write a branch name that git allows"),
        });
    }
}

/// Returns why git does not allow a ref name (git-check-ref-format), ignoring `:`, because the branch of a fork
/// is `OWNER:BRANCH`.
fn no_ref(name: &str) -> Option<&'static str> {
    if name
        .chars()
        .any(|c| c.is_control() || " ~^?*[\\".contains(c))
    {
        return Some("has no space and none of `~^?*[\\`");
    }
    if name.ends_with('/') || name.starts_with('/') || name.contains("//") {
        return Some("neither starts nor ends with `/`");
    }
    (name.contains("..") || name.ends_with('.') || name.ends_with(".lock"))
        .then_some("has no `..` and ends neither with `.` nor with `.lock`")
}

fn repository_name(pattern: &Pattern, findings: &mut Findings<'_>) {
    let is_part = |part: &str| {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        !part.is_empty() && part.bytes().all(fits)
    };
    let is_repository = pattern
        .text
        .split_once('/')
        .is_some_and(|(owner, name)| is_part(owner) && is_part(name));
    if !is_repository {
        let message = format!("no repository is named {}", quoted(&pattern.text));
        let finding = findings.pattern(&NEVER_MATCHES, pattern, message);
        findings.push(finding.help("write `OWNER/NAME`"));
    }
}

fn environment(pattern: &Pattern, is_name: bool, findings: &mut Findings<'_>) {
    let text: &str = &pattern.text;
    if is_name && text.ends_with('-') {
        let message = format!("the environment {} ends with a dash", quoted(text));
        let finding = findings.pattern(&TRAILING_DASH_ENVIRONMENT, pattern, message);
        findings.push(finding.help(
            "a name such as `prod-${{ vars.REGION }}` becomes this one if the variable is empty, and GitHub creates it without protection",
        ));
    }
}

/// Compares the files in a rule with the existing ones. `is_own` means that the rule applies to the policy's
/// repository; other entries can refer to files of other repositories.
pub(super) fn check_files(
    rule: &Rule,
    is_own: bool,
    files: &BTreeSet<String>,
    findings: &mut Findings<'_>,
) {
    let patterns = rule.workflow.iter().flat_map(|patterns| &patterns.list);
    for pattern in patterns.filter(|pattern| is_name(pattern)) {
        let file: &str = &pattern.text;
        let other = match (file.strip_suffix(".yml"), file.strip_suffix(".yaml")) {
            (Some(stem), _) => format!("{stem}.yaml"),
            (_, Some(stem)) => format!("{stem}.yml"),
            _ => continue,
        };
        if file.contains('/') || files.contains(file) {
            continue;
        }
        let wanted = quoted(&format!("{WORKFLOWS}{file}"));
        if files.contains(&other) {
            let message = format!("there is no {wanted}, but a file {}", quoted(&other));
            let fix = replace(pattern, &other, findings);
            let finding = findings.pattern(&EXTENSION, pattern, message);
            findings.push(finding.help(format!("write {}", quoted(&other))).fix(fix));
        } else if is_own {
            let message = format!("there is no {wanted}");
            let finding = findings.pattern(&UNKNOWN_WORKFLOW, pattern, message);
            findings.push(match nearest(file, files.iter().map(String::as_str)) {
                Some(known) => finding.help(format!("did you mean {}?", quoted(known))),
                None => finding,
            });
        }
    }
}
