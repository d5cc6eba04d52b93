//! The index of the files of a large table, and its search box.

use std::fmt::Write as _;

use super::text::broken;
use crate::matrix::view::Page;
use crate::matrix::{Access, Row};
use engine::plural::count;

/// Maximum number of files without an index.
const MAX_UNINDEXED: usize = 12;

/// Whether the table is so long that it needs an index.
pub(super) fn is_needed(page: &Page<'_, '_>) -> bool {
    files(page).len() + page.folded.files_with_nothing().concat().len() > MAX_UNINDEXED
}

/// Returns the files in the table, sorted, with the number of their block and of the permissions that they can have.
fn files<'a>(page: &Page<'_, 'a>) -> Vec<(&'a str, usize, usize)> {
    let blocks = page.folded.blocks.iter().enumerate();
    let files = blocks.flat_map(|(index, block)| {
        let columns = 0..page.matrix.permissions.len();
        let granted = columns.filter(|column| block.rows.iter().any(|row| can(row, *column)));
        let granted = granted.count();
        block.files.iter().map(move |file| (*file, index, granted))
    });
    let mut files: Vec<_> = files.collect();
    files.sort_unstable();
    files
}

fn can(row: &Row<'_>, column: usize) -> bool {
    let access = row.cells.get(column).map(|cell| row.access(cell));
    matches!(access, Some(Access::Granted | Access::Perhaps))
}

/// Renders the index. The search box is hidden until the script has made it work.
pub(super) fn index(text: &mut String, page: &Page<'_, '_>) {
    let files = files(page);
    let _ = write!(
        text,
        "<div class=\"search\" role=\"search\" hidden=\"\" id=\"search\"><label for=\"words\">Search</label>\
         <input id=\"words\" type=\"search\" autocomplete=\"off\" spellcheck=\"false\" placeholder=\"file, environment, branch, event\"/>\
         <span role=\"status\" id=\"hits\"></span></div>\n\
         <details class=\"index\" id=\"index\" open=\"\"><summary>{} in the table, each with the number of its permissions</summary><ul>\n",
        count(files.len(), "file")
    );
    for (file, block, granted) in files {
        let _ = writeln!(
            text,
            "<li><a href=\"#b{}\">{}</a> <span class=\"count\">{granted}</span></li>",
            block + 1,
            broken(file)
        );
    }
    text.push_str("</ul></details>\n");
}
