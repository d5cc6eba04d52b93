"""The schema of the policy by a public validator, against the program's own reader, on random changes of valid policies.

    schema.py --binary FILE [--count N] [--seed N]

What one refuses the other has to refuse, but for what JSON Schema cannot say: see `UNSAID`.
"""

import argparse
import copy
import json
import random
import re
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import yaml
from jsonschema import Draft7Validator

ROOT = Path(__file__).parents[2]
#: What the program says of a policy that fits the schema.
UNSAID = {
    "a pattern that does not compile": r"^the (regex|glob) .* is not valid|when compiled$",
    "a pattern's bytes, not characters": r"^the pattern has \d+ bytes",
    "a day that does not exist": r"^`expires` is .*, which is neither a date nor an instant$",
    "a whole number with a fraction": r"is a number \(`\d+\.0`\), expected an integer$|is `\d+\.0`, expected a positive integer$",
}
SCHEMA = json.loads((ROOT / "schema/repo-permissions.schema.json").read_text(encoding="utf-8"))
#: What is put in a place, beside what stands there already.
VALUES = json.loads("""[
  null, true, false, 0, 1, 2, -1, 1.0, 1.5, 18446744073709551615, 18446744073709551616,
  "", " ", "1", "main", "*", "a|b", "a)|(", "push", "Push", "pull_request_target",
  "a:b", "A:b", "a:", "ws:*", "Locks Create", " locks delete\\t", "Lock Create",
  "2027-01-31", "2027-02-30", "2027-13-01", "2027-1-31", "20270131", "2024-02-29", "2027-01-31 12:00:00Z",
  "2027-01-31T12:00:00Z", "2027-01-31T12:00", "2027-01-31t12:00:60.5+02:00", "2027-01-31T24:00:00Z",
  "2027-01-31t12:00:00.5z", "2027-06-30T23:59:60Z", "2027-01-31T12:00:00+25:00", "2027-01-31T12:00:00,5Z", "-000001-01-31",
  [], [[]], [{}], ["main"], ["a:b", "Locks Create"], ["push", "schedule"],
  {}, {"a": "b"}, {"a": {"glob": "c"}, "d": ["e"]}, {"a": true}, {"<<": "a"},
  {"exact": "main"}, {"glob": "!a"}, {"glob": "a/*"}, {"regex": "["}, {"exact": 1}, {"glob": "a", "regex": "b"},
  {"permission": "a:b"}, {"permission": "a:b", "branch": ["x", {"glob": "y"}]}, {"repository": "a/b", "permissions": []}
]""")
VALUES += ["ö" * 600, "x" * 1024, "x" * 1025, "a:" * 127 + "bb", "a:" * 128]


def containers(node):
    """Every mapping and list in it."""
    if isinstance(node, (dict, list)):
        yield node
        for child in node.values() if isinstance(node, dict) else node:
            yield from containers(child)


def keys(schema):
    """Every key that the schema knows."""
    for part in containers(schema):
        if isinstance(part, dict):
            yield from part.get("properties", {})


KEYS = [*sorted(set(keys(SCHEMA))), "Branch", "worklfow", "x", "<<"]


class Loader(yaml.SafeLoader):
    """Of YAML 1.2, which has no dates."""

    yaml_implicit_resolvers = {
        first: [(tag, text) for tag, text in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def policies():
    """The valid policies of this repository."""
    directories = (ROOT / "examples/policies", ROOT / "tests/project/schema/policies/valid")
    for path in sorted(path for directory in directories for path in directory.iterdir()):
        if ".tests." not in path.name:
            yield yaml.load(path.read_text(encoding="utf-8"), Loader)


def change(policy):
    """One change at a random place. What is empty can only grow."""
    place = random.choice(list(containers(policy)) or [{}])
    value = copy.deepcopy(random.choice(VALUES))
    if isinstance(place, dict):
        key = random.choice(list(place)) if place else random.choice(KEYS)
        match random.randrange(5):
            case 0 | 1:
                place[key] = value
            case 2:
                place.pop(key, None)
            case 3:
                place[random.choice(KEYS)] = place.pop(key, value)
            case 4:
                place[random.choice(KEYS)] = value
    else:
        at = random.randrange(len(place) + 1)
        match random.randrange(3):
            case 0:
                place.insert(at, value)
            case 1:
                place[at : at + 1] = []
            case 2:
                place[at : at + 1] = [copy.deepcopy(random.choice(place or [value]))]
    return policy


def read(binary, directory, files):
    """What the program says of each file: the messages of level error."""
    command = [binary, "lint", "--format", "json", *files]
    step = subprocess.run(command, cwd=directory, capture_output=True, check=False)
    assert step.returncode in (0, 1), step
    errors = {name: [] for name in files}
    for finding in json.loads(step.stdout)["findings"]:
        if finding["level"] == "error":
            errors[finding["file"]].append(finding["message"])
    return errors


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    validator = Draft7Validator(SCHEMA)
    valid = list(policies())
    assert len(valid) >= 8 and all(validator.is_valid(policy) for policy in valid)
    changed = {}
    for number in range(arguments.count):
        policy = copy.deepcopy(random.choice(valid))
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            policy = change(policy)
        changed[f"{number}.json"] = policy
    with tempfile.TemporaryDirectory() as directory:
        for name, policy in changed.items():
            Path(directory, name).write_text(json.dumps(policy), encoding="utf-8")
        names = list(changed)
        errors = {}
        for start in range(0, len(names), 200):
            errors |= read(arguments.binary.resolve(), directory, names[start : start + 200])
    counts = Counter()
    for name, policy in changed.items():
        refused = next(validator.iter_errors(policy), None)
        if refused is not None:
            assert errors[name], f"only the schema refuses {json.dumps(policy)}\n{refused.message}"
            counts["invalid for both"] += 1
        elif not errors[name]:
            counts["valid for both"] += 1
        else:
            for message in errors[name]:
                reasons = [reason for reason, text in UNSAID.items() if re.search(text, message)]
                assert reasons, f"only the program refuses {json.dumps(policy)}\n{message}"
                counts[f"not said by the schema: {reasons[0]}"] += 1
    assert counts["valid for both"] > arguments.count / 10 and counts["invalid for both"] > arguments.count / 10, counts
    for name, count in sorted(counts.items()):
        print(f"{count:6} {name}")


if __name__ == "__main__":
    main()
