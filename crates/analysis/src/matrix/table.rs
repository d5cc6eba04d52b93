//! The table.

use jiff::Timestamp;

use super::cell::Cell;
use super::evaluate::CompiledRule;
use super::row::{self, Row};
use super::unused::{self, Unused};
use crate::lint::{Finding, lint_workflows};
use crate::workflows::{RunOptions, Workflows};
use engine::policy::{Invalid, Rule};

/// The table and what does not fit into it.
#[derive(Clone, Debug)]
pub struct AccessMatrix<'a> {
    /// Columns: the permission keys that the rules name, in the rules' order.
    pub permissions: Vec<&'a str>,
    /// Rows sorted by file, one for each of its environments; the last row stands for files that do not
    /// exist yet.
    pub rows: Vec<Row<'a>>,
    /// Rules that no workflow of the repository can use, in the policy's order.
    pub unused: Vec<Unused<'a>>,
    /// Files that only other workflows call, so no job's token names them as its workflow.
    pub only_called: Vec<&'a str>,
    /// What the policy cannot enforce because of the files, each with the name of its file.
    pub findings: Vec<(&'a str, Finding)>,
}

impl<'a> AccessMatrix<'a> {
    /// Evaluates the rules that a policy has for `repository` (`None` if its name is unknown) on its
    /// workflow files.
    ///
    /// # Errors
    /// All patterns of the rules that do not compile.
    pub fn new(
        rules: &[&'a Rule],
        repository: Option<&'a str>,
        workflows: &'a Workflows,
        options: RunOptions<'_>,
        now: Timestamp,
    ) -> Result<Self, Invalid> {
        let mut permissions: Vec<&str> = Vec::new();
        for key in rules.iter().flat_map(|rule| &*rule.permissions) {
            if !permissions.contains(&key.as_str()) {
                permissions.push(key.as_str());
            }
        }
        let runs = workflows.runs(options);
        let mut rows = row::rows(workflows, &runs, permissions.len());
        let mut unused = Vec::new();
        let mut problems = Vec::new();
        for rule in rules {
            match CompiledRule::new(rule, repository) {
                Ok(compiled) => {
                    let fit = compiled.fit(&mut rows, &permissions, now);
                    unused.extend(unused::why(&compiled, &fit, &rows, workflows));
                }
                Err(problem) => problems.push(problem),
            }
        }
        if let Some(invalid) = Invalid::from_problems(problems) {
            return Err(invalid);
        }
        for row in &mut rows {
            row.cells.iter_mut().for_each(Cell::merge);
        }
        let called = workflows.files.iter().filter(|file| file.is_only_called());
        Ok(Self {
            permissions,
            rows,
            unused,
            only_called: called.map(|file| file.file.as_str()).collect(),
            findings: lint_workflows(&runs),
        })
    }
}
