//! The text of a policy in a field.

use analysis::check::GivenPolicy;
use engine::policy::{Format, Invalid, Policy};
use serde::Deserialize;

/// The text of a policy.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct PolicyText(pub(super) String);

impl PolicyText {
    /// Returns its format, as the action takes the input `policy`: JSON starts with `{`.
    pub(super) fn format(&self) -> Format {
        Format::of_text(&self.0)
    }

    /// Returns a file name in messages, whose ending says the format.
    pub(super) fn name(&self, stem: &str) -> String {
        let ending = match self.format() {
            Format::Json => "json",
            Format::Yaml => "yml",
        };
        format!("{stem}.{ending}")
    }

    pub(super) fn parse(&self) -> Result<Policy, Invalid> {
        Policy::parse(&self.0, self.format())
    }

    pub(super) fn given(&self, stem: &str) -> GivenPolicy {
        GivenPolicy::new(self.name(stem), Ok(self.0.clone()))
    }
}
