//! The job as OpenTelemetry describes it.

use std::collections::BTreeMap;

use platform::Variables;

/// Adds the attributes of the job to those in the variables.
pub(super) fn describe(variables: &Variables, resource: &mut BTreeMap<String, String>) {
    let variable = |name| variables.get(name).map_or("", str::trim);
    let (server, repository) = (variable("GITHUB_SERVER_URL"), variable("GITHUB_REPOSITORY"));
    let (owner, name) = repository.split_once('/').unwrap_or_default();
    let run = variable("GITHUB_RUN_ID");
    let repository_url = format!("{server}/{repository}");
    let run_url = format!("{repository_url}/actions/runs/{run}");
    for (key, value) in [
        ("cicd.pipeline.name", variable("GITHUB_WORKFLOW")),
        ("cicd.pipeline.run.id", run),
        ("cicd.pipeline.run.url.full", &run_url),
        ("cicd.pipeline.task.name", variable("GITHUB_JOB")),
        ("vcs.owner.name", owner),
        ("vcs.provider.name", "github"),
        ("vcs.ref.head.name", variable("GITHUB_REF_NAME")),
        ("vcs.ref.head.revision", variable("GITHUB_SHA")),
        ("vcs.ref.type", variable("GITHUB_REF_TYPE")),
        ("vcs.repository.name", name),
        ("vcs.repository.url.full", &repository_url),
    ] {
        if !value.is_empty() {
            resource.insert(key.to_owned(), value.to_owned());
        }
    }
}
