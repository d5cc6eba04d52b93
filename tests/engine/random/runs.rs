//! Random runs of workflows: what happens at GitHub before a step asks.

use proptest::prelude::*;
use proptest::sample::select;

use super::{BRANCHES, ENVIRONMENTS, REPOSITORIES, RUNNERS, owned, value};
use crate::reference::run::{Event, Head, Pull, Run};
use crate::reference::{Entry, Pattern, Rule};

/// What makes a plain text something else than itself.
const META: &[char] = &[
    '\\', '^', '$', '*', '+', '?', '(', ')', '[', ']', '{', '}', '|',
];
const FILES: [&str; 6] = [
    "deploy.yml",
    "deploy.yml",
    "deploy.yml",
    "deployxyml",
    "Deploy.yml",
    "de@ploy.yml",
];

fn branch() -> impl Strategy<Value = String> {
    // Neither a tag's nor a fork's.
    let branches = BRANCHES.into_iter();
    let branches: Vec<_> = branches
        .filter(|branch| !branch.starts_with("refs/") && !branch.contains(':'))
        // A branch may be named like a tag.
        .chain(["refs/tags/main"])
        .collect();
    select(branches).prop_map(owned)
}

/// The file that was started, of a run in this repository.
fn workflow(repository: String) -> impl Strategy<Value = (String, String)> {
    let repositories = prop_oneof![
        8 => Just(repository.clone()),
        1 => Just(repository.to_uppercase()),
        1 => Just("evil/infra".to_owned()),
    ];
    let path = prop_oneof![
        8 => select(&FILES[..]).prop_map(|file| format!(".github/workflows/{file}")),
        1 => Just("ci/deploy.yml".to_owned()),
        1 => Just(".github/workflows/sub/deploy.yml".to_owned()),
    ];
    (repositories, path)
}

fn event() -> impl Strategy<Value = Event> {
    let names = [
        "push",
        "push",
        "workflow_dispatch",
        "schedule",
        "workflow_run",
        "issue_comment",
        "event_of_tomorrow",
    ];
    let on_branch = (select(names.to_vec()), branch()).prop_map(|(name, branch)| Event::Branch {
        name: name.to_owned(),
        branch,
    });
    let queue = (1..99_u64, branch()).prop_map(|(number, base)| Event::Branch {
        name: "merge_group".to_owned(),
        branch: format!("gh-readonly-queue/{base}/pr-{number}-0123abcd"),
    });
    let tag = (
        select(&["push", "release"][..]),
        select(&["main", "v1"][..]),
    )
        .prop_map(|(name, tag)| Event::Tag {
            name: name.to_owned(),
            tag: tag.to_owned(),
        });
    let commit = Just(Event::Commit {
        name: "deployment".to_owned(),
    });
    prop_oneof![8 => on_branch, 1 => queue, 1 => tag, 1 => commit, 6 => pull().prop_map(Event::Pull)]
}

fn pull() -> impl Strategy<Value = Pull> {
    let owners = || select(&["octo-fork", "acme-org", "renovate[bot]"][..]).prop_map(owned);
    let head = prop_oneof![
        4 => Just(Head::This),
        2 => owners().prop_map(Head::Fork),
        1 => owners().prop_map(Head::Gone),
        1 => Just(Head::Unsaid),
        1 => Just(Head::OtherNumber),
        1 => Just(Head::OtherBranch),
    ];
    let names = [
        "pull_request",
        "pull_request",
        "pull_request",
        "pull_request_review",
        "pull_request_target",
    ];
    (
        select(names.to_vec()),
        1..9_u64,
        branch(),
        (branch(), branch(), prop::bool::weighted(0.95)),
        prop::bool::weighted(0.15),
        head,
    )
        .prop_map(
            |(name, number, head_branch, (base_branch, other, base_is_signed), merged, head)| {
                Pull {
                    name: name.to_owned(),
                    number,
                    head_branch,
                    // It may run on another branch than the base.
                    runs_on: if number % 2 == 0 {
                        base_branch.clone()
                    } else {
                        other
                    },
                    base_branch,
                    base_is_signed,
                    merged,
                    // The claims of `pull_request_target` do not say the number.
                    head: match head {
                        Head::OtherNumber if name == "pull_request_target" => Head::Unsaid,
                        head => head,
                    },
                }
            },
        )
}

pub fn run() -> impl Strategy<Value = Run> {
    let repository = select(&REPOSITORIES[..]).prop_map(owned);
    let of_repository =
        repository.prop_flat_map(|repository| (Just(repository.clone()), workflow(repository)));
    let ids = (1..4_u64, 10..13_u64, prop::option::weighted(0.9, branch()));
    let claims = (select(&RUNNERS[..]), any::<bool>());
    (of_repository, ids, value(&ENVIRONMENTS), event(), claims).prop_map(
        |(
            (repository, workflow),
            (repository_id, owner_id, default_branch),
            environment,
            event,
            (runner, protected),
        )| Run {
            repository,
            repository_id,
            owner_id,
            default_branch,
            workflow,
            environment,
            event,
            claims: vec![
                ("runner_environment".to_owned(), runner.to_owned()),
                ("ref_protected".to_owned(), protected.to_string()),
            ],
        },
    )
}

/// Moves a run to where a rule looks, as far as the rule's texts say where that is: chance alone
/// seldom grants. With `swap` in another case, where that makes no difference.
pub fn aim(run: &mut Run, rule: &Rule, entry: Option<&Entry>, swap: bool) {
    let cased = |text: &str| {
        if swap {
            text.to_ascii_uppercase()
        } else {
            owned(text)
        }
    };
    if let Some(entry) = entry {
        if let Some(repository) = text(&entry.repository) {
            let is_own = run.workflow.0.eq_ignore_ascii_case(&run.repository);
            run.repository = cased(repository);
            if is_own {
                run.workflow.0.clone_from(&run.repository);
            }
        }
        run.repository_id = entry.repository_id.unwrap_or(run.repository_id);
        run.owner_id = entry.owner_id.unwrap_or(run.owner_id);
    }
    if let Some(file) = rule.workflow.as_deref().and_then(text)
        && !file.contains('/')
    {
        run.workflow = (run.repository.clone(), format!(".github/workflows/{file}"));
    }
    if let Some(environment) = rule.environment.as_deref().and_then(text) {
        run.environment = Some(cased(environment));
    }
    for (name, patterns) in &rule.claims {
        let claim = run.claims.iter_mut().find(|(claim, _)| claim == name);
        if let (Some((_, value)), Some(text)) = (claim, text(patterns)) {
            *value = owned(text);
        }
    }
    if swap {
        propose(run);
    }
    aim_base(run, rule, swap);
    if let Some(wanted) = rule.branch.as_deref().and_then(text) {
        let name = wanted.strip_prefix("refs/heads/").unwrap_or(wanted);
        let is_branch = name != wanted || !wanted.starts_with("refs/");
        match (&mut run.event, wanted.split_once(':')) {
            (Event::Pull(pull), Some((owner, branch))) => {
                pull.head_branch = owned(branch);
                pull.merged = false;
                pull.head = match owner {
                    "unknown" => Head::Unsaid,
                    owner => Head::Fork(owned(owner)),
                };
            }
            (Event::Pull(pull), None) if is_branch => {
                pull.head_branch = owned(name);
            }
            (Event::Branch { branch, .. }, None) if is_branch => {
                *branch = owned(name);
            }
            _ => {}
        }
    }
}

/// Makes a pull request of a push, and the branches of this repository those of a pull request.
fn propose(run: &mut Run) {
    match &mut run.event {
        Event::Branch { name, branch } if name == "push" => {
            run.event = Event::Pull(Pull {
                name: "pull_request".to_owned(),
                number: 1,
                head_branch: branch.clone(),
                base_branch: branch.clone(),
                runs_on: branch.clone(),
                base_is_signed: true,
                merged: false,
                head: Head::This,
            });
        }
        Event::Pull(pull) => pull.head = Head::This,
        _ => {}
    }
}

/// Moves the base of a pull request to one that the rule trusts.
fn aim_base(run: &mut Run, rule: &Rule, at_default_branch: bool) {
    let wanted = match &rule.base {
        Some(base) => text(base),
        None if at_default_branch => run.default_branch.as_deref(),
        None => rule.branch.as_deref().and_then(text),
    };
    let wanted = wanted.map(|wanted| wanted.trim_start_matches("refs/heads/"));
    if let (Event::Pull(pull), Some(wanted)) = (&mut run.event, wanted)
        && !wanted.contains(':')
    {
        pull.base_branch = owned(wanted);
        pull.runs_on = owned(wanted);
    }
}

/// The first of the patterns that is a text.
fn text(patterns: &[Pattern]) -> Option<&str> {
    patterns.iter().find_map(|pattern| match pattern {
        Pattern::Exact(text) if !text.is_empty() => Some(text.as_str()),
        Pattern::Plain(text) if !text.is_empty() && !text.contains(META) => Some(text),
        _ => None,
    })
}
