"""Writes the workflows and the parts of workflows that the documentation shows as whole workflow files.

snippets.py DIRECTORY PAGE…
"""

import re
import shutil
import sys
from pathlib import Path

FENCE = re.compile(r"^(?P<indent> *)```yaml\n(?P<text>.*?)^(?P=indent)```$", re.M | re.S)


def has(text, key):
    return re.search(rf"^{key}:", text, re.M) is not None


def indented(text, by):
    return "".join(f"{' ' * by}{line}" if line.strip() else line for line in text.splitlines(True))


def whole(text):
    """The block as a workflow file; None if it is not a part of one."""
    if has(text, "version") or has(text, "tests"):
        return None
    if has(text, "jobs"):
        return text if has(text, "on") else f"on: push\n{text}"
    if has(text, "on"):
        return f"{text}jobs:\n  job:\n    runs-on: x\n    steps: [run: x]\n"
    if has(text, "with"):
        return f"on: push\njobs:\n  job:\n    runs-on: x\n    steps:\n      - uses: x/y@z\n{indented(text, 8)}"
    if has(text, "steps") or has(text, "permissions") or has(text, "env"):
        steps = "" if has(text, "steps") else "    steps: [run: x]\n"
        return f"on: push\njobs:\n  job:\n    runs-on: x\n{indented(text, 4)}{steps}"
    return None


def main():
    directory = Path(sys.argv[1])
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    count = 0
    for page in map(Path, sys.argv[2:]):
        source = page.read_text(encoding="utf-8")
        for found in FENCE.finditer(source):
            indent = len(found["indent"])
            text = "".join(line[indent:] or "\n" for line in found["text"].splitlines(True))
            workflow = whole(text)
            if workflow is None:
                continue
            count += 1
            line = source.count("\n", 0, found.start()) + 1
            name = f"{str(page).replace('/', '-')}-{line}.yml"
            (directory / name).write_text(workflow, encoding="utf-8")
    if count < 8:
        sys.exit(f"only {count} workflows were found")


if __name__ == "__main__":
    main()
