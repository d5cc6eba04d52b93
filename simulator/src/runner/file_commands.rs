//! Parses file commands such as `$GITHUB_OUTPUT` by the runner's rules: `FileCommandManager.cs` in actions/runner.

/// Maximum size of a summary; a larger one is not uploaded (`CreateStepSummaryCommand.AttachmentSizeLimit`).
pub const MAX_SUMMARY_BYTES: u64 = 1024 * 1024;

/// The pairs of a file, written as `NAME=VALUE` or `NAME<<DELIMITER`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pairs {
    /// Pairs in order, up to an error. The last of several pairs with the same name wins.
    pub pairs: Vec<(String, String)>,
    /// The runner's error, which ends the parsing and fails the step.
    pub error: Option<String>,
}

/// Parses `set_output_…`, `set_env_…` or `save_state_…`.
#[must_use]
pub fn parse_pairs(bytes: &[u8]) -> Pairs {
    let text = decode(bytes);
    let mut reader = Lines { rest: &text };
    let mut result = Pairs::default();
    while let Some(line) = reader.next_line() {
        if line.text.is_empty() {
            continue;
        }
        match parse_pair(line.text, &mut reader) {
            Ok((name, _)) if name.is_empty() => {
                // `ExecutionContext.SetOutput` rejects it.
                result.error = Some("Value cannot be null or empty. (Parameter 'name')".to_owned());
                return result;
            }
            Ok(pair) => result.pairs.push(pair),
            Err(error) => {
                result.error = Some(error);
                return result;
            }
        }
    }
    result
}

fn parse_pair(line: &str, reader: &mut Lines<'_>) -> Result<(String, String), String> {
    let equals = line.find('=');
    let heredoc = line.find("<<");
    match (equals, heredoc) {
        (Some(equals), heredoc) if heredoc.is_none_or(|heredoc| equals < heredoc) => {
            let (name, value) = line.split_once('=').unwrap_or((line, ""));
            Ok((name.to_owned(), value.to_owned()))
        }
        (_, Some(_)) => {
            let (name, delimiter) = line.split_once("<<").unwrap_or((line, ""));
            if name.is_empty() || delimiter.is_empty() {
                return Err(format!(
                    "Invalid format '{line}'. Name must not be empty and delimiter must not be empty"
                ));
            }
            Ok((name.to_owned(), read_heredoc(delimiter, reader)?))
        }
        _ => Err(format!("Invalid format '{line}'")),
    }
}

fn read_heredoc(delimiter: &str, reader: &mut Lines<'_>) -> Result<String, String> {
    let mut lines = Vec::new();
    loop {
        let line = reader
            .next_line()
            .ok_or_else(|| format!("Invalid value. Matching delimiter not found '{delimiter}'"))?;
        if line.text == delimiter {
            return Ok(lines.join("\n"));
        }
        if !line.ended {
            return Err("Invalid value. EOF marker missing new line.".to_owned());
        }
        lines.push(line.text);
    }
}

/// Parses the directories of `add_path_…`. The runner uses .NET's `ReadAllLines`, so a CR ends a line.
#[must_use]
pub fn parse_paths(bytes: &[u8]) -> Vec<String> {
    let text = decode(bytes);
    super::lines::split_lines(&text)
        .into_iter()
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Decodes as .NET's `File.ReadAllText` does: UTF-8 without a byte order mark, with U+FFFD for invalid bytes.
fn decode(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).into_owned()
}

/// Lines end at LF only. On Linux, a CR belongs to the line.
struct Lines<'a> {
    rest: &'a str,
}

struct Line<'a> {
    text: &'a str,
    /// Whether the line ends with LF; only the last may not.
    ended: bool,
}

impl<'a> Lines<'a> {
    fn next_line(&mut self) -> Option<Line<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let (text, rest, ended) = match self.rest.split_once('\n') {
            Some((text, rest)) => (text, rest, true),
            None => (self.rest, "", false),
        };
        self.rest = rest;
        Some(Line { text, ended })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        let result = parse_pairs(text.as_bytes());
        assert_eq!(result.error, None, "{text:?}");
        result.pairs
    }

    fn error(text: &str) -> String {
        parse_pairs(text.as_bytes()).error.unwrap()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn single_lines() {
        assert_eq!(
            pairs("a=1\n\nb=x=y\nc=\nd=<<E"),
            [
                pair("a", "1"),
                pair("b", "x=y"),
                pair("c", ""),
                pair("d", "<<E")
            ]
        );
        assert_eq!(pairs("a=1\r\n"), [pair("a", "1\r")]);
        assert_eq!(pairs("\u{feff}a=1"), [pair("a", "1")]);
    }

    #[test]
    fn heredocs() {
        assert_eq!(
            pairs("a<<E\nx\ny=1\n\nE\nb=2\n"),
            [pair("a", "x\ny=1\n"), pair("b", "2")]
        );
        assert_eq!(pairs("a<<E\nE"), [pair("a", "")]);
        assert_eq!(pairs("a<<E=\nx\nE=\n"), [pair("a", "x")]);
        // The delimiter counts only as a whole line, with its case.
        assert_eq!(pairs("a<<E\n E\ne\nE \nE\n"), [pair("a", " E\ne\nE ")]);
    }

    #[test]
    fn errors_are_the_runners() {
        assert_eq!(error("plain"), "Invalid format 'plain'");
        assert_eq!(
            error("<<E\nE\n"),
            "Invalid format '<<E'. Name must not be empty and delimiter must not be empty"
        );
        assert_eq!(
            error("a<<\n"),
            "Invalid format 'a<<'. Name must not be empty and delimiter must not be empty"
        );
        assert_eq!(
            error("a<<E\nx\n"),
            "Invalid value. Matching delimiter not found 'E'"
        );
        assert_eq!(
            error("a<<E\nx"),
            "Invalid value. EOF marker missing new line."
        );
        assert!(error("=x\n").contains("name"));
    }

    #[test]
    fn what_came_before_an_error_counts() {
        let result = parse_pairs(b"a=1\nbroken\nb=2\n");
        assert_eq!(result.pairs, [pair("a", "1")]);
        assert!(result.error.is_some());
    }

    #[test]
    fn paths_are_lines() {
        assert_eq!(parse_paths(b"/a\n\n/b\r/c"), ["/a", "/b", "/c"]);
    }
}
