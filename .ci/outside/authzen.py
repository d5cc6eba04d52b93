"""Checks exchanges with the server, one JSON object a line, by AuthZEN's JSON Schemas.

authzen.py DIRECTORY EXCHANGES
"""

import collections
import json
import sys
from pathlib import Path

from jsonschema import Draft202012Validator

MEMBERS = ("subject", "action", "resource")


def validator(path):
    schema = json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def whole(item, defaults):
    """A question of a list with its defaults: an object replaces the default, but for what it has to have."""
    question = dict(item)
    for name in MEMBERS:
        default, own = defaults.get(name), item.get(name)
        if own is None and default is not None:
            question[name] = default
        elif isinstance(own, dict) and isinstance(default, dict):
            required = {key: value for key, value in default.items() if key in ("type", "id", "name")}
            question[name] = required | own
    return question


def main():
    directory, exchanges = Path(sys.argv[1]), Path(sys.argv[2])
    request = validator(directory / "evaluation-request.schema.json")
    response = validator(directory / "evaluation-response.schema.json")
    counts, wrong = collections.Counter(), []

    def complain(why, exchange):
        wrong.append(f"{why}: {json.dumps(exchange)[:600]}")

    for line in exchanges.read_text(encoding="utf-8").splitlines():
        exchange = json.loads(line)
        asked, answer = exchange["request"], exchange["answer"]
        is_list = isinstance(asked, dict) and exchange["target"].endswith("/evaluations")
        listed = asked.get("evaluations") if is_list else None
        counts[exchange["status"]] += 1
        if exchange["status"] == 400:
            if not listed and request.is_valid(asked):
                complain("a valid question was refused", exchange)
            continue
        if exchange["status"] != 200:
            continue
        if not listed:
            counts["single"] += 1
            for error in [*request.iter_errors(asked), *response.iter_errors(answer)]:
                complain(error.message, exchange)
            continue
        answers = answer["evaluations"]
        if len(answers) > len(listed):
            complain("more answers than questions", exchange)
        for item, one in zip(listed, answers, strict=False):
            counts["of a list"] += 1
            for error in response.iter_errors(one):
                complain(error.message, exchange)
            is_valid = request.is_valid(whole(item, asked))
            is_refused = one.get("context", {}).get("error", {}).get("status") == 400
            if is_valid == is_refused:
                complain("a list's question", exchange)
    print("AuthZEN: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
    for complaint in wrong[:10]:
        print(complaint, file=sys.stderr)
    needed = (200, 400, "single", "of a list")
    if wrong or any(counts[name] == 0 for name in needed):
        sys.exit(f"{len(wrong)} complaints; {dict(counts)}")


if __name__ == "__main__":
    main()
