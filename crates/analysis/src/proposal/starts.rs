//! How a workflow starts, as rules can say it: events, and the branches that they come from.
//!
//! A pushed branch brings its own workflow file, so the filters of `on:` are what its author meant and
//! no limit. The rule is the limit: it is never wider than the filters.

use super::rule::Filter;
use crate::workflows::{Trigger, Workflow};
use engine::decision::is_trusted_event;
use engine::policy::quoted;

/// Events that come from the same branches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) kind: Kind,
    pub(super) events: Vec<String>,
    pub(super) branches: Vec<Filter>,
    /// Of pull requests; empty elsewhere.
    pub(super) bases: Vec<Filter>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What is in the repository.
    Branch,
    /// A tag, or a release of one.
    Tag,
    /// What somebody proposes.
    PullRequest,
    /// What a merge queue tries.
    Queue,
}

impl Kind {
    /// Whether nobody has merged it yet.
    pub(super) fn is_proposed(self) -> bool {
        matches!(self, Self::PullRequest | Self::Queue)
    }
}

/// The starts of a workflow, and what could not be said of them.
pub(super) struct Starts {
    pub(super) list: Vec<Start>,
    pub(super) left_out: Vec<String>,
}

/// The branches of this repository: a fork's is `OWNER:BRANCH`.
const OWN_BRANCHES: &str = "[^:]+";

pub(super) fn of(workflow: &Workflow, default_branch: &str) -> Starts {
    let mut starts = Starts {
        list: Vec::new(),
        left_out: Vec::new(),
    };
    let file = &workflow.file;
    let main = vec![Filter::Exact(default_branch.to_owned())];
    let pushed = workflow.trigger("push");
    let pushed = pushed.map(|push| starts.branches_of(file, push, &main));
    let trunk = match &pushed {
        Some(branches) if !branches.is_empty() => branches.clone(),
        _ => main.clone(),
    };
    for trigger in &workflow.triggers {
        let event = trigger.event.as_str();
        match event {
            "push" => {
                starts.add(Kind::Branch, event, pushed.clone().unwrap_or_default());
                let tags = starts.names(file, "tag", &trigger.tags, "refs/tags/");
                starts.add(Kind::Tag, event, tags);
            }
            "workflow_call" => {}
            "workflow_dispatch" => starts.add(Kind::Branch, event, trunk.clone()),
            "release" => {
                let tags = vec![Filter::Glob("refs/tags/**".to_owned())];
                starts.add(Kind::Tag, event, tags);
            }
            "merge_group" => {
                let bases = match trigger.branches.as_slice() {
                    [] => vec![Filter::Exact(default_branch.to_owned())],
                    bases => starts.names(file, "merge queue's branch", bases, ""),
                };
                let queues = bases.iter().map(Filter::queue).collect();
                starts.add(Kind::Queue, event, queues);
            }
            "pull_request" => {
                let own = vec![Filter::Regex(OWN_BRANCHES)];
                let bases = starts.bases_of(file, trigger, &main);
                starts.add_into(Kind::PullRequest, event, own, bases);
            }
            event if !is_trusted_event(event) => starts.left_out.push(format!(
                "{file}: people who cannot write to the repository can start `{event}`, or it brings what they wrote, so a rule has to name it; do that only if nothing of it is checked out or run"
            )),
            // They come from the default branch.
            event if trunk.contains(&Filter::Exact(default_branch.to_owned())) => {
                starts.add(Kind::Branch, event, trunk.clone());
            }
            event => starts.add(Kind::Branch, event, main.clone()),
        }
    }
    starts
}

impl Starts {
    fn add(&mut self, kind: Kind, event: &str, branches: Vec<Filter>) {
        self.add_into(kind, event, branches, Vec::new());
    }

    fn add_into(&mut self, kind: Kind, event: &str, branches: Vec<Filter>, bases: Vec<Filter>) {
        if branches.is_empty() {
            return;
        }
        let mut known = self.list.iter_mut();
        let known = known
            .find(|start| start.kind == kind && start.branches == branches && start.bases == bases);
        match known {
            Some(start) if start.events.iter().any(|known| known == event) => {}
            Some(start) => start.events.push(event.to_owned()),
            None => self.list.push(Start {
                kind,
                events: vec![event.to_owned()],
                branches,
                bases,
            }),
        }
    }

    /// The names of a filter other than `on.push.branches`. What `!` excludes stays excluded: a glob
    /// beside it is not taken.
    fn names(&mut self, file: &str, noun: &str, filters: &[String], prefix: &str) -> Vec<Filter> {
        let mut globs = globs(filters, prefix);
        if filters.iter().any(|filter| filter.starts_with('!')) {
            globs.retain(|filter| matches!(filter, Filter::Exact(_)));
            self.left_out.push(format!(
                "{file}: a {noun} with `!` cannot be said, since rules only add; globs beside it are left out"
            ));
        }
        globs
    }

    /// The bases of `on.pull_request`, else the default branch.
    fn bases_of(&mut self, file: &str, trigger: &Trigger, main: &[Filter]) -> Vec<Filter> {
        let bases = self.names(file, "base", &trigger.branches, "");
        let is_any = |filter: &Filter| matches!(filter.text(), "*" | "**");
        if !bases.is_empty() && !bases.iter().any(is_any) {
            return bases;
        }
        let main = main.to_vec();
        if !trigger.branches.is_empty() || !trigger.branches_ignore.is_empty() {
            let names: Vec<_> = main.iter().map(|filter| quoted(filter.text())).collect();
            self.left_out.push(format!(
                "{file}: pull requests into many branches start it; only the base {} is named",
                names.join(", ")
            ));
        }
        main
    }

    /// The branches of `on.push`; empty when only tags start it.
    fn branches_of(&mut self, file: &str, push: &Trigger, main: &[Filter]) -> Vec<Filter> {
        let only = |what: &str, main: &[Filter]| {
            let main: Vec<_> = main.iter().map(|filter| quoted(filter.text())).collect();
            format!("{file}: {what}; only {} is named", main.join(", "))
        };
        if !push.tags_ignore.is_empty() {
            self.left_out.push(format!(
                "{file}: `tags-ignore` cannot be said, since rules only add; name tags as `refs/tags/NAME`"
            ));
        }
        if !push.branches_ignore.is_empty() {
            let what = "`branches-ignore` cannot be said, since rules only add";
            self.left_out.push(only(what, main));
            return main.to_vec();
        }
        let by_tags = !push.tags.is_empty() || !push.tags_ignore.is_empty();
        if push.branches.is_empty() && by_tags {
            return Vec::new();
        }
        let globs = globs(&push.branches, "");
        let is_any = |filter: &Filter| matches!(filter.text(), "*" | "**");
        if push.branches.is_empty() || globs.iter().any(is_any) {
            self.left_out
                .push(only("a push to any branch starts it", main));
            return main.to_vec();
        }
        if !push.branches.iter().any(|branch| branch.starts_with('!')) {
            return globs;
        }
        // What `!` excludes stays excluded: a glob beside it is not taken.
        let exact: Vec<_> = globs
            .into_iter()
            .filter(|filter| matches!(filter, Filter::Exact(_)))
            .collect();
        let kept = if exact.is_empty() {
            main.to_vec()
        } else {
            exact
        };
        let what = "a branch with `!` cannot be said, since rules only add";
        self.left_out.push(only(what, &kept));
        kept
    }
}

/// GitHub's filters as patterns, without those that exclude.
fn globs(filters: &[String], prefix: &str) -> Vec<Filter> {
    let mut globs: Vec<Filter> = Vec::new();
    for filter in filters.iter().filter(|filter| !filter.starts_with('!')) {
        let filter = Filter::of_glob(&format!("{prefix}{filter}"));
        if !globs.contains(&filter) {
            globs.push(filter);
        }
    }
    globs
}
