//! Why a survey ends before its last repository.

use jiff::Timestamp;

/// Why the survey stopped.
#[derive(Debug)]
pub(super) enum Stop {
    /// A signal interrupted it.
    Interrupted,
    /// A rate limit is exhausted.
    Limited {
        /// When GitHub accepts requests again.
        until: Timestamp,
        /// GitHub's message.
        why: String,
    },
    /// An error that a retry can fix.
    Failed(String),
    /// A permanent error.
    Refused(String),
}
