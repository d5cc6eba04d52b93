//! Where a rule for a run applies: the patterns for its branch and its base.
//!
//! A pushed branch brings its own workflow file, so the filters of `on:` state the author's intent and
//! limit nothing. The rule is the limit; it is never wider than the filters and the conditions of the jobs.

use std::sync::Arc;

use super::ask::Ask;
use super::notes::Notes;
use super::rule::{Filter, ProposedRule};
use crate::workflows::{Environment, Reference, Start, Trigger, Workflow};
use engine::decision::is_trusted_event;
use engine::policy::quoted;

/// Pattern for all branches of the repository itself: a fork's branch is `OWNER:BRANCH`.
const OWN_BRANCHES: &str = "[^:]+";

/// A branch and the base of a pull request.
type Place = (Filter, Option<Filter>);

/// Converts what a workflow asks for to rules with one value for each key. `unknown` receives those whose
/// environment only a run knows, with the reason.
pub(super) fn rules(
    file: &Workflow,
    starts: &[Arc<Start>],
    asks: &[Ask],
    default_branch: &str,
    notes: &mut Notes,
    known: &mut Vec<ProposedRule>,
    unknown: &mut Vec<(String, ProposedRule)>,
) {
    let places = Places {
        file,
        starts,
        default_branch,
        asks,
    };
    for ask in asks {
        let Some(event) = ask.start.event.as_deref() else {
            continue;
        };
        if !is_trusted_event(event) {
            notes.add(&file.file, format!(
                "users without write access can start {} or control its content, so a rule must name it; add one only if the workflow neither checks out nor runs that content",
                quoted(event)
            ));
            continue;
        }
        let places = places.of(ask, event).unwrap_or_else(|reason| {
            notes.add(&file.file, reason);
            Vec::new()
        });
        for (branch, base) in places {
            let mut rule = ProposedRule {
                name: String::new(),
                permissions: vec![ask.key.clone()],
                workflows: vec![file.file.clone()],
                branches: vec![branch],
                bases: base.into_iter().collect(),
                environments: Vec::new(),
                events: vec![event.to_owned()],
                remarks: Vec::new(),
                evidence: vec![ask.evidence.clone()],
            };
            let is_pull_request = matches!(ask.start.reference, Reference::PullRequest(_));
            if is_pull_request && ask.environment != Environment::None {
                rule.remarks.push("A pull request brings its own version of this file: everyone who can push a branch can use this rule.".to_owned());
            }
            if !ask.chosen_by.is_empty() {
                let chosen: Vec<_> = ask.chosen_by.iter().map(|name| quoted(name)).collect();
                rule.remarks.push(format!("{} chooses the commit that this job runs: its branch says nothing about that code.", chosen.join(" or ")));
            }
            match &ask.environment {
                Environment::None => known.push(rule),
                Environment::Named(name) => {
                    rule.environments.push(name.clone());
                    if ask.is_optional {
                        rule.remarks.push("In some runs the job has no environment; this rule does not grant in these.".to_owned());
                    }
                    known.push(rule);
                }
                Environment::Dynamic(text) => unknown.push((
                    format!("Only a run knows the environment {}. Name the intended ones with `environment:`.", quoted(text)),
                    rule,
                )),
            }
        }
    }
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
                let bases = match base {
                    Some(name) => vec![Filter::Exact(name.clone())],
                    None if branches.is_empty()
                        && filters(|trigger| &trigger.branches_ignore).is_empty() =>
                    {
                        Vec::new()
                    }
                    None => self.globs(ask, branches, "base", "")?,
                };
                let own = Filter::Regex(OWN_BRANCHES);
                Ok(bases
                    .into_iter()
                    .map(|base| (own.clone(), Some(base)))
                    .collect())
            }
            (Reference::MergeQueue(base), _) => {
                let bases = match base {
                    Some(name) => vec![Filter::Exact(name.clone())],
                    None if branches.is_empty() => Vec::new(),
                    None => self.globs(ask, branches, "merge queue's branch", "")?,
                };
                Ok(placed(bases.iter().map(Filter::queue).collect()))
            }
            (Reference::OtherBranch, _) => Ok(Vec::new()),
            (Reference::Unknown, _) => {
                Err(format!("only a run knows the branch of {}", quoted(event)))
            }
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
