//! Events whose tree an untrusted person controls, and the policies that they must not name.

use engine::RepositoryName;
use engine::decision::is_trusted_event;
use engine::policy::source::{PolicySource, RefKind};

/// Returns whether an untrusted person can control the tree of an event.
pub fn is_untrusted_event(event: &str) -> bool {
    event.starts_with("pull_request") || !is_trusted_event(event)
}

/// Returns why the text of the input `policy` alone is not allowed, if it is not.
pub fn refusal(
    source: &PolicySource,
    event: &str,
    this: Option<&RepositoryName>,
) -> Option<String> {
    if !is_untrusted_event(event) {
        return None;
    }
    let (is, path) = match source {
        PolicySource::DefaultBranch(_) | PolicySource::Inline(_) => return None,
        PolicySource::Workspace(path) => ("a file of the workspace", path),
        PolicySource::Repository {
            repository, path, ..
        } if this.is_some_and(|this| this.is_same(repository)) => {
            ("a file of this repository at a ref", path)
        }
        PolicySource::Repository { reference, .. } => {
            return (reference.kind() == RefKind::Either).then(|| {
                format!(
                    "`policy` is `{source}`, whose ref can be an abbreviated SHA, and so a commit of a fork: name \
                     the branch as `refs/heads/NAME`, the tag as `refs/tags/NAME`, or the commit by its full SHA"
                )
            });
        }
    };
    Some(format!(
        "`policy` is `{source}`, {is}, which an untrusted author can change in a `{event}` event: write `{path}` to \
        read it from the default branch"
    ))
}
