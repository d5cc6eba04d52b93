//! Hexadecimal encoding.

/// Returns the bytes in lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let digits = halves.map(|half| char::from_digit(half.into(), 16).unwrap_or_default());
    digits.collect()
}
