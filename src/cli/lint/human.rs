//! Findings for people: the line of the policy with a mark under what is meant.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level as Shown, Origin, Snippet};

use super::{Linted, Summary};
use crate::cli::style::Colours;
use crate::policy::lint::{Finding, Level, Source};
use crate::report::text::visible;

/// The most characters of a line that are shown before and after the place, so that a policy of one
/// long line can be read.
const AROUND: usize = 60;

pub(super) fn render(files: &[Linted], summary: Summary, colours: Colours) -> String {
    let renderer = colours.renderer();
    let mut text = String::new();
    for file in files {
        let source = file.source();
        let name = file.name();
        for finding in &file.findings {
            text.push_str(&renderer.render(&[group(finding, &source, &visible(&name))]));
            text.push_str("\n\n");
        }
    }
    text.push_str(&summary.sentence(files.len()));
    text
}

fn group<'a>(finding: &Finding, source: &Source<'_>, file: &str) -> Group<'a> {
    let level = match finding.level {
        Level::Error => Shown::ERROR,
        Level::Warning => Shown::WARNING,
        Level::Note => Shown::NOTE,
    };
    let at = finding.position;
    let number = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    let (before, after) = source.around(at);
    let (shown, span) = excerpt(before, after, number(finding.length));
    let title = level
        .primary_title(visible(&finding.message).into_owned())
        .id(finding.code);
    let is_as_written = shown.get(..span.start) == Some(before);
    let snippet = Snippet::source(shown)
        .line_start(number(at.line))
        .annotation(AnnotationKind::Primary.span(span));
    let group = if is_as_written {
        title.element(snippet.path(file.to_owned()))
    } else {
        // The column of the excerpt is not the one of the file.
        let origin = Origin::path(file.to_owned())
            .line(number(at.line))
            .char_column(number(at.column));
        title.element(origin).element(snippet)
    };
    match &finding.help {
        Some(help) => group.element(Shown::HELP.message(visible(help).into_owned())),
        None => group,
    }
}

/// The part of a line around the place, without control characters, and where the place is in it.
/// The marks are computed on what is shown: a span off a character boundary would be a panic.
fn excerpt(before: &str, after: &str, length: usize) -> (String, Range<usize>) {
    let mut shown = String::new();
    let mut chars = before.char_indices().rev();
    let cut = chars.nth(AROUND - 1).map_or(0, |(offset, _)| offset);
    if cut > 0 {
        shown.push('…');
    }
    shown.push_str(&visible(before.get(cut..).unwrap_or_default()));
    let mut chars = after.chars();
    let mut take = |count: usize| -> String { chars.by_ref().take(count).collect() };
    let start = shown.len();
    shown.push_str(&visible(&take(length.min(2 * AROUND))));
    let end = shown.len();
    shown.push_str(&visible(&take(AROUND)));
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
        assert_eq!(shown.chars().count(), 1 + AROUND + 1 + AROUND + 1);
    }
}
