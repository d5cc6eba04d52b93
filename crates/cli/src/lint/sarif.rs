//! Findings as SARIF 2.1.0 (docs.oasis-open.org/sarif), for code scanning, with GitHub's additional
//! requirements (docs.github.com, "SARIF support for code scanning").

use std::path::{Component, Path};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::file::Linted;
use super::fingerprint;
use analysis::lint::{Finding, Level, Lint, catalogue};
use analysis::report::text::visible;
use analysis::report::{DOCUMENTATION, lint_page};
use engine::policy::{Position, quoted};

/// Characters to encode in a path of a URI (RFC 3986, section 3.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Maximum number of results per run; GitHub rejects a file with more.
const MAX_RESULTS: usize = 25_000;

pub(super) fn render(files: &[Linted]) -> String {
    let directory = std::env::current_dir().unwrap_or_default();
    let mut findings: Vec<_> = files
        .iter()
        .flat_map(|file| file.findings.iter().map(move |finding| (file, finding)))
        .collect();
    if findings.len() > MAX_RESULTS {
        findings.sort_by_key(|(_, finding)| finding.level != Level::Error);
        findings.truncate(MAX_RESULTS);
    }
    let mut results = Vec::with_capacity(findings.len());
    for of_file in findings.chunk_by(|(one, _), (other, _)| std::ptr::eq(*one, *other)) {
        let Some((file, _)) = of_file.first() else {
            continue;
        };
        let uri = uri(&file.path, &directory);
        let fingerprints = fingerprint::of_lines(&file.text);
        results.extend(of_file.iter().map(|(_, finding)| {
            let line = usize::try_from(finding.position.line).unwrap_or_default();
            result(finding, &uri, fingerprints.get(line.saturating_sub(1)))
        }));
    }
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "repo-permissions",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": DOCUMENTATION,
                "rules": catalogue::ALL.iter().map(rule).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    log.to_string() + "\n"
}

fn rule(lint: &Lint) -> Value {
    let page = lint_page(lint.code);
    let help = format!("{} {page}", lint.summary);
    json!({
        "id": lint.code,
        "shortDescription": { "text": lint.summary },
        "fullDescription": { "text": lint.summary },
        "help": { "text": help },
        "helpUri": page,
        "defaultConfiguration": { "level": lint.level.as_str() },
    })
}

fn result(finding: &Finding, uri: &str, fingerprint: Option<&String>) -> Value {
    let end = Position {
        column: finding.end_column(),
        ..finding.position
    };
    let text = match &finding.help {
        Some(help) => format!("{} ({help})", finding.message),
        None => finding.message.clone(),
    };
    let mut result = json!({
        "ruleId": finding.code,
        "ruleIndex": catalogue::ALL.iter().position(|lint| lint.code == finding.code),
        "level": finding.level.as_str(),
        "message": { "text": visible(&text) },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri },
            "region": region(finding.position, end),
        }}],
    });
    let mut set = |key: &str, value: Value| {
        if let Some(result) = result.as_object_mut() {
            result.insert(key.to_owned(), value);
        }
    };
    if let Some(fingerprint) = fingerprint {
        set(
            "partialFingerprints",
            json!({ "primaryLocationLineHash": fingerprint }),
        );
    }
    if let Some(fix) = &finding.fix {
        let change = json!({
            "artifactLocation": { "uri": uri },
            "replacements": [{
                "deletedRegion": region(fix.range.start, fix.range.end),
                "insertedContent": { "text": fix.replacement },
            }],
        });
        let text = match &*fix.replacement {
            "" => "remove it".to_owned(),
            text => format!("write {}", quoted(text)),
        };
        set(
            "fixes",
            json!([{ "description": { "text": visible(&text) }, "artifactChanges": [change] }]),
        );
    }
    result
}

fn region(start: Position, end: Position) -> Value {
    json!({
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
    })
}

/// Returns a URI relative to the working directory, which in a job is the root of the repository, or an
/// absolute one for a file elsewhere.
fn uri(path: &Path, directory: &Path) -> String {
    let relative = path.strip_prefix(directory).unwrap_or(path);
    let segments: Vec<_> = relative
        .components()
        .filter_map(|component| match component {
            Component::Normal(name) => {
                Some(utf8_percent_encode(&name.to_string_lossy(), ENCODED).to_string())
            }
            Component::ParentDir => Some("..".to_owned()),
            _ => None,
        })
        .collect();
    let root = if relative.is_absolute() {
        "file:///"
    } else {
        ""
    };
    format!("{root}{}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_relative_and_encoded() {
        let here = Path::new("/repo");
        for (path, expected) in [
            ("./a b/p#1.yml", "a%20b/p%231.yml"),
            ("/repo/.github/p.yml", ".github/p.yml"),
            ("../p.yml", "../p.yml"),
            ("/else/p.yml", "file:///else/p.yml"),
            ("a:b.yml", "a%3Ab.yml"),
        ] {
            assert_eq!(uri(Path::new(path), here), expected);
        }
    }
}
