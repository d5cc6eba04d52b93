//! Reading files up to a maximum size.

use std::io::Read as _;
use std::path::Path;

/// Reads a file of at most `cap` bytes.
pub fn read_capped(file: &Path, cap: usize) -> std::io::Result<Vec<u8>> {
    let file = std::fs::File::open(file)?;
    // The size is only a hint, so that one read suffices.
    let size = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    capped(file, size, cap)
}

/// Reads at most `cap` bytes from standard input; more is an error.
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
