//! What each output format of `diff` prints.

use analysis::compare::{Comparison, Replayed};

/// The comparison to print.
pub(super) struct View<'a> {
    /// The paths of the policies on the command line.
    pub(super) files: [&'a str; 2],
    pub(super) comparison: &'a Comparison<'a>,
    pub(super) replayed: Option<&'a Replayed>,
}
