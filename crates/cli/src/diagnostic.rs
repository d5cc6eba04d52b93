//! Diagnostics for people: the line of a file with the affected part underlined.

use std::ops::Range;
use std::path::Path;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Snippet};

use super::style::Colours;
use analysis::cases::FileError;
use analysis::lint;
use analysis::lint::{Finding, Source};
use analysis::report::text::visible;
use engine::encoding::text_of;
use engine::policy::{Format, MAX_FILE, Position, Problem};

/// Maximum number of characters before and after the underlined part, so that a policy of one long line
/// stays readable.
const MAX_CONTEXT: usize = 60;

/// A finding of lint, a problem of the policy, or an error of a file of cases.
#[derive(Clone, Copy, Debug)]
pub(super) struct Diagnostic<'d> {
    level: lint::Level,
    code: Option<&'d str>,
    message: &'d str,
    help: Option<&'d str>,
    position: Position,
    /// In characters; 0 marks a point.
    length: u32,
}

impl<'d> From<&'d Finding> for Diagnostic<'d> {
    fn from(finding: &'d Finding) -> Self {
        Self {
            level: finding.level,
            code: Some(finding.code),
            message: &finding.message,
            help: finding.help.as_deref(),
            position: finding.position,
            length: finding.length,
        }
    }
}

impl<'d> From<&'d Problem> for Diagnostic<'d> {
    fn from(problem: &'d Problem) -> Self {
        Self {
            level: lint::Level::Error,
            code: None,
            message: &problem.message,
            help: problem.help.as_deref(),
            position: problem.position,
            length: problem.length,
        }
    }
}

impl<'d> Diagnostic<'d> {
    /// Returns `None` for an error without a position.
    pub(super) fn of_file_error(error: &'d FileError) -> Option<Self> {
        Some(Self {
            level: lint::Level::Error,
            code: None,
            message: &error.message,
            help: error.help.as_deref(),
            position: error.position?,
            length: error.length,
        })
    }
}

/// Renders the diagnostics of a file, with an empty line after each.
pub(super) fn render<'d>(
    file: &str,
    source: &Source<'_>,
    diagnostics: impl IntoIterator<Item = impl Into<Diagnostic<'d>>>,
    colours: Colours,
) -> String {
    let renderer = colours.renderer();
    let file = visible(file);
    let mut text = String::new();
    for diagnostic in diagnostics {
        let rendered = renderer.render(&[group(diagnostic.into(), source, &file)]);
        let lines = rendered.lines().filter(|line| !is_empty_origin(line));
        lines.for_each(|line| {
            text.push_str(line);
            text.push('\n');
        });
        text.push('\n');
    }
    text
}

/// Returns whether a line is only `:::`, the mark of a second file. `annotate-snippets` prints it when the
/// path has an element of its own, without a second file.
fn is_empty_origin(line: &str) -> bool {
    let mut parts = line.split('\u{1b}');
    let first = parts.next().unwrap_or_default();
    let rest = parts.map(|part| part.split_once('m').map_or("", |(_, text)| text));
    std::iter::once(first)
        .chain(rest)
        .collect::<String>()
        .trim()
        == ":::"
}

/// Reads a file and renders its diagnostics; without the lines if the file is no longer readable.
pub(super) fn render_file<'d>(
    file: &str,
    diagnostics: impl IntoIterator<Item = impl Into<Diagnostic<'d>>>,
    colours: Colours,
) -> String {
    let bytes = platform::read_capped(Path::new(file), MAX_FILE).unwrap_or_default();
    let text = text_of(bytes).unwrap_or_default();
    let source = Source::new(&text, Format::of_path(file));
    render(file, &source, diagnostics, colours)
}

fn group<'a>(diagnostic: Diagnostic<'_>, source: &Source<'_>, file: &str) -> Group<'a> {
    let level = match diagnostic.level {
        lint::Level::Error => Level::ERROR,
        lint::Level::Warning => Level::WARNING,
        lint::Level::Note => Level::NOTE,
    };
    let at = diagnostic.position;
    let number = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    let (before, after) = source.around(at);
    let length = source.marked(at, diagnostic.length);
    let (shown, span) = excerpt(before, after, number(length));
    let title = level.primary_title(visible(diagnostic.message).into_owned());
    let title = match diagnostic.code {
        Some(code) => title.id(code.to_owned()),
        None => title,
    };
    let is_as_written = shown.get(..span.start) == Some(before);
    let snippet = Snippet::source(shown)
        .line_start(number(at.line))
        .annotation(AnnotationKind::Primary.span(span));
    let group = if is_as_written {
        title.element(snippet.path(file.to_owned()))
    } else {
        // The excerpt's columns differ from the file's.
        let origin = Origin::path(file.to_owned())
            .line(number(at.line))
            .char_column(number(at.column));
        title.element(origin).element(snippet)
    };
    match diagnostic.help {
        Some(help) => group.element(Level::HELP.message(visible(help).into_owned())),
        None => group,
    }
}
/// Returns the part of a line around a position, without control characters, and the span to underline. The
/// span counts bytes of the returned text, because a span off a character boundary panics.
fn excerpt(before: &str, after: &str, length: usize) -> (String, Range<usize>) {
    let mut shown = String::new();
    let mut chars = before.char_indices().rev();
    let cut = chars.nth(MAX_CONTEXT - 1).map_or(0, |(offset, _)| offset);
    if cut > 0 {
        shown.push('…');
    }
    shown.push_str(&visible(before.get(cut..).unwrap_or_default()));
    let mut chars = after.chars();
    let mut take = |count: usize| -> String { chars.by_ref().take(count).collect() };
    let start = shown.len();
    shown.push_str(&visible(&take(length.min(2 * MAX_CONTEXT))));
    let end = shown.len();
    shown.push_str(&visible(&take(MAX_CONTEXT)));
    if chars.next().is_some() {
        shown.push('…');
    }
    (shown, start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_marks_what_is_shown() {
        for (before, after, length, marked) in [
            ("branch: ", "main", 4, "main"),
            ("a\tb:", " \u{1b}[31m", 2, " \\u{1b}"),
            ("ä: ", "öü", 9, "öü"),
            ("short", "", 3, ""),
            ("", "", 0, ""),
        ] {
            let (shown, span) = excerpt(before, after, length);
            assert_eq!(shown.get(span).unwrap(), marked, "{after:?}");
            assert!(!shown.contains(char::is_control));
        }
        let (before, after) = ("ä".repeat(10_000), "y".to_owned() + &"z".repeat(10_000));
        let (shown, span) = excerpt(&before, &after, 1);
        assert_eq!(shown.get(span).unwrap(), "y");
        assert_eq!(shown.chars().count(), 1 + MAX_CONTEXT + 1 + MAX_CONTEXT + 1);
    }

    #[test]
    fn a_cut_line_keeps_the_place_of_the_file() {
        let text = format!("{{\"name\": \"{}\", \"x\": 1}}", "é".repeat(100));
        let source = Source::new(&text, Format::Json);
        let position = Position {
            line: 1,
            column: 114,
        };
        let problem = Problem::new(position, "unknown key `x`").over("x");
        let shown = render("p.json", &source, [&problem], Colours::default());
        insta::assert_snapshot!(shown, @r#"
        error: unknown key `x`
         --> p.json:1:114
          |
        1 | …ééééééééééééééééééééééééééééééééééééééééééééééééééééééééé", "x": 1}
          |                                                              ^^^
        "#);
        assert!(!render("p.json", &source, [&problem], Colours::ALWAYS).contains(":::"));
    }
}
