//! How a workflow starts, in terms of rules: events and the branches that they come from.
//!
//! A pushed branch brings its own workflow file, so the filters of `on:` state the author's intent and
//! limit nothing. The rule is the limit; it is never wider than the filters.

use super::rule::Filter;
use crate::workflows::{Trigger, Workflow};
use engine::decision::is_trusted_event;
use engine::policy::quoted;

/// Events that come from the same branches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) kind: StartKind,
    pub(super) events: Vec<String>,
    pub(super) branches: Vec<Filter>,
    /// Bases of pull requests; empty for other events.
    pub(super) bases: Vec<Filter>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StartKind {
    /// A branch of the repository.
    Branch,
    /// A tag, or its release.
    Tag,
    /// A proposed change.
    PullRequest,
    /// A change that a merge queue tests.
    Queue,
}

impl StartKind {
    /// Whether the code is not merged yet.
    pub(super) fn is_proposed(self) -> bool {
        matches!(self, Self::PullRequest | Self::Queue)
    }
}

/// Starts of a workflow, and notes on what rules cannot express.
pub(super) struct Starts {
    pub(super) list: Vec<Start>,
    pub(super) left_out: Vec<String>,
}

/// Pattern for all branches of the repository itself: a fork's branch is `OWNER:BRANCH`.
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
                starts.add(StartKind::Branch, event, pushed.clone().unwrap_or_default());
                let tags = starts.names(file, "tag", &trigger.tags, "refs/tags/");
                starts.add(StartKind::Tag, event, tags);
            }
            "workflow_call" => {}
            "workflow_dispatch" => starts.add(StartKind::Branch, event, trunk.clone()),
            "release" => {
                let tags = vec![Filter::Glob("refs/tags/**".to_owned())];
                starts.add(StartKind::Tag, event, tags);
            }
            "merge_group" => {
                let bases = match trigger.branches.as_slice() {
                    [] => vec![Filter::Exact(default_branch.to_owned())],
                    bases => starts.names(file, "merge queue's branch", bases, ""),
                };
                let queues = bases.iter().map(Filter::queue).collect();
                starts.add(StartKind::Queue, event, queues);
            }
            "pull_request" => {
                let own = vec![Filter::Regex(OWN_BRANCHES)];
                let bases = starts.bases_of(file, trigger, &main);
                starts.add_into(StartKind::PullRequest, event, own, bases);
            }
            event if !is_trusted_event(event) => starts.left_out.push(format!(
                "{file}: users without write access can start `{event}` or control its content, so a rule must name it; add one only if the workflow neither checks out nor runs that content"
            )),
            // The workflow of any other event comes from the default branch.
            event if trunk.contains(&Filter::Exact(default_branch.to_owned())) => {
                starts.add(StartKind::Branch, event, trunk.clone());
            }
            event => starts.add(StartKind::Branch, event, main.clone()),
        }
    }
    starts
}

impl Starts {
    fn add(&mut self, kind: StartKind, event: &str, branches: Vec<Filter>) {
        self.add_into(kind, event, branches, Vec::new());
    }

    fn add_into(
        &mut self,
        kind: StartKind,
        event: &str,
        branches: Vec<Filter>,
        bases: Vec<Filter>,
    ) {
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

    /// Returns the names of a filter other than `on.push.branches`. If `!` excludes names, globs are left
    /// out, because they could include these names again.
    fn names(&mut self, file: &str, noun: &str, filters: &[String], prefix: &str) -> Vec<Filter> {
        let mut globs = globs(filters, prefix);
        if filters.iter().any(|filter| filter.starts_with('!')) {
            globs.retain(|filter| matches!(filter, Filter::Exact(_)));
            self.left_out.push(format!(
                "{file}: rules cannot exclude a {noun} as `!` does; the globs beside it are left out"
            ));
        }
        globs
    }

    /// Returns the bases of `on.pull_request`, or the default branch.
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
                "{file}: pull requests into many branches start it; the rule names only the base {}",
                names.join(", ")
            ));
        }
        main
    }

    /// Returns the branches of `on.push`; empty if only tags start the workflow.
    fn branches_of(&mut self, file: &str, push: &Trigger, main: &[Filter]) -> Vec<Filter> {
        let only = |what: &str, main: &[Filter]| {
            let main: Vec<_> = main.iter().map(|filter| quoted(filter.text())).collect();
            format!("{file}: {what}; the rule names only {}", main.join(", "))
        };
        if !push.tags_ignore.is_empty() {
            self.left_out.push(format!(
                "{file}: rules cannot exclude tags as `tags-ignore` does; name tags as `refs/tags/NAME`"
            ));
        }
        if !push.branches_ignore.is_empty() {
            let what = "rules cannot exclude branches as `branches-ignore` does";
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
        // A glob beside `!` could include the excluded branches again.
        let exact: Vec<_> = globs
            .into_iter()
            .filter(|filter| matches!(filter, Filter::Exact(_)))
            .collect();
        let kept = if exact.is_empty() {
            main.to_vec()
        } else {
            exact
        };
        let what = "rules cannot exclude a branch as `!` does";
        self.left_out.push(only(what, &kept));
        kept
    }
}

/// Converts GitHub's filters to patterns and drops those that exclude.
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
