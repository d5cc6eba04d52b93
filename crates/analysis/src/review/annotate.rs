//! Annotations on the lines of a pull request.

use super::reviewed::Reviewed;
use crate::lint::Level;
use crate::report::check::{Annotation, AnnotationLevel, MAX_ANNOTATIONS};
use crate::report::text::{truncate, visible};

/// Maximum length of a title, in characters.
const MAX_TITLE: usize = 250;
/// Maximum length of a message, in characters.
const MAX_MESSAGE: usize = 4_000;

/// Returns the annotations, the most severe first: errors of the policy and the cases, warnings and notes
/// on changed lines, and the access that the pull request adds and removes.
pub(super) fn annotations(reviewed: &Reviewed<'_>) -> Vec<Annotation> {
    let mut notes: Vec<_> = findings(reviewed).collect();
    notes.extend(cases(reviewed));
    notes.extend(access(reviewed));
    notes.sort_by_key(|note| note.annotation_level);
    notes.truncate(MAX_ANNOTATIONS);
    notes
}

fn note(path: &str, line: u32, level: AnnotationLevel, title: &str, message: &str) -> Annotation {
    Annotation {
        path: path.to_owned(),
        start_line: line,
        end_line: line,
        annotation_level: level,
        title: truncate(&visible(title), MAX_TITLE).into_owned(),
        message: truncate(&visible(message), MAX_MESSAGE).into_owned(),
    }
}

fn findings<'r>(reviewed: &'r Reviewed<'_>) -> impl Iterator<Item = Annotation> + 'r {
    let shown = reviewed.shown_findings();
    shown.map(|finding| {
        let level = match finding.level {
            Level::Error => AnnotationLevel::Failure,
            Level::Warning => AnnotationLevel::Warning,
            Level::Note => AnnotationLevel::Notice,
        };
        let message = match &finding.help {
            Some(help) => format!("{} ({help})", finding.message),
            None => finding.message.clone(),
        };
        let line = finding.position.line;
        note(&reviewed.material.path, line, level, finding.code, &message)
    })
}

fn cases<'r>(reviewed: &'r Reviewed<'_>) -> impl Iterator<Item = Annotation> + 'r {
    let cases = reviewed.cases.into_iter();
    cases.flat_map(|cases| {
        let failed = cases.failed().map(|(path, result)| {
            let title = format!("case `{}` fails", result.name);
            let message = format!(
                "expected {}, got {}: {}",
                result.expected.as_str(),
                result.got(),
                result.message
            );
            note(
                path,
                result.position.line,
                AnnotationLevel::Failure,
                &title,
                &message,
            )
        });
        let errors = cases.errors.iter().map(|error| {
            let line = error.position.map_or(1, |position| position.line);
            note(
                &error.file,
                line,
                AnnotationLevel::Failure,
                "the cases cannot run",
                &error.text(),
            )
        });
        failed.chain(errors)
    })
}

fn access<'r>(reviewed: &'r Reviewed<'_>) -> impl Iterator<Item = Annotation> + 'r {
    let path = &reviewed.material.path;
    let comparison = reviewed
        .comparison
        .filter(|_| reviewed.material.new.is_some());
    comparison.into_iter().flat_map(move |comparison| {
        let added = comparison.added.iter().map(move |change| {
            let line = reviewed.line_of_rule(change.position().line);
            let message = format!(
                "{} ({})",
                change.sentence(true).plain(),
                change.remark(true).plain()
            );
            note(
                path,
                line,
                AnnotationLevel::Warning,
                "access widens",
                &message,
            )
        });
        let removed = comparison.removed.iter().map(move |change| {
            let line = reviewed.lines.of_old(change.position().line);
            let message = format!(
                "{} ({})",
                change.sentence(false).plain(),
                change.remark(false).plain()
            );
            note(
                path,
                line,
                AnnotationLevel::Notice,
                "access narrows",
                &message,
            )
        });
        added.chain(removed)
    })
}
