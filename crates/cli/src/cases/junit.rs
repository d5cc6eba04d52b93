//! Results of `test` as JUnit XML, in the form that CI systems read (testmoapp/junitxml). Jenkins's schema
//! accepts all of it except a case's `file` and `line`: its default plugin ignores them, other readers make
//! links and annotations of them.

use std::fmt::Write as _;

use super::failure::failure;
use super::files::{FileResult, Results};
use crate::style::Colours;
use analysis::cases::{CaseResult, FileError};

pub(super) fn junit(results: &Results) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let total = results
        .files
        .iter()
        .map(Counts::of)
        .fold(Counts::default(), |sum, file| Counts {
            tests: sum.tests + file.tests,
            failures: sum.failures + file.failures,
            errors: sum.errors + file.errors,
        });
    let _ = writeln!(
        xml,
        "<testsuites name=\"repo-permissions\" {}>",
        total.attributes()
    );
    for file in &results.files {
        let name = escape(&file.file);
        let counts = Counts::of(file).attributes();
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{name}\" {counts} skipped=\"0\" time=\"0\">"
        );
        for case in &file.cases {
            write_case(&mut xml, file, case);
        }
        write_errors(&mut xml, file);
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

#[derive(Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
}

impl Counts {
    fn of(file: &FileResult) -> Self {
        let failed = file.cases.iter().filter(|case| !case.has_passed()).count();
        let undecided = file.cases.iter().filter(|case| case.is_error()).count();
        let invalid = usize::from(!file.errors.is_empty());
        Self {
            tests: file.cases.len() + invalid,
            failures: failed - undecided,
            errors: undecided + invalid,
        }
    }

    fn attributes(&self) -> String {
        format!(
            "tests=\"{}\" failures=\"{}\" errors=\"{}\"",
            self.tests, self.failures, self.errors
        )
    }
}

fn write_case(xml: &mut String, file: &FileResult, case: &CaseResult) {
    let (name, line) = (escape(&case.name), case.position.line);
    let path = escape(&file.file);
    let _ = write!(
        xml,
        "    <testcase name=\"{name}\" classname=\"{path}\" file=\"{path}\" line=\"{line}\" time=\"0\""
    );
    if case.has_passed() {
        xml.push_str("/>\n");
        return;
    }
    let element = if case.is_error() { "error" } else { "failure" };
    let reason = case.reason.code();
    let expected = case.expected.as_str();
    let got = escape(&format!("expected {expected}, got {}", case.got()));
    let text = escape_text(&failure(file, case, Colours::default()));
    let _ = writeln!(
        xml,
        ">\n      <{element} type=\"{reason}\" message=\"{got}\">{text}</{element}>\n    </testcase>"
    );
}

/// Adds a failed case for a file that did not run. Without it, the file would look as if all its cases passed.
fn write_errors(xml: &mut String, file: &FileResult) {
    let texts: Vec<_> = file.errors.iter().map(FileError::text).collect();
    let Some(first) = texts.first() else { return };
    let (path, first, all) = (
        escape(&file.file),
        escape(first),
        escape_text(&texts.join("\n")),
    );
    let _ = writeln!(
        xml,
        "    <testcase name=\"the file can be run\" classname=\"{path}\" file=\"{path}\" time=\"0\">\n      \
         <error type=\"invalid\" message=\"{first}\">{all}</error>\n    </testcase>"
    );
}

/// Escapes a text for an attribute, where parsers turn line breaks into spaces unless they are references.
fn escape(text: &str) -> String {
    escape_text(text)
        .replace('\n', "&#10;")
        .replace('\t', "&#9;")
}

/// Escapes a text for an element. XML 1.0 forbids most control characters, U+FFFE and U+FFFF even as
/// references (section 2.2), so they appear as `\u{1b}`.
fn escape_text(text: &str) -> String {
    let mut xml = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\'' => xml.push_str("&apos;"),
            '\r' => xml.push_str("&#13;"),
            '\n' | '\t' => xml.push(c),
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => {
                xml.extend(c.escape_unicode());
            }
            c => xml.push(c),
        }
    }
    xml
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_a_file_is_markup() {
        for (text, attribute, element) in [
            ("a\"b'<&>", "a&quot;b&apos;&lt;&amp;&gt;", None),
            ("]]>", "]]&gt;", None),
            ("a\n\tb\r", "a&#10;&#9;b&#13;", Some("a\n\tb&#13;")),
            ("\u{1b}[31m\u{0}", r"\u{1b}[31m\u{0}", None),
            ("\u{fffe}\u{ffff}\u{85}", r"\u{fffe}\u{ffff}\u{85}", None),
            ("ö🦀", "ö🦀", None),
        ] {
            assert_eq!(escape(text), attribute);
            assert_eq!(escape_text(text), element.unwrap_or(attribute));
        }
    }
}
