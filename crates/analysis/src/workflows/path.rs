//! Paths from a started workflow to its jobs, through the calls of reusable workflows.

use super::directory::Workflows;
use super::permissions::JobToken;
use super::workflow::{Call, Job, Workflow};

/// Maximum depth of calls: GitHub's own limit (docs.github.com, "Reusing workflow configurations").
const MAX_DEPTH: usize = 10;
/// Maximum number of jobs of one run whose calls are followed.
const MAX_JOBS: usize = 4_096;

/// A job and the calls that lead to it.
pub(super) struct JobPath<'w> {
    /// Calling jobs with their calls, from the started workflow on.
    pub(super) calls: Vec<(Caller<'w>, &'w Call)>,
    pub(super) workflow: &'w Workflow,
    pub(super) file: &'w str,
    pub(super) job: &'w Job,
    pub(super) token: JobToken<'w>,
}

/// A job that calls a workflow.
#[derive(Clone, Copy)]
pub(super) struct Caller<'w> {
    pub(super) workflow: &'w Workflow,
    pub(super) job: &'w Job,
    pub(super) called: &'w Workflow,
}

/// Returns the paths to all jobs of a run. A call that cannot be followed ends its path.
pub(super) fn paths<'w>(workflows: &'w Workflows, workflow: &'w Workflow) -> Vec<JobPath<'w>> {
    let mut walk = Walk {
        workflows,
        calls: Vec::new(),
        seen: 0,
        paths: Vec::new(),
    };
    walk.add(workflow, None);
    walk.paths
}

struct Walk<'w> {
    workflows: &'w Workflows,
    calls: Vec<(Caller<'w>, &'w Call)>,
    /// Number of visited jobs, with those that call workflows.
    seen: usize,
    paths: Vec<JobPath<'w>>,
}

impl<'w> Walk<'w> {
    /// Adds the jobs of a workflow that a job with the token `caller` calls, or that starts the run.
    fn add(&mut self, workflow: &'w Workflow, caller: Option<&JobToken<'w>>) {
        for job in &workflow.jobs {
            self.seen += 1;
            let block = job.permissions.as_ref().or(workflow.permissions.as_ref());
            let token = match caller {
                Some(caller) => caller.called(block),
                None if workflow.is_only_called() => JobToken::of_any_caller(block),
                None => JobToken::started(block),
            };
            match job
                .call
                .as_ref()
                .and_then(|call| Some((call, self.called(workflow, call)?)))
            {
                Some((call, called)) => {
                    let caller = Caller {
                        workflow,
                        job,
                        called,
                    };
                    self.calls.push((caller, call));
                    self.add(called, Some(&token));
                    self.calls.pop();
                }
                None => self.paths.push(JobPath {
                    calls: self.calls.clone(),
                    workflow,
                    file: &workflow.file,
                    job,
                    token,
                }),
            }
        }
    }

    /// Returns the called workflow, if the call can be followed.
    fn called(&self, workflow: &Workflow, call: &Call) -> Option<&'w Workflow> {
        let called = self.workflows.get(call.local_file()?)?;
        let mut callers = self.calls.iter().map(|(caller, _)| &caller.workflow.file);
        let is_circle = called.file == workflow.file || callers.any(|file| *file == called.file);
        let is_followed = self.seen < MAX_JOBS && self.calls.len() + 1 < MAX_DEPTH && !is_circle;
        is_followed.then_some(called)
    }
}
