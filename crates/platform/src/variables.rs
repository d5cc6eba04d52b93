//! The variables of the process, read once.

use std::collections::BTreeMap;
use std::ffi::OsString;

use secrecy::SecretString;

/// The variables of the process. They enter the program here only; all other code takes values.
#[derive(Clone, Default)]
pub struct Variables {
    variables: BTreeMap<String, String>,
}

impl Variables {
    /// Takes the variables that `std::env::vars_os()` returns. A value that is not UTF-8 gets replacement
    /// characters, so that it matches nothing.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let text = |text: OsString| text.to_string_lossy().into_owned();
        let variables = variables
            .into_iter()
            .map(|(name, value)| (text(name), text(value)));
        Self {
            variables: variables.collect(),
        }
    }

    /// Returns a variable; an empty one counts as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name)?;
        (!value.is_empty()).then_some(value.as_str())
    }

    /// Returns an input of the action, trimmed; an empty one counts as absent.
    ///
    /// The runner upper-cases the name and keeps its hyphens: `INPUT_APP-CLIENT-ID`.
    pub fn input(&self, name: &str) -> Option<&str> {
        let name = format!("INPUT_{}", name.to_ascii_uppercase());
        self.get(&name)
            .map(str::trim)
            .filter(|value| !value.is_empty())
    }

    /// Returns a variable that holds a secret.
    pub fn secret(&self, name: &str) -> Option<SecretString> {
        self.get(name).map(SecretString::from)
    }

    /// Returns an input that holds a secret.
    pub fn secret_input(&self, name: &str) -> Option<SecretString> {
        self.input(name).map(SecretString::from)
    }

    /// Returns a variable that the runner accepts in upper and lower case, such as `HTTPS_PROXY`.
    pub fn either_case(&self, name: &str) -> Option<String> {
        self.get(name)
            .or_else(|| self.get(&name.to_ascii_lowercase()))
            .map(str::to_owned)
    }
}
