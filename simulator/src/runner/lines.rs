//! Lines as the runner reads them.

/// Splits a stream into lines as .NET's `StreamReader.ReadLine` does: at LF, CR or CRLF.
pub fn split_lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some((line, after)) = rest.split_once(['\n', '\r']) {
        let ended_with_cr = rest.as_bytes().get(line.len()) == Some(&b'\r');
        lines.push(line);
        rest = if ended_with_cr {
            after.strip_prefix('\n').unwrap_or(after)
        } else {
            after
        };
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_carriage_return_ends_a_line() {
        assert_eq!(split_lines("a\rb\r\nc\n\nd"), ["a", "b", "c", "", "d"]);
        assert_eq!(split_lines("a\n"), ["a"]);
        assert!(split_lines("").is_empty());
    }
}
