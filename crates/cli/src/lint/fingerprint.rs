//! Fingerprints of lines, by which GitHub recognises a finding when lines above it change.
//!
//! The action `github/codeql-action/upload-sarif` computes a missing `primaryLocationLineHash` and warns
//! about a different one, so this module computes the same number (its `fingerprints.ts`): a polynomial in
//! 37 over the first 100 UTF-16 units from the start of the line, without spaces and tabs, with `\n` for each
//! line end; then -1 for the end of the file, and zeros.

use std::collections::HashMap;

const UNITS: usize = 100;
const FACTOR: u64 = 37;
const END: u16 = u16::MAX;

/// Returns the fingerprint of each line of a text, in order.
pub(super) fn of_lines(text: &str) -> Vec<String> {
    let mut units = Vec::with_capacity(text.len() + 1);
    let mut starts = vec![0];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' => {}
            '\r' | '\n' => {
                if c == '\r' {
                    chars.next_if_eq(&'\n');
                }
                units.push(u16::from(b'\n'));
                starts.push(units.len());
            }
            c => units.extend_from_slice(c.encode_utf16(&mut [0; 2])),
        }
    }
    units.push(END);
    let mut seen: HashMap<u64, u32> = HashMap::new();
    let fingerprint = |start: usize| {
        let rest = units.iter().skip(start).copied();
        let padded = rest.chain(std::iter::repeat(0)).take(UNITS);
        let hash = padded.fold(0_u64, |hash, unit| {
            hash.wrapping_mul(FACTOR).wrapping_add(u64::from(unit))
        });
        let count = seen.entry(hash).or_default();
        *count += 1;
        format!("{hash:x}:{count}")
    };
    starts.into_iter().map(fingerprint).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values are those of the action's own tests.
    #[test]
    fn it_is_the_number_that_github_computes() {
        assert_eq!(of_lines(""), ["c129715d7a2bc9a3:1"]);
        let expected = [
            "e9496ae3ebfced30:1",
            "fb7c023a8b9ccb3f:1",
            "ce8ba1a563dcdaca:1",
            "e20e36e16fcb0cc8:1",
            "b3edc88f2938467e:1",
            "c8e28b0b4002a3a0:1",
            "c129715d7a2bc9a3:1",
        ];
        let text = " hello; \t\nworld!!!\n\n\n  \t\tGreetings\n End\n";
        for end in ["\n", "\r", "\r\n"] {
            assert_eq!(of_lines(&text.replace('\n', end)), expected, "{end:?}");
        }
        let same = of_lines(&"Lorem ipsum dolor sit amet.\n".repeat(10));
        assert_eq!(same.get(5).unwrap(), "a7f2ff13bc495cf2:6");
        assert_eq!(same.get(6).unwrap(), "a7f2ff1481e87703:1");
    }
}
