//! Writes values and patterns for a policy, so that every parser reads them unchanged.

use super::characters::escape;
use super::format::Format;
use super::kind::Kind;
use crate::unicode::is_default_ignorable;

/// Returns a text as a scalar; in YAML without quotes if every parser reads it as the same text.
pub fn scalar(text: &str, format: Format) -> String {
    match format {
        Format::Yaml if is_plain(text) => text.to_owned(),
        _ => quoted_scalar(text, format),
    }
}

/// Returns a text as a quoted scalar, with escapes for invisible characters.
pub fn quoted_scalar(text: &str, format: Format) -> String {
    // Single quotes keep backslashes, which are frequent in regexes.
    match text.contains(['\\', '"']) {
        true => single_quoted(text, format),
        false => double_quoted(text, format),
    }
}

/// Returns a text as a scalar in single quotes, or in double quotes if it needs escapes.
pub fn single_quoted(text: &str, format: Format) -> String {
    match format == Format::Yaml && text.chars().all(is_shown) {
        true => format!("'{}'", text.replace('\'', "''")),
        false => double_quoted(text, format),
    }
}

/// Returns a text as a scalar in double quotes, with escapes for invisible characters.
pub fn double_quoted(text: &str, format: Format) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if is_shown(c) => quoted.push(c),
            c => quoted.push_str(&escape(c, format)),
        }
    }
    quoted + "\""
}

/// Returns a pattern, as plain text if this has the same meaning.
///
/// ```
/// # use engine::policy::{Format, Kind, written};
/// assert_eq!(written::pattern("main", Kind::Exact, Format::Yaml), "main");
/// assert_eq!(written::pattern("a+b", Kind::Exact, Format::Yaml), r#"{ exact: "a+b" }"#);
/// assert_eq!(written::pattern("v*", Kind::Glob, Format::Json), r#"{ "glob": "v*" }"#);
/// ```
pub fn pattern(text: &str, kind: Kind, format: Format) -> String {
    let is_value = |kind| matches!(kind, Kind::Literal | Kind::Exact);
    let plain = Kind::of(text);
    let name = match kind {
        Kind::Literal => Kind::Exact.name(),
        kind => kind.name(),
    };
    if plain == kind || (is_value(plain) && is_value(kind)) {
        return scalar(text, format);
    }
    // Always quoted, so that it looks like a glob.
    let text = match text.chars().all(|c| c.is_ascii_alphanumeric()) {
        true => scalar(text, format),
        false => quoted_scalar(text, format),
    };
    match format {
        Format::Yaml => format!("{{ {name}: {text} }}"),
        Format::Json => format!("{{ \"{name}\": {text} }}"),
    }
}

/// Whether a character is visible and unambiguous.
fn is_shown(c: char) -> bool {
    matches!(c, ' '..='~') || (c.is_alphanumeric() && !is_default_ignorable(c))
}

/// Whether some parser of YAML 1.1 or 1.2 reads an unquoted text as a boolean, null or a number.
fn is_word(text: &str) -> bool {
    const WORDS: [&str; 11] = [
        "y", "yes", "n", "no", "on", "off", "true", "false", "null", "nan", "inf",
    ];
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Whether a text needs no quotes at any position of a scalar.
fn is_plain(text: &str) -> bool {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || r" _./:-()|\^$+*".contains(c);
    // No number starts with a letter (yaml.org, section 10.3.2).
    (text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '(') || text.starts_with(".*"))
        && text.chars().all(is_safe)
        && !text.contains(": ")
        && !text.ends_with([':', ' '])
        && !is_word(text)
}

#[cfg(test)]
mod tests {
    use super::super::Policy;
    use super::super::token::ScalarKind;
    use super::super::yaml::resolve;
    use super::*;

    #[test]
    fn a_text_is_plain_where_no_reader_takes_it_for_anything_else() {
        for (text, yaml) in [
            ("deploy.yml", "deploy.yml"),
            ("release/v1.0", "release/v1.0"),
            ("ws:locks:create", "ws:locks:create"),
            ("deploy.yml in prod", "deploy.yml in prod"),
            ("1.0", "\"1.0\""),
            ("No", "\"No\""),
            ("a: b", "\"a: b\""),
            ("a:", "\"a:\""),
            ("a ", "\"a \""),
            ("a #b", "\"a #b\""),
            ("*", "\"*\""),
            ("", "\"\""),
            ("it's", "\"it's\""),
            ("größe", "\"größe\""),
            (r"release/\d+", r"release/\d+"),
            ("(main|develop)", "(main|develop)"),
            (r"[a]\d", r"'[a]\d'"),
            ("a\"b\\c'", "'a\"b\\c'''"),
            ("a\n\u{1b}\u{e0041}\\", "\"a\\u000A\\u001B\\U000E0041\\\\\""),
        ] {
            assert_eq!(scalar(text, Format::Yaml), yaml);
            let json = scalar(text, Format::Json);
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }

    #[test]
    fn a_word_that_some_reader_takes_for_another_value_is_quoted() {
        let words = [
            "y",
            "yes",
            "n",
            "no",
            "on",
            "off",
            "true",
            "false",
            "null",
            "~",
            "",
            ".nan",
            ".inf",
            "-.INF",
            "0",
            "1e3",
            "0x1f",
            "0o7",
            "1_000",
            "12:30",
            "2027-01-31",
            "=",
            "<<",
        ];
        let title = |word: &str| {
            let mut title = word.to_owned();
            title.get_mut(..1).map(str::make_ascii_uppercase);
            title
        };
        for word in words
            .iter()
            .flat_map(|word| [word.to_string(), word.to_ascii_uppercase(), title(word)])
        {
            assert_eq!(scalar(&word, Format::Yaml), format!("\"{word}\""));
        }
        // What this reader takes for anything but a text is always quoted.
        let texts = ('!'..='~').flat_map(|a| ('!'..='~').map(move |b| format!("{a}{b}")));
        for text in texts.filter(|text| resolve(text) != ScalarKind::Text) {
            assert!(!is_plain(&text), "{text}");
        }
    }

    #[test]
    fn a_pattern_is_read_as_what_it_is() {
        for (text, kind, yaml, json) in [
            ("main", Kind::Literal, "main", "\"main\""),
            ("main", Kind::Exact, "main", "\"main\""),
            (
                "main",
                Kind::Regex,
                "{ regex: main }",
                "{ \"regex\": \"main\" }",
            ),
            (
                "a+b",
                Kind::Exact,
                "{ exact: \"a+b\" }",
                "{ \"exact\": \"a+b\" }",
            ),
            ("a+b", Kind::Regex, "a+b", "\"a+b\""),
            ("a[bot]", Kind::Exact, "\"a[bot]\"", "\"a[bot]\""),
            (
                "feature/*",
                Kind::Glob,
                "{ glob: \"feature/*\" }",
                "{ \"glob\": \"feature/*\" }",
            ),
            ("*", Kind::Any, "\"*\"", "\"*\""),
            ("true", Kind::Literal, "\"true\"", "\"true\""),
            (
                "a\nb*",
                Kind::Exact,
                "{ exact: \"a\\u000Ab*\" }",
                "{ \"exact\": \"a\\u000Ab*\" }",
            ),
        ] {
            assert_eq!(pattern(text, kind, Format::Yaml), yaml);
            assert_eq!(pattern(text, kind, Format::Json), json);
            let policies = [
                (
                    Format::Yaml,
                    format!("version: 1\npermissions: [{{ permission: a:b, branch: [{yaml}] }}]"),
                ),
                (
                    Format::Json,
                    format!(
                        "{{\"version\":1,\"permissions\":[{{\"permission\":\"a:b\",\"branch\":{json}}}]}}"
                    ),
                ),
            ];
            for (format, policy) in policies {
                let document = Policy::parse(&policy, format).unwrap();
                let rule = document.rules().next().unwrap();
                let read = &rule.branch.as_ref().unwrap().list[0];
                assert_eq!(*read.text, *text);
                let is_value = |kind| matches!(kind, Kind::Literal | Kind::Exact);
                assert!(read.kind == kind || (is_value(kind) && is_value(read.kind)));
            }
        }
    }

    #[test]
    fn every_character_is_read_back() {
        let all: Vec<char> = (' '..=char::MAX).chain(['\t', '\n', '\r', '\0']).collect();
        // A pattern has at most 1,024 bytes.
        for characters in all.chunks(256) {
            let text: String = characters.iter().collect();
            for format in [Format::Yaml, Format::Json] {
                let written = quoted_scalar(&text, format);
                let policy = format!(
                    "{{\"version\":1,\"permissions\":[{{\"permission\":\"a:b\",\"branch\":{{\"exact\":{written}}}}}]}}"
                );
                let document = Policy::parse(&policy, format).unwrap();
                let rule = document.rules().next().unwrap();
                assert_eq!(*rule.branch.as_ref().unwrap().list[0].text, *text);
            }
        }
    }
}
