//! The pairs: a policy with its text and place, and jobs that ask.

use ::engine::policy::Format;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{RngSeed, TestRunner};
use serde_json::{Value, json};
use simulator::Job;
use simulator::github::Repository;

use crate::random::runs::{self, run};
use crate::random::{self, written};
use crate::reference::run::{Event, Head, Run};
use crate::reference::{Outcome, Own, PlainPolicy, Source, TRUSTED, evaluate_with_own};

/// Every policy is asked this often.
pub const PAIRS_OF_A_POLICY: usize = 5;

/// The commit that reports belong on.
pub const HEAD_SHA: &str = "0123456789abcdef0123456789abcdef01234567";

/// Where a repository's own policy lies.
pub use crate::support::POLICY_PATH as OWN;

/// Where the action reads the policy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PolicyPlacement {
    /// This repository, at its default branch.
    Default,
    /// This repository, at a ref.
    AtRef,
    /// Another repository.
    Another,
    /// The input itself.
    Inline,
    /// The workspace.
    Workspace,
}

impl PolicyPlacement {
    pub fn source(self) -> Source {
        match self {
            Self::Default | Self::AtRef => Source::Own,
            Self::Another => Source::Other,
            Self::Inline | Self::Workspace => Source::Given,
        }
    }
}

/// A policy as a file.
#[derive(Debug)]
pub struct File {
    pub policy: PlainPolicy,
    /// Whether the file as a whole is.
    pub is_valid: bool,
    pub text: String,
    pub format: Format,
    /// Of each rule.
    pub lines: Vec<u32>,
}

impl File {
    fn new(policy: PlainPolicy, is_valid: bool, as_json: bool) -> Self {
        let (mut text, lines) = if as_json {
            written::json(&policy)
        } else {
            written::yaml(&policy)
        };
        if !is_valid {
            text = text.replacen("version", "versoin", 1);
        }
        Self {
            policy,
            is_valid,
            text,
            format: if as_json { Format::Json } else { Format::Yaml },
            lines,
        }
    }

    /// The name of the file.
    pub fn name(&self) -> &'static str {
        match self.format {
            Format::Yaml => "policy.yml",
            Format::Json => "policy.json",
        }
    }
}

/// A policy and who asks it.
#[derive(Debug)]
pub struct Group {
    pub file: File,
    /// The repository's own policy, in YAML, if it has one: see [`OWN`].
    pub own: Option<File>,
    /// Where the file of cases says that the policy lies.
    pub repository: Option<&'static str>,
    pub pairs: Vec<Pair>,
    /// This year.
    pub year: u32,
}

/// A job and the permission that it asks for.
#[derive(Debug)]
pub struct Pair {
    pub run: Run,
    pub permission: String,
    pub placement: PolicyPlacement,
}

impl Group {
    /// What the reference says, with the own policy where the policy delegates to it.
    pub fn expected(&self, source: Source, pair: &Pair) -> Outcome {
        let own = match &self.own {
            None => Own::Missing,
            Some(own) if !own.is_valid => Own::Invalid,
            Some(own) => Own::Policy(&own.policy),
        };
        self.expected_with(own, source, pair)
    }

    /// What the reference says with another own policy.
    pub fn expected_with(&self, own: Own<'_>, source: Source, pair: &Pair) -> Outcome {
        if !self.file.is_valid {
            return Outcome::invalid();
        }
        let job = pair.run.job(self.year);
        evaluate_with_own(&self.file.policy, source, own, &job, &pair.permission)
    }

    /// The number of the rule at a line of the policy, or of the own policy.
    pub fn number(&self, line: u64, is_own: bool) -> usize {
        let (lines, before) = match (is_own, &self.own) {
            (false, _) => (&self.file.lines, 0),
            (true, own) => (&own.as_ref().unwrap().lines, self.file.lines.len()),
        };
        let mut lines = lines.iter();
        before + lines.position(|known| u64::from(*known) == line).unwrap()
    }

    /// Whether the rule of this number is the own policy's, and its line.
    pub fn place_of(&self, rule: usize) -> (bool, u32) {
        match rule.checked_sub(self.file.lines.len()) {
            None => (false, self.file.lines[rule]),
            Some(of_own) => (true, self.own.as_ref().unwrap().lines[of_own]),
        }
    }
}

impl Pair {
    fn new(run: Run, permission: String, placement: PolicyPlacement) -> Self {
        let is_trusted = TRUSTED.contains(&run.event.name());
        let is_refused = matches!(run.event, Event::Pull(_)) || !is_trusted;
        Self {
            // Neither the workspace nor a ref may be what an author chose.
            placement: match placement {
                PolicyPlacement::Workspace if is_refused => PolicyPlacement::Inline,
                PolicyPlacement::AtRef if is_refused => PolicyPlacement::Default,
                placement => placement,
            },
            run,
            permission,
        }
    }

    /// The same where nobody says what the default branch is.
    pub fn without_default_branch(&self) -> Self {
        Self {
            run: Run {
                default_branch: None,
                ..self.run.clone()
            },
            permission: self.permission.clone(),
            placement: self.placement,
        }
    }

    /// The job as the runner knows it.
    pub fn job(&self) -> Job {
        let run = &self.run;
        let repository = Repository::new(&run.repository, run.repository_id, run.owner_id);
        let mut job = Job::push(&repository, "main").with_payload(self.payload());
        job.event_name = run.event.name().to_owned();
        job.reference = match &run.event {
            Event::Branch { branch, .. } => format!("refs/heads/{branch}"),
            Event::Tag { tag, .. } => format!("refs/tags/{tag}"),
            Event::Commit { .. } => String::new(),
            Event::Pull(pull) if pull.name == "pull_request_target" => {
                format!("refs/heads/{}", pull.runs_on)
            }
            Event::Pull(pull) if pull.merged => format!("refs/heads/{}", pull.base_branch),
            Event::Pull(pull) => format!("refs/pull/{}/merge", pull.number),
        };
        if let Event::Pull(pull) = &run.event {
            job.head_ref.clone_from(&pull.head_branch);
            if pull.base_is_signed {
                job.base_ref.clone_from(&pull.base_branch);
            }
        }
        let (workflow, path) = &run.workflow;
        let at = match job.reference.as_str() {
            "" => job.sha.as_str(),
            reference => reference,
        };
        job.workflow_ref = Some(format!("{workflow}/{path}@{at}"));
        job.environment.clone_from(&run.environment);
        for (name, value) in &run.claims {
            match name.as_str() {
                "runner_environment" => job.runner_environment.clone_from(value),
                "ref_protected" => job.ref_protected = value == "true",
                other => panic!("nothing sets the claim {other}"),
            }
        }
        job
    }

    /// The job's claims, as GitHub signs them.
    pub fn claims(&self) -> Value {
        Value::Object(self.job().claims())
    }

    /// The event's payload, as far as it is read.
    pub fn payload(&self) -> Value {
        let mut payload = self.event();
        if let Some(branch) = &self.run.default_branch {
            payload["repository"] = json!({ "default_branch": branch });
        }
        payload
    }

    fn event(&self) -> Value {
        let Event::Pull(pull) = &self.run.event else {
            return json!({ "ref": "refs/heads/main" });
        };
        let (owner, id) = match &pull.head {
            Head::Fork(owner) | Head::Gone(owner) => (owner.as_str(), 1_000_000),
            _ => ("acme-org", self.run.repository_id),
        };
        let repo = json!({ "id": id, "owner": { "login": owner } });
        let mut request = json!({
            "number": pull.number,
            "head": {
                "ref": pull.head_branch,
                "sha": HEAD_SHA,
                "user": { "login": owner },
                "repo": repo,
            },
        });
        match &pull.head {
            Head::This | Head::Fork(_) => {}
            Head::Gone(_) => request["head"]["repo"] = Value::Null,
            Head::Unsaid => return json!({ "number": pull.number }),
            Head::OtherNumber => request["number"] = json!(pull.number + 1),
            Head::OtherBranch => request["head"]["ref"] = json!("another"),
        }
        json!({ "number": pull.number, "pull_request": request })
    }
}

/// The name of a branch: a value can be its full ref.
pub fn name_of(branch: &str) -> &str {
    branch.strip_prefix("refs/heads/").unwrap_or(branch)
}

/// The strategies are about 2026.
fn move_expiries(policy: &mut PlainPolicy, year: u32) {
    let entries = policy.repositories.iter_mut().flatten();
    let rules = entries.flat_map(|entry| &mut entry.permissions);
    for rule in policy.permissions.iter_mut().flatten().chain(rules) {
        rule.expires_after_year = rule.expires_after_year.map(|expires| expires + year - 2026);
    }
}

/// Random groups, the same for the same seed.
pub fn groups(count: usize, seed: u64, year: u32) -> Vec<Group> {
    let mut runner = TestRunner::new(ProptestConfig {
        rng_seed: RngSeed::Fixed(seed),
        ..ProptestConfig::default()
    });
    let places = [
        PolicyPlacement::Default,
        PolicyPlacement::AtRef,
        PolicyPlacement::Another,
        PolicyPlacement::Inline,
        PolicyPlacement::Workspace,
    ];
    let ask = prop_oneof![9 => random::permission(), 1 => Just("acme:keys:turn".to_owned())];
    let aims = option::weighted(0.7, (any::<Index>(), any::<bool>()));
    let strategy = (
        random::policy(12),
        option::weighted(0.7, (random::policy(4), prop::bool::weighted(0.95))),
        select(&[None, Some("acme-org/infra"), Some("acme-org/policies")][..]),
        any::<bool>(),
        prop::bool::weighted(0.97),
        vec(
            (run(), ask, select(places.to_vec()), aims),
            PAIRS_OF_A_POLICY,
        ),
    );
    (0..count)
        .map(|_| {
            let tree = strategy.new_tree(&mut runner).unwrap();
            let (mut policy, own, repository, as_json, is_valid, pairs) = tree.current();
            move_expiries(&mut policy, year);
            let own = own.map(|(mut own, is_valid)| {
                move_expiries(&mut own, year);
                File::new(own, is_valid, false)
            });
            let pairs = pairs
                .into_iter()
                .map(|(mut run, mut permission, placement, aim)| {
                    let of_own = own.iter().flat_map(|own| own.policy.rules());
                    let rules: Vec<_> = policy.rules().into_iter().chain(of_own).collect();
                    if let (Some((index, swap)), false) = (aim, rules.is_empty()) {
                        let index = index.index(rules.len());
                        let (rule, entry) = rules[index];
                        // A rule of the own policy needs an entry that delegates to it.
                        let mut entries = policy.repositories.iter().flatten();
                        let delegating = entries.find(|entry| !entry.delegate.is_empty());
                        let delegating = delegating.filter(|_| index >= policy.rules().len());
                        runs::aim(&mut run, rule, delegating.or(entry), swap);
                        let delegated = delegating.and_then(|entry| entry.delegate.first());
                        permission.clone_from(delegated.unwrap_or(&rule.permissions[0]));
                    }
                    Pair::new(run, permission, placement)
                });
            let pairs = pairs.collect();
            Group {
                file: File::new(policy, is_valid, as_json),
                own,
                repository,
                pairs,
                year,
            }
        })
        .collect()
}
