//! From bytes to text.

use serde::{Deserialize, Serialize};

/// Returns the text of a file's bytes.
///
/// # Errors
/// They are not UTF-8 text.
pub fn text_of(bytes: Vec<u8>) -> Result<String, NotText> {
    String::from_utf8(bytes).map_err(|error| match error.as_bytes() {
        // Only UTF-16 starts with its byte order mark.
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => NotText::Utf16,
        _ => NotText::At(error.utf8_error().valid_up_to()),
    })
}

/// Why bytes are not text, as the end of a sentence that starts with `it is`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum NotText {
    /// They are text in an encoding that some editors of Windows write.
    #[error("UTF-16, save it as UTF-8")]
    Utf16,
    /// They are UTF-8 up to the byte at this place.
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
