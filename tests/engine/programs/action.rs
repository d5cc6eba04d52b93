//! The action, as the runner starts it: a signed token, the policy by API, from the workspace or in
//! the input, and its outputs.

use std::path::Path;

use serde_json::Value;
use simulator::github::{CommitSha, Repository};
use simulator::{GitHub, Runner, StepResult};

use super::check::{assert_context, code, outcome};
use super::pairs::{Group, HEAD_SHA, OWN, Pair, PolicyPlacement};
use crate::reference::Outcome;
use crate::support::runner_of;

/// A repository of policies.
const ANOTHER: &str = "acme-org/policies";

/// A GitHub, and the runner of its jobs.
pub struct Stage {
    github: GitHub,
    runner: Runner,
}

impl Stage {
    pub fn start(binary: &Path) -> Self {
        Self {
            github: GitHub::start().unwrap(),
            runner: runner_of(binary),
        }
    }

    /// The outcome of a step. With `report` it reports as by default, else nowhere.
    pub fn ask(&self, group: &Group, pair: &Pair, report: bool) -> Outcome {
        let (file, text) = (group.file.name(), group.file.text.as_str());
        let mut runner = self.runner.clone();
        let run = &pair.run;
        // One without a name is one that nothing goes into.
        let trunk = run.default_branch.as_deref().unwrap_or("trunk");
        let mut repository = Repository::new(&run.repository, run.repository_id, run.owner_id)
            .with_default_branch(trunk);
        let default_ref = format!("refs/heads/{trunk}");
        repository.add_commit(CommitSha::new(HEAD_SHA));
        if let Some(own) = &group.own {
            repository.set_file(&default_ref, OWN, own.text.as_str());
        }
        let default = ".github/".to_owned() + file;
        let policy = match pair.placement {
            PolicyPlacement::Default => {
                repository.set_file(&default_ref, &default, text);
                default
            }
            PolicyPlacement::AtRef => {
                repository.set_file("refs/tags/v1", file, text);
                format!("{}/{file}@v1", run.repository.to_uppercase())
            }
            PolicyPlacement::Another => {
                let another = Repository::new(ANOTHER, 999, 10).with_file("main", file, text);
                self.github.add_repository(another);
                format!("{ANOTHER}/{file}@main")
            }
            PolicyPlacement::Inline => text.to_owned(),
            PolicyPlacement::Workspace => {
                runner = runner.workspace_file(file, text);
                format!("./{file}")
            }
        };
        self.github.add_repository(repository);
        let report = if report { "check-run,status" } else { "none" };
        let inputs = [
            // The payload may not say it.
            ("sha", HEAD_SHA),
            ("permission", pair.permission.as_str()),
            ("policy", &policy),
            ("detail", "full"),
            ("report", report),
        ];
        let step = runner.run(&self.github, &pair.job(), &inputs).unwrap();
        let result: Value = serde_json::from_str(step.output("result"))
            .unwrap_or_else(|error| panic!("{error}: {}\n{}", step.stdout, step.stderr));
        let outcome = outcome(&result, group, &pair.permission);
        assert_context(&result, &run.job(group.year));
        assert_outputs(&step, &outcome, group, pair);
        if report != "none" {
            self.assert_reports(&outcome);
        }
        self.github.assert_nothing_unexpected();
        self.github.clear_records();
        outcome
    }

    fn assert_reports(&self, outcome: &Outcome) {
        let (conclusion, state) = match outcome.decision {
            "allowed" => ("success", "success"),
            "denied" => ("failure", "failure"),
            _ => ("failure", "error"),
        };
        let [run] = &self.github.check_runs()[..] else {
            panic!("one check run");
        };
        assert_eq!(run.conclusion.as_deref(), Some(conclusion));
        let [status] = &self.github.statuses()[..] else {
            panic!("one status");
        };
        assert_eq!(status.state, state);
    }
}

/// The outputs say the same as the result.
fn assert_outputs(step: &StepResult, outcome: &Outcome, group: &Group, pair: &Pair) {
    let job = pair.run.job(group.year);
    let name = group.file.name();
    let file = match pair.placement {
        PolicyPlacement::Default => format!(".github/{name}"),
        PolicyPlacement::AtRef | PolicyPlacement::Another | PolicyPlacement::Workspace => {
            name.to_owned()
        }
        PolicyPlacement::Inline => "policy".to_owned(),
    };
    let rule = outcome.granting.map(|rule| match group.place_of(rule) {
        (false, line) => format!("{file}:{line}"),
        (true, line) => format!("{OWN}:{line}"),
    });
    let allowed = (outcome.decision == "allowed").to_string();
    for (name, value) in [
        ("decision", Some(outcome.decision)),
        ("reason", Some(outcome.reason)),
        ("allowed", Some(allowed.as_str())),
        ("rule", rule.as_deref()),
        ("repository", Some(&job.repository)),
        ("workflow", job.workflow.as_deref()),
        ("branch", job.branch.as_deref()),
        ("environment", job.environment.as_deref()),
    ] {
        assert_eq!(step.output(name), value.unwrap_or_default(), "{name}");
    }
    assert_eq!(step.exit_code(), Some(code(outcome)), "{}", step.stdout);
    assert_eq!(step.runner_errors, Vec::<String>::new());
}
