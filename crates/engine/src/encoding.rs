//! Decodes files to text.

use serde::{Deserialize, Serialize};

/// Decodes a file.
///
/// # Errors
/// The bytes are not UTF-8 text.
pub fn text_of(bytes: Vec<u8>) -> Result<String, NotText> {
    String::from_utf8(bytes).map_err(|error| match error.as_bytes() {
        // No UTF-8 text starts with the byte order mark of UTF-16.
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => NotText::Utf16,
        _ => NotText::At(error.utf8_error().valid_up_to()),
    })
}

/// Why bytes are not text, worded as the end of a sentence that starts with `it is`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum NotText {
    /// UTF-16, which some editors on Windows write.
    #[error("UTF-16, save it as UTF-8")]
    Utf16,
    /// Invalid UTF-8; this byte offset is the first invalid one.
    #[error("not UTF-8 text: byte {0}")]
    At(usize),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_utf_8_is_text() {
        for (bytes, text) in [
            (&b""[..], Ok("")),
            ("größe: 👩\u{feff}".as_bytes(), Ok("größe: 👩\u{feff}")),
            (b"\xef\xbb\xbfversion: 1", Ok("\u{feff}version: 1")),
            (b"a\xff", Err("not UTF-8 text: byte 1")),
            (b"a\xc3", Err("not UTF-8 text: byte 1")),
            (b"\xed\xa0\x80", Err("not UTF-8 text: byte 0")),
            (b"\xff", Err("not UTF-8 text: byte 0")),
            (b"\xff\xfev\0", Err("UTF-16, save it as UTF-8")),
            (b"\xfe\xff\0v", Err("UTF-16, save it as UTF-8")),
        ] {
            let found = text_of(bytes.to_vec()).map_err(|why| why.to_string());
            let found = found.as_deref().map_err(String::as_str);
            assert_eq!(found, text, "{bytes:?}");
        }
    }
}
