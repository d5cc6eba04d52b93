//! Escapes untrusted text for each output format.
//!
//! Others choose branches, environments, actors, policy texts and API responses. None of these may write a
//! workflow command, an output, Markdown, HTML, a mention, a link or a terminal escape sequence.

use std::borrow::Cow;

use engine::unicode::{is_bidi_control, is_default_ignorable};

/// Separates text that GitHub would turn into a link.
const ZERO_WIDTH_SPACE: char = '\u{200b}';
/// The one control character of ASCII that JSON does not escape.
const DELETE: char = '\u{7f}';
/// Maximum length of a value in a report, in characters.
pub const MAX_VALUE: usize = 256;

/// Returns one line of visible characters. It escapes invisible ones as `\n` or `\u{202e}`: control characters,
/// line breaks, bidi and zero-width characters, blanks other than the space, variation selectors, and all
/// others that Unicode lets a font ignore.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            c if is_invisible(c) => line.extend(c.escape_unicode()),
            c => line.push(c),
        }
    }
    Cow::Owned(line)
}

/// Returns whether a character is invisible, a blank other than the space, or changes how others look. Two values
/// that differ only in these would look the same.
fn is_invisible(c: char) -> bool {
    match c {
        ' '..='~' => false,
        // Interlinear annotation marks, and blanks that Unicode does not classify as white space: of Braille,
        // music, Khitan and hieroglyphs.
        '\u{fff9}'..='\u{fffb}'
        | '\u{2800}'
        | '\u{1d159}'
        | '\u{16fe4}'
        | '\u{13441}'
        | '\u{13442}' => true,
        c => c.is_control() || c.is_whitespace() || is_default_ignorable(c) || is_bidi_control(c),
    }
}

/// Returns at most `max` characters. If some are missing, the last one is `…`.
pub fn truncate(text: &str, max: usize) -> Cow<'_, str> {
    if text.chars().nth(max).is_none() {
        return Cow::Borrowed(text);
    }
    let kept: String = text.chars().take(max.saturating_sub(1)).collect();
    Cow::Owned(kept + "…")
}

/// Escapes characters above U+FFFF as `\u{1f680}`, because the API of commit statuses rejects them with 422.
pub fn basic_plane(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| c.len_utf8() < 4) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c.len_utf8() {
            4 => plain.extend(c.escape_unicode()),
            _ => plain.push(c),
        }
    }
    Cow::Owned(plain)
}

/// Escapes characters of a compact JSON text that affect a log or a terminal. The JSON stays the same, because these
/// characters occur only in strings, where an escape sequence is equivalent.
pub fn json_line(json: String) -> String {
    // Most texts need no escape, and a log has many of them.
    if json.is_ascii() && !json.contains(DELETE) && !json.contains("##[") {
        return json;
    }
    let mut line = String::with_capacity(json.len());
    for c in json.chars() {
        if is_invisible(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                line.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            line.push(c);
        }
    }
    line.replace("##[", "##\\u005b")
}

/// Returns at most `max` bytes, without splitting a character.
fn truncate_bytes(text: &str, max: usize) -> &str {
    let mut end = max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Returns a page of at most `max` bytes. A truncated page ends with `note`.
pub fn truncate_page(page: String, max: usize, note: &str) -> String {
    if page.len() <= max {
        return page;
    }
    let kept = truncate_bytes(&page, max.saturating_sub(note.len()));
    // Keep complete lines, because half a table row could leave a code span open.
    let kept = kept.rsplit_once('\n').map_or("", |(lines, _)| lines);
    format!("{kept}{note}")
}

/// Escapes a line of the job's log, where the runner reads commands: `::name::` at the start of a line, and the
/// older `##[name]` anywhere in one (runner: ActionCommand.cs).
pub fn log_line(text: &str) -> String {
    let line = visible(text).replace("##[", "##\\[");
    if line.trim_start().starts_with("::") {
        format!("\\{line}")
    } else {
        line
    }
}

/// Escapes the data of a workflow command.
pub fn command_data(text: &str) -> String {
    visible(text)
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escapes a property of a workflow command.
pub fn command_property(text: &str) -> String {
    command_data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Renders a value as a Markdown code span. The fence is longer than any run of back quotes in the value, so that
/// nothing in it is Markdown, HTML, a link or a mention.
pub fn code(value: &str) -> String {
    let value = visible(value);
    let value = truncate(&value, MAX_VALUE);
    if value.is_empty() {
        return "(empty)".to_owned();
    }
    let longest = value.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // A span that starts or ends with a back quote needs a space there. A span with a space at both ends loses
    // them.
    let pad = if value.starts_with(['`', ' ']) || value.ends_with(['`', ' ']) {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{value}{pad}{fence}")
}

/// Renders a code span for a table cell, where `|` needs an escape even in code.
pub fn cell(value: &str) -> String {
    code(value).replace('|', "\\|")
}

/// Renders a message of this program as Markdown. Text between two equal runs of back quotes becomes code, and
/// the rest is escaped. (A quoted text that contains back quotes has longer runs around it.) Both kinds of
/// pieces are inert, whatever a quoted value contains.
pub fn markdown(message: &str) -> String {
    rewrite(message, escape, code)
}

/// Renders a message of this program as HTML.
pub fn html_message(message: &str) -> String {
    rewrite(message, html, |value| {
        format!("<code>{}</code>", html(value))
    })
}

/// Rewrites a message with one function for its prose and one for its quoted values.
fn rewrite(message: &str, prose: impl Fn(&str) -> String, code: impl Fn(&str) -> String) -> String {
    let message = visible(message);
    let mut text = String::with_capacity(message.len() + 16);
    let mut rest: &str = &message;
    while let Some((before, opened)) = split_at_run(rest) {
        text.push_str(&prose(before));
        let (fence, after) = opened.split_at(opened.len() - opened.trim_start_matches('`').len());
        // Drop a run without a closing one, because it could pair with a later run.
        rest = after;
        if let Some((value, after)) = closed_by(fence, after) {
            let spaced = value.strip_prefix(' ').and_then(|v| v.strip_suffix(' '));
            let value = spaced.filter(|_| fence.len() > 1).unwrap_or(value);
            text.push_str(&code(value));
            rest = after;
        }
    }
    text.push_str(&prose(rest));
    text
}

/// Splits a text before the first back quote.
fn split_at_run(text: &str) -> Option<(&str, &str)> {
    text.split_at_checked(text.find('`')?)
}

/// Splits a text at the next run of back quotes as long as `fence`, and returns the parts around it.
fn closed_by<'t>(fence: &str, text: &'t str) -> Option<(&'t str, &'t str)> {
    let mut from = 0;
    loop {
        let (before, run) = split_at_run(text.get(from..)?)?;
        let after = run.trim_start_matches('`');
        let (start, length) = (from + before.len(), run.len() - after.len());
        if length == fence.len() {
            return Some((text.get(..start)?, after));
        }
        from = start + length;
    }
}

/// Escapes a value for an HTML or XML element, or for a quoted attribute.
pub fn html(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len() + 8);
    for c in visible(value).chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // XML does not allow these.
            '\u{fffe}' | '\u{ffff}' => escaped.extend(c.escape_unicode()),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Escapes prose, so that it has no meaning in Markdown, HTML or GitHub's own links.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    // A possible commit SHA: the number of its digits so far, and whether one of them is a letter.
    let (mut digits, mut has_letter) = (0, false);
    for (at, c) in text.char_indices() {
        digits = if c.is_ascii_hexdigit() { digits + 1 } else { 0 };
        has_letter = digits > 0 && (has_letter || c.is_ascii_alphabetic());
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '*' | '_' | '[' | ']' | '|' | '~' | '!' | '$' => {
                escaped.push('\\');
                escaped.push(c);
            }
            // GitHub also links mentions, issues, URLs and commits (of seven digits or more) in plain text, and
            // renders `:name:`.
            '@' | '#' => {
                escaped.push(c);
                escaped.push(ZERO_WIDTH_SPACE);
            }
            ':' if text.get(at + 1..).is_some_and(begins_link_or_emoji) => {
                escaped.push(c);
                escaped.push(ZERO_WIDTH_SPACE);
            }
            c if digits >= 7 && has_letter => {
                escaped.push(ZERO_WIDTH_SPACE);
                escaped.push(c);
                (digits, has_letter) = (1, c.is_ascii_alphabetic());
            }
            c => escaped.push(c),
        }
    }
    escaped
        .replace("www.", "www\u{200b}.")
        .replace("GH-", "GH\u{200b}-")
}

/// Returns whether the text after a colon continues `https://` or `:tada:`.
fn begins_link_or_emoji(rest: &str) -> bool {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-');
    let after = rest.trim_start_matches(is_of_name);
    let name = rest.strip_suffix(after).unwrap_or_default();
    rest.starts_with("//") || after.starts_with(':') && name.contains(|c: char| !c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_cut_at_a_line() {
        for (page, max, cut) in [
            ("", 0, ""),
            ("| a |\n| b |\n", 12, "| a |\n| b |\n"),
            ("| a |\n| b |\n", 11, "| a |…"),
            ("| a |\n| ä |\n", 12, "| a |…"),
            ("| a |\n| b |\n", 8, "…"),
            ("| a |", 4, "…"),
        ] {
            let truncate_page = truncate_page(page.to_owned(), max, "…");
            assert_eq!(truncate_page, cut, "{page} {max}");
            assert!(truncate_page.len() <= max, "{page} {max}");
        }
    }

    #[test]
    fn control_characters_become_visible() {
        assert_eq!(visible("main"), "main");
        assert_eq!(visible("a\nb\r\t\u{1b}[31m"), "a\\nb\\r\\t\\u{1b}[31m");
        assert_eq!(
            visible("\u{202e}niam\u{2028}\u{feff}"),
            "\\u{202e}niam\\u{2028}\\u{feff}"
        );
    }

    #[test]
    fn nothing_stays_invisible() {
        for c in [
            '\u{fe0f}',
            '\u{fe00}',
            '\u{34f}',
            '\u{115f}',
            '\u{3164}',
            '\u{ffa0}',
            '\u{17b4}',
            '\u{180e}',
            '\u{2065}',
            '\u{e0100}',
            '\u{e0fff}',
            '\u{1d173}',
            '\u{1bca0}',
            '\u{a0}',
            '\u{1680}',
            '\u{2003}',
            '\u{200a}',
            '\u{202f}',
            '\u{205f}',
            '\u{3000}',
            '\u{2800}',
            '\u{85}',
            '\u{9b}',
            '\u{fffb}',
        ] {
            let value = format!("main{c}");
            let escaped = format!("main{}", c.escape_unicode());
            assert_eq!(visible(&value), escaped);
            for shown in [log_line(&value), command_data(&value), html(&value)] {
                assert_eq!(shown, escaped);
            }
            assert_eq!(code(&value), format!("`{escaped}`"));
            let json = format!("\"{value}\"");
            let line = json_line(json);
            assert!(line.is_ascii(), "{line}");
            assert_eq!(serde_json::from_str::<String>(&line).unwrap(), value);
        }
        for c in ['!', 'é', 'ß', '中', '\u{301}', '🦀', '\u{e000}'] {
            assert_eq!(visible(&format!("main {c}")), format!("main {c}"));
        }
    }

    #[test]
    fn log_lines_are_no_commands() {
        assert_eq!(
            log_line("::set-output name=a::b"),
            "\\::set-output name=a::b"
        );
        assert_eq!(log_line("  ::error::x"), "\\  ::error::x");
        assert_eq!(
            log_line("a ##[set-output name=x]y"),
            "a ##\\[set-output name=x]y"
        );
        assert_eq!(log_line("a\n::error::x"), "a\\n::error::x");
    }

    #[test]
    fn code_spans_hold_anything() {
        assert_eq!(code("main"), "`main`");
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`a``b`"), "``` `a``b` ```");
        assert_eq!(
            (code("a|b"), cell("a|b")),
            ("`a|b`".into(), "`a\\|b`".into())
        );
        assert_eq!(code(""), "(empty)");
        assert_eq!(code("@octocat <b> [x](y)"), "`@octocat <b> [x](y)`");
        assert!(code(&"x".repeat(1 << 20)).chars().count() <= MAX_VALUE + 2);
    }

    #[test]
    fn messages_keep_their_code_and_lose_the_rest() {
        assert_eq!(
            markdown("needs `a*b`; has **x**"),
            "needs `a*b`; has \\*\\*x\\*\\*"
        );
        assert_eq!(
            markdown("see https://evil.example @all #1"),
            "see https:\u{200b}//evil.example @\u{200b}all #\u{200b}1"
        );
        assert_eq!(
            markdown("www.evil.example GH-1 :tada: a.yml:2:1: 00123abcdef x1234567890: x")
                .replace(ZERO_WIDTH_SPACE, "·"),
            "www·.evil.example GH·-1 :·tada: a.yml:2:1: 00123a·bcdef x1234567890: x"
        );
        // Every character is looked at once.
        assert_eq!(markdown(&"7".repeat(1 << 20)).len(), 1 << 20);
        assert_eq!(markdown("odd ` <img src=x>"), "odd  &lt;img src=x&gt;");
        assert_eq!(
            html_message("``x`y`` <b>&\u{1b} `<i>`"),
            "<code>x`y</code> &lt;b&gt;&amp;\\u{1b} <code>&lt;i&gt;</code>"
        );
        assert_eq!(markdown("value `a`<b>`c`"), "value `a`&lt;b&gt;`c`");
        assert_eq!(markdown("a ``x`<b>`` b `<i>` c"), "a ``x`<b>`` b `<i>` c");
        assert_eq!(markdown("a ``<b> `c` <i>`"), "a &lt;b&gt; `c` &lt;i&gt;");
    }

    #[test]
    fn what_messages_quote_comes_out_whole() {
        for value in [
            "main",
            "a`b",
            "`a`",
            "``",
            "` ",
            " `",
            " `x` ",
            " a ",
            "a``b`c```",
            "",
        ] {
            let shown = if value.is_empty() { "\"\"" } else { value };
            let message = format!("<b> {} is", engine::policy::quoted(value));
            assert_eq!(
                markdown(&message),
                format!("&lt;b&gt; {} is", code(shown)),
                "{value:?}"
            );
        }
    }
}
