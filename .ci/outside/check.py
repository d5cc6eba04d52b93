"""The built program, started as the runner starts it, against a GitHub that shares nothing with it.

    check.py --packages DIR (--binary FILE | --image NAME --socket FILE) [--only TEXT]…

Each scenario is a row in `SCENARIOS`; the checks in `common` hold for all of them. Runs twice: with an API at the
root of its own host, as on github.com, and under `/api/v3`, as on an Enterprise Server.
"""

import argparse
import base64
import hashlib
import hmac
import json
import re
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path

import jwt
import yaml
from jsonschema import Draft7Validator
from markdown_it import MarkdownIt

import receivers
from github import Answer, GitHub, make_cached_key, pem
from openapi import Description, is_date_time
from runner import Job, Runner

KEY, LOCK = "ws:deployments:create", "ws:locks:create"
POLICY = ".github/repo-permissions.yml"
#: Section 5 of the contract: reason -> decision, and the `status` that goes with it.
REASONS = {
    "granted": ("allowed", 200),
    **dict.fromkeys(
        (
            "repository_not_found",
            "repository_id_mismatch",
            "permission_not_granted",
            "untrusted_event",
            "expired",
            "no_rule_matches",
        ),
        ("denied", 403),
    ),
    **dict.fromkeys(("token_unavailable", "token_invalid", "token_mismatch"), ("error", 401)),
    "policy_not_found": ("error", 404),
    **dict.fromkeys(
        ("input_invalid", "runtime_missing", "policy_unreadable", "policy_invalid", "cancelled"), ("error", 500)
    ),
}
EXIT = {"allowed": 0, "denied": 1, "error": 2}
CONCLUSION = {"allowed": "success", "denied": "failure", "error": "failure"}
STATE = {"allowed": "success", "denied": "failure", "error": "error"}
HOSTILE = "x](https://evil.example) <img src=x> @octocat ::set-output name=allowed::true ##[set-output name=allowed]true `| # y"


def dump(document):
    return yaml.safe_dump(document, sort_keys=False, width=1000).encode()


def rules(*rules):
    return dump({"version": 1, "permissions": [{"permission": KEY} | rule for rule in rules]})


def central(*entries):
    return dump({"version": 1, "repositories": list(entries)})


@dataclass
class Scenario:
    name: str
    reason: str
    event: str = "push"
    job: dict = field(default_factory=dict)
    policy: bytes | None = rules({"branch": "master"})  # at the default path and branch
    files: dict = field(default_factory=dict)  # (repository, ref) -> {path: bytes}
    inputs: dict = field(default_factory=dict)
    faults: dict = field(default_factory=dict)  # kind of request -> [Answer]
    setup: object = None  # called with (github, job) before the run
    outputs: dict = field(default_factory=dict)
    also: object = None  # called with (check, run, github, job) after the run
    loose: bool = False  # the policy is not at its default place
    api_permissions: dict = field(default_factory=lambda: {"contents": "read", "checks": "write", "statuses": "write"})
    interrupt: str | None = None
    no_reports: bool = False  # GitHub is not reached
    layouts: tuple = ("dotcom", "ghes")
    limit: float = 8


class Events:
    """Jobs from GitHub's example payloads; ids are changed only where they have to agree."""

    def __init__(self, examples):
        with open(examples, encoding="utf-8") as file:
            self.examples = {entry["name"]: entry["examples"] for entry in json.load(file)}

    def payload(self, name, index=0):
        return json.loads(json.dumps(self.examples[name][index]))

    def push(self, index=5, ref=None):
        payload = self.payload("push", index)
        payload["ref"] = ref or payload["ref"]
        return Job("push", payload, payload["ref"], payload["after"])

    def push_tag(self):
        return self.push(0)

    def push_tag_master(self):
        return self.push(0, "refs/tags/master")

    def push_misleading(self):
        return self.push(5, "refs/heads/x/refs/heads/master")

    def pull_request(self, index=0, event="pull_request"):
        payload = self.payload(event, index)
        pull = payload["pull_request"]
        merge = pull["merge_commit_sha"] or "c4295bd74fb0f4fda03689c3df3f2803b658fd85"
        return Job(
            event,
            payload,
            f"refs/pull/{pull['number']}/merge",
            merge,
            head_ref=pull["head"]["ref"],
            base_ref=pull["base"]["ref"],
        )

    def pull_request_review(self):
        return self.pull_request(event="pull_request_review")

    def fork(self, head_ref="master", **more):
        job = self.pull_request(**more)
        pull, forkee = job.payload["pull_request"], self.payload("fork")["forkee"]
        pull["head"] |= {"ref": head_ref, "label": f"Octocoders:{head_ref}", "repo": forkee, "user": forkee["owner"]}
        job.head_ref = head_ref
        return job

    def fork_without_token(self):
        job = self.fork()
        job.id_token = False
        return job

    def deleted_fork(self):
        job = self.fork()
        job.payload["pull_request"]["head"]["repo"] = None
        return job

    def ghost_fork(self):
        job = self.deleted_fork()
        job.payload["pull_request"]["head"]["user"] = None
        return job

    def other_payload(self):
        """The payload is of another pull request, as an earlier step can write it."""
        job = self.pull_request()
        job.pull = json.loads(json.dumps(job.payload["pull_request"]))
        job.payload["pull_request"]["number"] = job.payload["number"] = 77
        return job

    def fork_as_branch(self):
        """A fork's pull request, whose payload an earlier step has changed into one of a branch."""
        job = self.fork("changes")
        job.pull, job.payload = job.payload["pull_request"], self.payload("pull_request")
        return job

    def _into(self, job, base, default_branch="master"):
        job.base_ref = job.payload["pull_request"]["base"]["ref"] = base
        job.repository["default_branch"] = default_branch
        job.payload["pull_request"]["base"]["repo"]["default_branch"] = default_branch
        return job

    def unreviewed(self):
        """A pull request into a branch that nobody reviews."""
        return self._into(self.pull_request(), "unreviewed")

    def unreviewed_as_master(self):
        """The same, after an earlier step has changed the payload."""
        job = self.unreviewed()
        job.pull, job.payload = job.payload["pull_request"], self.payload("pull_request")
        return job

    def fork_unreviewed(self):
        return self._into(self.fork(), "unreviewed")

    def into_develop(self):
        return self._into(self.pull_request(), "develop", "develop")

    def beside_develop(self):
        """A pull request into `master`, which is not the default branch."""
        return self._into(self.pull_request(), "master", "develop")

    def private(self, job=None):
        job = job or self.pull_request()
        job.repository["private"] = True
        return job

    def private_other_payload(self):
        return self.private(self.other_payload())

    def pull_request_review_comment(self):
        return self.pull_request(event="pull_request_review_comment")

    def closed(self):
        return self.pull_request(3)

    def merged(self):
        job = self.closed()
        job.payload["pull_request"]["merged"] = True
        job.ref = "refs/heads/master"
        return job

    def _target(self, job):
        job.event_name, job.ref = "pull_request_target", f"refs/heads/{job.repository['default_branch']}"
        job.sha = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"
        return job

    def pull_request_target(self):
        return self._target(self.pull_request())

    def fork_target(self):
        return self._target(self.fork())

    def workflow_dispatch(self, index=1):
        payload = self.payload("workflow_dispatch", index)
        return Job("workflow_dispatch", payload, payload["ref"], "ac3282a2725be3b1d4979169a7a311c89066af1c")

    def dispatch_tag(self):
        job = self.workflow_dispatch()
        job.ref = job.payload["ref"] = "refs/tags/v1"
        return job

    def workflow_run(self):
        payload = self.payload("workflow_run", 1)
        return Job("workflow_run", payload, "refs/heads/master", "ac3282a2725be3b1d4979169a7a311c89066af1c")

    def merge_group(self):
        payload = self.payload("merge_group")
        group = payload["merge_group"]
        return Job("merge_group", payload, group["head_ref"], group["head_sha"])

    def release(self):
        payload = self.payload("release")
        return Job(
            "release",
            payload,
            f"refs/tags/{payload['release']['tag_name']}",
            "6113728f27ae82c7b1a177c8d03f9e96e0adf246",
        )

    def deployment(self, ref="refs/heads/master"):
        payload = self.payload("deployment")
        return Job("deployment", payload, ref, payload["deployment"]["sha"])

    def deployment_by_sha(self):
        return self.deployment("")

    def deployment_status(self):
        payload = self.payload("deployment_status")
        return Job("deployment_status", payload, "refs/heads/master", payload["deployment"]["sha"])

    def schedule(self):
        repository = self.payload("push")["repository"]
        return Job(
            "schedule",
            {"schedule": "0 5 * * *", "repository": repository},
            "refs/heads/master",
            "6113728f27ae82c7b1a177c8d03f9e96e0adf246",
        )

    def forked(self):
        """Somebody forks the repository."""
        return self._on_default_branch("fork")

    def _on_default_branch(self, event):
        payload = self.payload(event) if event in self.examples else {}
        payload.setdefault("repository", self.payload("push")["repository"])
        return Job(
            event,
            payload,
            f"refs/heads/{payload['repository']['default_branch']}",
            "6113728f27ae82c7b1a177c8d03f9e96e0adf246",
        )

    def __getattr__(self, event):
        # Every other event runs on the default branch.
        return lambda: self._on_default_branch(event)


# Extra checks of single rows: each takes (check, run, github, job).


def asked(**counts):
    def also(check, run, github, job):
        for kind, count in counts.items():
            kind = kind.replace("_", "-")
            check.equal(f"requests of {kind}", len(github.asked(kind)), count)

    return also


def everything(*checks):
    def also(*arguments):
        for one in checks:
            one(*arguments)

    return also


def says(*texts, absent=()):
    """The message, and what no report may show."""

    def also(check, run, github, job):
        for text in texts:
            check.true(f"message names {text!r}: {run.outputs.get('message')}", text in run.outputs.get("message", ""))
        for text in absent:
            places = {
                "log": run.log,
                "outputs": json.dumps(run.outputs),
                "summary": run.summary,
                "requests": "".join(r.body.decode() for r in github.requests),
            }
            for place, content in places.items():
                check.true(f"{place} does not show {text!r}", text not in content)

    return also


def warns(*texts):
    def also(check, run, github, job):
        warnings = " ".join(data for name, _, data in run.commands() if name == "warning")
        for text in texts:
            check.true(f"a warning names {text!r}: {warnings}", text in warnings)

    return also


def trace_matches(*expected):
    def also(check, run, github, job):
        trace = json.loads(run.outputs["result"])["permissions"][0]["trace"]
        check.equal("rules of the trace that match", [rule["matched"] for rule in trace], list(expected))

    return also


def policy_from(repository, path, ref):
    def also(check, run, github, job):
        request = github.asked("contents")[0]
        check.true(f"policy read from {request.path}", request.path.endswith(f"/repos/{repository}/contents/{path}"))
        check.equal("ref of the policy", dict(request.query).get("ref"), ref)

    return also


def acts_as_app(check, run, github, job):
    job_token = run.variables["INPUT_TOKEN"]
    for request in github.requests:
        sent = request.headers.get("authorization", "").partition(" ")[2]
        is_apps = sent.startswith("ghs_12345_") and sent != job_token
        # While the App's is taken, the policy is asked for with the job's; who is first is not said.
        if request.kind in ("contents", "commit"):
            check.true(f"{request.kind} with a token of ours", is_apps or sent == job_token)
        if request.kind in ("check-run", "status", "revoke"):
            check.true(f"{request.kind} with the App's token", is_apps)
        if is_apps:
            check.true("the App's token is masked", sent in run.masked())
    check.equal("tokens revoked", [t for t, granted in github.tokens.items() if granted.get("app")], [])
    body = github.asked("access-token")[0].json()
    check.equal(
        "permissions of the App's token",
        body["permissions"],
        {"contents": "read", "checks": "write", "statuses": "write"},
    )
    check.equal("repositories of the App's token", body["repositories"], [job.repository["name"]])
    check.app_jwt(github.app)


def app(pkcs8=False, escaped=False, installed=True):
    def setup(github, job):
        key = make_cached_key("app")
        owner = job.repository["owner"]["login"].lower()
        github.app = {
            "client_id": "Iv23liAbCdEfGhIjKlMn",
            "key": key,
            "installations": {owner: 4711} if installed else {},
        }
        text = pem(key, pkcs8)
        github.inputs = {
            "INPUT_APP-CLIENT-ID": "Iv23liAbCdEfGhIjKlMn",
            "INPUT_APP-PRIVATE-KEY": text.replace("\n", "\\n") if escaped else text,
        }

    return setup


def token(**claims):
    """A token with other claims than the job's."""

    def setup(github, job):
        job.claims |= claims

    return setup


def signed_by(**options):
    """A token signed in another way."""

    def setup(github, job):
        key = pem(make_cached_key(options.get("key", "actions")))
        headers = {"kid": options.get("kid", github.kid)}
        if options.get("algorithm") == "none":
            github.mint = lambda claims: jwt.encode(claims, None, algorithm="none", headers=headers)
        elif options.get("algorithm") == "HS256":
            # The public key as secret: the classic confusion. PyJWT refuses to, so by hand.
            def mint(claims):
                part = lambda value: jwt.utils.base64url_encode(json.dumps(value).encode())
                text = part({"alg": "HS256", "typ": "JWT"} | headers) + b"." + part(claims)
                public = json.dumps(github.keys[1]).encode()
                return (text + b"." + jwt.utils.base64url_encode(hmac.digest(public, text, "sha256"))).decode()

            github.mint = mint
        elif options.get("altered"):

            def mint(claims):
                head, _, signature = jwt.encode(claims, key, algorithm="RS256", headers=headers).split(".")
                body = jwt.utils.base64url_encode(
                    json.dumps(claims | {"ref": "refs/heads/master", "jti": "x"}).encode()
                )
                return f"{head}.{body.decode()}.{signature}"

            github.mint = mint
        else:
            algorithm = options.get("algorithm", "RS256")
            github.mint = lambda claims: jwt.encode(claims, key, algorithm=algorithm, headers=headers)

    return setup


def rotated(github, job):
    """The key set is an older one when it is first asked for."""
    github.faults["keys"] = [Answer(200, {"keys": github.keys[:1]})]


def enterprise(github, job):
    github.issuer_slug = "/acme-1"
    github.inputs = {"INPUT_ISSUER": github.issuer}


def renamed(github, job):
    number = job.repository["id"]
    github.faults["contents"] = [
        Answer(
            301,
            {"message": "Moved Permanently"},
            {"Location": f"{github.api_url}/repositories/{number}/contents/{POLICY}"},
        )
    ]


def elsewhere(github, job):
    github.faults["contents"] = [Answer(302, "", {"Location": f"http://localhost:9{github.prefix}/x"}, times=None)]


def proxied(github, job):
    """The runner's own proxy, which it hands on in both cases."""
    job.variables |= {"HTTP_PROXY": github.server_url, "http_proxy": github.server_url}


def used_no_proxy(check, run, github, job):
    check.equal("requests by the proxy", github.proxied, 0)


def secret(number):
    return "whsec_" + base64.b64encode(bytes([number]) * 32).decode()


def webhook(*numbers, path="/hook?token=canary-of-the-url"):
    """A webhook that knows these secrets."""

    def setup(github, job):
        secrets = [secret(number) for number in numbers]
        github.inputs = {
            "INPUT_AUDIT-WEBHOOK": github.receive(secrets) + path,
            "INPUT_AUDIT-WEBHOOK-SECRET": "\n".join(secrets),
        }

    return setup


def collector(**variables):
    """A collector that the job's variables name."""

    def setup(github, job):
        job.earlier_env = {"OTEL_EXPORTER_OTLP_ENDPOINT": github.receive()} | variables

    return setup


def both(github, job):
    webhook(1)(github, job)
    host = github.inputs["INPUT_AUDIT-WEBHOOK"].partition("/hook")[0]
    job.earlier_env = {"OTEL_EXPORTER_OTLP_ENDPOINT": host}


def resource(**expected):
    def also(check, run, github, job):
        seen = receivers.resource(github.asked("logs")[0])
        for name, value in expected.items():
            check.equal(f"resource {name}", seen.get(name.replace("_", ".")), value)
        repository = job.repository["full_name"]
        check.equal("vcs.repository.url.full", seen["vcs.repository.url.full"], f"{github.server_url}/{repository}")
        check.equal("cicd.pipeline.run.id", seen["cicd.pipeline.run.id"], job.run_id)

    return also


def now(seconds):
    return lambda: int(time.time()) + seconds


def repositories(**more):
    """What GitHub has besides the job's repository: another account's, and a fork."""

    def setup(github, job):
        repository = job.repository
        config = repository | {"id": 4711, "full_name": "acme/config", "name": "config", "default_branch": "main"}
        github.repositories["acme/config"] = config
        origin = repository | {"owner": dict(repository["owner"])}
        fork = {
            "id": 186853261,
            "full_name": "Octocoders/Hello-World",
            "fork": True,
            "parent": origin,
            "source": origin,
        }
        github.repositories["octocoders/hello-world"] = repository | fork
        github.renamed = {"codertocat/old-name": repository["full_name"]}
        github.merged = {MERGED}
        github.commits.add(UNMERGED)
        for name, value in more.items():
            setattr(github, name, value)

    return setup


def not_found(repository="codertocat/hello-world"):
    return {(repository, None): {}}


#: As docs/policy.md has them.
TRUSTED = [
    "push",
    "pull_request",
    "merge_group",
    "workflow_dispatch",
    "repository_dispatch",
    "schedule",
    "release",
    "create",
    "delete",
    "deployment",
    "registry_package",
    "page_build",
    "public",
    "label",
    "milestone",
    "project",
    "project_card",
    "project_column",
    "branch_protection_rule",
    "image_version",
]
UNTRUSTED = [
    "pull_request_target",
    "workflow_run",
    "issue_comment",
    "issues",
    "discussion",
    "discussion_comment",
    "commit_comment",
    "fork",
    "watch",
    "gollum",
    "pull_request_review",
    "pull_request_review_comment",
    "check_run",
    "check_suite",
    "status",
    "deployment_status",
    "an_event_of_tomorrow",
]
#: The job of an event; `fork` is a pull request of one here.
job_of = lambda event: {"fork": "forked"}.get(event, event)
MERGED, UNMERGED = "6dcb09b5b57875f334f61aebed695e2e4193db5e", "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
ORG = ("acme/config", "v1")
FROM_ORG = {"INPUT_POLICY": "acme/config/policies/central.yml@v1"}
SECRET_RULE = {"permission": KEY, "name": "canary-rule-name", "branch": "canary-branch"}
OF_ORG = {"repository": "Codertocat/Hello-World", "permissions": [{"permission": KEY, "branch": "changes"}]}
OF_ORG_WITH_BASE = OF_ORG | {"permissions": [{"permission": KEY, "branch": "changes", "base": "master"}]}
CANARIES = ("canary-rule-name", "canary-branch")
BUNDLE = {"INPUT_CA-BUNDLE": "certificates/ca.pem"}
ALL_READ = {"contents": "read", "pull_requests": "read", "checks": "write", "statuses": "write"}
FULL = {"repository": "Codertocat/Hello-World", "workflow": "deploy.yml", "branch": "master", "environment": ""}
HANG = [Answer(200, "", delay=20, times=None)]

# fmt: off
SCENARIOS = [
    # Decisions
    Scenario("allowed on its branch", "granted", outputs=FULL | {"rule": f"{POLICY}:3"},
             also=everything(policy_from("Codertocat/Hello-World", POLICY, None), asked(id_token=1, keys=1, contents=1, check_run=1, status=1))),
    Scenario("denied on another branch", "no_rule_matches", policy=rules({"branch": "main"}),
             outputs=FULL | {"rule": ""}, also=says("main")),
    Scenario("a literal is the whole value", "no_rule_matches", policy=rules({"branch": "mast"})),
    Scenario("alternatives are the whole value", "no_rule_matches", policy=rules({"branch": "m|aster"})),
    Scenario("the second rule grants", "granted", policy=rules({"branch": "main"}, {"branch": "^master$"}),
             outputs={"rule": f"{POLICY}:5"}),
    Scenario("by display name", "granted", inputs={"INPUT_PERMISSION": "deployments create"}),
    Scenario("two permissions", "granted", policy=rules({}, {"permission": LOCK}),
             inputs={"INPUT_PERMISSION": f"{KEY}, {LOCK}"}),
    Scenario("one of two is denied", "permission_not_granted", inputs={"INPUT_PERMISSION": f"{KEY}\n{LOCK}\n"}),
    Scenario("workflow and environment", "granted", job={"environment": "production"},
             policy=rules({"workflow": "deploy.yml", "environment": "Production"}),
             outputs={"environment": "production"}),
    Scenario("an absent environment matches no regex", "no_rule_matches", policy=rules({"environment": ".*"})),
    Scenario("an absent environment matches any", "granted", policy=rules({"environment": "*"})),
    Scenario("a claim", "granted", policy=rules({"claims": {"runner_environment": "github-hosted"}})),
    Scenario("another claim", "no_rule_matches", policy=rules({"claims": {"runner_environment": "self-hosted"}})),
    Scenario("expired rule", "expired", policy=rules({"expires": "2020-01-01"})),
    Scenario("no rule names it", "permission_not_granted", policy=rules({"permission": LOCK})),
    Scenario("repository without case", "granted",
             policy=central({"repository": "CODERTOCAT/hello-world", "permissions": [{"permission": KEY}]})),
    Scenario("no entry", "repository_not_found",
             policy=central({"repository": "acme/infra", "permissions": [{"permission": KEY}]})),
    Scenario("pinned to its ids", "granted",
             policy=central({"repository": "Codertocat/Hello-World", "repository_id": 186853002, "owner_id": 21031067, "permissions": [{"permission": KEY}]})),
    Scenario("pinned to another id", "repository_id_mismatch",
             policy=central({"repository": "Codertocat/Hello-World", "repository_id": 1, "permissions": [{"permission": KEY}]})),
    # Events: branch, and the commit that is reported on (`report_sha` of the job, checked for all)
    Scenario("tag", "no_rule_matches", "push_tag", outputs={"branch": "refs/tags/simple-tag"}),
    Scenario("a tag named as the branch", "no_rule_matches", "push_tag_master", outputs={"branch": "refs/tags/master"}),
    Scenario("a branch that looks like a ref", "no_rule_matches", "push_misleading",
             outputs={"branch": "x/refs/heads/master"}),
    Scenario("pull request", "granted", "pull_request", policy=rules({"branch": "changes"}),
             outputs={"branch": "changes"}),
    Scenario("pull request is not its base", "no_rule_matches", "pull_request", outputs={"branch": "changes"}),
    Scenario("review of a pull request", "granted", "pull_request_review", outputs={"branch": "changes"},
             policy=rules({"branch": "changes", "events": ["pull_request_review"]})),
    Scenario("fork's branch of the same name", "no_rule_matches", "fork", outputs={"branch": "Octocoders:master"}),
    Scenario("fork that is named", "granted", "fork", policy=rules({"branch": "Octocoders:master"}),
             outputs={"branch": "Octocoders:master"}),
    Scenario("fork without a token", "token_unavailable", "fork_without_token", also=says("fork")),
    Scenario("deleted fork", "no_rule_matches", "deleted_fork", outputs={"branch": "Octocoders:master"}),
    Scenario("fork of nobody", "no_rule_matches", "ghost_fork", outputs={"branch": "unknown:master"}),
    Scenario("payload of another pull request", "granted", "other_payload",
             policy=rules({"branch": "changes"}), outputs={"branch": "changes"}, also=asked(pull=1)),
    Scenario("payload of another pull request, of which GitHub says nothing", "no_rule_matches", "private_other_payload",
             policy=rules({"branch": "changes"}), outputs={"branch": "unknown:changes"}, also=asked(pull=1)),
    Scenario("payload that makes a fork a branch", "no_rule_matches", "fork_as_branch",
             policy=rules({"branch": "changes"}), outputs={"branch": "Octocoders:changes"}),
    Scenario("private pull request by its payload", "granted", "private", policy=rules({"branch": "changes"}),
             also=asked(pull=1)),
    Scenario("private pull request by the API", "granted", "private_other_payload", policy=rules({"branch": "changes"}),
             api_permissions=ALL_READ, outputs={"branch": "changes"}),
    Scenario("pull request that cannot be had", "no_rule_matches", "pull_request", policy=rules({"branch": "changes"}),
             faults={"pull": [Answer(500, {"message": "Server Error"}, times=None)]}, limit=40,
             outputs={"branch": "unknown:changes"}, also=warns("head counts as unknown"), layouts=("dotcom",)),
    Scenario("pull request behind a rate limit", "no_rule_matches", "pull_request", policy=rules({"branch": "changes"}),
             faults={"pull": [Answer(403, {"message": "API rate limit exceeded"}, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9999999999"}, times=None)]},
             outputs={"branch": "unknown:changes"}, also=warns("head counts as unknown"), layouts=("dotcom",)),
    # The base, whose code runs too
    Scenario("trusted head on an untrusted base", "no_rule_matches", "unreviewed", policy=rules({"branch": "changes"}),
             outputs={"branch": "changes"}, also=says("base: unreviewed")),
    Scenario("untrusted base by `base`", "granted", "unreviewed", policy=rules({"branch": "changes", "base": "unreviewed"})),
    Scenario("untrusted base by `branch`", "granted", "unreviewed", policy=rules({"branch": ["changes", "unreviewed"]})),
    Scenario("any base by any branch", "granted", "unreviewed", policy=rules({"branch": "*"})),
    Scenario("untrusted base that the payload hides", "no_rule_matches", "unreviewed_as_master",
             policy=rules({"branch": "changes"})),
    Scenario("fork on an untrusted base", "no_rule_matches", "fork_unreviewed", policy=rules({"branch": "Octocoders:master"})),
    Scenario("`base` instead of the default branch", "no_rule_matches", "pull_request",
             policy=rules({"branch": "changes", "base": "main"})),
    Scenario("`base` is the whole value", "no_rule_matches", "pull_request", policy=rules({"branch": "changes", "base": "mast"})),
    Scenario("`base` by a list", "granted", "pull_request", policy=rules({"branch": "changes", "base": ["main", {"glob": "mas*"}]})),
    Scenario("`base` of a push", "granted", policy=rules({"branch": "master", "base": "main"})),
    Scenario("`base` of a merged pull request", "granted", "merged", policy=rules({"branch": "master", "base": "main"})),
    Scenario("default branch in the trace of a grant", "granted", "pull_request", policy=rules({}, {"branch": "changes"}),
             also=trace_matches(True, True)),
    Scenario("into the default branch `develop`", "granted", "into_develop", policy=rules({"branch": "changes"}),
             also=asked(repository=1)),
    Scenario("into `master` beside the default branch `develop`", "no_rule_matches", "beside_develop",
             policy=rules({"branch": "changes"}), also=says("base: master")),
    Scenario("default branch that cannot be had", "no_rule_matches", "pull_request", policy=rules({"branch": "changes"}),
             faults={"repository": [Answer(500, {"message": "Server Error"}, times=None)]}, limit=40,
             also=warns("no rule trusts it as a base"), layouts=("dotcom",)),
    Scenario("default branch that nobody needs", "granted", "pull_request", policy=rules({"branch": "changes", "base": "master"}),
             faults={"repository": [Answer(500, {"message": "Server Error"}, times=None)]}, limit=40, layouts=("dotcom",)),
    Scenario("default branch of another repository", "no_rule_matches", "pull_request", policy=rules({"branch": "changes"}),
             setup=lambda github, job: github.repositories.update({"codertocat/hello-world": job.repository | {"id": 1}})),
    Scenario("default branch under a central policy", "no_rule_matches", "pull_request", policy=central(OF_ORG),
             also=says("base: master")),
    Scenario("`base` in a central policy", "granted", "pull_request", policy=central(OF_ORG_WITH_BASE)),
    Scenario("default branch under an inline policy", "no_rule_matches", "pull_request", policy=None, loose=True,
             inputs={"INPUT_POLICY": rules({"branch": "changes"}).decode()}),
    Scenario("`base` in an inline policy", "granted", "pull_request", policy=None, loose=True,
             inputs={"INPUT_POLICY": rules({"branch": "changes", "base": "master"}).decode()}),
    Scenario("base of pull_request_target", "no_rule_matches", "pull_request_target",
             policy=rules({"branch": "changes", "base": "main", "events": ["pull_request_target"]})),
    Scenario("merged pull request", "granted", "merged", outputs={"branch": "master"}),
    Scenario("closed pull request", "granted", "closed", policy=rules({"branch": "changes"}), outputs={"branch": "changes"}),
    Scenario("pull_request_target unnamed", "untrusted_event", "pull_request_target",
             policy=rules({"branch": "changes"}), outputs={"branch": "changes"}),
    Scenario("pull_request_target is not its base", "no_rule_matches", "fork_target",
             policy=rules({"branch": "master", "events": ["pull_request_target"]}),
             outputs={"branch": "Octocoders:master"}),
    Scenario("pull_request_target named", "granted", "pull_request_target",
             policy=rules({"branch": "changes", "events": ["pull_request_target"]})),
    Scenario("workflow_dispatch", "granted", "workflow_dispatch",
             outputs={"branch": "master", "repository": "octo-org/octo-repo"}),
    Scenario("workflow_dispatch on a tag", "no_rule_matches", "dispatch_tag", outputs={"branch": "refs/tags/v1"}),
    Scenario("another event than named", "untrusted_event", "workflow_dispatch", policy=rules({"events": ["push"]})),
    Scenario("workflow_run unnamed", "untrusted_event", "workflow_run"),
    Scenario("workflow_run named", "granted", "workflow_run",
             policy=rules({"branch": "master", "events": ["workflow_run"]})),
    Scenario("merge queue is not its target", "no_rule_matches", "merge_group", policy=rules({"branch": "main"})),
    Scenario("merge queue", "granted", "merge_group", policy=rules({"branch": {"glob": "gh-readonly-queue/main/*"}})),
    Scenario("release", "granted", "release", policy=rules({"branch": "refs/tags/.*"})),
    Scenario("deployment", "granted", "deployment", outputs={"branch": "master"}),
    Scenario("deployment of a commit", "no_rule_matches", "deployment_by_sha", policy=rules({"branch": ".*"}),
             outputs={"branch": ""}),
    Scenario("deployment of a commit, any branch", "granted", "deployment_by_sha", policy=rules({"branch": "*"}),
             outputs={"branch": ""}),
    Scenario("schedule", "granted", "schedule"),
    *(Scenario(f"{event} is trusted", "granted", event, policy=rules({})) for event in TRUSTED),
    *(Scenario(f"{event} is not trusted", "untrusted_event", job_of(event), policy=rules({})) for event in UNTRUSTED),
    *(Scenario(f"{event} is named", "granted", job_of(event), policy=rules({"events": [event]})) for event in UNTRUSTED),
    Scenario("workflow of another repository", "no_rule_matches",
             job={"workflow_ref": "acme/shared/.github/workflows/deploy.yml@refs/heads/main"},
             policy=rules({"workflow": "deploy.yml"}),
             outputs={"workflow": "acme/shared/.github/workflows/deploy.yml"}),
    Scenario("a workflow file that looks like a ref", "no_rule_matches",
             job={"workflow_ref": "Codertocat/Hello-World/.github/workflows/deploy.yml@evil.yml@refs/heads/master"},
             policy=rules({"workflow": "deploy.yml"}), outputs={"workflow": "deploy.yml@evil.yml"}),
    # Tokens
    Scenario("no id-token permission", "token_unavailable", job={"id_token": False}, also=says("id-token: write")),
    Scenario("another audience", "token_invalid", setup=token(aud="https://github.com/Codertocat")),
    Scenario("several audiences", "token_invalid", setup=token(aud=["repo-permissions", "other"])),
    Scenario("asked-for audience", "granted", inputs={"INPUT_AUDIENCE": "https://gate.example/?a=b&c"}),
    Scenario("another issuer", "token_invalid", setup=token(iss="https://token.actions.githubusercontent.com")),
    Scenario("an enterprise's issuer unasked", "token_invalid",
             setup=lambda github, job: job.claims.update(iss=github.issuer + "/acme")),
    Scenario("an enterprise's issuer", "granted", setup=enterprise),
    Scenario("expired token", "token_invalid", setup=token(exp=now(-300), iat=now(-900), nbf=now(-900))),
    Scenario("token of the future", "token_invalid", setup=token(nbf=now(600))),
    Scenario("token of a clock ahead", "granted", setup=token(iat=now(5), nbf=now(5))),
    Scenario("token for six hours", "granted", setup=token(exp=now(21600))),
    Scenario("subject with ids", "granted",
             setup=token(sub="repo:Codertocat@21031067/Hello-World@186853002:ref:refs/heads/master")),
    Scenario("subject from a template", "granted", setup=token(sub="repository_owner:monalisa:x")),
    *(Scenario(f"token without {name}", "token_invalid", setup=token(**{name: None})) for name in ("exp", "iss", "aud")),
    Scenario("another signature", "token_invalid", setup=signed_by(key="stranger")),
    Scenario("altered after signing", "token_invalid", setup=signed_by(altered=True)),
    Scenario("unknown key", "token_invalid", setup=signed_by(key="stranger", kid="stranger")),
    Scenario("RS512", "token_invalid", setup=signed_by(algorithm="RS512")),
    Scenario("unsigned", "token_invalid", setup=signed_by(algorithm="none")),
    Scenario("signed with the public key", "token_invalid", setup=signed_by(algorithm="HS256")),
    Scenario("rotated keys", "granted", setup=rotated, also=asked(keys=2)),
    *(Scenario(f"token with another {name}", "token_mismatch", setup=token(**{name: value}))
      for name, value in (("repository", "acme/infra"), ("repository_id", "1"), ("run_id", "1"), ("run_attempt", "9"),
                          ("sha", "f95f852bd8fca8fcc58a9a2d6c842781e32a215e"), ("event_name", "schedule"))),
    # Policies
    Scenario("no policy", "policy_not_found", policy=None, files=not_found(), also=says(POLICY)),
    Scenario("policy may not be read", "policy_unreadable", api_permissions={"checks": "write", "statuses": "write"},
             also=says("contents: read")),
    Scenario("misspelt key", "policy_invalid",
             policy=b"version: 1\npermissions:\n  - permission: ws:locks:create\n    brnch: main\n", also=says("4")),
    Scenario("key without a value", "policy_invalid",
             policy=b"version: 1\npermissions:\n  - permission: ws:deployments:create\n    branch:\n"),
    Scenario("not UTF-8", "policy_invalid", policy=b"version: 1\npermissions: [] # \xff\n"),
    Scenario("empty policy", "policy_invalid", policy=b""),
    Scenario("pattern that does not compile", "policy_invalid", policy=rules({"branch": "a)|("})),
    Scenario("JSON policy", "granted", policy=None, inputs={"INPUT_POLICY": ".github/gate.json"}, loose=True,
             files={("codertocat/hello-world", None): {".github/gate.json": json.dumps({"version": 1, "permissions": [{"permission": KEY}]}).encode()}}),
    Scenario("policy of two megabytes", "granted", policy=rules({}) + b"# " + b"x" * 2_000_000 + b"\n",
             layouts=("dotcom",)),
    Scenario("path with a space and an umlaut", "granted", policy=None,
             inputs={"INPUT_POLICY": "ci/the gäte #1.yml"}, loose=True,
             files={("codertocat/hello-world", None): {"ci/the gäte #1.yml": rules({})}}),
    Scenario("JSON form of contents", "granted", setup=lambda github, job: setattr(github, "json_only", True)),
    Scenario("renamed repository", "granted", setup=renamed, also=asked(contents=2)),
    Scenario("redirect to another host", "policy_unreadable", setup=elsewhere, also=asked(contents=1)),
    Scenario("central policy", "granted", inputs=FROM_ORG, loose=True,
             also=policy_from("acme/config", "policies/central.yml", "v1"),
             files={ORG: {"policies/central.yml": central({"repository": "Codertocat/*".replace("*", ".*"), "permissions": [{"permission": KEY}]})}}),
    Scenario("central policy stays private", "no_rule_matches", inputs=FROM_ORG, loose=True, also=says(absent=CANARIES),
             files={ORG: {"policies/central.yml": central({"repository": "Codertocat/Hello-World", "permissions": [SECRET_RULE]})}}),
    Scenario("central policy with both parts", "policy_invalid", inputs=FROM_ORG, loose=True,
             files={ORG: {"policies/central.yml": dump({"version": 1, "permissions": [{"permission": KEY}], "repositories": []})}}),
    Scenario("no detail", "no_rule_matches", policy=rules(SECRET_RULE), inputs={"INPUT_DETAIL": "none"},
             also=says(absent=CANARIES)),
    Scenario("inline policy", "granted", policy=None, loose=True, inputs={"INPUT_POLICY": rules({}).decode()},
             also=asked(contents=0)),
    Scenario("policy in the workspace", "granted", policy=None, loose=True, inputs={"INPUT_POLICY": "./gate.yml"},
             job={"workspace": {"gate.yml": rules({}).decode()}}, also=asked(contents=0)),
    Scenario("policy in a pull request's workspace", "input_invalid", "pull_request", policy=None, loose=True,
             inputs={"INPUT_POLICY": "./gate.yml"},
             job={"workspace": {"gate.yml": rules({}).decode()}}),
    # Whose text the policy is, where a stranger's can be meant
    *(Scenario(f"policy in the workspace, {event}", "input_invalid", event, policy=None, loose=True,
               inputs={"INPUT_POLICY": "./gate.yml"}, also=says("default branch"),
               job={"workspace": {"gate.yml": rules({"events": [event]}).decode()}})
      for event in ("pull_request_target", "workflow_run", "issue_comment", "an_event_of_tomorrow")),
    *(Scenario(f"policy of this repository at {where}", reason, event, policy=None, loose=True, setup=repositories(),
               inputs={"INPUT_POLICY": f"{name}/{POLICY}@{ref}"},
               files={(name.lower(), ref): {POLICY: rules({})}})
      for where, reason, event, name, ref in (
          ("a ref", "granted", "push", "Codertocat/Hello-World", "v1"),
          ("a ref in a pull request", "input_invalid", "pull_request", "Codertocat/Hello-World", "v1"),
          ("a ref in a pull request, in lower case", "input_invalid", "pull_request", "codertocat/hello-world", "v1"),
          ("its default branch in a pull request", "input_invalid", "pull_request", "Codertocat/Hello-World", "refs/heads/master"),
          ("a ref in an issue's comment", "input_invalid", "issue_comment", "Codertocat/Hello-World", "v1"),
          ("a ref under an old name", "input_invalid", "pull_request", "Codertocat/Old-Name", "v1"),
          ("its fork", "input_invalid", "fork", "Octocoders/Hello-World", "v1"),
          ("its fork, which is not the head", "input_invalid", "pull_request", "Octocoders/Hello-World", "v1"),
      )),
    *(Scenario(f"central policy in a pull request, {what}", reason, "pull_request", policy=None, loose=True, setup=repositories(),
               inputs={"INPUT_POLICY": f"acme/config/policies/central.yml@{ref}"}, also=asked(repository=1, compare=compared),
               files={("acme/config", ref): {"policies/central.yml": central(entry)}})
      for what, reason, ref, entry, compared in (
          ("no `base`", "no_rule_matches", "refs/heads/main", OF_ORG, 0),
          ("by branch", "granted", "refs/heads/main", OF_ORG_WITH_BASE, 0),
          ("by tag", "granted", "refs/tags/v1", OF_ORG_WITH_BASE, 0),
          ("by a name that is not a SHA", "granted", "v1", OF_ORG_WITH_BASE, 0),
          ("by commit", "granted", MERGED, OF_ORG_WITH_BASE, 1),
          ("by a fork's commit", "input_invalid", UNMERGED, OF_ORG_WITH_BASE, 1),
      )),
    Scenario("central policy in a pull request, by a part of a SHA", "input_invalid", "pull_request", policy=None, loose=True,
             setup=repositories(), inputs={"INPUT_POLICY": "acme/config/policies/central.yml@6dcb09b"},
             files={("acme/config", "6dcb09b"): {"policies/central.yml": central(OF_ORG_WITH_BASE)}}),
    Scenario("central policy in a pull request, of nobody", "policy_not_found", "pull_request", policy=None, loose=True,
             inputs=FROM_ORG),
    Scenario("central policy in an issue's comment", "granted", "issue_comment", policy=None, loose=True,
             setup=repositories(), inputs=FROM_ORG,
             files={ORG: {"policies/central.yml": central(OF_ORG | {"permissions": [{"permission": KEY, "events": ["issue_comment"]}]})}}),
    # Inputs
    Scenario("not in a job", "runtime_missing", job={"variables": {"GITHUB_ACTIONS": "false"}},
             also=asked(id_token=0, contents=0, check_run=0, status=0)),
    Scenario("no permission", "input_invalid", inputs={"INPUT_PERMISSION": ""}, also=says("permission")),
    Scenario("not a permission", "input_invalid", inputs={"INPUT_PERMISSION": "Deploy everything"}),
    Scenario("wrong mode", "input_invalid", inputs={"INPUT_MODE": "audit"}, also=says("mode")),
    Scenario("App without its key", "input_invalid", inputs={"INPUT_APP-CLIENT-ID": "Iv23li"},
             also=says("app-private-key")),
    Scenario("advisory", "no_rule_matches", policy=rules({"branch": "main"}), inputs={"INPUT_MODE": "advisory"},
             outputs={"allowed": "false"}),
    Scenario("advisory error", "policy_not_found", policy=None, files=not_found(), inputs={"INPUT_MODE": "advisory"}),
    Scenario("no reports", "granted", inputs={"INPUT_REPORT": "none"}, also=asked(check_run=0, status=0)),
    Scenario("only a status", "granted", inputs={"INPUT_REPORT": "status"}, also=asked(check_run=0, status=1)),
    Scenario("own names", "granted", inputs={"INPUT_CHECK-NAME": "Gate", "INPUT_STATUS-CONTEXT": "gate"}),
    Scenario("own commit", "granted", inputs={"INPUT_SHA": "f95f852bd8fca8fcc58a9a2d6c842781e32a215e"}),
    Scenario("variables of an earlier step", "granted",
             job={"earlier_env": {"SSL_CERT_FILE": "/nowhere.pem", "GITHUB_API_URL": "https://evil.example", "RUST_LOG": "trace", "INPUT_POLICY": "evil.yml"}}),
    Scenario("audit log", "granted", inputs={"INPUT_AUDIT-LOG": "gate.jsonl"}),
    Scenario("audit log of two", "permission_not_granted",
             inputs={"INPUT_AUDIT-LOG": "gate.jsonl", "INPUT_PERMISSION": f"{KEY}, {LOCK}"}),
    Scenario("audit log of a hostile environment", "granted", policy=rules({}), job={"environment": HOSTILE},
             inputs={"INPUT_AUDIT-LOG": "gate.jsonl"}),
    # Copies of audit records
    Scenario("webhook", "granted", setup=webhook(1), also=asked(webhook=1)),
    Scenario("webhook of two", "permission_not_granted", setup=webhook(1), also=asked(webhook=2),
             inputs={"INPUT_PERMISSION": f"{KEY}, {LOCK}"}),
    Scenario("webhook with two secrets", "no_rule_matches", policy=rules({"branch": "main"}), setup=webhook(1, 2),
             also=asked(webhook=1)),
    Scenario("webhook of an error", "token_invalid", also=asked(webhook=1),
             setup=lambda github, job: (webhook(1)(github, job), job.claims.update(aud="other"))),
    Scenario("webhook of a hostile environment", "no_rule_matches", policy=rules({"environment": "x"}),
             job={"environment": HOSTILE}, setup=webhook(1), also=asked(webhook=1)),
    Scenario("webhook under a certificate authority of its own", "granted", inputs=BUNDLE, setup=webhook(1),
             layouts=("tls",), also=asked(webhook=1)),
    Scenario("webhook that fails twice", "granted", setup=webhook(1), also=asked(webhook=3),
             faults={"webhook": [Answer(503, "canary-of-the-answer", {"Retry-After": "1"}), Answer(drop=True)]}),
    Scenario("webhook that stays down", "granted", setup=webhook(1), also=everything(asked(webhook=5), warns("webhook", "500")),
             faults={"webhook": [Answer(500, "canary-of-the-answer", times=None)]}),
    Scenario("webhook that is gone", "granted", setup=webhook(1), also=everything(asked(webhook=1), warns("410")),
             faults={"webhook": [Answer(410, "canary-of-the-answer", times=None)]}),
    Scenario("webhook that redirects", "granted", setup=webhook(1), also=everything(asked(webhook=1), warns("307")),
             faults={"webhook": [Answer(307, "", {"Location": "http://localhost:9/x"}, times=None)]}),
    Scenario("webhook that hangs", "granted", setup=webhook(1), faults={"webhook": HANG}, also=warns("did not answer"),
             inputs={"INPUT_TIMEOUT": "2"}, limit=2.5, layouts=("dotcom",)),
    Scenario("webhook of a cancelled step", "cancelled", interrupt="contents", setup=webhook(1), limit=5,
             faults={"contents": HANG}, also=asked(webhook=1), layouts=("dotcom",)),
    Scenario("webhook without its secret", "input_invalid", also=says("audit-webhook-secret"),
             inputs={"INPUT_AUDIT-WEBHOOK": "https://hooks.example/"}),
    Scenario("webhook with a short secret", "input_invalid", also=says("16 bytes"),
             inputs={"INPUT_AUDIT-WEBHOOK": "https://hooks.example/", "INPUT_AUDIT-WEBHOOK-SECRET": "whsec_AQEBAQEBAQEBAQEBAQEBAQ=="}),
    Scenario("OpenTelemetry", "granted", setup=collector(), also=everything(asked(logs=1), resource(service_name="repo-permissions"))),
    Scenario("OpenTelemetry of two", "permission_not_granted", setup=collector(), also=asked(logs=1),
             inputs={"INPUT_PERMISSION": f"{KEY}, {LOCK}"}),
    Scenario("OpenTelemetry of an error in a trace", "policy_not_found", policy=None, files=not_found(), also=asked(logs=1),
             setup=collector(TRACEPARENT="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")),
    Scenario("OpenTelemetry with attributes", "granted",
             setup=collector(OTEL_RESOURCE_ATTRIBUTES="service.namespace=gates%20%3D%2C,a=b", OTEL_SERVICE_NAME="gate"),
             also=resource(service_name="gate", service_namespace="gates =,")),
    Scenario("OpenTelemetry of a hostile environment", "no_rule_matches", policy=rules({"environment": "x"}),
             job={"environment": HOSTILE}, setup=collector(), also=asked(logs=1)),
    Scenario("OpenTelemetry under a certificate authority of its own", "granted", inputs=BUNDLE, setup=collector(),
             layouts=("tls",), also=asked(logs=1)),
    Scenario("OpenTelemetry that fails twice", "granted", setup=collector(), also=asked(logs=3),
             faults={"logs": [Answer(503, ""), Answer(drop=True)]}),
    Scenario("OpenTelemetry that refuses", "granted", setup=collector(), also=everything(asked(logs=1), warns("400 (no)")),
             faults={"logs": [Answer(400, {"message": "no"}, times=None)]}),
    Scenario("webhook and OpenTelemetry", "granted", setup=both, also=asked(webhook=1, logs=1)),
    # Ways to GitHub
    Scenario("own certificate authority", "granted", inputs=BUNDLE,
             layouts=("tls",)),
    Scenario("own certificate authority, denied", "no_rule_matches", policy=rules({"branch": "main"}),
             inputs=BUNDLE, layouts=("tls",)),
    Scenario("a stranger's certificate", "token_unavailable", layouts=("tls",), limit=70, no_reports=True),
    Scenario("a stranger's certificate, by a variable", "token_unavailable", layouts=("tls",),
             limit=70, no_reports=True,
             setup=lambda github, job: job.earlier_env.update(SSL_CERT_FILE=github.authority_file.name)),
    *(Scenario(f"{name} by their real names", reason, policy=policy, setup=setup, inputs=BUNDLE, layouts=("github.com", "ghe.com"))
      for name, reason, policy, setup in (
          ("hosts", "granted", rules({"branch": "master"}), None),
          ("hosts, denied,", "no_rule_matches", rules({"branch": "main"}), None),
          ("an enterprise's issuer", "granted", rules({}), enterprise),
          ("an enterprise's issuer unasked", "token_invalid", rules({}), lambda github, job: job.claims.update(iss=github.issuer + "/acme")),
          ("an Enterprise Server's issuer", "token_invalid", rules({}), lambda github, job: job.claims.update(iss=f"{github.server_url}/_services/token")),
      )),
    Scenario("a proxy to this machine", "granted", setup=proxied, also=used_no_proxy),
    Scenario("around a proxy", "granted",
             job={"variables": {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}}),
    # GitHub Apps
    Scenario("App", "granted", setup=app(), also=acts_as_app),
    Scenario("App, key as PKCS#8", "granted", setup=app(pkcs8=True), also=acts_as_app),
    Scenario("App, key in one line", "granted", setup=app(escaped=True), also=acts_as_app),
    Scenario("App that is not installed", "policy_unreadable", setup=app(installed=False), also=says("not installed")),
    # Reports that fail
    Scenario("no checks: write", "granted", api_permissions={"contents": "read", "statuses": "write"},
             outputs={"check-run-url": ""}, also=everything(warns("checks: write"), asked(check_run=1, status=1))),
    Scenario("no statuses: write", "no_rule_matches", policy=rules({"branch": "main"}),
             api_permissions={"contents": "read", "checks": "write"}, also=warns("statuses: write")),
    Scenario("check run fails once", "granted", faults={"check-run": [Answer(500, {"message": "Server Error"})]},
             outputs={"check-run-url": ""}, also=asked(check_run=1)),
    Scenario("status fails once", "granted", faults={"status": [Answer(502, "<html>Bad Gateway</html>")]},
             also=asked(status=2)),
    # Failures of the network
    Scenario("everything fails once", "granted", also=asked(id_token=2, keys=2, contents=2),
             faults={kind: [Answer(503, "")] for kind in ("id-token", "keys", "contents")}),
    Scenario("rate limit", "granted",
             faults={"contents": [Answer(429, {"message": "slow down"}, {"Retry-After": "1"})]},
             also=asked(contents=2), layouts=("ghes",)),
    Scenario("connection that breaks", "granted", faults={"contents": [Answer(drop=True)]}, also=asked(contents=2),
             layouts=("dotcom",)),
    Scenario("contents stay down", "policy_unreadable",
             faults={"contents": [Answer(500, {"message": "Server Error"}, times=None)]}, layouts=("dotcom",)),
    Scenario("token service stays down", "token_unavailable", faults={"id-token": [Answer(503, "", times=None)]},
             layouts=("ghes",)),
    Scenario("contents hang", "policy_unreadable", inputs={"INPUT_TIMEOUT": "2"}, faults={"contents": HANG}, limit=2.5,
             layouts=("dotcom",)),
    Scenario("reports hang", "granted", inputs={"INPUT_TIMEOUT": "2"}, faults={"check-run": HANG, "status": HANG},
             limit=2.5, layouts=("dotcom",)),
    Scenario("cancelled", "cancelled", interrupt="contents", faults={"contents": HANG}, limit=5, layouts=("dotcom",)),
    # Texts from outside
    Scenario("hostile environment", "no_rule_matches", policy=rules({"environment": "production"}),
             job={"environment": HOSTILE}, outputs={"environment": HOSTILE}),
    Scenario("hostile rule", "no_rule_matches", policy=rules({"name": HOSTILE, "environment": {"exact": HOSTILE}})),
    Scenario("hostile rule of several lines", "no_rule_matches",
             policy=rules({"name": "a\n::set-output name=allowed::true\n# b", "environment": "c\n::error::d"})),
    Scenario("hostile workflow file", "no_rule_matches", policy=rules({"workflow": "deploy.yml"}),
             job={"workflow": "a\n::set-output name=allowed::true\nallowed=true\nb.yml"},
             outputs={"workflow": "a\n::set-output name=allowed::true\nallowed=true\nb.yml"}),
    Scenario("hostile answer", "policy_unreadable",
             faults={"contents": [Answer(403, {"message": f"x\n::set-output name=allowed::true\n{HOSTILE}\r::error::y"})]}),
]
# fmt: on


class Check:
    """The checks of one run; a failed one is reported and does not stop the others."""

    def __init__(self, suite):
        self.suite = suite
        self.failures = []

    def true(self, what, holds):
        if not holds:
            self.failures.append(what)

    def equal(self, what, seen, expected):
        self.true(f"{what}: {seen!r}, expected {expected!r}", seen == expected)

    def app_jwt(self, app):
        """The same as Octokit's own library makes, as far as GitHub looks at it."""
        key = app["key"]
        for token in app.get("jwts", []):
            claims = jwt.decode(token, options={"verify_signature": False})
            other = self.suite.octokit_jwt(pem(key, pkcs8=True), app["client_id"], claims["iat"] + 30)
            if other is None:
                continue
            theirs = jwt.decode(other, key.public_key(), algorithms=["RS256"], options={"verify_exp": False})
            self.equal("claims of the App JWT", set(claims), set(theirs))
            self.equal("iss of the App JWT", claims["iss"], theirs["iss"])
            self.true("the App JWT lasts no longer", claims["exp"] - claims["iat"] <= theirs["exp"] - theirs["iat"])
            self.equal("header of the App JWT", jwt.get_unverified_header(token), jwt.get_unverified_header(other))


def common(check, scenario, run, github, job):
    """What holds for every run."""
    decision, status = REASONS[scenario.reason]
    inputs = run.variables
    advisory = inputs["INPUT_MODE"] == "advisory" and decision == "denied"
    check.equal("exit code", run.exit_code, 0 if advisory else EXIT[decision])
    check.equal("files of outputs", run.output_problem, None)
    check.equal("names of outputs", set(run.outputs), set(check.suite.runner.action["outputs"]))
    expected = {
        "decision": decision,
        "allowed": str(decision == "allowed").lower(),
        "reason": scenario.reason,
    } | scenario.outputs
    for name, value in expected.items():
        check.equal(f"output {name}", run.outputs.get(name), value)
    message = run.outputs.get("message", "")
    check.true(f"the message is one sentence: {message!r}", message.isprintable() and message.strip())
    last = run.shown()[-1:] or [""]
    check.true(
        f"the last line is the decision: {last} for {message!r}",
        message and plain(message.replace("\n", "\\n").replace("\r", "\\r")) in plain(last[0]),
    )
    result = json.loads(run.outputs.get("result") or "{}")
    for name, value in {"decision": decision, "reason": scenario.reason, "status": status, "message": message}.items():
        check.equal(f"result.{name}", result.get(name), value)
    check.true(f"result: {sorted(result)}", {"permissions", "context", "policy"} <= set(result))
    check.true(f"{run.seconds:.1f} s, at most {scenario.limit} s", run.seconds <= scenario.limit)
    for violation in github.violations:
        check.true(violation, False)
    for name, _, _ in run.commands():
        check.true(f"command {name}", name in {"add-mask", "debug", "endgroup", "error", "group", "notice", "warning"})
    policy = github.files.get(("codertocat/hello-world", None), {}).get(POLICY)
    if decision != "error" and not scenario.loose and policy:
        check.equal(
            "output policy-sha",
            run.outputs.get("policy-sha"),
            hashlib.sha1(b"blob %d\0" % len(policy) + policy).hexdigest(),
        )
    for request in github.asked("id-token"):
        check.equal("audience asked for", dict(request.query)["audience"], inputs["INPUT_AUDIENCE"])
    if scenario.reason != "runtime_missing":
        reports(check, scenario, run, github, job, decision, advisory)
    audit(check, run, github, job, decision)
    secrets(check, run, github)


def audit(check, run, github, job, decision):
    """Section 9: one CloudEvent a line for each permission, in the log and in the file if one is named."""
    keys = permissions(run.variables)
    lines = [line for line in run.log.split("\n") if line.startswith("{")]
    events, named = [], run.variables["INPUT_AUDIT-LOG"]
    try:
        for line in lines:
            events.append(json.loads(line))
    except ValueError as error:
        check.true(f"the audit record is JSON: {error}: {line}", False)
        return
    if named:
        written = run.files.get(f"work/Hello-World/{named}", b"").decode()
        check.true("the audit log ends in a new line", written.endswith("\n"))
        check.equal("the audit log", [json.loads(line) for line in written.split("\n")[:-1]], events)
    if github.asked("keys"):
        check.equal("subjects of audit records", [event.get("subject") for event in events], keys)
    for event in events:
        check.equal("specversion", event["specversion"], "1.0")
        types = {
            f"dev.repo-permissions.check.{one}"
            for one in ({decision} | ({"allowed", decision} if len(keys) > 1 else set()))
        }
        check.true(f"type of the audit record: {event['type']}", event["type"] in types)
        check.equal("source", event["source"], f"{github.server_url}/{job.repository['full_name']}")
        check.true(f"time {event['time']}", is_date_time(event["time"]))
        check.equal("datacontenttype", event.get("datacontenttype", "application/json"), "application/json")
    check.equal("ids of audit records", len({event["id"] for event in events}), len(events))
    for event in events:
        problems = [error.message for error in check.suite.audit_schema.iter_errors(event)]
        check.equal("problems of the audit record by its schema", problems, [])
    copies(check, run, github, events)
    for token in github.minted:
        jti = jwt.decode(token, options={"verify_signature": False}).get("jti")
        if decision != "error":
            for event in events:
                check.true("the audit record names the token", jti in json.dumps(event))


def copies(check, run, github, events):
    """Webhook and collector have the same events; each attempt has been looked at by `receivers.py`."""
    by_id = lambda events: sorted(events, key=lambda event: event["id"])
    delivered = {request.headers["webhook-id"]: request for request in github.asked("webhook")}
    if delivered:
        check.equal("delivered", by_id(request.json() for request in delivered.values()), by_id(events))
        for request in delivered.values():
            for secret in github.webhook_secrets:
                verdicts = check.suite.samples.verify(secret, request.headers, request.body)
                check.equal("the samples of the documentation", verdicts, (True, True))
            verdicts = check.suite.samples.verify(secret, request.headers, request.body + b" ")
            check.equal("the samples of the documentation, of another body", verdicts, (False, False))
    for request in github.asked("logs"):
        names = ("id", "source", "type", "subject")
        of_events = [{name: event.get(name) for name in names} for event in events]
        check.equal("exported", by_id(receivers.exported(request)), by_id(of_events))
    for canary in ("canary-of-the-url", "canary-of-the-answer"):
        check.true(f"the log has {canary}", canary not in run.log)


def permissions(inputs):
    """The keys that are asked for."""
    asked = [key.strip() for key in re.split(r"[,\n]", inputs["INPUT_PERMISSION"])]
    return [{"deployments create": KEY}.get(key, key) for key in asked if key]


def reports(check, scenario, run, github, job, decision, advisory):
    inputs = run.variables
    places = inputs["INPUT_REPORT"]
    keys = permissions(inputs)
    sha = inputs["INPUT_SHA"] or (
        job.payload["pull_request"]["head"]["sha"] if job.event_name.startswith("pull_request") else job.sha
    )
    message = run.outputs.get("message", "")
    runs = github.asked("check-run")
    if scenario.no_reports:
        check.equal("requests", github.requests, [])
    elif "check-run" in places:
        check.equal("check runs", len(runs), 1)
    for request in runs:
        body = request.json()
        check.equal("status of the check run", body.get("status"), "completed")
        check.equal(
            "conclusion of the check run", body.get("conclusion"), "neutral" if advisory else CONCLUSION[decision]
        )
        check.equal("commit of the check run", body["head_sha"], sha)
        name = inputs["INPUT_CHECK-NAME"] or f"Repository permissions: {', '.join(keys)}"
        if job.environment and job.environment != HOSTILE and decision != "error":
            name += f" ({job.environment})"
        if keys and job.environment != HOSTILE and scenario.reason != "input_invalid":
            check.equal("name of the check run", body["name"], name)
        check.true(
            "the check run has the job's summary",
            "summary" not in places
            or job.environment == HOSTILE
            or plain(body["output"]["summary"])[:200] in plain(run.summary),
        )
        check.true(f"title in one line: {body['output']['title']!r}", body["output"]["title"].isprintable())
        page(check, "check run", body["output"]["summary"] + "\n\n" + (body["output"].get("text") or ""))
        if run.outputs.get("check-run-url"):
            check.true(
                "output check-run-url",
                re.fullmatch(
                    re.escape(f"{github.server_url}/{job.repository['full_name']}/runs/") + r"\d+",
                    run.outputs["check-run-url"],
                ),
            )
        elif (
            "check-run-url" not in scenario.outputs
            and scenario.reason != "cancelled"
            and "check-run" not in scenario.faults
        ):
            check.true("output check-run-url is missing", False)
    statuses = github.asked("status")
    if "status" in places and keys and scenario.reason != "input_invalid" and not scenario.no_reports:
        base = inputs["INPUT_STATUS-CONTEXT"] or "repo-permissions/{}"
        contexts = {
            base.format(key) + (f"/{job.environment}" if job.environment and decision != "error" else "")
            for key in keys
        }
        if job.environment != HOSTILE:
            check.equal("contexts of statuses", {request.json().get("context") for request in statuses}, contexts)
    for request in statuses:
        body = request.json()
        check.true(f"commit of the status: {request.path}", request.path.endswith(f"/statuses/{sha}"))
        states = {STATE[decision], "success"} if len(keys) > 1 else {"success" if advisory else STATE[decision]}
        check.true(f"state of the status: {body['state']}, expected {states}", body["state"] in states)
        check.true(
            f"target of the status: {body.get('target_url')}",
            (body.get("target_url") or "").startswith(
                f"{github.server_url}/{job.repository['full_name']}/actions/runs/{job.run_id}"
            ),
        )
        check.true(f"description in one line: {body['description']!r}", body["description"].isprintable())
        if advisory:
            check.true(f"advisory status: {body['description']}", "would be denied" in body["description"])
    check.equal("there is a summary", bool(run.summary), "summary" in places)
    check.true("summary of at most 1 MiB", len(run.summary.encode()) <= 1 << 20)
    page(check, "summary", run.summary)
    if run.summary and HOSTILE not in (job.environment,) and "hostile" not in scenario.name:
        check.true("the summary has the message", plain(message)[:60] in plain(run.summary))


def plain(markdown):
    """The words of a page, without its marks."""
    return re.sub(r"[^\w]+", " ", re.sub(r"<[^>]+>", " ", markdown).replace("\\", "")).strip()


def page(check, where, markdown):
    """Rendered as GitHub would: nothing from outside makes HTML, a foreign link, an image or a mention."""
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    for token in parser.parse(markdown):
        for inline in [token, *(token.children or [])]:
            if inline.type in ("html_block", "html_inline") and re.search(r"<(img|script|a|iframe)\b", inline.content):
                check.true(f"{where}: HTML {inline.content!r}", False)
            if inline.type == "image":
                check.true(f"{where}: image", False)
            if inline.type == "link_open":
                check.true(f"{where}: link to {inline.attrs}", "evil" not in str(inline.attrs))
            if inline.type == "text":
                check.true(f"{where}: mention in {inline.content!r}", "@octocat" not in inline.content)
                check.true(f"{where}: bare link in {inline.content!r}", "https://evil" not in inline.content)


def secrets(check, run, github):
    """Masked before anything else is said of them, and nowhere to be seen."""
    held = [
        ("token", run.variables["INPUT_TOKEN"]),
        ("request token", github.request_token),
        *(("OIDC token", token) for token in github.minted),
    ]
    held += [("secret of the webhook", secret) for secret in github.webhook_secrets]
    key = run.variables.get("INPUT_APP-PRIVATE-KEY")
    if key:
        held.append(("private key", max(key.replace("\\n", "\n").splitlines(), key=len)))
        held += [("App JWT", token) for token in github.app.get("jwts", [])]
    shown = "\n".join(
        line for line in run.log.split("\n") if (parse := line.lstrip()) and not parse.startswith("::add-mask::")
    )
    bodies = "".join(request.body.decode("utf-8", "replace") for request in github.requests)
    for name, secret in held:
        if name != "App JWT" and not (
            name == "request token" and not run.variables.get("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
        ):
            check.true(f"the {name} is masked", any(secret in mask for mask in run.masked()))
        for place, text in {
            "log": shown,
            "outputs": json.dumps(run.outputs),
            "summary": run.summary,
            "requests": bodies,
        }.items():
            check.true(f"the {name} is in the {place}", secret not in text)


class Suite:
    def __init__(self, arguments):
        packages = Path(arguments.packages)
        root = Path(__file__).resolve().parents[2]
        generated = packages / "openapi" / "generated"
        self.descriptions = {
            "dotcom": Description(generated / "api.github.com.json"),
            "ghes": Description(generated / "ghes-3.19.json"),
        }
        self.descriptions |= {"tls": self.descriptions["ghes"]}
        self.descriptions |= dict.fromkeys(("github.com", "ghe.com"), self.descriptions["dotcom"])
        self.events = Events(packages / "webhooks-examples" / "api.github.com" / "index.json")
        self.app_jwt_package = packages / "universal-github-app-jwt"
        schema = root / "schema" / "repo-permissions-audit.schema.json"
        self.audit_schema = Draft7Validator(json.loads(schema.read_text(encoding="utf-8")))
        self.samples = receivers.Samples(root / "docs" / "audit.md")
        self.runner = Runner(
            root / "action.yml",
            arguments.binary and str(Path(arguments.binary).resolve()),
            arguments.image,
            arguments.socket,
        )

    def octokit_jwt(self, key, client_id, at):
        script = Path(__file__).with_name("app_jwt.mjs")
        made = subprocess.run(
            ["node", script, self.app_jwt_package, client_id, str(at)],
            input=key,
            text=True,
            capture_output=True,
            check=True,
        )
        return made.stdout

    def run(self, scenario, layout):
        """The failed checks of a scenario, and its log."""
        github = GitHub(layout, self.descriptions[layout])
        try:
            return self._run(scenario, github)
        finally:
            github.close()

    def _run(self, scenario, github):
        job = getattr(self.events, scenario.event)()
        for name, value in scenario.job.items():
            setattr(job, name, value)
        repository = job.repository["full_name"].lower()
        token = f"ghs_9_{'a' * 480}.{'b' * 20}.c"
        github.tokens[token] = {"permissions": scenario.api_permissions, "repositories": None}
        github.commits = {job.sha, "f95f852bd8fca8fcc58a9a2d6c842781e32a215e"}
        if "pull_request" in job.payload:
            github.commits.add(job.payload["pull_request"]["head"]["sha"])
        github.repositories[repository] = job.repository
        pull = job.pull or job.payload.get("pull_request")
        if pull:
            github.pulls[repository, pull["number"]] = json.loads(json.dumps(pull))
        github.files = dict(scenario.files)
        if scenario.policy is not None:
            github.files[repository, None] = {POLICY: scenario.policy}
        github.faults = {
            kind: [Answer(**vars(answer)) for answer in answers] for kind, answers in scenario.faults.items()
        }
        github.inputs = {}
        if scenario.setup:
            scenario.setup(github, job)
        if github.authority:
            job.workspace = job.workspace | {"certificates/ca.pem": github.authority}
        if github.proxy_url:
            job.variables = job.variables | {"HTTPS_PROXY": github.proxy_url, "https_proxy": github.proxy_url}
        github.claims = job.signed_claims()
        inputs = {"INPUT_PERMISSION": KEY} | github.inputs | scenario.inputs
        inputs = {name.removeprefix("INPUT_").lower(): value for name, value in inputs.items()}
        run = self.runner.run(job, github, inputs, token, interrupt=scenario.interrupt)
        check = Check(self)
        try:
            common(check, scenario, run, github, job)
            if scenario.also:
                scenario.also(check, run, github, job)
        except Exception:
            check.failures.append(traceback.format_exc())
        requests = "".join(
            f"  > {r.method} {r.path} {r.query} {r.body.decode('utf-8', 'replace')[:1500]}\n" for r in github.requests
        )
        return check.failures, f"{requests}{run.log}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packages", required=True, help="directory of the npm packages")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--binary")
    what.add_argument("--image")
    parser.add_argument("--socket", help="of the container engine, with --image")
    parser.add_argument("--only", action="append", help="part of a scenario's name; exact with a leading `=`")
    parser.add_argument("--verbose", action="store_true", help="show requests and log of failed scenarios")
    arguments = parser.parse_args()
    suite = Suite(arguments)
    names = [scenario.name for scenario in SCENARIOS]
    assert len(names) == len(set(names)), "two scenarios with one name"
    wanted = lambda name: (
        not arguments.only or any(name == only[1:] if only.startswith("=") else only in name for only in arguments.only)
    )
    passed = failed = 0
    for scenario in filter(lambda scenario: wanted(scenario.name), SCENARIOS):
        for layout in scenario.layouts:
            failures, log = suite.run(scenario, layout)
            if failures:
                failed += 1
                print(f"FAILED {scenario.name} ({layout})")
                for failure in failures:
                    print(f"    {failure}")
                if arguments.verbose:
                    print(log)
            else:
                passed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
