//! Steps that change something outside their job, as far as their texts show it.

use super::workflow::Step;

/// Words of commands and actions that change something: they deploy, publish or delete.
const WORK: [&str; 16] = [
    "apply",
    "commit",
    "deploy",
    "deployment",
    "destroy",
    "import",
    "invoke",
    "migrate",
    "promote",
    "publish",
    "push",
    "release",
    "rollback",
    "rollout",
    "upgrade",
    "upload",
];
/// Programs with a word of [`WORK`] that only change the job itself.
const LOCAL: [&str; 4] = ["apt", "apt-get", "brew", "pip"];

impl Step {
    /// Whether the step changes something outside its job.
    pub fn does_work(&self) -> bool {
        let has_work = |text: &str| {
            let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
            words.any(|word| WORK.iter().any(|work| work.eq_ignore_ascii_case(word)))
        };
        let uses = self.uses.as_deref().unwrap_or_default();
        let path = uses.split('@').next().unwrap_or_default();
        // Artifacts stay in the run.
        let is_artifact = path.to_ascii_lowercase().contains("upload-artifact");
        let run = self.run.as_deref().unwrap_or_default().replace("\\\n", " ");
        let mut lines = run.lines().map(str::trim);
        has_work(path) && !is_artifact
            || lines.any(|line| {
                let first = line
                    .strip_prefix("sudo ")
                    .unwrap_or(line)
                    .split_whitespace()
                    .next();
                let is_ignored =
                    line.starts_with('#') || first.is_some_and(|first| LOCAL.contains(&first));
                !is_ignored && has_work(line)
            })
    }
}

#[cfg(test)]
mod tests {
    use crate::workflows::Workflow;

    #[test]
    fn deploying_steps_do_work() {
        for (step, expected) in [
            ("run: terraform apply -auto-approve", true),
            ("run: |\n  make test\n  sudo apt-get upgrade\n", false),
            ("run: |\n  kubectl \\\n    rollout restart deploy/x", true),
            ("run: echo deployed", false),
            ("run: '# apply later'", false),
            ("uses: actions/checkout@v6", false),
            ("uses: actions/upload-artifact@v5", false),
            (
                "uses: cloudposse/github-action-atmos-terraform-apply@v5",
                true,
            ),
            ("uses: pypa/gh-action-pypi-publish@release/v1", true),
            ("uses: aws-actions/configure-aws-credentials@v5", false),
            ("run: terraform plan", false),
        ] {
            let step = step.replace('\n', "\n        ");
            let text = format!("on: push\njobs:\n  a:\n    steps:\n      - {step}\n");
            let workflow = Workflow::parse("a.yml", &text).unwrap();
            assert_eq!(workflow.jobs[0].steps[0].does_work(), expected, "{step}");
        }
    }
}
