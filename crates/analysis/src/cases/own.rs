//! The repository's own policy, for what the tested one delegates to it.

use std::fmt::Display;

use jiff::Timestamp;

use super::suite::Suite;
use crate::report::Failure;
use engine::context::Context;
use engine::decision::{Decision, Engine, GoOn, PermissionDecision, Scope, with_own_policy};
use engine::encoding::text_of;
use engine::policy::{Document, Format, PermissionKey, Problem, quoted};

/// The file that `own_policy:` names.
#[derive(Debug)]
pub(super) struct OwnPolicy {
    /// As messages name it.
    name: String,
    text: String,
}

impl OwnPolicy {
    /// `None` when the suite names none.
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

    pub(super) fn document(&self) -> Result<Document<'_>, Failure> {
        Document::parse(&self.text, Format::of_path(&self.name))
            .map_err(|invalid| Failure::invalid_policy(&self.name, &invalid))
    }

    /// The decisions with those of the own policy where the tested one denies and delegates. As in a
    /// job, what is wrong with the own policy matters only there.
    pub(super) fn ask<'a>(
        &self,
        engine: &'a Result<Engine<'a>, Failure>,
        permissions: &[PermissionKey<'_>],
        central: Vec<PermissionDecision<'a>>,
        context: &'a Context,
        (now, go_on): (Timestamp, GoOn<'_>),
    ) -> Result<Vec<PermissionDecision<'a>>, Failure> {
        let asked = permissions.iter().zip(central);
        let decisions = asked.map(|(permission, central)| {
            if central.decision != Decision::Denied || !central.delegated {
                return Ok(central);
            }
            let engine = engine.as_ref().map_err(Clone::clone)?;
            let asked = std::slice::from_ref(permission);
            let own = engine
                .decide_while(Scope::ThisRepository, asked, context, now, go_on)
                .map_err(|invalid| Failure::invalid_policy(&self.name, &invalid))?;
            Ok(match own.into_iter().next() {
                Some(own) => with_own_policy(central, own),
                None => central,
            })
        });
        decisions.collect()
    }
}
