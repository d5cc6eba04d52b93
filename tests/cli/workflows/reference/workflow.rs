//! A workflow file: what decides which of its jobs run, and as what.

use super::expression::{Part, parts};
use super::yaml::Node;

/// A workflow file.
#[derive(Clone, Debug)]
pub struct Workflow {
    pub file: String,
    pub on: Node,
    pub permissions: Option<Node>,
    pub jobs: Vec<Job>,
}

/// A job.
#[derive(Clone, Debug)]
pub struct Job {
    pub id: String,
    pub needs: Vec<String>,
    pub condition: Option<Condition>,
    pub environment: Option<Vec<Part>>,
    pub strategy: Option<Node>,
    pub permissions: Option<Node>,
    /// Whether other jobs go on after it has failed.
    pub may_fail: bool,
    pub call: Option<Call>,
    pub steps: Vec<Node>,
}

/// An `if:`.
#[derive(Clone, Debug)]
pub struct Condition {
    pub parts: Vec<Part>,
    /// Otherwise `success()` has to hold as well.
    pub asks_for_status: bool,
    /// Then `success()` is false in a run that is cancelled.
    pub asks_for_cancel: bool,
}

/// The call of another workflow.
#[derive(Clone, Debug)]
pub struct Call {
    pub uses: String,
    pub with: Vec<(String, Node)>,
}

impl Workflow {
    /// The file, or what GitHub refuses in it.
    pub fn read(file: &str, text: &str) -> Result<Self, String> {
        let root = Node::parse(text)?;
        let on = root.get("on").ok_or("there is no `on`")?;
        let jobs = root.get("jobs").ok_or("there are no `jobs`")?;
        let jobs = jobs.members().iter();
        let jobs: Vec<_> = jobs
            .map(|(id, job)| Job::read(id, job))
            .collect::<Result<_, _>>()?;
        for job in &jobs {
            for need in &job.needs {
                if !jobs.iter().any(|other| same_id(&other.id, need)) {
                    return Err(format!("`{}` needs `{need}`, which there is not", job.id));
                }
            }
        }
        let workflow = Self {
            file: file.to_owned(),
            on: on.clone(),
            permissions: root.get("permissions").cloned(),
            jobs,
        };
        for job in &workflow.jobs {
            if workflow
                .ancestors(job)
                .iter()
                .any(|other| other.id == job.id)
            {
                return Err(format!("`{}` waits for itself", job.id));
            }
        }
        Ok(workflow)
    }

    /// `on.workflow_call`, if others may call it.
    pub fn called_by(&self) -> Option<Node> {
        let mut triggers = super::starts::triggers(&self.on).into_iter();
        let (_, trigger) = triggers.find(|(event, _)| event == "workflow_call")?;
        Some(trigger)
    }

    pub fn job(&self, id: &str) -> Option<&Job> {
        self.jobs.iter().find(|job| same_id(&job.id, id))
    }

    /// The jobs that a job waits for, and those that they wait for.
    pub fn ancestors(&self, job: &Job) -> Vec<&Job> {
        let mut found: Vec<&Job> = Vec::new();
        let mut open: Vec<&String> = job.needs.iter().collect();
        while let Some(id) = open.pop() {
            let job = self.job(id).unwrap();
            if !found.iter().any(|known| known.id == job.id) {
                found.push(job);
                open.extend(&job.needs);
            }
        }
        found
    }
}

fn same_id(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

impl Job {
    fn read(id: &str, job: &Node) -> Result<Self, String> {
        if job.get("steps").is_none() && job.get("uses").is_none() {
            return Err(format!("`{id}` has neither steps nor a call"));
        }
        let condition = job.get("if").and_then(Node::text);
        let environment = match job.get("environment") {
            Some(node @ Node::Map(_)) => Some(node.get("name").ok_or("`environment` has no name")?),
            other => other,
        };
        let environment = environment.filter(|node| !node.is_null());
        let environment = environment.and_then(Node::text).map(parts).transpose()?;
        Ok(Self {
            id: id.to_owned(),
            needs: job.get("needs").map(Node::texts).unwrap_or_default(),
            condition: condition.map(Condition::read).transpose()?,
            environment,
            strategy: job.get("strategy").cloned(),
            permissions: job.get("permissions").cloned(),
            may_fail: job.get("continue-on-error").and_then(Node::text) == Some("true"),
            call: job.get("uses").and_then(Node::text).map(|uses| Call {
                uses: uses.to_owned(),
                with: job
                    .get("with")
                    .map(Node::members)
                    .unwrap_or_default()
                    .to_vec(),
            }),
            steps: job
                .get("steps")
                .map(Node::items)
                .unwrap_or_default()
                .to_vec(),
        })
    }
}

impl Condition {
    /// The whole text is an expression, unless it contains `${{ … }}`: then it is a text like others.
    pub fn read(text: &str) -> Result<Self, String> {
        let parts = match text.contains("${{") {
            true => parts(text)?,
            false if text.trim().is_empty() => parts("${{ true }}")?,
            false => parts(&format!("${{{{ {} }}}}", text.trim()))?,
        };
        let calls = |functions: &[&str]| {
            parts.iter().any(|part| match part {
                Part::Expression(expression) => expression.calls(functions),
                Part::Plain(_) => false,
            })
        };
        Ok(Self {
            asks_for_status: calls(&["success", "failure", "always", "cancelled"]),
            asks_for_cancel: calls(&["cancelled"]),
            parts,
        })
    }
}

impl Call {
    /// The called file of this repository.
    pub fn local_file(&self) -> Option<&str> {
        let path = ["./", "$/"]
            .iter()
            .find_map(|own| self.uses.strip_prefix(own))?;
        path.strip_prefix(".github/workflows/")
    }
}
