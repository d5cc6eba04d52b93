//! Where a rule for a run applies: the patterns for its branch and its base.
//!
//! A pushed branch brings its own workflow file, so the filters of `on:` state the author's intent and
//! limit nothing. The rule is the limit; it is never wider than the filters and the conditions of the jobs.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::ask::Ask;
use super::notes::Notes;
use super::rule::Filter;
use crate::workflows::{RefName, Reference, Start, Workflow};
use engine::decision::is_trusted_event;
use engine::policy::quoted;

/// Pattern for all branches of the repository itself: a fork's branch is `OWNER:BRANCH`.
const OWN_BRANCHES: &str = "[^:]+";

/// A branch, and the base of a pull request.
pub(super) type Place = (Filter, Option<Filter>);

/// Places what a workflow asks for, each with its branch and base.
pub(super) fn places<'p>(
    file: &'p Workflow,
    starts: &'p [Arc<Start>],
    asks: &'p [Ask],
    default_branch: &'p str,
    notes: &mut Notes,
) -> Vec<(&'p Ask, Place)> {
    let places = Places {
        file,
        starts,
        default_branch,
        asks,
    };
    let mut placed = Vec::new();
    let (mut answered, mut unanswered) = (BTreeSet::new(), BTreeSet::new());
    for ask in asks {
        let Some(event) = ask.start.event.as_deref() else {
            continue;
        };
        let found = match is_trusted_event(event) {
            true => places.of(ask, event),
            false => Err(format!(
                "users without write access can start {} or control its content, so a rule must name it; add one only if the workflow neither checks out nor runs that content",
                quoted(event)
            )),
        };
        match &found {
            Ok(found) if found.is_empty() => unanswered.insert(event),
            _ => answered.insert(event),
        };
        match found {
            Ok(found) => placed.extend(found.into_iter().map(|place| (ask, place))),
            Err(reason) => notes.add(&file.file, reason),
        }
    }
    for event in unanswered.difference(&answered) {
        let reason = format!(
            "no rule names a branch or tag for which {} runs its jobs; add one for those that you intend",
            quoted(event)
        );
        notes.add(&file.file, reason);
    }
    placed
}

struct Places<'p> {
    file: &'p Workflow,
    /// Every way in which a run of the file can start.
    starts: &'p [Arc<Start>],
    default_branch: &'p str,
    /// Everything that the file asks for.
    asks: &'p [Ask],
}

impl Places<'_> {
    /// Returns the places of a run; an error says why no rule can name them.
    fn of(&self, ask: &Ask, event: &str) -> Result<Vec<Place>, String> {
        let one = |filter| Ok(vec![(filter, None)]);
        let tag = |name: &str| format!("refs/tags/{name}");
        match (&ask.start.reference, event) {
            (Reference::Branch(RefName::Named(name)), _) => match self.is_usual(ask, event, name) {
                true => one(Filter::Exact(name.clone())),
                false => Ok(Vec::new()),
            },
            (Reference::Branch(RefName::Matching(glob)), "workflow_dispatch") => Ok(placed(
                self.glob(ask, glob, "branch", "").unwrap_or_default(),
            )),
            (Reference::Branch(RefName::Matching(glob)), _) => {
                self.glob(ask, glob, "branch", "").map(placed)
            }
            (Reference::Branch(RefName::Other), "push") => Err(self.every(ask, "branch")),
            (Reference::Branch(RefName::Other), _) => Ok(Vec::new()),
            (Reference::Tag(_), "workflow_dispatch" | "create") => Ok(Vec::new()),
            (Reference::Tag(RefName::Named(name)), _) => one(Filter::Exact(tag(name))),
            (Reference::Tag(_), "release") => {
                let every = Filter::Glob(tag("**"));
                self.whole(ask, every, "tag", "refs/tags/").map(placed)
            }
            (Reference::Tag(RefName::Matching(glob)), _) => {
                self.glob(ask, glob, "tag", "refs/tags/").map(placed)
            }
            // The note on every branch is enough, unless the filters are for tags.
            (Reference::Tag(RefName::Other), _) => match self.filters(event).1 {
                [] => Ok(Vec::new()),
                _ => Err(self.every(ask, "tag")),
            },
            (Reference::PullRequest(base), _) => {
                let own = |base| (Filter::Regex(OWN_BRANCHES), Some(base));
                Ok(self
                    .bases(ask, base, "base")?
                    .into_iter()
                    .map(own)
                    .collect())
            }
            (Reference::Merged(base), _) => {
                let merged = |base: Filter| (base.clone(), Some(base));
                Ok(self
                    .bases(ask, base, "base")?
                    .into_iter()
                    .map(merged)
                    .collect())
            }
            (Reference::MergeQueue(base), _) => {
                let bases = self.bases(ask, base, "merge queue's branch")?;
                Ok(placed(bases.iter().map(Filter::queue).collect()))
            }
            (Reference::Unknown, _) => {
                Err(format!("only a run knows the branch of {}", quoted(event)))
            }
        }
    }

    /// Returns the patterns for a base. Without filters, the rule for the default branch is enough.
    fn bases(&self, ask: &Ask, name: &RefName, noun: &str) -> Result<Vec<Filter>, String> {
        let event = ask.start.event.as_deref().unwrap_or_default();
        match name {
            RefName::Named(name) => Ok(vec![Filter::Exact(name.clone())]),
            RefName::Matching(glob) => self.glob(ask, glob, noun, ""),
            RefName::Other => match self.filters(event).0 {
                [] => Ok(Vec::new()),
                _ => Err(self.every(ask, noun)),
            },
        }
    }

    /// Returns the excluding filters of an event's trigger: those for branches and those for tags.
    fn filters(&self, event: &str) -> (&[String], &[String]) {
        let trigger = self.file.trigger(event);
        let ignored = trigger.map(|trigger| (&*trigger.branches_ignore, &*trigger.tags_ignore));
        ignored.unwrap_or_default()
    }

    /// Whether a rule should name the branch. For a dispatched run it is one that a push starts, else the default
    /// branch, or one that the job itself requires.
    fn is_usual(&self, ask: &Ask, event: &str, name: &str) -> bool {
        if event != "workflow_dispatch" {
            return true;
        }
        let pushed = self.file.trigger("push").map(|push| &push.branches);
        let is_usual = match pushed.filter(|pushed| !pushed.is_empty()) {
            Some(pushed) => pushed.iter().any(|branch| branch == name),
            None => name == self.default_branch,
        };
        is_usual || !self.has_same(ask, &Reference::Branch(RefName::Other))
    }

    /// Whether the file asks for the same in a run for another branch or tag.
    fn has_same(&self, ask: &Ask, reference: &Reference) -> bool {
        self.asks.iter().any(|other| {
            other.key == ask.key
                && other.environment == ask.environment
                && other.start.event == ask.start.event
                && other.start.reference == *reference
        })
    }

    /// Returns the glob of a filter for a run whose name it matches.
    fn glob(&self, ask: &Ask, glob: &str, noun: &str, prefix: &str) -> Result<Vec<Filter>, String> {
        if matches!(glob, "*" | "**") || self.excludes(ask, noun) {
            return Err(self.every(ask, noun));
        }
        self.whole(ask, Filter::Glob(format!("{prefix}{glob}")), noun, prefix)
    }

    /// Returns the glob if the file asks for the same in a run for each name that it matches.
    fn whole(
        &self,
        ask: &Ask,
        glob: Filter,
        noun: &str,
        prefix: &str,
    ) -> Result<Vec<Filter>, String> {
        let same_event = self
            .starts
            .iter()
            .filter(|start| start.event == ask.start.event);
        for start in same_event.filter(|start| is_same_kind(&start.reference, &ask.start.reference))
        {
            let name = name(&start.reference).map(|name| format!("{prefix}{name}"));
            let is_covered = name.is_some_and(|name| glob.matches(&name));
            if is_covered && !self.has_same(ask, &start.reference) {
                return Err(format!(
                    "the conditions of its jobs exclude a {noun} that its filters match, which no rule can; {}",
                    self.named(ask)
                ));
            }
        }
        Ok(vec![glob])
    }

    /// Says that no rule is for everything that starts the workflow.
    fn every(&self, ask: &Ask, noun: &str) -> String {
        let event = ask.start.event.as_deref().unwrap_or_default();
        let named = self.named(ask);
        match self.excludes(ask, noun) {
            true => format!(
                "no rule can exclude a {noun} as the filters of {} do; {named}",
                quoted(event)
            ),
            false => format!("every {noun} starts it; {named}"),
        }
    }

    /// Whether the filters exclude names, as no rule can: a glob beside `!` could include them again.
    fn excludes(&self, ask: &Ask, noun: &str) -> bool {
        let trigger = ask
            .start
            .event
            .as_deref()
            .and_then(|event| self.file.trigger(event));
        trigger.is_some_and(|trigger| {
            let (filters, ignored) = match noun {
                "tag" => (&trigger.tags, &trigger.tags_ignore),
                _ => (&trigger.branches, &trigger.branches_ignore),
            };
            !ignored.is_empty() || filters.iter().any(|filter| filter.starts_with('!'))
        })
    }

    /// Says which branches or tags the rules for this request name.
    fn named(&self, ask: &Ask) -> String {
        let mut named: Vec<String> = Vec::new();
        for start in self
            .starts
            .iter()
            .filter(|start| start.event == ask.start.event)
        {
            let name = name(&start.reference).filter(|_| self.has_same(ask, &start.reference));
            named.extend(name.map(quoted).filter(|name| !named.contains(name)));
        }
        match named.is_empty() {
            true => "no rule covers that".to_owned(),
            false => format!("the rules name only {}", named.join(", ")),
        }
    }
}

/// Whether both are branches, or both tags, and so on.
fn is_same_kind(one: &Reference, other: &Reference) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

/// Returns the name of a branch, tag or base, if the start has one.
fn name(reference: &Reference) -> Option<&str> {
    match reference {
        Reference::Branch(name)
        | Reference::Tag(name)
        | Reference::PullRequest(name)
        | Reference::Merged(name)
        | Reference::MergeQueue(name) => name.as_named(),
        Reference::Unknown => None,
    }
}

fn placed(branches: Vec<Filter>) -> Vec<Place> {
    branches.into_iter().map(|branch| (branch, None)).collect()
}
