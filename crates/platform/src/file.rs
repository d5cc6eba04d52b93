//! Reading files up to a maximum size.

use std::io::Read as _;
use std::path::Path;

use secrecy::SecretString;

/// Reads a file of at most `cap` bytes.
pub fn read_capped(file: &Path, cap: usize) -> std::io::Result<Vec<u8>> {
    let file = std::fs::File::open(file)?;
    // The size is only a hint, so that one read suffices.
    let size = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    capped(file, size, cap)
}

/// Reads a file with a secret of at most `cap` bytes. It must not be one that every user of this machine can read or
/// change; its group may be that of the service. Only Unix knows such permissions.
pub fn read_secret(file: &Path, cap: usize) -> std::io::Result<SecretString> {
    let file = std::fs::File::open(file)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(std::io::ErrorKind::IsADirectory.into());
    }
    check_is_private(&metadata)?;
    let bytes = capped(file, 0, cap)?;
    let text = String::from_utf8(bytes).map_err(|_| invalid("not UTF-8"))?;
    Ok(text.into())
}

#[cfg(unix)]
fn check_is_private(metadata: &std::fs::Metadata) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    match metadata.permissions().mode() & 0o007 {
        0 => Ok(()),
        _ => Err(std::io::Error::new(
            std::io::ErrorKind::PermissionDenied,
            "every user of this machine can use it: `chmod o= FILE`",
        )),
    }
}

#[cfg(not(unix))]
fn check_is_private(_: &std::fs::Metadata) -> std::io::Result<()> {
    Ok(())
}

fn invalid(why: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, why)
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
