//! Advice never contradicts the lint: what `check`, a report or a fix proposes has no finding, and
//! matches the value that it is proposed for.

use ::engine::context::{Base, Context};
use ::engine::decision::{Engine, Policies, Provenance, Question, decide};
use ::engine::policy::{Format, PermissionKey, Policy};
use analysis::lint::{LintOptions, apply_safe, lint};
use analysis::report::{Detail, Outcome, PolicyRecord, remedies};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

const REPOSITORY: &str = "acme-org/infra";
const KEY: &str = "ws:locks:create";
const NOW: &str = "2027-01-15T12:00:00Z";

const DIMENSIONS: &[&str] = &[
    "workflow",
    "branch",
    "base",
    "environment",
    "claims.team",
    "claims.ref",
    "claims.actor",
    "claims.runner_environment",
    "claims.repository_id",
];
const KINDS: &[&str] = &["plain", "exact", "glob", "regex"];

/// Names, what people take for names, globs and regexes, and what YAML takes for something else.
const TEXTS: &[&str] = &[
    "main",
    "Main",
    "deploy.yml",
    "production",
    "Production (EU)",
    "^Production (EU)$",
    "what?",
    "c++",
    "[main]",
    "a+b",
    "dependabot[bot]",
    "my-app[bot]",
    "x[bot]|y",
    "feature/*",
    "^feature/*$",
    "feature/**",
    "feature/x",
    "feature/x/y",
    "release*",
    "release-1",
    "*.yml",
    "deploy-*.yml",
    "deploy-x.yml",
    "**",
    "main|develop",
    "^main|develop$",
    "^main$",
    "^release/",
    r"^release/\d",
    "release/1.0",
    "release/1.0|x",
    r".*\\.yml",
    r".*\\.yml$",
    r"release/\d+",
    "release/1",
    "refs/heads/main",
    "^refs/heads/main$",
    "refs/heads/feature/*",
    "refs/heads/(main|develop)",
    "refs/heads/refs/tags/v1",
    "refs/tags/v1",
    ".github/workflows/deploy.yml",
    r"\.github/workflows/deploy-.*\.yml",
    "./.github/workflows/deploy.yml@refs/heads/main",
    "acme-org/infra/.github/workflows/deploy.yml",
    "ACME-org/Infra/.github/workflows/deploy-*.yml",
    "acme-org/shared/.github/workflows/deploy.yml",
    "octocat:main",
    "unknown:main",
    "gh-readonly-queue/main/pr-1-0a1b",
    "github_hosted",
    "github-hosted",
    "GitHub-Hosted",
    "123",
    "0123",
    "yes",
    "No",
    "null",
    "~",
    "1.0",
    "1e3",
    "# x",
    "a # b",
    "a: b",
    "a:",
    "'q'",
    "\"d\"",
    "it's",
    "*lead",
    "&lead",
    "!lead",
    "- lead",
    "trail ",
    " lead",
    "{x}",
    "a, b",
    "`a`",
    "größe",
    "🚀 prod",
    "a\u{200b}b",
    "a\u{2028}b",
    "\u{3164}",
    "a\nb",
    "a\tb",
    r"back\slash",
    "prod-",
    "a..b",
    "a b",
];

/// A policy in JSON, which is YAML too, of one rule that asks for one dimension.
fn policy(dimension: &str, patterns: &[Value], format: Format) -> String {
    let patterns = match patterns {
        [one] => one.clone(),
        several => json!(several),
    };
    let mut rule = json!({ "permission": KEY });
    match dimension.strip_prefix("claims.") {
        Some(claim) => rule["claims"] = json!({ claim: patterns }),
        None => rule[dimension] = patterns,
    }
    // Not a permission for everything.
    if dimension != "environment" {
        rule["environment"] = json!("production");
    } else {
        rule["branch"] = json!("main");
    }
    let text = json!({ "version": 1, "permissions": [rule] }).to_string();
    // What cannot be seen may not stand in a policy.
    let escaped = text.chars().map(|c| match (c.is_ascii(), format) {
        (true, _) => c.to_string(),
        (false, Format::Yaml) => format!("\\U{:08x}", u32::from(c)),
        (false, Format::Json) => {
            let units = c.encode_utf16(&mut [0; 2]).to_vec();
            units.iter().map(|unit| format!("\\u{unit:04x}")).collect()
        }
    });
    escaped.collect()
}

fn pattern(text: &str, kind: &str) -> Value {
    match kind {
        "plain" => json!(text),
        kind => json!({ kind: text }),
    }
}

/// A job that has a value in one dimension and fits the rule in the others.
fn job(dimension: &str, value: &str) -> Context {
    let mut context = Context {
        repository: Some(REPOSITORY.to_owned()),
        workflow: Some("other.yml".to_owned()),
        branch: Some("main".to_owned()),
        environment: Some("production".to_owned()),
        event: Some("push".to_owned()),
        ..Context::default()
    };
    let value = value.to_owned();
    match dimension {
        "workflow" => context.workflow = Some(value),
        "branch" => context.branch = Some(value),
        "environment" => context.environment = Some(value),
        "base" => {
            context.event = Some("pull_request".to_owned());
            context.base = Base::Branch(value);
        }
        claim => {
            let claim = claim.strip_prefix("claims.").unwrap().to_owned();
            context.claims.insert(claim, value);
        }
    }
    context
}

fn options() -> LintOptions {
    LintOptions {
        now: Some(NOW.parse().unwrap()),
        workflows: None,
        repository: Some(REPOSITORY.to_owned()),
    }
}

fn codes(text: &str, format: Format) -> Vec<&'static str> {
    let findings = lint(text, format, &options());
    findings.iter().map(|finding| finding.code).collect()
}

/// Whether the rule of a policy matches, or what a denial says, with what it says to change.
fn asked(text: &str, format: Format, context: &Context) -> Result<(), (String, Vec<String>)> {
    let Ok(document) = Policy::parse(text, format) else {
        panic!("not valid: {text}");
    };
    let engine = Engine::new(document);
    let key = PermissionKey::parse(KEY.into()).unwrap();
    let now = NOW.parse().unwrap();
    let Ok(permissions) = decide(
        Policies::one(&engine, Provenance::Offline),
        Question::new(&[key], context, now),
    ) else {
        return Err((String::new(), Vec::new()));
    };
    if permissions[0].rule.is_some() {
        return Ok(());
    }
    let file = match format {
        Format::Yaml => "policy.yml",
        Format::Json => "policy.json",
    };
    let record = PolicyRecord {
        file: file.to_owned(),
        ..PolicyRecord::default()
    };
    let outcome = Outcome::decided(permissions, context, record, Detail::Full);
    let remedies = remedies(&outcome.permissions[0], context);
    let policies = remedies.into_iter().filter_map(|change| change.policy);
    let sentence = outcome.permissions[0]
        .nearest
        .as_ref()
        .unwrap()
        .sentence
        .clone();
    Err((sentence, policies.collect()))
}

/// The texts in back quotes, of which there are more around a text that has some itself.
fn quoted(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('`') {
        let opened = &rest[at..];
        let fence = &opened[..opened.len() - opened.trim_start_matches('`').len()];
        let inside = &opened[fence.len()..];
        let Some(end) = inside
            .match_indices(fence)
            .map(|(end, _)| end)
            .find(|end| !inside[end + fence.len()..].starts_with('`'))
        else {
            break;
        };
        let value = &inside[..end];
        let spaced = value.strip_prefix(' ').and_then(|v| v.strip_suffix(' '));
        found.push(
            spaced
                .filter(|_| fence.len() > 1)
                .unwrap_or(value)
                .to_owned(),
        );
        rest = &inside[end + fence.len()..];
    }
    found
}

/// A policy whose rule has a proposed line or pattern instead of its own.
fn with(dimension: &str, proposed: &str, format: Format) -> String {
    let name = dimension.strip_prefix("claims.").unwrap_or(dimension);
    let line = match format {
        Format::Yaml => format!("{name}: "),
        Format::Json => format!("\"{name}\": "),
    };
    let value = proposed.strip_prefix(&line).unwrap_or(proposed);
    let mark = json!("THE PATTERN").to_string();
    policy(dimension, &[json!("THE PATTERN")], format).replace(&mark, value)
}

/// What is proposed for a job that a rule does not match has no finding and matches.
fn advise(dimension: &str, patterns: &[Value], value: &str, format: Format) -> usize {
    let text = policy(dimension, patterns, format);
    let context = job(dimension, value);
    let Err((sentence, proposals)) = asked(&text, format, &context) else {
        return 0;
    };
    let mut proposed: Vec<String> = proposals
        .iter()
        .filter_map(|proposal| quoted(proposal).into_iter().next())
        .collect();
    // The sentence writes YAML.
    if format == Format::Yaml
        && let Some((_, hint)) = sentence.rsplit_once(": write ")
    {
        proposed.extend(quoted(hint).into_iter().next());
    }
    for proposed in &proposed {
        let text = with(dimension, proposed, format);
        let found = codes(&text, format);
        assert!(
            found.is_empty(),
            "{patterns:?} for {value:?}: {text}: {found:?}"
        );
        let seen = asked(&text, format, &context);
        assert_eq!(seen, Ok(()), "{patterns:?} for {value:?}: {text}");
    }
    proposed.len()
}

fn other(format: Format) -> Format {
    match format {
        Format::Yaml => Format::Json,
        Format::Json => Format::Yaml,
    }
}

#[test]
fn what_a_denial_proposes_for_what_the_pattern_says() {
    let (mut count, mut format) = (0, Format::Yaml);
    for dimension in DIMENSIONS {
        for text in TEXTS {
            for kind in KINDS {
                // The text itself, and what it was probably meant for.
                let near = text
                    .trim_start_matches(['^', '.', '/'])
                    .trim_end_matches('$')
                    .replace("acme-org/infra/", "")
                    .replace("ACME-org/Infra/", "")
                    .replace("github/workflows/", "")
                    .replace(r"\.github/workflows/", "")
                    .replace("refs/heads/", "")
                    .replace(['*', '+'], "x")
                    .replace('\\', "");
                let near = near.split('@').next().unwrap();
                // Both syntaxes take turns.
                for (value, format) in [(*text, format), (near, other(format))] {
                    count += advise(dimension, &[pattern(text, kind)], value, format);
                }
                format = other(format);
            }
            format = other(format);
        }
    }
    assert!(count > 500, "{count}");
}

#[test]
fn what_the_lint_proposes() {
    let (mut count, mut format) = (0, Format::Yaml);
    for dimension in DIMENSIONS {
        for text in TEXTS {
            for kind in KINDS {
                let text = policy(dimension, &[pattern(text, kind)], format);
                count += fixed(dimension, &text, format);
                format = other(format);
            }
            format = other(format);
        }
    }
    assert!(count > 100, "{count}");
}

/// Each fix of a policy, put in place, leaves no finding, and so does what its help says to write.
fn fixed(dimension: &str, text: &str, format: Format) -> usize {
    let findings = lint(text, format, &options());
    let mut count = 0;
    for finding in &findings {
        let Some(fix) = &finding.fix else {
            continue;
        };
        count += 1;
        let mut safe = finding.clone();
        safe.fix = Some(analysis::lint::Fix {
            is_safe: true,
            ..fix.clone()
        });
        let (after, _) = apply_safe(text, format, &[safe]);
        assert_eq!(codes(&after, format), [""; 0], "{text}: {after}");
        let help = finding.help.clone().unwrap();
        if let Some((_, write)) = help.split_once("write ")
            && finding.code != "pattern-invalid"
        {
            let written = quoted(write).remove(0);
            let after = with(dimension, &written, format);
            assert_eq!(codes(&after, format), [""; 0], "{text}: {help}: {after}");
        }
    }
    count
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_denial_proposes(
        dimension in select(DIMENSIONS),
        first in (select(TEXTS), select(KINDS)),
        second in proptest::option::of((select(TEXTS), select(KINDS))),
        value in prop_oneof![select(TEXTS).prop_map(str::to_owned), "[a-z/*+?()\\[\\]{}|. \\\\-]{1,8}"],
        format in select(&[Format::Yaml, Format::Json][..]),
    ) {
        let patterns: Vec<_> = [Some(first), second].into_iter().flatten().collect();
        let patterns: Vec<_> = patterns.iter().map(|(text, kind)| pattern(text, kind)).collect();
        advise(dimension, &patterns, &value, format);
    }
}
