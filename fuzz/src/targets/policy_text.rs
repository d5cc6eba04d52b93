//! A policy's text, read as YAML and as JSON: what is wrong stands inside the text, what is valid
//! means the same when it is written again in the other syntax, and `lint` can print and fix it.

use ::engine::policy::{Format, Kind, Pattern, Patterns, PermissionKey, Policy, Rule};
use analysis::lint::{LintOptions, lint};
use cli::lint_text;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::places::Lines;

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for (format, name) in [(Format::Yaml, "p.yml"), (Format::Json, "p.json")] {
        let parsed = Policy::parse(text, format);
        read(&parsed, text);
        linted(parsed.is_ok(), text, format, name);
    }
    // The standard library of JSON is stricter or as strict.
    if let (Ok(document), Ok(value)) = (
        Policy::parse(text, Format::Json),
        serde_json::from_str::<Value>(text),
    ) {
        let again = in_ascii(&value, Format::Json);
        let again = Policy::parse(&again, Format::Json).expect("the same JSON, written again");
        assert_eq!(written(&document), written(&again));
    }
}

fn read(parsed: &Result<Policy, ::engine::policy::Invalid>, text: &str) {
    let document = match parsed {
        Err(invalid) => {
            let lines = Lines::of(text);
            for problem in invalid.iter() {
                lines.assert_inside(problem.position);
                assert!(!problem.message.is_empty());
            }
            return;
        }
        Ok(document) => document,
    };
    let lines = Lines::of(text);
    for rule in document.rules() {
        lines.assert_inside(rule.position);
    }
    let value = written(document);
    // YAML takes JSON, as long as its keys are short.
    for syntax in [Format::Json, Format::Yaml] {
        let again = in_ascii(&value, syntax);
        match Policy::parse(&again, syntax) {
            Ok(document) => assert_eq!(written(&document), value, "{again}"),
            Err(invalid) => assert!(
                syntax == Format::Yaml && again.len() > 1024,
                "{invalid}\n{again}"
            ),
        }
    }
}

fn linted(is_valid: bool, text: &str, format: Format, name: &str) {
    let lines = Lines::of(text);
    let findings = lint(text, format, &LintOptions::default());
    for finding in &findings {
        lines.assert_inside(finding.position);
        if let Some(fix) = &finding.fix {
            lines.assert_inside(fix.range.start);
            lines.assert_inside(fix.range.end);
        }
    }
    let is_invalid = findings.iter().any(|finding| finding.code == "invalid");
    assert_eq!(is_invalid, !is_valid);
    let (printed, fixed) = lint_text(name, text.to_owned(), Timestamp::UNIX_EPOCH);
    for text in printed {
        // What is for programs escapes as JSON does.
        if serde_json::from_str::<Value>(&text).is_err() {
            let ours = |c: char| !c.is_control() || c == '\n';
            assert!(text.chars().all(ours), "{text:?}");
        }
    }
    match fixed {
        Ok(None) => {}
        Ok(Some(fixed)) => {
            Policy::parse(&fixed, format).expect("a fixed policy");
        }
        Err(why) => assert!(!is_valid, "{why}"),
    }
}

/// JSON with escapes for what a policy cannot have as it is.
fn in_ascii(value: &Value, syntax: Format) -> String {
    let mut text = String::new();
    for c in value.to_string().chars() {
        if matches!(c, ' '..='~') {
            text.push(c);
        } else if syntax == Format::Yaml {
            text.push_str(&format!("\\U{:08x}", u32::from(c)));
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}

/// The policy in JSON, in one way of writing it.
pub fn written(document: &Policy) -> Value {
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

fn rules(rules: &[Rule]) -> Value {
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

fn keys(keys: &[PermissionKey]) -> Value {
    keys.iter().map(PermissionKey::as_str).collect()
}

fn patterns(patterns: &Patterns) -> Value {
    patterns.list.iter().map(pattern).collect()
}

fn pattern(pattern: &Pattern) -> Value {
    let text = &pattern.text;
    match pattern.kind {
        Kind::Any | Kind::Literal => json!(text),
        Kind::Exact => json!({ "exact": text }),
        Kind::Glob => json!({ "glob": text }),
        Kind::Regex => json!({ "regex": text }),
    }
}
