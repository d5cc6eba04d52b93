//! Scans a regex character by character, for lints of its form.

/// A character of a regex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) c: char,
    /// Its start in bytes, including a backslash before it.
    pub(super) at: usize,
    /// Whether it follows a backslash, which is not an item of its own.
    pub(super) is_escaped: bool,
    /// Whether it is inside `[…]` or one of these brackets.
    pub(super) in_class: bool,
}

impl Item {
    /// Returns whether the character has its special meaning.
    pub(super) fn is_bare(self) -> bool {
        !self.is_escaped && !self.in_class
    }

    /// Returns whether it is this character with its special meaning.
    pub(super) fn is(self, c: char) -> bool {
        self.c == c && self.is_bare()
    }

    /// Returns whether it is a quantifier.
    pub(super) fn repeats(self) -> bool {
        self.is_bare() && matches!(self.c, '*' | '+' | '?' | '{')
    }
}

/// Scans a regex that compiles. The result is good enough for advice, but not for proofs.
pub(super) fn scan(regex: &str) -> Vec<Item> {
    let mut items = Vec::with_capacity(regex.len());
    let mut depth = 0_u32;
    // A `]` directly after `[` or `[^` belongs to the class.
    let mut opened = false;
    let mut chars = regex.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            let c = chars.next().map_or(c, |(_, escaped)| escaped);
            items.push(Item {
                c,
                at,
                is_escaped: true,
                in_class: depth > 0,
            });
            opened = false;
            continue;
        }
        let in_class = depth > 0 || c == '[';
        let was_opened = opened;
        opened = (c == '[') || (was_opened && c == '^');
        match c {
            '[' => depth = depth.saturating_add(1),
            ']' if !was_opened => depth = depth.saturating_sub(1),
            _ => {}
        }
        items.push(Item {
            c,
            at,
            is_escaped: false,
            in_class,
        });
    }
    items
}

/// Returns each item with its neighbours.
pub(super) fn neighbours(
    items: &[Item],
) -> impl Iterator<Item = (Option<Item>, Item, Option<Item>)> {
    let before = std::iter::once(None).chain(items.iter().copied().map(Some));
    let after = items
        .iter()
        .skip(1)
        .copied()
        .map(Some)
        .chain(std::iter::once(None));
    before
        .zip(items.iter().copied())
        .zip(after)
        .map(|((before, item), after)| (before, item, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_classes_are_distinguished() {
        let bare = |regex: &str| -> String {
            let items = scan(regex);
            items.iter().filter(|i| i.is_bare()).map(|i| i.c).collect()
        };
        assert_eq!(bare(r"a\*b*"), "ab*");
        assert_eq!(bare("a[*]b"), "ab");
        assert_eq!(bare("[]*]b"), "b");
        assert_eq!(bare("[^]*]b"), "b");
        assert_eq!(bare(r"[\]*]b"), "b");
        assert_eq!(bare("[a[bc]*]d"), "d");
        assert_eq!(bare("\\"), "");
    }
}
