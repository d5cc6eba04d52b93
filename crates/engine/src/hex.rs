//! Hexadecimal encoding.

/// Returns the bytes in lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        for half in [byte >> 4, byte & 15] {
            text.push(char::from(if half < 10 {
                b'0' + half
            } else {
                b'a' - 10 + half
            }));
        }
    }
    text
}
