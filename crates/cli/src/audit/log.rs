//! Reads audit logs line by line.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use anyhow::{Context as _, anyhow};

use analysis::audit::Recorded;
use engine::policy::quoted;

/// Maximum length of a line in bytes.
const MAX_LINE: usize = 1 << 20;

/// A line that is a record, or looks like one.
pub(crate) struct Line<'l> {
    /// Line number, from 1.
    pub number: u64,
    pub text: &'l str,
    pub record: anyhow::Result<Recorded>,
    /// Number of bytes from the start of the file to the end of the line.
    pub read: u64,
}

/// Calls `take` for each record of a log, and skips the other lines, of which a job's log has many. Returns the
/// number of these that are not empty.
///
/// # Errors
/// The file cannot be read, or `take` failed.
pub(crate) fn each_record(
    path: &Path,
    mut take: impl FnMut(&Line<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<u64> {
    let name = quoted(&path.display().to_string());
    let unreadable = || format!("the audit log {name} cannot be read");
    let file = File::open(path).with_context(unreadable)?;
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let (mut number, mut read, mut others) = (0, 0_u64, 0);
    loop {
        bytes.clear();
        let taken = (&mut reader).take(limit).read_until(b'\n', &mut bytes);
        let taken = taken.with_context(unreadable)?;
        if taken == 0 {
            return Ok(others);
        }
        number += 1;
        read = read.saturating_add(u64::try_from(taken).unwrap_or(u64::MAX));
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end();
        let record = if taken == MAX_LINE && !bytes.ends_with(b"\n") {
            // The rest of the line must not pass for another line.
            skip_line(&mut reader).with_context(unreadable)?;
            Some(Err(anyhow!(
                "it has more than {MAX_LINE} bytes, which is the limit"
            )))
        } else {
            Recorded::parse(text).map(|record| Ok(record?))
        };
        match record {
            Some(record) => take(&Line {
                number,
                text,
                record,
                read,
            })?,
            None => others += u64::from(!text.is_empty()),
        }
    }
}

fn skip_line(reader: &mut BufReader<File>) -> std::io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let length = buffer.len();
        reader.consume(end.map_or(length, |end| end + 1));
        if end.is_some() || length == 0 {
            return Ok(());
        }
    }
}
