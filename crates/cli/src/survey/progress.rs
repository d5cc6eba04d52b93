//! Progress of the survey on a terminal.

use indicatif::ProgressBar;
use jiff::Timestamp;

use crate::output::warn;
use crate::progress;
use analysis::report::text::visible;
use github::RateLimit;

/// Style of the bar, without colours and short enough for any terminal.
const STYLE: &str = "{prefix} {bar:16} {human_pos} of {human_len}, {eta} left {msg}";

/// A bar, or lines on standard error if that is not a terminal.
pub(super) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub(super) fn new(owner: &str) -> Self {
        let bar = progress::bar(STYLE);
        bar.set_prefix(owner.to_owned());
        Self { bar }
    }

    /// Shows the progress. `with_action` counts the repositories so far that use the action.
    pub(super) fn show(&self, done: u64, total: u64, with_action: u64, limit: Option<RateLimit>) {
        let limit =
            limit.map(|limit| format!(", rate limit {} of {}", limit.remaining, limit.limit));
        self.bar.set_length(total);
        self.bar.set_position(done);
        let limit = limit.unwrap_or_default();
        self.bar
            .set_message(format!("({with_action} use the action{limit})"));
    }

    pub(super) fn asking(&self, name: &str) {
        self.bar.set_message(format!("({name})"));
    }

    pub(super) fn pausing(&self, until: Timestamp, why: &str) {
        let until = until.strftime("%H:%M:%S UTC");
        if self.bar.is_hidden() {
            warn(&format!("{why}: continuing at {until}"));
        } else {
            self.bar
                .set_message(visible(&format!("(until {until}: {why})")).into_owned());
        }
    }

    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
