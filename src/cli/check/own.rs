//! The repository's own policy, beside a central one that delegates to it.

use std::path::Path;

use super::{Question, read_policy};
use crate::decision::{Decision, PermissionDecision, Scope, decide, with_own_policy};
use crate::policy::{Document, Format};
use crate::report::{Failure, PolicyRecord};

/// The file as it was given.
pub(super) struct OwnPolicy {
    source: String,
    text: Result<String, Failure>,
}

impl OwnPolicy {
    pub(super) fn read(path: &Path) -> Self {
        let source = path.display().to_string();
        let text = read_policy(path, &source);
        Self { source, text }
    }

    pub(super) fn document(&self) -> Result<Document<'_>, Failure> {
        let text = self.text.as_ref().map_err(Clone::clone)?;
        Document::parse(text, Format::of_path(&self.source))
            .map_err(|invalid| Failure::invalid_policy(&self.source, &invalid))
    }

    pub(super) fn record(&self) -> Option<PolicyRecord> {
        let text = self.text.as_ref().ok()?;
        Some(PolicyRecord {
            source: self.source.clone(),
            sha256: crate::sha256(text.as_bytes()),
            file: self.source.clone(),
            ..PolicyRecord::default()
        })
    }
}

impl Question {
    /// Asks the own policy for what the central one denies and delegates. As in a job, what is wrong
    /// with it matters only where it is needed.
    pub(super) fn put_to_own<'a>(
        &'a self,
        central: Vec<PermissionDecision<'a>>,
        own: &OwnPolicy,
        document: Result<&'a Document<'a>, &Failure>,
    ) -> Result<Vec<PermissionDecision<'a>>, Failure> {
        let asked = self.permissions.iter().zip(central);
        let decisions = asked.map(|(permission, central)| {
            if central.decision == Decision::Allowed || !central.delegated {
                return Ok(central);
            }
            let document = document.map_err(Clone::clone)?;
            let asked = std::slice::from_ref(permission);
            let scope = Scope::ThisRepository;
            let decided = decide(document, scope, asked, &self.context, self.now)
                .map_err(|invalid| Failure::invalid_policy(&own.source, &invalid))?;
            Ok(match decided.into_iter().next() {
                Some(of_own) => with_own_policy(central, of_own),
                None => central,
            })
        });
        decisions.collect()
    }
}
