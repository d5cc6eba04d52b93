//! Texts as one automaton: a sorted list, in which a state is the range of texts with a common prefix.

use std::collections::HashSet;
use std::sync::Arc;

/// Texts that each match one value, and ASCII texts of every case where the dimension ignores case.
pub(super) struct Literals {
    /// Sorted, each once.
    texts: Vec<(Arc<str>, u32)>,
    /// Number of the inner patterns' texts before each text, and before the end.
    inner: Vec<u32>,
    ignores_case: bool,
}

/// The texts that continue a prefix of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Prefix {
    from: u32,
    to: u32,
    length: u32,
}

impl Literals {
    /// Creates the automaton of texts with the numbers of their patterns, of which those below `inside` are inner. A
    /// text that ignores case must be in lower case, and each text must have one number.
    pub(super) fn new(mut texts: Vec<(Arc<str>, u32)>, inside: u32, ignores_case: bool) -> Self {
        texts.sort_unstable();
        let mut count = 0;
        let mut inner = vec![0];
        inner.extend(texts.iter().map(|(_, pattern)| {
            count += u32::from(*pattern < inside);
            count
        }));
        Self {
            texts,
            inner,
            ignores_case,
        }
    }

    /// Returns the empty prefix, or `None` without any text.
    pub(super) fn start(&self) -> Option<Prefix> {
        let to = u32::try_from(self.texts.len()).ok()?;
        (to > 0).then_some(Prefix {
            from: 0,
            to,
            length: 0,
        })
    }

    /// Returns the bytes of the texts, in each case that they match.
    pub(super) fn bytes(&self) -> HashSet<u8> {
        let texts = self.texts.iter();
        let of_texts: HashSet<u8> = texts.flat_map(|(text, _)| text.bytes()).collect();
        let bytes = 0..=u8::MAX;
        bytes
            .filter(|byte| of_texts.contains(&self.folded(*byte)))
            .collect()
    }

    /// Returns the byte that the texts have for a byte of a value.
    pub(super) fn folded(&self, byte: u8) -> u8 {
        match self.ignores_case {
            true => byte.to_ascii_lowercase(),
            false => byte,
        }
    }

    /// Collects the prefixes that are one byte longer, with this byte.
    pub(super) fn children(&self, prefix: Prefix, children: &mut Vec<(u8, Prefix)>) {
        children.clear();
        let byte = |text: &(Arc<str>, u32)| text.0.as_bytes().get(at(prefix.length)).copied();
        let mut from = prefix.from;
        if self.pattern(prefix).is_some() {
            from += 1;
        }
        while let Some(rest) = self.texts.get(at(from)..at(prefix.to))
            && let Some(first) = rest.first().and_then(byte)
            && let Ok(count) = u32::try_from(rest.partition_point(|one| byte(one) <= Some(first)))
        {
            let child = Prefix {
                from,
                to: from + count,
                length: prefix.length + 1,
            };
            from = child.to;
            children.push((first, child));
        }
    }

    /// Returns the pattern whose text the prefix is.
    pub(super) fn pattern(&self, prefix: Prefix) -> Option<u32> {
        let (text, pattern) = self.texts.get(at(prefix.from))?;
        (text.len() == at(prefix.length)).then_some(*pattern)
    }

    /// Returns whether a text of an inner pattern continues the prefix.
    pub(super) fn is_inner(&self, prefix: Prefix) -> bool {
        self.inner.get(at(prefix.from)) < self.inner.get(at(prefix.to))
    }
}

fn at(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
