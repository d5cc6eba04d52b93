//! Syntax and size of a policy file.

/// Maximum size of a policy file, in bytes.
pub const MAX_FILE: usize = 10 << 20;

/// Syntax of a policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// `.yml`, `.yaml`, or a policy without a file name.
    #[default]
    Yaml,
    /// `.json`, or a policy without a file name that starts with a brace.
    Json,
}

impl Format {
    /// Returns the format of a file from its name's extension.
    pub fn of_path(path: &str) -> Self {
        if path.to_ascii_lowercase().ends_with(".json") {
            Self::Json
        } else {
            Self::Yaml
        }
    }

    /// Returns the format of a text without a file name: JSON if its first character is a brace.
    pub fn of_text(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // JSON's white space (RFC 8259, section 2).
        match text
            .trim_start_matches([' ', '\t', '\n', '\r'])
            .starts_with('{')
        {
            true => Self::Json,
            false => Self::Yaml,
        }
    }
}
