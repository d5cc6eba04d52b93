//! Files with a limit on their size.

use std::io::Read as _;
use std::path::Path;

/// The text of a file's bytes, or why it is none.
pub fn text_of(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        match error.as_bytes() {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "UTF-16, save it as UTF-8".to_owned(),
            _ => format!("not UTF-8 text: byte {at}"),
        }
    })
}

/// The bytes of a file of at most `cap` bytes.
pub fn read_capped(file: &Path, cap: usize) -> std::io::Result<Vec<u8>> {
    let file = std::fs::File::open(file)?;
    // The size is only a hint: it keeps the file from being read in small pieces.
    let size = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    capped(file, size, cap)
}

/// The bytes of standard input, of which there are at most `cap`.
pub fn read_stdin_capped(cap: usize) -> std::io::Result<Vec<u8>> {
    capped(std::io::stdin().lock(), 0, cap)
}

fn capped(from: impl std::io::Read, size: usize, cap: usize) -> std::io::Result<Vec<u8>> {
    let limit = cap.saturating_add(1);
    let mut bytes = Vec::with_capacity(size.min(limit));
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    from.take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > cap {
        let message = format!("larger than {cap} bytes, which is the limit");
        return Err(std::io::Error::new(
            std::io::ErrorKind::FileTooLarge,
            message,
        ));
    }
    Ok(bytes)
}
