//! A bar on a terminal that shows how far a long command is.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

/// A bar on standard error in this style; hidden where that is no terminal, or one that cannot move its
/// cursor.
pub(super) fn bar(style: &str) -> ProgressBar {
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    let target = match std::io::stderr().is_terminal() && !is_dumb {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    // It is cleared also where it is left by an error.
    let bar = ProgressBar::with_draw_target(None, target).with_finish(ProgressFinish::AndClear);
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}
