//! A policy's text, read as YAML and as JSON: what is wrong stands inside the text, what is valid
//! means the same when it is written again in the other syntax or read by the other reader of YAML,
//! and `lint` can print and mend it.

use jiff::Timestamp;
use repo_permissions::cli::lint_text;
use repo_permissions::policy::lint::{Options, lint};
use repo_permissions::policy::{Document, Format, Kind, Pattern, Patterns, PermissionKey, Rule};
use serde_json::{Map, Value, json};

use super::places::Lines;

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for (format, name) in [(Format::Yaml, "p.yml"), (Format::Json, "p.json")] {
        let parsed = Document::parse(text, format);
        read(&parsed, text, format);
        linted(parsed.is_ok(), text, format, name);
    }
    read_by_both(text);
    // The standard library of JSON is stricter or as strict.
    if let (Ok(document), Ok(value)) = (
        Document::parse(text, Format::Json),
        serde_json::from_str::<Value>(text),
    ) {
        let again = value.to_string();
        let again = Document::parse(&again, Format::Json).expect("the same JSON, written again");
        assert_eq!(written(&document), written(&again));
    }
}

/// Plainly written YAML has a reader of its own, which a letter outside of ASCII keeps out, also in a
/// comment.
fn read_by_both(text: &str) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let with_letter = format!("# \u{e9}\n{text}");
    let any = Document::parse(text, Format::Yaml);
    let whole = Document::parse(&with_letter, Format::Yaml);
    assert_eq!(any.is_ok(), whole.is_ok(), "{text}");
    let (Ok(any), Ok(whole)) = (any, whole) else {
        return;
    };
    assert_eq!(written(&any), written(&whole), "{text}");
    let places = |document: &Document<'_>| -> Vec<_> {
        let positions = document.rules().map(|rule| rule.position);
        positions.map(|at| (at.line, at.column)).collect()
    };
    let below = places(&any).into_iter();
    let below: Vec<_> = below.map(|(line, column)| (line + 1, column)).collect();
    assert_eq!(below, places(&whole), "{text}");
}

fn read(
    parsed: &Result<Document<'_>, repo_permissions::policy::Invalid>,
    text: &str,
    format: Format,
) {
    let document = match parsed {
        Err(invalid) => {
            let lines = Lines::of(text, format);
            for problem in invalid.iter() {
                lines.assert_inside(problem.position);
                assert!(!problem.message.is_empty());
            }
            return;
        }
        Ok(document) => document,
    };
    let lines = Lines::of(text, format);
    for rule in document.rules() {
        lines.assert_inside(rule.position);
    }
    let value = written(document);
    let again = value.to_string();
    // YAML takes JSON, as long as its keys are short.
    for syntax in [Format::Json, Format::Yaml] {
        match Document::parse(&again, syntax) {
            Ok(document) => assert_eq!(written(&document), value, "{again}"),
            Err(invalid) => assert!(
                syntax == Format::Yaml && again.len() > 1024,
                "{invalid}\n{again}"
            ),
        }
    }
}

fn linted(is_valid: bool, text: &str, format: Format, name: &str) {
    let lines = Lines::of(text, format);
    let findings = lint(text, format, &Options::default());
    for finding in &findings {
        lines.assert_inside(finding.position);
        if let Some(fix) = &finding.fix {
            lines.assert_inside(fix.range.start);
            lines.assert_inside(fix.range.end);
        }
    }
    let is_invalid = findings.iter().any(|finding| finding.code == "invalid");
    assert_eq!(is_invalid, !is_valid);
    let (printed, mended) = lint_text(name, text.to_owned(), Timestamp::UNIX_EPOCH);
    for text in printed {
        // What is for programs escapes as JSON does.
        if serde_json::from_str::<Value>(&text).is_err() {
            let ours = |c: char| !c.is_control() || c == '\n';
            assert!(text.chars().all(ours), "{text:?}");
        }
    }
    match mended {
        Ok(None) => {}
        Ok(Some(mended)) => {
            Document::parse(&mended, format).expect("a mended policy");
        }
        Err(why) => assert!(!is_valid, "{why}"),
    }
}

/// The policy in JSON, in one way of writing it.
fn written(document: &Document<'_>) -> Value {
    let mut value = json!({ "version": 1 });
    if let Some(workspace) = &document.workspace {
        value["workspace"] = json!(workspace);
    }
    if let Some(list) = &document.permissions {
        value["permissions"] = rules(list);
    }
    if let Some((_, entries)) = &document.repositories {
        let entries = entries.iter().map(|entry| {
            let mut value = json!({
                "repository": patterns(&entry.repository),
                "permissions": rules(&entry.permissions),
            });
            if let Some(id) = entry.repository_id {
                value["repository_id"] = json!(id);
            }
            if let Some(id) = entry.owner_id {
                value["owner_id"] = json!(id);
            }
            if !entry.delegate.is_empty() {
                value["delegate"] = keys(&entry.delegate);
            }
            value
        });
        value["repositories"] = entries.collect();
    }
    value
}

fn rules(rules: &[Rule<'_>]) -> Value {
    let rules = rules.iter().map(|rule| {
        let mut value = json!({ "permission": keys(&rule.permissions) });
        if let Some(name) = &rule.name {
            value["name"] = json!(name);
        }
        for (key, list) in [
            ("workflow", &rule.workflow),
            ("branch", &rule.branch),
            ("environment", &rule.environment),
        ] {
            if let Some(list) = list {
                value[key] = patterns(list);
            }
        }
        if let Some(events) = &rule.events {
            value["events"] = json!(events);
        }
        if !rule.claims.is_empty() {
            let claims = rule.claims.iter();
            let claims = claims.map(|(name, list)| (name.to_string(), patterns(list)));
            value["claims"] = claims.collect::<Map<_, _>>().into();
        }
        if let Some(expires) = &rule.expires {
            value["expires"] = json!(expires.text);
        }
        value
    });
    rules.collect()
}

fn keys(keys: &[PermissionKey<'_>]) -> Value {
    keys.iter().map(PermissionKey::as_str).collect()
}

fn patterns(patterns: &Patterns<'_>) -> Value {
    patterns.list.iter().map(pattern).collect()
}

fn pattern(pattern: &Pattern<'_>) -> Value {
    let text = &pattern.text;
    match pattern.kind {
        Kind::Any | Kind::Literal => json!(text),
        Kind::Exact => json!({ "exact": text }),
        Kind::Glob => json!({ "glob": text }),
        Kind::Regex => json!({ "regex": text }),
    }
}
