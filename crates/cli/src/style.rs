//! Colours of the output.
//!
//! Sources: no-color.org, bixense.com/clicolors.

use std::borrow::Cow;
use std::fmt;
use std::io::IsTerminal;

use annotate_snippets::Renderer;
use anstyle::{AnsiColor, Style};

use analysis::report::text::visible;

/// Whether a stream has colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Colours {
    on: bool,
}

impl Colours {
    #[cfg(test)]
    pub(super) const ALWAYS: Self = Self { on: true };

    /// Returns the colours of standard output.
    pub(super) fn stdout() -> Self {
        Self::of(&std::io::stdout())
    }

    /// Returns the colours of standard error.
    pub(super) fn stderr() -> Self {
        Self::of(&std::io::stderr())
    }

    fn of(stream: &impl IsTerminal) -> Self {
        let variable = |name: &str| std::env::var_os(name).map(|value| value.into_encoded_bytes());
        Self::choose(stream.is_terminal(), variable)
    }

    /// Decides on colours: `NO_COLOR` overrides `CLICOLOR_FORCE`, which overrides the type of the stream. An empty
    /// variable counts as unset.
    fn choose(is_terminal: bool, variable: impl Fn(&str) -> Option<Vec<u8>>) -> Self {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let is = |name: &str, value: &str| variable(name).is_some_and(|v| v == value.as_bytes());
        let on = if variable("NO_COLOR").is_some() {
            false
        } else if variable("CLICOLOR_FORCE").is_some() && !is("CLICOLOR_FORCE", "0") {
            true
        } else {
            let is_capable = variable("TERM").is_some() && !is("TERM", "dumb");
            is_terminal && is_capable && !is("CLICOLOR", "0")
        };
        Self { on }
    }

    /// Colours an allowed permission, a matching dimension or a passed case.
    pub(super) fn granted(self, text: &str) -> Styled<'_> {
        self.styled(AnsiColor::Green.on_default(), text)
    }

    /// Colours a denied permission, a dimension that does not match or a failed case.
    pub(super) fn denied(self, text: &str) -> Styled<'_> {
        self.styled(AnsiColor::Red.on_default(), text)
    }

    /// Colours text that needs attention.
    pub(super) fn warning(self, text: &str) -> Styled<'_> {
        self.styled(AnsiColor::Yellow.on_default(), text)
    }

    /// Emphasises the line to read first.
    pub(super) fn strong(self, text: &str) -> Styled<'_> {
        self.styled(Style::new().bold(), text)
    }

    /// Prints text in the default colour.
    pub(super) fn plain(self, text: &str) -> Styled<'_> {
        self.styled(Style::new(), text)
    }

    /// Dims secondary text.
    pub(super) fn dim(self, text: &str) -> Styled<'_> {
        self.styled(Style::new().dimmed(), text)
    }

    /// Colours the word before an error.
    pub(super) fn error(self, text: &str) -> Styled<'_> {
        self.styled(AnsiColor::Red.on_default().bold(), text)
    }

    /// Returns the renderer of diagnostics.
    pub(super) fn renderer(self) -> Renderer {
        if self.on {
            Renderer::styled()
        } else {
            Renderer::plain()
        }
    }

    fn styled(self, style: Style, text: &str) -> Styled<'_> {
        Styled {
            style: if self.on { style } else { Style::new() },
            text: visible(text),
        }
    }
}

/// A text in one line with a colour. Control characters of the text are escaped, so that only our own escape
/// sequences reach a terminal. A width counts the text without them.
#[derive(Debug)]
pub(super) struct Styled<'t> {
    style: Style,
    text: Cow<'t, str>,
}

impl fmt::Display for Styled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.style)?;
        f.pad(&self.text)?;
        write!(f, "{:#}", self.style)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_decides_about_colours() {
        const TERM: (&str, &str) = ("TERM", "xterm");
        for (is_terminal, variables, on) in [
            (true, &[TERM][..], true),
            (false, &[TERM], false),
            (true, &[], false),
            (true, &[("TERM", "dumb")], false),
            (true, &[TERM, ("NO_COLOR", "1")], false),
            (true, &[TERM, ("NO_COLOR", "0")], false),
            (true, &[TERM, ("NO_COLOR", "")], true),
            (true, &[TERM, ("CLICOLOR", "0")], false),
            (false, &[TERM, ("CLICOLOR", "1")], false),
            (false, &[("CLICOLOR_FORCE", "1")], true),
            (false, &[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], true),
            (false, &[("CLICOLOR_FORCE", "0")], false),
            (false, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
        ] {
            let variable = |name: &str| {
                let mut variables = variables.iter();
                let found = variables.find(|(known, _)| *known == name);
                found.map(|(_, value)| value.as_bytes().to_vec())
            };
            let colours = Colours::choose(is_terminal, variable);
            assert_eq!(colours.on, on, "{is_terminal} {variables:?}");
        }
    }

    #[test]
    fn only_our_own_escapes_are_written() {
        let colours = Colours::ALWAYS;
        let shown = format!("{:<6}|", colours.denied("\u{1b}[0m"));
        assert_eq!(shown, "\u{1b}[31m\\u{1b}[0m\u{1b}[0m|");
        assert_eq!(
            format!("{:<4}|", colours.granted("ok")),
            "\u{1b}[32mok  \u{1b}[0m|"
        );
        assert_eq!(format!("{:<4}|", Colours::default().granted("ok")), "ok  |");
    }
}
