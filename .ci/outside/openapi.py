"""Requests held against GitHub's own OpenAPI description (npm `@octokit/openapi`)."""

import json
import re
from datetime import datetime
from urllib.parse import unquote

from jsonschema import Draft202012Validator, FormatChecker

FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time", raises=ValueError)
def is_date_time(value):
    if isinstance(value, str):
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", value):
            raise ValueError("not as RFC 3339")
        datetime.fromisoformat(value)
    return True


class Description:
    """One description: of github.com, or of an Enterprise Server."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.document = json.load(file)
        self.validators = {}
        self.templates = [(self._pattern(path), path) for path in self.document["paths"]]

    def _pattern(self, path):
        operations = self.document["paths"][path].values()
        multi = {
            parameter["name"]
            for operation in operations
            for parameter in map(self.resolve, operation.get("parameters", []))
            if parameter.get("x-multi-segment")
        }
        part = lambda name: f"(?P<{name}>.+)" if name in multi else f"(?P<{name}>[^/]+)"
        pieces = re.split(r"\{([\w-]+)\}", path)
        text = "".join(
            part(piece.replace("-", "_")) if index % 2 else re.escape(piece) for index, piece in enumerate(pieces)
        )
        return re.compile(text + r"\Z")

    def resolve(self, node):
        while "$ref" in node:
            target = self.document
            for key in node["$ref"].removeprefix("#/").split("/"):
                target = target[key]
            node = target
        return node

    def operation(self, method, path):
        """The operation, its path's template and the decoded parameters; the most literal template wins."""
        found = []
        for pattern, template in self.templates:
            match = pattern.match(path)
            if match and method.lower() in self.document["paths"][template]:
                found.append((template.count("{"), -len(template), template, match))
        if not found:
            return None, None, {}
        *_, template, match = min(found, key=lambda item: item[:3])
        parameters = {name: unquote(value) for name, value in match.groupdict().items()}
        return self.document["paths"][template][method.lower()], template, parameters

    def schema(self, node, depth=0):
        """A schema of OpenAPI 3.0 as JSON Schema 2020-12: `nullable` spelled out, references replaced,
        and no properties that are not described, so that a misspelt one is found."""
        if isinstance(node, list):
            return [self.schema(item, depth) for item in node]
        if not isinstance(node, dict):
            return node
        if depth > 40:
            return {}
        node = self.resolve(node)
        made = {
            key: self.schema(value, depth + 1)
            for key, value in node.items()
            if key not in ("nullable", "example", "examples", "description", "enum", "default", "properties")
        }
        if "properties" in node:
            made["properties"] = {name: self.schema(value, depth + 1) for name, value in node["properties"].items()}
        if "enum" in node:
            made["enum"] = list(node["enum"])
        if node.get("nullable"):
            if isinstance(made.get("type"), str):
                made["type"] = [made["type"], "null"]
            else:
                made = {"anyOf": [made, {"type": "null"}]}
            if "enum" in made:
                made["enum"].append(None)
        combined = any(key in made for key in ("oneOf", "anyOf", "allOf"))
        if "properties" in made and not combined:
            made.setdefault("additionalProperties", False)
        return made

    def body_validator(self, template, method):
        if (template, method) not in self.validators:
            self.validators[template, method] = self._body_validator(template, method)
        return self.validators[template, method]

    def _body_validator(self, template, method):
        operation = self.document["paths"][template][method.lower()]
        body = operation.get("requestBody")
        if body is None:
            return None
        schema = self.schema(self.resolve(body)["content"]["application/json"]["schema"])
        return Draft202012Validator(schema, format_checker=FORMATS)

    def example(self, template, method, status, media_type="application/json"):
        """GitHub's own example of an answer, a copy."""
        answer = self.resolve(self.document["paths"][template][method]["responses"][status])
        first = next(iter(answer["content"][media_type]["examples"].values()))
        return json.loads(json.dumps(self.resolve(first)["value"]))

    def violations(self, method, path, query, headers, body):
        """What is wrong with a request, as sentences. `query` is a list of pairs."""
        operation, template, parameters = self.operation(method, path)
        where = f"{method} {path}"
        if operation is None:
            return [f"{where}: not an operation of GitHub's API"]
        wrong = []
        declared = {}
        for parameter in map(self.resolve, operation.get("parameters", [])):
            declared[parameter["in"], parameter["name"]] = parameter
        for name, value in query:
            parameter = declared.get(("query", name))
            if parameter is None:
                wrong.append(f"{where}: query parameter `{name}` is not described")
            elif not self._fits(parameter["schema"], value):
                wrong.append(f"{where}: query parameter `{name}` is `{value}`")
        for name, value in parameters.items():
            parameter = declared.get(("path", name)) or declared.get(("path", name.replace("_", "-")))
            if parameter and not self._fits(parameter["schema"], value):
                wrong.append(f"{where}: path parameter `{name}` is `{value}`")
        for (place, name), parameter in declared.items():
            if place == "query" and parameter.get("required") and name not in dict(query):
                wrong.append(f"{where}: query parameter `{name}` is missing")
        wrong += self._headers(where, operation, headers)
        wrong += self._body(where, template, method, headers, body)
        return wrong

    def _fits(self, schema, text):
        schema = self.schema(schema)
        values = [text]
        if schema.get("type") == "integer" and re.fullmatch(r"-?\d+", text):
            values = [int(text)]
        return all(Draft202012Validator(schema).is_valid(value) for value in values)

    def _headers(self, where, operation, headers):
        wrong = []
        for name in ("authorization", "accept", "user-agent"):
            if len(headers.get_all(name) or []) != 1:
                wrong.append(f"{where}: {len(headers.get_all(name) or [])} headers `{name}`, expected one")
        version = headers.get("x-github-api-version")
        if version != "2022-11-28":
            wrong.append(f"{where}: API version {version}")
        accept = headers.get("accept", "")
        known = {"application/vnd.github+json", "application/json", "application/vnd.github.raw+json"}
        for answer in operation["responses"].values():
            known.update(self.resolve(answer).get("content", {}))
        if accept not in known:
            wrong.append(f"{where}: accepts `{accept}`, which is not a media type of this operation")
        return wrong

    def _body(self, where, template, method, headers, body):
        validator = self.body_validator(template, method)
        if validator is None:
            return [f"{where}: has a body"] if body else []
        if headers.get_content_type() != "application/json":
            return [f"{where}: content type {headers.get('content-type')}"]
        try:
            document = json.loads(body)
        except ValueError as error:
            return [f"{where}: body is not JSON: {error}"]
        return [
            f"{where}: body at {error.json_path}: {error.message[:300]}" for error in validator.iter_errors(document)
        ]
