//! Progress bar of a long command.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

/// Creates a bar on standard error in this style. It is hidden if standard error is not a terminal, or is one
/// that cannot move its cursor.
pub(super) fn bar(style: &str) -> ProgressBar {
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    let target = match std::io::stderr().is_terminal() && !is_dumb {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    // An error on the way clears it too.
    let bar = ProgressBar::with_draw_target(None, target).with_finish(ProgressFinish::AndClear);
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}
