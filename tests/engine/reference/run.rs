//! What the contract says of the context: from what happens at GitHub to the job that is decided on.
//!
//! It starts from what happened and never from the claims, so it has no claim to take apart.

use super::{Base, Job};

/// One job of a workflow run.
#[derive(Clone, Debug)]
pub struct Run {
    /// `OWNER/NAME`.
    pub repository: String,
    pub repository_id: u64,
    pub owner_id: u64,
    /// `None` where nobody can say it.
    pub default_branch: Option<String>,
    /// The repository that the workflow file lies in, `OWNER/NAME`, and its path there.
    pub workflow: (String, String),
    pub environment: Option<String>,
    pub event: Event,
    /// Claims that only the rules' `claims:` look at.
    pub claims: Vec<(String, String)>,
}

/// What started it.
#[derive(Clone, Debug)]
pub enum Event {
    /// On a branch: `push`, `schedule`, `merge_group`, `workflow_run`, …
    Branch { name: String, branch: String },
    /// `push` of a tag, `release`.
    Tag { name: String, tag: String },
    /// `deployment` of a commit.
    Commit { name: String },
    /// A pull request.
    Pull(Pull),
}

/// A pull request.
#[derive(Clone, Debug)]
pub struct Pull {
    /// `pull_request`, `pull_request_target`, …
    pub name: String,
    pub number: u64,
    pub head_branch: String,
    pub base_branch: String,
    /// The branch whose code a `pull_request_target` runs.
    pub runs_on: String,
    /// Whether the token names the base.
    pub base_is_signed: bool,
    /// Closed by a merge, so the run is on the base branch.
    pub merged: bool,
    pub head: Head,
}

/// What the payload of the event says of a pull request's head.
#[derive(Clone, Debug, PartialEq)]
pub enum Head {
    /// This repository.
    This,
    /// The fork of this owner.
    Fork(String),
    /// A fork of this owner that was deleted since.
    Gone(String),
    /// Nothing.
    Unsaid,
    /// It is about another pull request.
    OtherNumber,
    /// It is about another branch.
    OtherBranch,
}

impl Event {
    /// The event's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Branch { name, .. } | Self::Tag { name, .. } | Self::Commit { name } => name,
            Self::Pull(pull) => &pull.name,
        }
    }
}

impl Run {
    /// The job, `year` being the one it runs in.
    pub fn job(&self, year: u32) -> Job {
        Job {
            repository: self.repository.clone(),
            repository_id: Some(self.repository_id.to_string()),
            owner_id: Some(self.owner_id.to_string()),
            workflow: Some(self.workflow()),
            branch: self.branch(),
            base: self.base(),
            default_branch: self.default_branch.as_deref().map(value),
            environment: self.environment.clone(),
            event: self.event.name().to_owned(),
            claims: self.claims.clone(),
            year,
        }
    }

    fn workflow(&self) -> String {
        let (repository, path) = &self.workflow;
        if repository.eq_ignore_ascii_case(&self.repository)
            && let Some(file) = path.strip_prefix(".github/workflows/")
            && !file.contains('/')
        {
            return file.to_owned();
        }
        format!("{repository}/{path}")
    }

    fn branch(&self) -> Option<String> {
        match &self.event {
            Event::Branch { branch, .. } => Some(value(branch)),
            Event::Tag { tag, .. } => Some(format!("refs/tags/{tag}")),
            Event::Commit { .. } => None,
            Event::Pull(pull) if pull.name != "pull_request_target" && pull.merged => {
                Some(value(&pull.base_branch))
            }
            Event::Pull(pull) => {
                let branch = value(&pull.head_branch);
                Some(match &pull.head {
                    Head::This => branch,
                    Head::Fork(owner) | Head::Gone(owner) => format!("{owner}:{branch}"),
                    Head::Unsaid | Head::OtherNumber | Head::OtherBranch => {
                        format!("unknown:{branch}")
                    }
                })
            }
        }
    }

    /// What is merged with the head, or runs in its place.
    fn base(&self) -> Base {
        match &self.event {
            Event::Pull(pull) if pull.name == "pull_request_target" => {
                Base::Branch(value(&pull.runs_on))
            }
            Event::Pull(pull) if pull.merged => Base::None,
            Event::Pull(pull) if !pull.base_is_signed => Base::Absent,
            Event::Pull(pull) => Base::Branch(value(&pull.base_branch)),
            _ => Base::None,
        }
    }
}

/// A branch that is named like a tag is none.
fn value(branch: &str) -> String {
    if branch.starts_with("refs/") {
        return format!("refs/heads/{branch}");
    }
    branch.to_owned()
}
