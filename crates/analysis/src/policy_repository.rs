//! The repository that contains a policy. It decides whether the rules at the top of the policy count.

use crate::Inputs;
use engine::decision::Provenance;
use engine::policy::{Policy, Rule, quoted};

/// The repository that contains a policy, as far as somebody knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PolicyRepository {
    /// Nobody says it.
    #[default]
    Unknown,
    /// Somebody names it.
    Named(String),
    /// The file lies in a work tree of it. A job of another repository may have a copy.
    OfWorkTree(String),
}

/// The rules at the top of a policy that has entries too, if they do not count.
#[derive(Clone, Copy, Debug)]
pub struct TopIsLeftOut<'a> {
    rules: &'a [Rule],
    /// Repository of the job.
    repository: &'a str,
    /// The repository that contains the policy, if somebody knows it.
    own: Option<&'a str>,
}

impl PolicyRepository {
    /// Returns its name, `OWNER/NAME`.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Unknown => None,
            Self::Named(name) | Self::OfWorkTree(name) => Some(name),
        }
    }

    /// Returns where the policy comes from for a job of `repository`.
    pub(crate) fn provenance(&self, repository: Option<&str>) -> Provenance {
        let is_own = self
            .name()
            .zip(repository)
            .is_some_and(|(own, repository)| own.eq_ignore_ascii_case(repository));
        match self {
            _ if is_own => Provenance::ThisRepository,
            Self::Named(_) => Provenance::OtherRepository,
            Self::Unknown | Self::OfWorkTree(_) => Provenance::Offline,
        }
    }

    /// Returns the rules at the top that do not count for a job of `repository`, if the policy has entries too.
    pub(crate) fn leaves_out<'a>(
        &'a self,
        policy: &'a Policy,
        repository: Option<&'a str>,
    ) -> Option<TopIsLeftOut<'a>> {
        let (Some(rules), Some(_)) = (&policy.permissions, &policy.repositories) else {
            return None;
        };
        let is_own = self.provenance(repository) == Provenance::ThisRepository;
        let repository = repository.filter(|_| !is_own)?;
        Some(TopIsLeftOut {
            rules,
            repository,
            own: self.name(),
        })
    }
}

impl TopIsLeftOut<'_> {
    /// Returns whether one of the rules names a permission.
    pub(crate) fn names(&self, permission: &str) -> bool {
        let mut keys = self.rules.iter().flat_map(|rule| &*rule.permissions);
        keys.any(|key| key.as_str() == permission)
    }

    /// Says why they do not count, as a sentence without a full stop.
    pub(crate) fn why(&self) -> String {
        let why = match self.own {
            Some(own) => format!("{} contains the file", quoted(own)),
            None => format!(
                "it is not known that {} contains the file",
                quoted(self.repository)
            ),
        };
        format!("the rules at the top do not count, because {why}")
    }

    /// Says what to do, or what happens in a job, as a sentence without a full stop.
    pub(crate) fn note(&self, inputs: Inputs) -> String {
        match self.input(inputs) {
            Some(input) => format!("if it does, say so with {input}"),
            None => format!(
                "a job of {} that reads it from there ends with `policy_invalid`, because the file has `repositories` too",
                quoted(self.repository)
            ),
        }
    }

    /// Returns the input after which the rules count, if one is missing.
    pub(crate) fn input(&self, inputs: Inputs) -> Option<String> {
        let input = inputs.value("policy-repository", self.repository);
        self.own.is_none().then_some(input)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::policy::Format;

    #[test]
    fn a_policy_is_own_where_its_repository_is_that_of_the_job() {
        let named = |name: &str| PolicyRepository::Named(name.to_owned());
        let tree = |name: &str| PolicyRepository::OfWorkTree(name.to_owned());
        for (own, job, provenance) in [
            (named("o/r"), Some("O/R"), Provenance::ThisRepository),
            (named("o/r"), Some("o/x"), Provenance::OtherRepository),
            (named("o/r"), None, Provenance::OtherRepository),
            (tree("o/r"), Some("O/R"), Provenance::ThisRepository),
            (tree("o/r"), Some("o/x"), Provenance::Offline),
            (tree("o/r"), None, Provenance::Offline),
            (PolicyRepository::Unknown, Some("o/r"), Provenance::Offline),
        ] {
            assert_eq!(own.provenance(job), provenance, "{own:?} {job:?}");
        }
    }

    #[test]
    fn only_a_policy_with_both_lists_leaves_rules_out() {
        let (top, entries) = ("permissions: []\n", "repositories: []\n");
        for (lists, is_left_out) in [
            (format!("{top}{entries}"), true),
            (top.to_owned(), false),
            (entries.to_owned(), false),
        ] {
            let policy = Policy::parse(&format!("version: 1\n{lists}"), Format::Yaml).unwrap();
            let unknown = PolicyRepository::Unknown.leaves_out(&policy, Some("o/r"));
            assert_eq!(unknown.is_some(), is_left_out, "{lists}");
            let own = PolicyRepository::Named("o/r".to_owned());
            assert!(own.leaves_out(&policy, Some("o/r")).is_none(), "{lists}");
            let other = own.leaves_out(&policy, Some("o/x"));
            let input = |left_out: TopIsLeftOut<'_>| left_out.input(Inputs::Flags);
            assert_eq!(other.and_then(input), None, "{lists}");
            assert_eq!(
                unknown.and_then(input).as_deref(),
                is_left_out.then_some("`--policy-repository o/r`"),
                "{lists}"
            );
        }
    }
}
