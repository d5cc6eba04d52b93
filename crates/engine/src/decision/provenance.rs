//! Where a policy comes from.

/// Origin of a policy, which determines whether `permissions:` at the top apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Provenance {
    /// The running repository itself: they apply.
    ThisRepository,
    /// Another repository: they apply if the policy has no `repositories:`. A policy with both is
    /// invalid.
    OtherRepository,
    /// The input or the workspace: they apply if the policy has no `repositories:`.
    Given,
    /// A file on the command line: as [`Provenance::Given`], but they count as the repository's own policy.
    Offline,
}

impl Provenance {
    /// Whether the rules at the top are the repository's own policy at its default branch. Everyone who can
    /// push to that branch can change these rules, so they trust it as the base of a pull request.
    pub(super) fn is_own_policy(self) -> bool {
        matches!(self, Self::ThisRepository | Self::Offline)
    }
}
