//! A grant: a permission of a rule, with all its conditions.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::classes::Domain;
use engine::decision::is_trusted_event;
use engine::policy::{Entry, Kind, Pattern, Patterns, Policy, Position, Rule};

/// Section of a policy.
#[derive(Clone, Copy, Debug)]
pub enum Section<'a> {
    /// `permissions:` at the top, for the repository that contains the file.
    Top,
    /// An entry of `repositories:`.
    Entry(&'a Entry),
}

impl<'a> Section<'a> {
    /// Returns the patterns of the repository's name, or `None` for the policy's own repository.
    pub fn repository(self) -> Option<&'a Patterns> {
        match self {
            Self::Top => None,
            Self::Entry(entry) => Some(&entry.repository),
        }
    }

    /// Returns the pins `repository_id` and `owner_id`.
    pub fn pins(self) -> [Option<u64>; 2] {
        match self {
            Self::Top => [None, None],
            Self::Entry(entry) => [entry.repository_id, entry.owner_id],
        }
    }

    /// Returns its position in the file.
    pub(super) fn position(self) -> Position {
        match self {
            Self::Top => Position::START,
            Self::Entry(entry) => entry.position,
        }
    }
}

impl PartialEq for Section<'_> {
    fn eq(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Top, Self::Top))
            || (self.repository().is_some() && self.position() == other.position())
    }
}

/// A permission of a rule, or a permission that an entry delegates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grant<'a> {
    pub(super) section: Section<'a>,
    /// `None` for a permission that the repository's own policy may grant to any job.
    pub(super) rule: Option<&'a Rule>,
    pub(super) key: &'a str,
}

impl<'a> Grant<'a> {
    /// Returns the claims of its rule.
    pub(super) fn claims(&self) -> impl Iterator<Item = (&'a str, &'a Patterns)> + use<'a> {
        let claims = self.rule.into_iter().flat_map(|rule| &rule.claims);
        claims.map(|(name, patterns)| (&**name, patterns))
    }

    /// Returns the last instant at which it grants.
    pub(super) fn last(&self) -> Option<Timestamp> {
        let expires = self.rule?.expires.as_ref()?;
        Some(expires.last)
    }

    /// Returns whether it trusts the default branch as a base, whatever its name. Rules of the own policy do, unless
    /// they name bases.
    pub(super) fn trusts_default_branch(&self) -> bool {
        let is_own = matches!(self.section, Section::Top);
        self.rule.is_none_or(|rule| is_own && rule.base.is_none())
    }

    /// Returns whether it grants for an event.
    pub(super) fn accepts(&self, event: &str) -> bool {
        match self.rule.map(|rule| &rule.events) {
            // The own policy can name any event.
            None => true,
            Some(Some(events)) => events.iter().any(|name| **name == *event),
            Some(None) => is_trusted_event(event),
        }
    }
}

/// Returns the grants of a policy that have not expired, in file order, with each key of a rule once.
pub(super) fn grants<'a>(policy: &'a Policy, now: Timestamp) -> Vec<Grant<'a>> {
    let own = policy.permissions.iter().flatten();
    let own = own.map(|rule| (Section::Top, rule));
    let entries = policy.repositories.iter().flat_map(|(_, list)| list);
    let of_entries = entries.flat_map(|entry| {
        let rules = entry.permissions.iter();
        rules.map(move |rule| (Section::Entry(entry), rule))
    });
    let live = own.chain(of_entries).filter(|(_, rule)| {
        let expires = rule.expires.as_ref();
        expires.is_none_or(|expires| !expires.is_over(now))
    });
    let of_rules = live.flat_map(|(section, rule)| {
        let keys: BTreeSet<_> = rule.permissions.iter().map(|key| key.as_str()).collect();
        keys.into_iter().map(move |key| Grant {
            section,
            rule: Some(rule),
            key,
        })
    });
    let delegated = policy.repositories.iter().flat_map(|(_, list)| list);
    let delegated = delegated.flat_map(|entry| {
        let keys: BTreeSet<_> = entry.delegate.iter().map(|key| key.as_str()).collect();
        keys.into_iter().map(move |key| Grant {
            section: Section::Entry(entry),
            rule: None,
            key,
        })
    });
    of_rules.chain(delegated).collect()
}

/// A dimension whose values are strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Dimension<'a> {
    Repository,
    Workflow,
    Branch,
    /// The base of a pull request.
    Base,
    Environment,
    Claim(&'a str),
}

impl<'a> Dimension<'a> {
    /// All dimensions but the claims.
    pub(super) const NAMED: [Self; 5] = [
        Self::Repository,
        Self::Workflow,
        Self::Branch,
        Self::Base,
        Self::Environment,
    ];

    pub(super) fn ignores_case(self) -> bool {
        matches!(self, Self::Repository | Self::Environment)
    }

    /// Returns the patterns of a grant in this dimension; `None` matches every value.
    pub(super) fn patterns(self, grant: &Grant<'a>) -> Option<&'a Patterns> {
        let rule = grant.rule;
        let patterns = match self {
            Self::Repository => grant.section.repository(),
            Self::Workflow => rule.and_then(|rule| rule.workflow.as_ref()),
            Self::Branch => rule.and_then(|rule| rule.branch.as_ref()),
            Self::Base => rule.and_then(|rule| rule.base.as_ref().or(rule.branch.as_ref())),
            Self::Environment => rule.and_then(|rule| rule.environment.as_ref()),
            Self::Claim(name) => {
                let mut claims = grant.claims();
                claims
                    .find(|(claim, _)| *claim == name)
                    .map(|(_, list)| list)
            }
        };
        let is_any = |pattern: &Pattern| pattern.kind == Kind::Any;
        patterns.filter(|patterns| !patterns.list.iter().any(is_any))
    }

    /// Returns its possible values.
    pub(super) fn domain(self) -> Domain {
        let every = match self {
            Self::Repository => "[A-Za-z0-9._-]+/[A-Za-z0-9._-]+",
            // Names of refs have no control characters (git-check-ref-format).
            Self::Branch | Self::Base => r"[^\p{Cc}]+",
            Self::Workflow | Self::Environment | Self::Claim(_) => Domain::TEXT,
        };
        let familiar: &[_] = match self {
            Self::Repository => &["acme-org/infra"],
            Self::Workflow => &["build.yml", "deploy.yml"],
            Self::Branch => &["feature/x", "main", "release/1.0"],
            Self::Base => &["main", "develop", "release/1.0"],
            Self::Environment => &["staging", "production"],
            Self::Claim("runner_environment") => &["self-hosted", "github-hosted"],
            Self::Claim("repository_visibility") => &["public", "private"],
            Self::Claim("ref_type") => &["tag", "branch"],
            Self::Claim("ref_protected") => &["false", "true"],
            Self::Claim(_) => &[],
        };
        Domain {
            every,
            familiar,
            ignores_case: self.ignores_case(),
        }
    }
}
