//! The process's environment, read once.

use std::collections::BTreeMap;
use std::ffi::OsString;

use secrecy::SecretString;

/// The variables of the process. The only place where they enter; everything below takes values.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// Takes variables, as `std::env::vars_os()` gives them. What is not UTF-8 keeps its name and
    /// gets replacement characters, so that it matches nothing.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let text = |text: OsString| text.to_string_lossy().into_owned();
        let variables = variables
            .into_iter()
            .map(|(name, value)| (text(name), text(value)));
        Self {
            variables: variables.collect(),
        }
    }

    /// A variable; absent when empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name)?;
        (!value.is_empty()).then_some(value.as_str())
    }

    /// An input of the action, without white space around it; absent when empty.
    ///
    /// The runner upper-cases the name and keeps its hyphens: `INPUT_APP-CLIENT-ID`.
    pub fn input(&self, name: &str) -> Option<&str> {
        let name = format!("INPUT_{}", name.to_ascii_uppercase());
        self.get(&name)
            .map(str::trim)
            .filter(|value| !value.is_empty())
    }

    /// A variable that is a secret.
    pub fn secret(&self, name: &str) -> Option<SecretString> {
        self.get(name).map(SecretString::from)
    }

    /// An input that is a secret.
    pub fn secret_input(&self, name: &str) -> Option<SecretString> {
        self.input(name).map(SecretString::from)
    }

    /// A variable that the runner knows in both cases, such as `HTTPS_PROXY`.
    pub fn either_case(&self, name: &str) -> Option<String> {
        self.get(name)
            .or_else(|| self.get(&name.to_ascii_lowercase()))
            .map(str::to_owned)
    }
}
