//! Limits of work. They do not measure time, so that results are the same on every machine.

/// How hard a search tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Effort {
    /// Enough for most policies.
    Short,
    Full,
}

/// Limit of the work of each search, and of all together.
pub(super) struct Work {
    each: usize,
    left: usize,
}

impl Work {
    /// Creates the limit of many searches by the limit of one.
    pub(super) fn new(each: usize) -> Self {
        Self {
            each,
            left: each.saturating_mul(8),
        }
    }

    /// Returns the limit of the next search. Once the limit of all is reached, only short ones are possible.
    pub(super) fn limit(&self, effort: Effort) -> usize {
        match effort {
            Effort::Full if self.left > 0 => self.each,
            Effort::Full | Effort::Short => self.each / 100,
        }
    }

    pub(super) fn spend(&mut self, work: usize) {
        self.left = self.left.saturating_sub(work);
    }
}
