//! Findings as SARIF 2.1.0 (docs.oasis-open.org/sarif), for code scanning.

use std::path::{Component, Path};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::file::Linted;
use crate::policy::lint::{Finding, catalogue};
use crate::policy::quoted;

/// What a path of a URI keeps (RFC 3986, section 3.3).
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

pub(super) fn render(files: &[Linted]) -> String {
    let directory = std::env::current_dir().unwrap_or_default();
    let rules: Vec<_> = catalogue::ALL
        .iter()
        .map(|lint| {
            json!({
                "id": lint.code,
                "shortDescription": { "text": lint.summary },
                "defaultConfiguration": { "level": lint.level.as_str() },
            })
        })
        .collect();
    let results: Vec<_> = files
        .iter()
        .flat_map(|file| {
            let uri = uri(&file.path, &directory);
            file.findings
                .iter()
                .map(move |finding| result(finding, &uri))
        })
        .collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "repo-permissions",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    log.to_string() + "\n"
}

fn result(finding: &Finding, uri: &str) -> Value {
    let region = json!({
        "startLine": finding.position.line,
        "startColumn": finding.position.column,
        "endColumn": finding.end_column(),
    });
    let text = match &finding.help {
        Some(help) => format!("{} ({help})", finding.message),
        None => finding.message.clone(),
    };
    let mut result = json!({
        "ruleId": finding.code,
        "ruleIndex": catalogue::ALL.iter().position(|lint| lint.code == finding.code),
        "level": finding.level.as_str(),
        "message": { "text": text },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri },
            "region": region,
        }}],
    });
    if let (Some(fix), Some(result)) = (&finding.fix, result.as_object_mut()) {
        let (start, end) = (fix.range.start, fix.range.end);
        let change = json!({
            "artifactLocation": { "uri": uri },
            "replacements": [{
                "deletedRegion": {
                    "startLine": start.line,
                    "startColumn": start.column,
                    "endLine": end.line,
                    "endColumn": end.column,
                },
                "insertedContent": { "text": fix.replacement },
            }],
        });
        let text = match &*fix.replacement {
            "" => "remove it".to_owned(),
            text => format!("write {}", quoted(text)),
        };
        result.insert(
            "fixes".to_owned(),
            json!([{ "description": { "text": text }, "artifactChanges": [change] }]),
        );
    }
    result
}

/// Relative to where the program runs, which in a job is the root of the repository; the whole path
/// of a file that is elsewhere.
fn uri(path: &Path, directory: &Path) -> String {
    let relative = path.strip_prefix(directory).unwrap_or(path);
    let segments: Vec<_> = relative
        .components()
        .filter_map(|component| match component {
            Component::Normal(name) => {
                Some(utf8_percent_encode(&name.to_string_lossy(), KEPT).to_string())
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
