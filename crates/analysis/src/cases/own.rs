//! The repository's own policy, to which the tested one delegates.

use std::fmt::Display;

use super::suite::Suite;
use crate::report::Failure;
use engine::decision::Engine;
use engine::encoding::text_of;
use engine::policy::{Format, Invalid, Policy, Problem, quoted};

/// The file in `own_policy:`.
#[derive(Debug)]
pub(super) struct OwnPolicy {
    /// Name for messages.
    name: String,
    text: String,
}

impl OwnPolicy {
    /// Reads the policy, or returns `None` if the suite names none.
    pub(super) fn read<B: AsRef<[u8]>, E: Display>(
        suite: &Suite<'_>,
        read: impl Fn(&str) -> Result<B, E>,
    ) -> Result<Option<Self>, Problem> {
        let (Some(name), Some((written, at))) = (suite.own_policy(), &suite.contents.own_policy)
        else {
            return Ok(None);
        };
        let wrong = |why: String| {
            let message = format!("`own_policy` {} {why}", quoted(written));
            Problem::new(*at, message).over(written)
        };
        let bytes = read(written).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        let text = text_of(bytes.as_ref().to_vec()).map_err(|why| wrong(format!("is {why}")))?;
        Ok(Some(Self { name, text }))
    }

    pub(super) fn engine(&self) -> Result<Engine, Failure> {
        let document = Policy::parse(&self.text, Format::of_path(&self.name));
        let document = document.map_err(|invalid| self.invalid(&invalid))?;
        Ok(Engine::new(document))
    }

    pub(super) fn invalid(&self, invalid: &Invalid) -> Failure {
        Failure::invalid_policy(&self.name, invalid)
    }
}
