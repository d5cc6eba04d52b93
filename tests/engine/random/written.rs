//! How a policy of the reference is written, in YAML and in JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::reference::{Pattern, PlainPolicy, Rule};

/// A text of a policy, and the line of each rule.
pub type Written = (String, Vec<u32>);

/// Texts that YAML reads as they are stay bare; the others go into single quotes, or into double
/// quotes where they have an odd length, so that all the styles occur.
fn yaml_text(text: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "-_/.:".contains(c);
    if text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(bare)
        && !text.ends_with(':')
        // Words of YAML 1.1: a policy has them in quotes.
        && !["true", "false", "yes", "no", "on", "off", "y", "n", "null"].contains(&text)
    {
        return text.to_owned();
    }
    if text.len() % 2 == 1 {
        return Value::from(text).to_string();
    }
    format!("'{}'", text.replace('\'', "''"))
}

fn yaml_patterns(patterns: &[Pattern]) -> String {
    let one = |pattern: &Pattern| match pattern {
        Pattern::Plain(text) => yaml_text(text),
        Pattern::Exact(text) => format!("{{ exact: {} }}", yaml_text(text)),
        Pattern::Glob(text) => format!("{{ glob: {} }}", yaml_text(text)),
        Pattern::Regex(text) => format!("{{ regex: {} }}", yaml_text(text)),
    };
    match patterns {
        [pattern] => one(pattern),
        several => format!(
            "[{}]",
            several.iter().map(one).collect::<Vec<_>>().join(", ")
        ),
    }
}

fn yaml_permissions(permissions: &[String]) -> String {
    match permissions {
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    }
}

fn yaml_rule(text: &mut String, rule: &Rule, indent: &str) {
    let permissions = yaml_permissions(&rule.permissions);
    let _ = writeln!(text, "{indent}- permission: {permissions}");
    if let Some(name) = &rule.name {
        let _ = writeln!(text, "{indent}  name: {}", yaml_text(name));
    }
    for (key, patterns) in [
        ("workflow", &rule.workflow),
        ("branch", &rule.branch),
        ("base", &rule.base),
        ("environment", &rule.environment),
    ] {
        if let Some(patterns) = patterns {
            let _ = writeln!(text, "{indent}  {key}: {}", yaml_patterns(patterns));
        }
    }
    if let Some(events) = &rule.events {
        let _ = writeln!(text, "{indent}  events:");
        for event in events {
            let _ = writeln!(text, "{indent}  - {event}");
        }
    }
    for (index, (claim, patterns)) in rule.claims.iter().enumerate() {
        if index == 0 {
            let _ = writeln!(text, "{indent}  claims:");
        }
        let _ = writeln!(text, "{indent}    {claim}: {}", yaml_patterns(patterns));
    }
    if let Some(year) = rule.expires_after_year {
        let _ = writeln!(text, "{indent}  expires: {year}-12-31");
    }
}

fn yaml_rules(text: &mut String, lines: &mut Vec<u32>, rules: &[Rule], indent: &str) {
    if rules.is_empty() {
        let _ = writeln!(text, "{indent}permissions: []");
        return;
    }
    let _ = writeln!(text, "{indent}permissions:");
    for rule in rules {
        lines.push(next_line(text));
        yaml_rule(text, rule, &format!("{indent}  "));
    }
}

fn next_line(text: &str) -> u32 {
    u32::try_from(text.matches('\n').count() + 1).unwrap()
}

pub fn yaml(policy: &PlainPolicy) -> Written {
    let (mut text, mut lines) = ("# a policy\nversion: 1\n".to_owned(), Vec::new());
    if let Some(rules) = &policy.permissions {
        yaml_rules(&mut text, &mut lines, rules, "");
    }
    if let Some(entries) = &policy.repositories {
        text += if entries.is_empty() {
            "repositories: []\n"
        } else {
            "repositories:\n"
        };
        for entry in entries {
            let repository = yaml_patterns(&entry.repository);
            let _ = writeln!(text, "- repository: {repository}");
            for (key, id) in [
                ("repository_id", entry.repository_id),
                ("owner_id", entry.owner_id),
            ] {
                if let Some(id) = id {
                    let _ = writeln!(text, "  {key}: {id}");
                }
            }
            if !entry.delegate.is_empty() {
                let _ = writeln!(text, "  delegate: {}", yaml_permissions(&entry.delegate));
            }
            yaml_rules(&mut text, &mut lines, &entry.permissions, "  ");
        }
    }
    (text, lines)
}

fn json_patterns(patterns: &[Pattern]) -> Value {
    let one = |pattern: &Pattern| match pattern {
        Pattern::Plain(text) => json!(text),
        Pattern::Exact(text) => json!({ "exact": text }),
        Pattern::Glob(text) => json!({ "glob": text }),
        Pattern::Regex(text) => json!({ "regex": text }),
    };
    match patterns {
        [pattern] => one(pattern),
        several => several.iter().map(one).collect(),
    }
}

fn json_rule(rule: &Rule) -> Value {
    let mut value = json!({ "permission": rule.permissions });
    if let Some(name) = &rule.name {
        value["name"] = json!(name);
    }
    for (key, patterns) in [
        ("workflow", &rule.workflow),
        ("branch", &rule.branch),
        ("base", &rule.base),
        ("environment", &rule.environment),
    ] {
        if let Some(patterns) = patterns {
            value[key] = json_patterns(patterns);
        }
    }
    if let Some(events) = &rule.events {
        value["events"] = json!(events);
    }
    for (claim, patterns) in &rule.claims {
        value["claims"][claim] = json_patterns(patterns);
    }
    if let Some(year) = rule.expires_after_year {
        value["expires"] = json!(format!("{year}-12-31"));
    }
    value
}

/// One rule a line.
fn json_rules(text: &mut String, lines: &mut Vec<u32>, rules: &[Rule]) {
    *text += "\"permissions\": [";
    for (index, rule) in rules.iter().enumerate() {
        *text += if index == 0 { "\n" } else { ",\n" };
        lines.push(next_line(text));
        *text += &json_rule(rule).to_string();
    }
    *text += "]";
}

pub fn json(policy: &PlainPolicy) -> Written {
    let (mut text, mut lines) = ("{\"version\": 1".to_owned(), Vec::new());
    if let Some(rules) = &policy.permissions {
        text += ", ";
        json_rules(&mut text, &mut lines, rules);
    }
    if let Some(entries) = &policy.repositories {
        text += ",\n\"repositories\": [";
        for (index, entry) in entries.iter().enumerate() {
            text += if index == 0 { "\n" } else { ",\n" };
            let _ = write!(
                text,
                "{{\"repository\": {}",
                json_patterns(&entry.repository)
            );
            for (key, id) in [
                ("repository_id", entry.repository_id),
                ("owner_id", entry.owner_id),
            ] {
                if let Some(id) = id {
                    let _ = write!(text, ", \"{key}\": {id}");
                }
            }
            if !entry.delegate.is_empty() {
                let _ = write!(text, ", \"delegate\": {}", json!(entry.delegate));
            }
            text += ", ";
            json_rules(&mut text, &mut lines, &entry.permissions);
            text += "}";
        }
        text += "]";
    }
    (text + "}\n", lines)
}
