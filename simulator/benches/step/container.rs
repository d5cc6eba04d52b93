//! A step in its image: the runner's own `docker run` line, with the launcher in front of the program.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Context as _;

use crate::launcher::LAUNCH;

/// The first argument that makes the benchmark start the step of its environment in a container: the
/// engine's socket and the image follow, and what to run in it.
pub(crate) const CONTAINER: &str = "--in-container";

/// What the runner mounts, by a variable that tells where it is on the host.
const MOUNTS: [(&str, bool, &str); 5] = [
    ("RUNNER_TEMP", false, "/github/runner_temp"),
    ("HOME", false, "/github/home"),
    ("GITHUB_EVENT_PATH", true, "/github/workflow"),
    ("GITHUB_OUTPUT", true, "/github/file_commands"),
    ("GITHUB_WORKSPACE", false, "/github/workspace"),
];

/// Becomes `docker run`, as the runner calls it (ContainerActionHandler.cs), on the host's network.
pub(crate) fn run(arguments: impl Iterator<Item = OsString>) -> anyhow::Result<ExitCode> {
    let mut arguments = arguments.filter_map(|argument| argument.into_string().ok());
    let socket = arguments.next().context("no socket of an engine")?;
    let image = arguments.next().context("no image")?;
    let variables: BTreeMap<String, String> = std::env::vars().collect();
    let mounts = MOUNTS.iter().filter_map(|(variable, is_file, inside)| {
        let path = Path::new(variables.get(*variable)?);
        let directory = if *is_file { path.parent()? } else { path };
        Some((directory.to_str()?.to_owned(), *inside))
    });
    let mounts: Vec<(String, &str)> = mounts.collect();
    let mapped = |value: &String| {
        let inside = mounts
            .iter()
            .find_map(|(host, inside)| Some((value.strip_prefix(host)?, inside)));
        inside.map_or(value.clone(), |(rest, inside)| format!("{inside}{rest}"))
    };

    let mut docker = Command::new("docker");
    docker.args(["run", "--name"]);
    docker.arg(format!("step_{}", std::process::id()));
    docker.args([
        "--label",
        "8cd4ab",
        "--workdir",
        "/github/workspace",
        "--rm",
    ]);
    for (name, value) in &variables {
        if !["GITHUB_ACTIONS", "CI", "PATH", "HOSTNAME"].contains(&name.as_str()) {
            docker.args(["-e", name]).env(name, mapped(value));
        }
    }
    docker.args(["-e", "GITHUB_ACTIONS=true", "-e", "CI=true"]);
    docker.args(["--entrypoint", "/launcher", "--network", "host"]);
    docker.env("DOCKER_HOST", format!("unix://{socket}"));
    docker.args(["-v", &format!("{socket}:/var/run/docker.sock")]);
    for (host, inside) in &mounts {
        docker.args(["-v", &format!("{host}:{inside}")]);
    }
    docker.arg(image).arg(LAUNCH).args(arguments);
    Err(docker.exec()).context("start docker")
}
