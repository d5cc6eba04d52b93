//! `impossible-claim`: a pattern that no value of a claim with a known form matches.

use super::catalogue::IMPOSSIBLE_CLAIM;
use super::dimension::Dimension;
use super::findings::Findings;
use super::forms::Forms;
use super::replacement::{Replacement, propose};
use crate::pattern_text::{branch_of, kinds, without_anchors};
use engine::policy::{Kind, Pattern, Patterns, nearest, quoted};

/// Form of a claim's values.
struct Form {
    claims: &'static [&'static str],
    /// Regex for the whole value.
    regex: &'static str,
    words: &'static str,
    /// All values, if there are few.
    values: &'static [&'static str],
}

/// Forms that GitHub cannot change without breaking readers of its tokens.
///
/// Source: docs.github.com, "OpenID Connect reference" and "Choosing a username"; git-check-ref-format.
const FORMS: &[Form] = &[
    Form {
        claims: &[
            "actor_id",
            "check_run_id",
            "enterprise_id",
            "repository_id",
            "repository_owner_id",
            "run_attempt",
            "run_id",
            "run_number",
        ],
        regex: "[1-9][0-9]*",
        words: "decimal digits without a leading zero",
        values: &[],
    },
    Form {
        claims: &["sha", "workflow_sha", "job_workflow_sha"],
        regex: "[0-9a-f]{40}",
        words: "40 hexadecimal digits in lower case",
        values: &[],
    },
    Form {
        claims: &["ref"],
        regex: r"refs/[^\x00-\x20\x7f~^:?*\[\\]+",
        words: "a full ref, such as `refs/heads/main`",
        values: &[],
    },
    Form {
        claims: &["head_ref", "base_ref"],
        regex: r"[^\x00-\x20\x7f~^:?*\[\\]+",
        words: "the name of a branch, without `refs/heads/`",
        values: &[],
    },
    Form {
        claims: &["workflow_ref", "job_workflow_ref"],
        regex: "[A-Za-z0-9_-]+/[A-Za-z0-9._-]+/(?s:.)+@(?:refs/(?s:.)+|[0-9a-f]{40})",
        words: "`OWNER/REPO/.github/workflows/FILE@REF` with a full ref, such as `refs/heads/main`, or a commit",
        values: &[],
    },
    Form {
        claims: &["repository"],
        regex: "[A-Za-z0-9._-]+/[A-Za-z0-9._-]+",
        words: "`OWNER/NAME`",
        values: &[],
    },
    Form {
        claims: &["repository_owner"],
        regex: "[A-Za-z0-9_-]+",
        words: "the name of an account",
        values: &[],
    },
    Form {
        claims: &["actor"],
        regex: r"[A-Za-z0-9_-]+(?:\[bot\])?",
        words: "a login, or `NAME[bot]` for an App",
        values: &[],
    },
    Form {
        claims: &["event_name"],
        regex: "[a-z_]+",
        words: "the name of an event in lower case",
        values: &[],
    },
    Form {
        claims: &["iss"],
        regex: "https://(?s:.)+",
        words: "a URL that starts with `https://`",
        values: &[],
    },
    Form {
        claims: &["runner_environment"],
        regex: "github-hosted|self-hosted",
        words: "`github-hosted` or `self-hosted`",
        values: &["github-hosted", "self-hosted"],
    },
    Form {
        claims: &["ref_type"],
        regex: "branch|tag",
        words: "`branch` or `tag`",
        values: &["branch", "tag"],
    },
    Form {
        claims: &["ref_protected"],
        regex: "true|false",
        words: "`true` or `false`",
        values: &["true", "false"],
    },
    Form {
        claims: &["repository_visibility"],
        regex: "public|private|internal",
        words: "`public`, `private` or `internal`",
        values: &["public", "private", "internal"],
    },
];

fn form(dimension: Dimension<'_>) -> Option<(&str, &'static Form)> {
    let Dimension::Claim(claim) = dimension else {
        return None;
    };
    let form = FORMS.iter().find(|form| form.claims.contains(&claim));
    form.map(|form| (claim, form))
}

/// Returns whether a job can have a value of the dimension that the pattern matches.
pub(super) fn may_match(dimension: Dimension<'_>, pattern: &Pattern, forms: &mut Forms) -> bool {
    form(dimension).is_none_or(|(claim, form)| has_value(claim, form, pattern, forms))
}

fn has_value(claim: &str, form: &Form, pattern: &Pattern, forms: &mut Forms) -> bool {
    branch_of_claim(claim, pattern).is_none() && forms.may_match(pattern, form.regex)
}

/// Returns the branch of a pattern with `refs/heads/`, for a claim that is the name of a branch.
fn branch_of_claim<'p>(claim: &str, pattern: &'p Pattern) -> Option<&'p str> {
    let is_name = ["head_ref", "base_ref"].contains(&claim);
    branch_of(&pattern.text, pattern.kind).filter(|_| is_name)
}

pub(super) fn check(
    dimension: Dimension<'_>,
    patterns: &Patterns,
    forms: &mut Forms,
    findings: &mut Findings<'_>,
) {
    let Some((claim, form)) = form(dimension) else {
        return;
    };
    for pattern in &patterns.list {
        if has_value(claim, form, pattern, forms) {
            continue;
        }
        let message = format!(
            "no job has a claim {} that {} matches: the claim is {}",
            quoted(claim),
            quoted(&pattern.text),
            form.words
        );
        let finding = findings.pattern(&IMPOSSIBLE_CLAIM, pattern, message);
        let instead = suggestion(claim, pattern, form);
        let instead = instead.as_ref().map(|(text, kind)| (&**text, *kind));
        let proposal = propose(dimension, pattern, instead, findings);
        findings.push(Replacement::advise(proposal, finding));
    }
}

/// Returns the probably intended pattern.
fn suggestion(claim: &str, pattern: &Pattern, form: &Form) -> Option<(String, Kind)> {
    let text = match pattern.kind {
        Kind::Regex => without_anchors(&pattern.text),
        _ => &*pattern.text,
    };
    let before = |start: &str| match pattern.kind {
        Kind::Regex => (format!("{start}({text})"), Kind::Regex),
        kind => (format!("{start}{text}"), kind),
    };
    match claim {
        "ref" if text.starts_with("heads/") || text.starts_with("tags/") => Some(before("refs/")),
        "ref" => Some(before("refs/heads/")),
        "head_ref" | "base_ref" => {
            let name = branch_of_claim(claim, pattern)?;
            Some((name.to_owned(), kinds(name, pattern.kind)[0]))
        }
        "iss" if text.contains('/') || text.starts_with("token.actions.") => {
            Some(before("https://"))
        }
        "iss" => (pattern.kind != Kind::Regex).then(|| (issuer_of_host(text), Kind::Exact)),
        "workflow_ref" | "job_workflow_ref" => with_full_ref(text, pattern.kind),
        _ => {
            let value = nearest(text, form.values.iter().copied())?;
            Some((value.to_owned(), Kind::Exact))
        }
    }
}

/// Returns the issuer of a server's tokens.
///
/// Source: docs.github.com, "OpenID Connect reference"; GHES admin guide.
fn issuer_of_host(host: &str) -> String {
    match host {
        "github.com" => "https://token.actions.githubusercontent.com".to_owned(),
        host if host.ends_with(".ghe.com") => format!("https://token.actions.{host}"),
        host => format!("https://{host}/_services/token"),
    }
}

/// Returns a pattern for a workflow file with the full ref that the text behind its `@` means: `uses:` names a branch
/// or a tag, and the claim its full ref.
fn with_full_ref(text: &str, kind: Kind) -> Option<(String, Kind)> {
    // Behind the alternatives of a regex stands no single ref.
    if kind == Kind::Regex && text.contains('|') {
        return None;
    }
    let named = text
        .rsplit_once('@')
        .filter(|(_, name)| !name.contains(']'));
    let (file, name) = named.unwrap_or((text, "main"));
    let mut version = name.strip_prefix('v').unwrap_or(name).chars();
    let is_version = version
        .next()
        .is_some_and(|c| c.is_ascii_digit() || c == '\\');
    let place = match name.split_once('/') {
        Some(("heads" | "tags", _)) => "refs",
        _ if is_version => "refs/tags",
        _ => "refs/heads",
    };
    Some((format!("{file}@{place}/{name}"), kind))
}
