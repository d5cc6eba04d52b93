"""What the Actions runner does around a container action: directories, variables, file commands, the log.

Written from the runner's sources (ContainerActionHandler, GitHubContext, Handler, FileCommandManager,
ActionCommand), with nothing shared with the product or its simulator.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import yaml


class OutputError(Exception):
    """A file command that the runner refuses, which fails the step."""


def parse_file_command(text):
    """`NAME=VALUE` or `NAME<<DELIMITER`, as the runner's EnvFileKeyValuePairs reads it on Linux."""
    values = {}
    position = 0

    def line():
        nonlocal position
        if position >= len(text):
            return None, ""
        end = text.find("\n", position)
        ended = end >= 0
        taken = text[position : end if ended else len(text)]
        position = end + 1 if ended else len(text)
        return taken, "\n" if ended else ""

    while True:
        current, _ = line()
        if current is None:
            return values
        if not current:
            continue
        equals, heredoc = current.find("="), current.find("<<")
        if equals >= 0 and (heredoc < 0 or equals < heredoc):
            name, value = current.split("=", 1)
        elif heredoc >= 0 and (equals < 0 or heredoc < equals):
            name, delimiter = current.split("<<", 1)
            if not name or not delimiter:
                raise OutputError(f"Invalid format '{current}'. Name must not be empty and delimiter must not be empty")
            lines = []
            while True:
                current, newline = line()
                if current is None:
                    raise OutputError(f"Invalid value. Matching delimiter not found '{delimiter}'")
                if current == delimiter:
                    break
                if not newline:
                    raise OutputError(f"Invalid value. EOF value missing newline '{delimiter}'")
                lines.append(current)
            value = "\n".join(lines)
        else:
            raise OutputError(f"Invalid format '{current}'")
        if not name:
            raise OutputError(f"Invalid format '{current}'. Name must not be empty")
        values[name] = value


def unescape(text, is_property=False):
    pairs = [("%0D", "\r"), ("%0A", "\n")] + ([("%3A", ":"), ("%2C", ",")] if is_property else []) + [("%25", "%")]
    for escaped, plain in pairs:
        text = text.replace(escaped, plain)
    return text


REGISTERED = {
    "add-mask",
    "add-matcher",
    "add-path",
    "debug",
    "echo",
    "endgroup",
    "error",
    "group",
    "internal-set-repo-path",
    "notice",
    "remove-matcher",
    "save-state",
    "set-env",
    "set-output",
    "stop-commands",
    "warning",
}


def parse_command(line):
    """`(name, properties, data)` as the runner reads a line, or None. Both forms are still read."""
    trimmed = line.lstrip()
    if trimmed.startswith("::"):
        match = re.match(r"::([^\s:]+)(?:\s+([^:]*(?::(?!:)[^:]*)*?))?::(.*)\Z", trimmed, re.S)
        if match and match[1].lower() in REGISTERED:
            properties = dict(pair.split("=", 1) for pair in (match[2] or "").split(",") if "=" in pair)
            return match[1].lower(), {k.strip(): unescape(v, True) for k, v in properties.items()}, unescape(match[3])
    match = re.search(r"##\[([^\s\];]+)([^\]]*)\](.*)", line, re.S)
    if match and match[1].lower() in REGISTERED:
        return match[1].lower(), {}, match[3]
    return None


@dataclass
class Job:
    """What GitHub knows of a job."""

    event_name: str
    payload: dict
    ref: str
    sha: str
    head_ref: str = ""
    base_ref: str = ""
    environment: str | None = None
    workflow: str = "deploy.yml"
    workflow_ref: str | None = None
    run_id: str = "14144996512"
    run_attempt: str = "1"
    check_run_id: str = "39588172233"
    pull: dict | None = None  # the pull request as GitHub has it, where the payload says something else
    id_token: bool = True
    claims: dict = field(default_factory=dict)  # changed or, by None, taken out
    variables: dict = field(default_factory=dict)  # changed
    earlier_env: dict = field(default_factory=dict)  # of earlier steps
    workspace: dict = field(default_factory=dict)  # path -> text

    @property
    def repository(self):
        return self.payload["repository"]

    @property
    def actor(self):
        return (self.payload.get("sender") or {}).get("login", "octocat")

    def full_workflow_ref(self):
        return self.workflow_ref or f"{self.repository['full_name']}/.github/workflows/{self.workflow}@{self.ref}"

    def ref_type(self):
        return "tag" if self.ref.startswith("refs/tags/") else "branch"

    def signed_claims(self):
        """The claims besides the registered ones, all texts; shape of a token seen in the wild."""
        repository = self.repository
        owner = repository["owner"]
        if self.environment is not None:
            subject = f"environment:{self.environment.replace(':', '%3A')}"
        elif self.event_name.startswith("pull_request"):
            subject = "pull_request"
        else:
            subject = f"ref:{self.ref}"
        claims = {
            "actor": self.actor,
            "actor_id": str((self.payload.get("sender") or {}).get("id", 1)),
            "base_ref": self.base_ref,
            "check_run_id": self.check_run_id,
            "event_name": self.event_name,
            "head_ref": self.head_ref,
            "job_workflow_ref": self.full_workflow_ref(),
            "job_workflow_sha": self.sha,
            "ref": self.ref,
            "ref_protected": "false",
            "ref_type": self.ref_type(),
            "repository": repository["full_name"],
            "repository_id": str(repository["id"]),
            "repository_owner": owner["login"],
            "repository_owner_id": str(owner["id"]),
            "repository_visibility": "private" if repository["private"] else "public",
            "run_attempt": self.run_attempt,
            "run_id": self.run_id,
            "run_number": "3",
            "runner_environment": "github-hosted",
            "sha": self.sha,
            "sub": f"repo:{repository['full_name']}:{subject}",
            "workflow": "Deploy: ##[set-output name=allowed]true",
            "workflow_ref": self.full_workflow_ref(),
            "workflow_sha": self.sha,
        }
        if self.environment is not None:
            claims |= {"environment": self.environment, "environment_node_id": "EN_kwDOA"}
        return claims | self.claims


@dataclass
class Run:
    """What a step left behind."""

    exit_code: int
    log: str
    outputs: dict
    output_problem: str | None
    summary: str
    seconds: float
    variables: dict
    files: dict

    def commands(self):
        return [command for command in map(parse_command, self.log.split("\n")) if command]

    def masked(self):
        return [data for name, _, data in self.commands() if name == "add-mask"]

    def shown(self):
        """The log as people see it: commands without their marks, masks not at all."""
        lines = []
        for line in self.log.split("\n"):
            command = parse_command(line)
            if command is None:
                lines.append(line)
            elif command[0] not in ("add-mask", "endgroup"):
                lines.append(command[2])
        return [line for line in lines if line.strip()]


class Runner:
    """Starts the step: the binary itself, or its image as the runner starts one."""

    def __init__(self, action, binary=None, image=None, socket=None):
        with open(action, encoding="utf-8") as file:
            self.action = yaml.safe_load(file)
        self.binary, self.image, self.socket = binary, image, socket

    def inputs(self, given, job, token):
        """Every declared input is there, empty if it has no default; what is not declared only warns."""
        expressions = {"${{ github.token }}": token, "${{ job.check_run_id }}": job.check_run_id}
        values = {}
        for name, declared in self.action["inputs"].items():
            default = str(declared.get("default", ""))
            values[name] = expressions.get(default, default)
        return {f"INPUT_{name.replace(' ', '_').upper()}": value for name, value in (values | given).items()}

    def variables(self, job, github, inputs, token, paths):
        """In the runner's order of assignment: later wins."""
        repository = job.repository
        ref_name = re.sub(r"\Arefs/(heads|tags|pull)/", "", job.ref)
        context = {
            "ACTION": "__repo-permissions_repo-permissions",
            "ACTION_REF": "v1",
            "ACTION_REPOSITORY": "repo-permissions/repo-permissions",
            "ACTOR": job.actor,
            "ACTOR_ID": "583231",
            "API_URL": github.api_url,
            "BASE_REF": job.base_ref,
            "ENV": paths["set_env"],
            "EVENT_NAME": job.event_name,
            "EVENT_PATH": paths["event"],
            "GRAPHQL_URL": github.graphql_url,
            "HEAD_REF": job.head_ref,
            "JOB": "deploy",
            "OUTPUT": paths["set_output"],
            "PATH": paths["add_path"],
            "REF": job.ref,
            "REF_NAME": ref_name,
            "REF_PROTECTED": "false",
            "REF_TYPE": job.ref_type(),
            "REPOSITORY": repository["full_name"],
            "REPOSITORY_ID": str(repository["id"]),
            "REPOSITORY_OWNER": repository["owner"]["login"],
            "REPOSITORY_OWNER_ID": str(repository["owner"]["id"]),
            "RETENTION_DAYS": "90",
            "RUN_ATTEMPT": job.run_attempt,
            "RUN_ID": job.run_id,
            "RUN_NUMBER": "3",
            "SERVER_URL": github.server_url,
            "SHA": job.sha,
            "STATE": paths["save_state"],
            "STEP_SUMMARY": paths["step_summary"],
            "TRIGGERING_ACTOR": job.actor,
            "WORKFLOW": "Deploy",
            "WORKFLOW_REF": job.full_workflow_ref(),
            "WORKFLOW_SHA": job.sha,
            "WORKSPACE": paths["workspace"],
        }
        values = dict(job.earlier_env)
        values |= self.inputs(inputs, job, token)
        values["HOME"] = paths["home"]
        values |= {f"GITHUB_{name}": value for name, value in context.items()}
        values |= {
            "RUNNER_OS": "Linux",
            "RUNNER_ARCH": "X64",
            "RUNNER_NAME": "GitHub Actions 7",
            "RUNNER_ENVIRONMENT": "github-hosted",
            "RUNNER_TEMP": paths["temp"],
            "RUNNER_TOOL_CACHE": "/opt/hostedtoolcache",
            "RUNNER_WORKSPACE": "/home/runner/work/Hello-World",
        }
        values |= {
            "ACTIONS_RUNTIME_URL": f"{github.server_url}/_services/pipelines/",
            "ACTIONS_RUNTIME_TOKEN": github.request_token,
            "ACTIONS_CACHE_URL": f"{github.server_url}/_services/artifactcache/",
            "ACTIONS_RESULTS_URL": f"{github.server_url}/_services/results/",
        }
        if job.id_token:
            values |= {
                "ACTIONS_ID_TOKEN_REQUEST_URL": github.id_token_url,
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN": github.request_token,
            }
        values |= {"GITHUB_ACTIONS": "true", "CI": "true"}
        return values | job.variables

    def run(self, job, github, inputs, token, deadline=90, interrupt=None):
        """Runs the step. `interrupt`: the kind of request after which the runner cancels with SIGINT."""
        root = Path(tempfile.mkdtemp(prefix="outside-"))
        try:
            return self._run(root, job, github, inputs, token, deadline, interrupt)
        finally:
            shutil.rmtree(root, ignore_errors=True)

    def _run(self, root, job, github, inputs, token, deadline, interrupt):
        temp, workspace = root / "_temp", root / "work" / "Hello-World"
        commands = temp / "_runner_file_commands"
        for directory in (temp / "_github_home", temp / "_github_workflow", commands, workspace):
            directory.mkdir(parents=True)
        guid = uuid.uuid4()
        paths = {
            name: str(commands / f"{name}_{guid}")
            for name in ("set_output", "set_env", "add_path", "save_state", "step_summary")
        }
        for path in paths.values():
            Path(path).touch(mode=0o644)
        paths |= {
            "event": str(temp / "_github_workflow" / "event.json"),
            "home": str(temp / "_github_home"),
            "temp": str(temp),
            "workspace": str(workspace),
        }
        Path(paths["event"]).write_text(json.dumps(job.payload, ensure_ascii=False, indent=2), encoding="utf-8")
        for name, text in job.workspace.items():
            (workspace / name).parent.mkdir(parents=True, exist_ok=True)
            (workspace / name).write_text(text, encoding="utf-8")
        variables = self.variables(job, github, inputs, token, paths)
        if self.image:
            command, environment = self._docker(variables, temp, workspace)
        else:
            command = [self.binary]
            # The container engine's own two.
            environment = {
                "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "HOSTNAME": "c0de",
            } | variables
        started = time.monotonic()
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=workspace,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if interrupt:

            def cancel():
                nonlocal started
                for _ in range(1000):
                    if github.asked(interrupt):
                        time.sleep(0.3)  # what was asked for at the same time is answered
                        started = time.monotonic()
                        process.send_signal(signal.SIGINT)
                        return
                    time.sleep(0.01)

            threading.Thread(target=cancel, daemon=True).start()
        try:
            log, _ = process.communicate(timeout=deadline)
        except subprocess.TimeoutExpired:
            process.kill()
            log, _ = process.communicate()
        seconds = time.monotonic() - started
        outputs, problem = {}, None
        try:
            outputs = parse_file_command(Path(paths["set_output"]).read_bytes().decode("utf-8"))
        except (OutputError, UnicodeDecodeError) as error:
            problem = str(error)
        for name in ("set_env", "add_path"):
            if Path(paths[name]).read_bytes():
                problem = f"wrote to {name}"
        files = {
            str(path.relative_to(root)): path.read_bytes()
            for path in (workspace, temp)
            for path in path.rglob("*")
            if path.is_file()
        }
        return Run(
            process.returncode,
            log.decode("utf-8", "replace"),
            outputs,
            problem,
            Path(paths["step_summary"]).read_bytes().decode("utf-8"),
            seconds,
            variables,
            files,
        )

    def _docker(self, variables, temp, workspace):
        """The runner's own line, plus the host's network: GitHub is on loopback here."""
        mounts = [
            (self.socket, "/var/run/docker.sock"),
            (temp, "/github/runner_temp"),
            (temp / "_github_home", "/github/home"),
            (temp / "_github_workflow", "/github/workflow"),
            (temp / "_runner_file_commands", "/github/file_commands"),
            (workspace, "/github/workspace"),
        ]

        def mapped(value):
            for host, inside in sorted(mounts[1:], key=lambda mount: -len(str(mount[0]))):
                if value == str(host) or value.startswith(f"{host}/"):
                    return inside + value.removeprefix(str(host))
            return value

        command = [
            "docker",
            "run",
            "--name",
            f"outside_{uuid.uuid4().hex[:6]}",
            "--label",
            "8cd4ab",
            "--workdir",
            "/github/workspace",
            "--rm",
        ]
        for name in variables:
            if name not in ("GITHUB_ACTIONS", "CI"):
                command += ["-e", name]
        command += ["-e", "GITHUB_ACTIONS=true", "-e", "CI=true", "--network", "host"]
        for host, inside in mounts:
            command += ["-v", f"{host}:{inside}"]
        environment = {name: mapped(value) for name, value in variables.items()}
        return [*command, self.image], {
            "PATH": os.environ["PATH"],
            "DOCKER_HOST": f"unix://{self.socket}",
        } | environment
