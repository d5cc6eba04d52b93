"""What gets copies of audit records, as other people's programs read them: `standardwebhooks`, `cloudevents` and
`opentelemetry-proto` from PyPI, and the two samples of docs/audit.md.
"""

import base64
import json
import re
import subprocess
import tempfile
import time
from pathlib import Path

from cloudevents.core.bindings.http import HTTPMessage, from_structured
from cloudevents.core.formats.json import JSONFormat
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from standardwebhooks import Webhook

SEVERITY = {"allowed": 9, "denied": 13, "error": 17}
STEP = """
import {{ verify }} from {module};
import {{ readFileSync }} from "node:fs";
const {{ secret, headers, body }} = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(String(verify(secret, headers, Buffer.from(body, "base64"))));
"""


def low(headers):
    return {name.lower(): value for name, value in headers.items()}


def webhook(request, secrets):
    """What is wrong with a delivery."""
    headers = low(request.headers)
    wrong = []
    if headers.get("content-type") != "application/cloudevents+json":
        wrong.append(f"content-type {headers.get('content-type')}")
    if "authorization" in headers or "cookie" in headers:
        wrong.append("the webhook was sent a token")
    if len(headers.get("webhook-signature", "").split(" ")) != len(secrets):
        wrong.append("not a signature for each secret")
    for secret in secrets:
        try:
            Webhook(secret).verify(request.body, headers)
        except Exception as error:
            wrong.append(f"standardwebhooks: {error!r}")
    try:
        event = from_structured(HTTPMessage(headers, request.body), JSONFormat())
        if event.get_id() != headers["webhook-id"] or not event.get_subject():
            wrong.append("id or subject of the event")
    except Exception as error:
        wrong.append(f"cloudevents: {error!r}")
    return wrong


def logs(request):
    """What is wrong with an export. Canonical: read and written again, it is the same."""
    headers = low(request.headers)
    if headers.get("content-type") != "application/json" or "authorization" in headers:
        return [f"headers of the export: {headers}"]
    sent = json.loads(request.body)
    records = [record for part in sent["resourceLogs"] for scope in part["scopeLogs"] for record in scope["logRecords"]]
    for record in records:
        # Hexadecimal here, base64 in the mapping of protobuf: the one difference that the reader does not know.
        for name in record.keys() & {"traceId", "spanId"}:
            record[name] = base64.b64encode(bytes.fromhex(record[name])).decode()
    try:
        message = json_format.Parse(json.dumps(sent), ExportLogsServiceRequest(), ignore_unknown_fields=False)
    except json_format.ParseError as error:
        return [f"opentelemetry-proto: {error}"]
    wrong = []
    if json_format.MessageToDict(message, use_integers_for_enums=True) != sent:
        wrong.append("the export is not as opentelemetry-proto writes it")
    for record in message.resource_logs[0].scope_logs[0].log_records:
        keys = [attribute.key for attribute in record.attributes]
        values = {attribute.key: attribute.value.string_value for attribute in record.attributes}
        if len(keys) != len(set(keys)):
            wrong.append("an attribute twice")
        if abs(record.time_unix_nano / 1e9 - time.time()) > 60:
            wrong.append(f"time {record.time_unix_nano}")
        if record.severity_number != SEVERITY[values["repo_permissions.decision"]]:
            wrong.append(f"severity {record.severity_number}")
    return wrong


def exported(request):
    """The CloudEvents' ids, sources, types and subjects in an export."""
    (part,) = json.loads(request.body)["resourceLogs"]
    for record in part["scopeLogs"][0]["logRecords"]:
        values = {attribute["key"]: attribute["value"].get("stringValue") for attribute in record["attributes"]}
        yield {name: values.get(f"cloudevents.event_{name}") for name in ("id", "source", "type", "subject")}


def resource(request):
    (part,) = json.loads(request.body)["resourceLogs"]
    return {attribute["key"]: attribute["value"]["stringValue"] for attribute in part["resource"]["attributes"]}


class Samples:
    """The two programs that docs/audit.md shows to receivers."""

    def __init__(self, page):
        text = Path(page).read_text(encoding="utf-8")
        (python,) = re.findall(r"```python no-run\n(.*?)```", text, re.S)
        (self.javascript,) = re.findall(r"```js no-run\n(.*?)```", text, re.S)
        names = {}
        exec(python, names)
        self.python = names["verify"]

    def verify(self, secret, headers, body):
        """What each says of a delivery."""
        headers = low(headers)
        with tempfile.TemporaryDirectory() as directory:
            module, step = Path(directory, "verify.mjs"), Path(directory, "step.mjs")
            module.write_text(self.javascript, encoding="utf-8")
            step.write_text(STEP.format(module=json.dumps(f"./{module.name}")), encoding="utf-8")
            request = {"secret": secret, "headers": headers, "body": base64.b64encode(body).decode()}
            node = subprocess.run(["node", step], input=json.dumps(request), text=True, capture_output=True, check=True)
        return self.python(secret, headers, body), node.stdout == "true"
