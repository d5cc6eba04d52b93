"""Exchanges of the server with a simulated GitHub, one JSON object a line, by GitHub's OpenAPI descriptions.

    server_requests.py PACKAGES EXCHANGES

A request has to be an operation of github.com and of an Enterprise Server, with its parameters and body. An answer that
the simulated GitHub gives by itself has to have no member that is not described, nor one of another type; it may lack
some, because nobody reads them.
"""

import collections
import json
import re
import sys
from email.message import Message
from pathlib import Path

from jsonschema import Draft202012Validator
from openapi import FORMATS, Description

REVIEW = "/repos/{owner}/{repo}/actions/runs/{run_id}/deployment_protection_rule"
#: What the server asks. A test that no longer asks one of them would go unnoticed.
NEEDED = {
    "GET /app",
    "GET /app/hook/deliveries",
    "GET /app/hook/deliveries/{delivery_id}",
    "GET /repos/{owner}/{repo}",
    "GET /repos/{owner}/{repo}/actions/runs/{run_id}",
    "GET /repos/{owner}/{repo}/commits/{ref}",
    "GET /repos/{owner}/{repo}/contents/{path}",
    "GET /repos/{owner}/{repo}/git/ref/{ref}",
    "GET /repos/{owner}/{repo}/git/tags/{tag_sha}",
    "GET /repos/{owner}/{repo}/installation",
    "GET /repos/{owner}/{repo}/pulls/{pull_number}",
    "POST /app/installations/{installation_id}/access_tokens",
    f"POST {REVIEW}",
}

#: What asks for JSON. Other answers are files, and ids of commits.
JSON = ("application/vnd.github+json", "application/json")

#: What any operation can say, described or not: the token does not count, nothing is there, not so often.
UNDESCRIBED = ("401", "404", "429")
#: What GitHub was seen to say: somebody has reviewed this deployment already.
SEEN = {(REVIEW, "422")}
#: Where GitHub says `null` and its description does not: the head of a pull request whose fork is gone.
NULL = {"$.head.repo"}


def described(path):
    """The path as the description has it, without the prefix of an Enterprise Server. A repository by its id, which GitHub redirects a former name to, has the
    operations of the one by its name, and the description leaves it out."""
    path = path.removeprefix("/api/v3")
    return re.sub(r"^/repositories/\d+(?=/|$)", "/repos/OWNER/REPO", path)


def partial(schema):
    """The schema of an answer that may lack members."""
    if isinstance(schema, list):
        return [partial(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: partial(value) for key, value in schema.items() if key != "required" or not isinstance(value, list)}


class Answers:
    """Validators of answers, by operation and status."""

    def __init__(self, description):
        self.description = description
        self.validators = {}

    def wrong(self, exchange):
        method, path = exchange["method"], described(exchange["path"])
        status, answer = str(exchange["status"]), exchange["answer"]
        operation, template, _ = self.description.operation(method, path)
        where = f"{method} {path}: answer {status}"
        response = operation["responses"].get(status)
        if response is None:
            return [] if status in UNDESCRIBED or (template, status) in SEEN else [f"{where} is not described"]
        content = self.description.resolve(response).get("content", {})
        accept = dict(map(tuple, exchange["headers"])).get("accept", "")
        if not answer.strip() or accept not in JSON or "application/json" not in content:
            return []
        key = (template, method, status)
        if key not in self.validators:
            schema = partial(self.description.schema(content["application/json"]["schema"]))
            self.validators[key] = Draft202012Validator(schema, format_checker=FORMATS)
        answer = json.loads(answer)
        if int(status) >= 400:
            # GitHub repeats it in the body, and only some descriptions of errors say so.
            answer.pop("status", None)
        errors = self.validators[key].iter_errors(answer)
        return [
            f"{where}: at {error.json_path}: {error.message[:300]}"
            for error in errors
            if error.instance is not None or error.json_path not in NULL
        ]


def headers(pairs):
    message = Message()
    for name, value in pairs:
        message[name] = value
    return message


def main():
    generated = Path(sys.argv[1]) / "openapi" / "generated"
    counts, answers, wrong = collections.Counter(), 0, collections.Counter()
    descriptions = {
        name: Description(generated / f"{file}.json")
        for name, file in (("github.com", "api.github.com"), ("Enterprise Server", "ghes-3.19"))
    }
    validators = {name: Answers(description) for name, description in descriptions.items()}
    seen = set()
    for line in Path(sys.argv[2]).read_text(encoding="utf-8").splitlines():
        exchange = json.loads(line)
        method, path = exchange["method"], exchange["path"]
        # The issuer's keys are OpenID's, not the API's.
        if "/.well-known/" in path:
            continue
        _, template, _ = descriptions["github.com"].operation(method, described(path))
        counts[f"{method} {template}"] += 1
        # The same again, with another token.
        headers_seen = [pair for pair in exchange["headers"] if pair[0] != "authorization"]
        exchange_seen = json.dumps(exchange | {"headers": headers_seen})
        if exchange_seen in seen:
            continue
        seen.add(exchange_seen)
        for name, description in descriptions.items():
            asked = description.violations(
                method, described(path), exchange["query"], headers(exchange["headers"]), exchange["body"]
            )
            if not asked and exchange["answer"] is not None:
                asked = validators[name].wrong(exchange)
                answers += 1
            wrong.update(f"{name}: {one}" for one in asked)
    for complaint, times in wrong.most_common(30):
        print(f"{complaint} ({times} times)", file=sys.stderr)
    missing = NEEDED - set(counts)
    print(f"{sum(counts.values())} requests of {len(counts)} operations; {answers} different answers")
    if wrong or missing:
        sys.exit(f"{len(wrong)} complaints; not asked: {sorted(missing)}; asked: {dict(counts)}")


if __name__ == "__main__":
    main()
