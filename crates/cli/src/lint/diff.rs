//! Changes of the fixes as a unified diff.

use similar::{ChangeTag, TextDiff};

use super::file::Linted;
use crate::style::Colours;
use analysis::report::text::visible;

pub(super) fn render(file: &Linted, colours: Colours) -> String {
    let Some(before) = &file.fixed else {
        return String::new();
    };
    let diff = TextDiff::from_lines(&*before.text, &*file.text);
    let mut unified = diff.unified_diff();
    let mut text = String::new();
    let mut push = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    for sign in ["---", "+++"] {
        let line = format!("{sign} {}", file.name());
        push(colours.strong(&line).to_string());
    }
    for hunk in unified.context_radius(3).iter_hunks() {
        let header = hunk.header().to_string();
        push(colours.dim(&header).to_string());
        for change in hunk.iter_changes() {
            let line = change.value();
            let line = line.strip_suffix('\n').unwrap_or(line);
            // A tab is harmless on a terminal, and part of the line.
            let parts: Vec<_> = line.split('\t').map(visible).collect();
            let line = parts.join("\t");
            let sign = change.tag();
            push(match sign {
                ChangeTag::Equal => format!(" {line}"),
                ChangeTag::Delete => format!("{}{line}", colours.denied("-")),
                ChangeTag::Insert => format!("{}{line}", colours.granted("+")),
            });
            if change.missing_newline() {
                push("\\ No newline at end of file".to_owned());
            }
        }
    }
    text.push('\n');
    text
}
