//! Lines that a pull request changes.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use similar::{DiffOp, TextDiff};

/// Changed lines between two texts, counted from 1.
#[derive(Debug, Default)]
pub(super) struct Lines {
    changed: BTreeSet<u32>,
    ops: Vec<DiffOp>,
    /// Number of lines of the new text.
    count: u32,
}

impl Lines {
    pub(super) fn of(old: &str, new: &str) -> Self {
        let diff = TextDiff::from_lines(old, new);
        let ops = diff.ops().to_vec();
        let number = |index: usize| u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
        let changed = ops.iter().filter(|op| !matches!(op, DiffOp::Equal { .. }));
        Self {
            changed: changed.flat_map(DiffOp::new_range).map(number).collect(),
            count: u32::try_from(new.lines().count()).unwrap_or(u32::MAX),
            ops,
        }
    }

    /// Whether the line of the new text is added or changed.
    pub(super) fn is_changed(&self, line: u32) -> bool {
        self.changed.contains(&line)
    }

    /// Returns the first changed line in a range.
    pub(super) fn first_changed(&self, lines: RangeInclusive<u32>) -> Option<u32> {
        self.changed.range(lines).next().copied()
    }

    /// Maps a line of the old text to the new one; a removed line maps to the line at its position.
    pub(super) fn of_old(&self, line: u32) -> u32 {
        let index = usize::try_from(line)
            .unwrap_or(usize::MAX)
            .saturating_sub(1);
        let op = self.ops.iter().find(|op| op.old_range().contains(&index));
        let new = op.map_or(0, |op| {
            let into = index.saturating_sub(op.old_range().start);
            let last = op.new_range().len().saturating_sub(1);
            op.new_range().start + into.min(last)
        });
        let new = u32::try_from(new).unwrap_or(u32::MAX).saturating_add(1);
        new.min(self.count.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_changed_lines_and_maps_old_ones() {
        let lines = Lines::of("a\nb\nc\nd\ne\n", "a\nB\nB2\nc\ne\nf\n");
        let changed: Vec<_> = (1..=7).filter(|line| lines.is_changed(*line)).collect();
        assert_eq!(changed, [2, 3, 6]);
        assert_eq!(lines.first_changed(3..=9), Some(3));
        assert_eq!(lines.first_changed(4..=5), None);
        let old: Vec<_> = (1..=5).map(|line| lines.of_old(line)).collect();
        assert_eq!(old, [1, 2, 4, 5, 5]);
        assert_eq!(Lines::of("a\n", "").of_old(1), 1);
        assert_eq!(Lines::default().of_old(7), 1);
    }
}
