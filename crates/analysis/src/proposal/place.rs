//! Where a rule for a run applies: the patterns for its branch and its base.
//!
//! A pushed branch brings its own workflow file, so the filters of `on:` state the author's intent and
//! limit nothing. The rule is the limit; it is never wider than the filters and the conditions of the jobs.

use std::sync::Arc;

use super::ask::Ask;
use super::notes::Notes;
use super::rule::Filter;
use crate::workflows::{Reference, Start, Trigger, Workflow};
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
        match found {
            Ok(found) => placed.extend(found.into_iter().map(|place| (ask, place))),
            Err(reason) => notes.add(&file.file, reason),
        }
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
        let trigger = self.file.trigger(event);
        let filters = |list: fn(&Trigger) -> &Vec<String>| {
            trigger.map(list).map(Vec::as_slice).unwrap_or_default()
        };
        let branches = filters(|trigger| &trigger.branches);
        let one = |filter| Ok(vec![(filter, None)]);
        match (&ask.start.reference, event) {
            (Reference::Branch(name), "workflow_dispatch") if !self.is_dispatched(ask, name) => {
                Ok(Vec::new())
            }
            (Reference::Branch(name), _) => one(Filter::Exact(name.clone())),
            (Reference::OtherBranch, "push") => self.globs(ask, branches, "branch", "").map(placed),
            (Reference::OtherBranch, "workflow_dispatch") => {
                let push = self
                    .file
                    .trigger("push")
                    .map(|push| push.branches.as_slice());
                Ok(placed(
                    self.globs(ask, push.unwrap_or_default(), "branch", "")
                        .unwrap_or_default(),
                ))
            }
            (Reference::Tag(_) | Reference::OtherTag, "workflow_dispatch" | "create") => {
                Ok(Vec::new())
            }
            (Reference::Tag(name), _) => one(Filter::Exact(format!("refs/tags/{name}"))),
            (Reference::OtherTag, "release") => one(Filter::Glob("refs/tags/**".to_owned())),
            (Reference::OtherTag, _) => {
                let tags = filters(|trigger| &trigger.tags);
                if tags.is_empty() && filters(|trigger| &trigger.tags_ignore).is_empty() {
                    return Ok(Vec::new());
                }
                self.globs(ask, tags, "tag", "refs/tags/").map(placed)
            }
            (Reference::PullRequest(base), _) => {
                let bases = self.bases(ask, base.as_deref(), "base")?;
                let own = |base| (Filter::Regex(OWN_BRANCHES), Some(base));
                Ok(bases.into_iter().map(own).collect())
            }
            (Reference::MergeQueue(base), _) => {
                let bases = self.bases(ask, base.as_deref(), "merge queue's branch")?;
                Ok(placed(bases.iter().map(Filter::queue).collect()))
            }
            (Reference::OtherBranch, _) => Ok(Vec::new()),
            (Reference::Unknown, _) => {
                Err(format!("only a run knows the branch of {}", quoted(event)))
            }
        }
    }

    /// Returns the patterns for a base. Without filters, the rule for the default branch is enough.
    fn bases(&self, ask: &Ask, name: Option<&str>, noun: &str) -> Result<Vec<Filter>, String> {
        if let Some(name) = name {
            return Ok(vec![Filter::Exact(name.to_owned())]);
        }
        let trigger = ask
            .start
            .event
            .as_deref()
            .and_then(|event| self.file.trigger(event));
        match trigger {
            Some(trigger)
                if !trigger.branches.is_empty() || !trigger.branches_ignore.is_empty() =>
            {
                self.globs(ask, &trigger.branches, noun, "")
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Whether a rule for a dispatched run should name the branch: one that a push starts, else the default
    /// branch, or one that the job itself requires.
    fn is_dispatched(&self, ask: &Ask, name: &str) -> bool {
        let pushed = self.file.trigger("push").map(|push| &push.branches);
        let is_usual = match pushed.filter(|pushed| !pushed.is_empty()) {
            Some(pushed) => pushed.iter().any(|branch| branch == name),
            None => name == self.default_branch,
        };
        is_usual || !self.has_same(ask, &Reference::OtherBranch)
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

    /// Returns the globs of filters for a run whose name no filter and no expression contains.
    fn globs(
        &self,
        ask: &Ask,
        filters: &[String],
        noun: &str,
        prefix: &str,
    ) -> Result<Vec<Filter>, String> {
        let why = |why: String| Err(format!("{why}; {}", self.named(ask)));
        let is_ignoring = self.file.triggers.iter().any(|trigger| {
            let ignored = match noun {
                "tag" => &trigger.tags_ignore,
                _ => &trigger.branches_ignore,
            };
            Some(&trigger.event) == ask.start.event.as_ref() && !ignored.is_empty()
        });
        let is_any = |filter: &String| matches!(filter.as_str(), "*" | "**");
        // A glob beside `!` could include the excluded names again.
        if is_ignoring || filters.iter().any(|filter| filter.starts_with('!')) {
            return why(format!(
                "no rule can exclude a {noun} as the filters of {} do",
                quoted(ask.start.event.as_deref().unwrap_or_default())
            ));
        }
        if filters.is_empty() || filters.iter().any(is_any) {
            return why(format!("every {noun} starts it"));
        }
        let globs = filters
            .iter()
            .map(|filter| Filter::of_glob(&format!("{prefix}{filter}")));
        let globs: Vec<_> = globs
            .filter(|filter| matches!(filter, Filter::Glob(_)))
            .collect();
        let same_event = self
            .starts
            .iter()
            .filter(|start| start.event == ask.start.event);
        for start in same_event {
            let name = name(&start.reference).map(|name| format!("{prefix}{name}"));
            let is_covered = name.is_some_and(|name| globs.iter().any(|glob| glob.matches(&name)));
            if is_covered && !self.has_same(ask, &start.reference) {
                return why(format!(
                    "the conditions of its jobs exclude a {noun} that its filters match, which no rule can"
                ));
            }
        }
        Ok(globs)
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

/// Returns the name of a branch, tag or base, if the start has one.
fn name(reference: &Reference) -> Option<&str> {
    match reference {
        Reference::Branch(name) | Reference::Tag(name) => Some(name),
        Reference::PullRequest(base) | Reference::MergeQueue(base) => base.as_deref(),
        Reference::OtherBranch | Reference::OtherTag | Reference::Unknown => None,
    }
}

fn placed(branches: Vec<Filter>) -> Vec<Place> {
    branches.into_iter().map(|branch| (branch, None)).collect()
}
