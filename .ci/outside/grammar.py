"""One grammar of YAML: what the policy's reader accepts means the same to PyYAML, to libyaml and to npm's `yaml`.

    grammar.py write FILE [--count N] [--seed N]      random texts, one JSON string a line
    grammar.py compare TEXTS OURS THEIRS              what each text is to the program and to npm's `yaml`

Texts and trees are JSON, one a line; a text that is refused is `{"error": …}`. The trees of PyYAML are made here.
"""

import argparse
import json
import random
import re
import sys
from collections import Counter

import yaml

WORDS = json.loads(r"""[
  "main", "develop", "feature/x", "release-1.0", "a.b", "x-y", "Production", "größe", "🦀", "v1", "a:b", "c#d",
  "x,y", "http://e.org/a?b=c", "it's", "don''t", "^(main|dev)$", ".*", "a|b", "[a-z]+", "{x}", "$x", "\\d+",
  "a\\", "b", "7", "-3", "1.0", "1e3", "0x1f", "0o17", "0123", "1_000", "0b1", "1:30", "12:00:00", "+5", ".5",
  ".inf", "~", "null", "NULL", "true", "False", "yes", "no", "On", "off", "y", "n", "=", "<<", "2027-01-31",
  "2027-1-3", "2027-01-31T12:00:00Z", "*", "**", "*a", "&a", "!a", "!!str", "%a", "@a", "`a`", "?", "-", ":",
  "--", "---", "...", "|", ">", "#", ",", "[", "]", "{", "}", "'", "\"", "\\"
]""")
#: What readers may take differently, or not at all.
ODD = json.loads(r"""[
  "\t", "\r", "\u0085", "\u2028", "\u2029", "\ufeff", "\u0000", "\u001b", "\u007f", "\u009f", "\ufffe", "\u202e",
  "\u2066", "\u200b", "\u2060", "\u200d", "\ufe0f", "\u00ad", "\u00a0", "\u3000"
]""")
KEYS = ["permission"] * 4 + ["name", "branch", "workflow", "environment", "events", "claims", "expires"]
ESCAPES = json.loads(r"""[
  "\\\\", "\\\"", "\\/", "\\n", "\\t", "\\r", "\\e", "\\a", "\\b", "\\0", "\\_", "\\N", "\\L", "\\P", "\\x41",
  "\\xe9", "\\u0041", "\\u2028", "\\ufe0f", "\\U0001F980", "\\U0000200d", "\\\"", "\\\\", "\\ud83e\\udd80",
  "\\ud83e", "\\u12", "\\d"
]""")


class Writer:
    """Writes a policy in a random style."""

    def __init__(self, chance):
        self.chance = chance
        #: How often something odd is written.
        self.odd = chance.choice((0, 0, 0, 0.01, 0.05))
        self.end = chance.choice(("\n", "\n", "\n", "\n", "\r\n", "\r\n"))

    def often(self, probability):
        return self.chance.random() < probability

    def blank(self, *usual):
        """One of the usual blanks, or a tab where few write one."""
        return "\t" if self.often(self.odd / 4) else self.chance.choice(usual)

    def word(self):
        if self.often(self.odd / 4):
            return self.chance.choice(WORDS) + self.chance.choice(ODD) + self.chance.choice(WORDS)
        return self.chance.choice(WORDS[:20] if self.often(0.97) else WORDS)

    def text(self):
        return " ".join(self.word() for _ in range(self.chance.choice((1, 1, 1, 2, 3))))

    def line_end(self):
        """The end of a line, with what may stand before it."""
        blank = self.blank("", "", "", " ", "  ")
        comment = f" # {self.text()}" if self.often(0.1) else ""
        more = self.chance.choice(("", "", "", "", "", self.end, f"  {self.end}", f"# {self.word()}{self.end}"))
        return blank + comment + self.end + more

    def double(self, text, indent):
        pieces = []
        for c in text:
            if c in '"\\' and not self.often(self.odd):
                pieces.append("\\")
            if c == " " and self.often(0.1):
                pieces.append(self.fold(indent) if self.often(0.7) else f"\\{self.end}{' ' * indent}")
                continue
            pieces.append(c)
        if self.often(0.1):
            pieces.insert(self.chance.randrange(len(pieces) + 1), self.chance.choice(ESCAPES))
        return '"' + "".join(pieces) + '"'

    def fold(self, indent):
        """A line that goes on below."""
        column = indent if self.often(1 - self.odd) else self.chance.randrange(indent + 2)
        return self.blank("", "", " ") + self.end * self.chance.choice((1, 1, 2)) + " " * column

    def scalar(self, indent, flow):
        text = self.text()
        match self.chance.randrange(10 if flow else 12):
            case 0 | 1:
                return self.double(text, indent)
            case 2 | 3:
                text = text.replace("'", "''")
                return "'" + re.sub(" ", lambda _: self.fold(indent) if self.often(0.1) else " ", text) + "'"
            case 10 | 11:
                return self.block(text, indent)
            case _:
                return re.sub(" ", lambda _: self.fold(indent) if self.often(0.05) else " ", text)

    def block(self, text, indent):
        column = indent + self.chance.choice((0, 0, 1, 2))
        digit = str(column - indent + 2) if self.often(0.1) and column - indent + 2 < 9 else ""
        head = self.chance.choice("|>") + digit + self.chance.choice(("", "", "-", "+"))
        lines = [self.text() if self.often(0.5) else text for _ in range(self.chance.choice((1, 1, 2, 3)))]
        lines = [("  " if self.often(0.1) else "") + line if self.often(0.9) else "" for line in lines]
        return head + self.line_end() + self.end.join(" " * column + line if line else "" for line in lines)

    def value(self, indent, flow, make):
        """A value in one of its forms, alone or as a list."""
        if self.often(0.25):
            items = [make for _ in range(self.chance.choice((1, 2, 3)))]
            return self.sequence(items, indent, flow)
        return make(indent, flow)

    def pattern(self, indent, flow):
        if self.often(0.15):
            kind = self.chance.choice(("exact", "glob", "regex"))
            return self.mapping([(kind, self.scalar)], indent, flow)
        return self.scalar(indent, flow)

    def space(self, indent):
        """What may stand between the parts of a flow collection."""
        if self.often(0.75):
            return self.chance.choice(("", " ", " ", "  "))
        column = indent if self.often(0.8) else self.chance.randrange(indent + 3)
        return self.line_end() + " " * column

    def flow(self, brackets, items, indent):
        text = brackets[0] + self.space(indent)
        for number, item in enumerate(items):
            text += item + self.space(indent)
            if number + 1 < len(items) or self.often(0.15):
                text += "," + self.space(indent)
        close = self.end + " " * max(0, indent - 2) if self.often(0.25) else ""
        return text + close + brackets[1]

    def sequence(self, items, indent, flow):
        if flow or self.often(0.5):
            return self.flow("[]", [item(indent + 2, True) for item in items], indent)
        column = indent if self.often(0.8) else max(0, indent - 2)
        text = ""
        for item in items:
            text += self.line_end() if text or self.often(0.9) else self.end
            text += " " * column + "-" + self.blank(" ", " ", " ", "  ") + item(column + 2, False).lstrip("\r\n ")
        return text

    def key(self, key, flow):
        if not self.often(0.1):
            return key
        return self.chance.choice((f'"{key}"', f"'{key}'", f"? {key}\n" if not flow else f"? {key} "))

    def mapping(self, members, indent, flow):
        if members and self.often(self.odd):
            members = [*members, self.chance.choice(members)]
        if flow or self.often(0.2):
            items = []
            for key, make in members:
                items.append(self.key(key, True) + ":" + self.blank(" ", " ", "  ") + make(indent + 2, True))
            return self.flow("{}", items, indent)
        text = ""
        for key, make in members:
            text += self.line_end() + " " * indent
            text += self.key(key, False) + ":" + self.blank(" ", " ", " ", "  ")
            text += make(indent + 2, False)
        return text

    def rule(self, indent, flow):
        members = [("permission", self.permission)]
        for key in self.chance.sample(KEYS, self.chance.choice((0, 1, 2, 3))):
            make = {
                "permission": self.permission,
                "name": self.scalar,
                "events": lambda indent, flow: self.sequence([self.event] * self.chance.choice((1, 2)), indent, flow),
                "claims": self.claims,
                "expires": self.expires,
            }.get(key, lambda indent, flow: self.value(indent, flow, self.pattern))
            if key != "permission":
                members.append((key, make))
        self.chance.shuffle(members)
        return self.mapping(members, indent, flow)

    def permission(self, indent, flow):
        return self.value(
            indent, flow, lambda *_: self.chance.choice(["a:b", "ws:locks:create", '"a:b"', "'a:b'"] * 9 + ["1:2"])
        )

    def event(self, *_):
        return self.chance.choice(["push", '"schedule"'] * 9 + ["off"])

    def expires(self, *_):
        return self.chance.choice(
            (
                "2027-01-31",
                '"2027-01-31"',
                "2027-01-31T12:00:00+02:00",
                "2027-01-31T12:00:00Z",
                "2027-01-31T12:00:00.5z",
            )
        )

    def claims(self, indent, flow):
        names = self.chance.sample(
            ["sha", "x", "runner_environment", "größe", "a b", "on" if self.often(0.1) else "y"],
            self.chance.choice((1, 2)),
        )
        return self.mapping([(name, lambda *place: self.value(*place, self.pattern)) for name in names], indent, flow)

    def entry(self, indent, flow):
        members = [("repository", lambda *_: "acme-org/infra"), ("permissions", self.rules)]
        for pin in ("repository_id", "owner_id"):
            if self.often(0.3):
                members.append(
                    (
                        pin,
                        lambda *_: self.chance.choice(["12", "1", "12345678901"] * 9 + ["0123", "1_0", '"12"', "0x1f"]),
                    )
                )
        return self.mapping(members, indent, flow)

    def rules(self, indent, flow):
        return self.sequence([self.rule] * self.chance.choice((1, 1, 1, 2)), indent, flow)

    def policy(self):
        members = [("version", lambda *_: "1" if self.often(0.98) else self.chance.choice(("01", "+1", "1.0", '"1"')))]
        if self.often(0.3):
            members.append(("workspace", self.scalar))
        members.append(("permissions", self.rules))
        if self.often(0.2):
            members.append(("repositories", lambda *place: self.sequence([self.entry], *place)))
        head = self.chance.choice(
            ("", "", "", "", "", "\ufeff", "---" + self.end, "%YAML 1.2\n---\n", "# " + self.word() + self.end)
        )
        tail = self.chance.choice((self.end, self.end, self.end, "", "\n...\n", self.end + "..." + self.end))
        text = head + self.mapping(members, 0, self.often(0.05)).lstrip("\r\n ") + tail
        for _ in range(self.chance.choice((0, 0, 0, 0, 0, 1, 2))):
            text = self.mutated(text)
        return text

    def mutated(self, text):
        at = self.chance.randrange(len(text) + 1)
        match self.chance.randrange(4):
            case 0:
                return text[:at] + text[at + self.chance.choice((1, 1, 2, 5)) :]
            case 1:
                return text[:at] + self.chance.choice(ODD) + text[at:]
            case 2:
                return text[:at] + self.chance.choice(list(" \n\t:,-?#[]{}'\"|>&*!%@")) + text[at:]
            case _:
                other = self.chance.randrange(len(text) + 1)
                return text[:at] + text[other : other + self.chance.randrange(20)] + text[at:]


def write(path, count, seed):
    with open(path, "w", encoding="utf-8") as file:
        for number in range(count):
            text = Writer(random.Random(f"{seed} {number}")).policy()
            file.write(json.dumps(text) + "\n")


class Different(Exception):
    """A reader that sees something else than the program."""


def scalars(node):
    """The tree of a composed node: a scalar is its text, or its tag and its text where it is not a text."""
    match node:
        case yaml.ScalarNode():
            tag = node.tag.rsplit(":", 1)[-1]
            return node.value if tag == "str" else {f"!{tag}": node.value}
        case yaml.SequenceNode():
            return [scalars(child) for child in node.value]
        case yaml.MappingNode():
            tree = {}
            for key, value in node.value:
                name = scalars(key)
                name = name if isinstance(name, str) else json.dumps(name)
                if name in tree:
                    raise Different(f"the key {name!r} twice")
                tree[name] = scalars(value)
            return tree


def by_pyyaml(text, loader):
    try:
        node = yaml.compose(text, loader)
    except (yaml.YAMLError, ValueError) as error:
        return {"error": str(getattr(error, "problem", None) or error)}
    return {"tree": scalars(node)}


def listed(value):
    return value if isinstance(value, list) else [value]


def pattern(value):
    if isinstance(value, dict) and set(value) == {"regex"}:
        return value["regex"]
    return value


def number(value):
    """An integer, as each reader writes it here."""
    return int(value["!int"])


def policy(tree):
    """A tree in the words of the program."""
    tree = dict(tree)
    assert number(tree.pop("version")) == 1
    read = {}
    if "workspace" in tree:
        read["workspace"] = tree.pop("workspace")
    if "permissions" in tree:
        read["permissions"] = [rule(one) for one in tree.pop("permissions")]
    if "repositories" in tree:
        read["repositories"] = [entry(one) for one in tree.pop("repositories")]
    assert not tree
    return read


def entry(tree):
    tree = dict(tree)
    read = {"repository": [pattern(one) for one in listed(tree.pop("repository"))]}
    read["permissions"] = [rule(one) for one in tree.pop("permissions")]
    for pin in ("repository_id", "owner_id"):
        if pin in tree:
            read[pin] = number(tree.pop(pin))
    assert not tree
    return read


def rule(tree):
    tree = dict(tree)
    read = {"permission": listed(tree.pop("permission"))}
    for key in ("name", "events"):
        if key in tree:
            read[key] = tree.pop(key)
    for key in ("workflow", "branch", "environment"):
        if key in tree:
            read[key] = [pattern(one) for one in listed(tree.pop(key))]
    if "claims" in tree:
        read["claims"] = {name: [pattern(one) for one in listed(value)] for name, value in tree.pop("claims").items()}
    if "expires" in tree:
        # A date is one to YAML 1.1, and the same one.
        expires = tree.pop("expires")
        read["expires"] = expires.get("!timestamp") if isinstance(expires, dict) else expires
    assert not tree
    return read


TAB = "a tab between tokens or in the blank lines of a block, which YAML allows"
QUESTION = "`?` or `:` before a key or a text in brackets, which YAML allows"
KEY = "a key in brackets over two lines, which YAML allows"
#: Where one reader refuses what the others read in the same way: the text means nothing else to anybody.
REFUSED = (
    ("PyYAML", TAB, r"'\\t' that cannot start any token|but found '\\t'"),
    ("libyaml", TAB, r"character that cannot start any token|found a tab character"),
    ("npm's yaml", TAB, r"TAB_AS_INDENT|BAD_INDENT: Block scalar lines"),
    ("PyYAML", QUESTION, r"expected ',' or '[}\]]', but got '\?'|expected the node content, but found '[?:]'"),
    ("libyaml", QUESTION, r"did not find expected (node content|',' or '[}\]]')"),
    ("PyYAML", KEY, r"expected ',' or '}', but got ':'"),
    ("npm's yaml", KEY, r"MULTILINE_IMPLICIT_KEY"),
    (
        "npm's yaml",
        "brackets whose lines have the indentation of their key, which GitHub takes",
        r"BAD_INDENT: Flow (map|sequence)",
    ),
    (
        "npm's yaml",
        "quotes whose lines have the indentation of their key, which libyaml takes",
        r"MISSING_CHAR: Missing closing ['\"]quote",
    ),
    (
        "npm's yaml",
        "a comment in brackets after a line that ends with CR LF",
        r"MISSING_CHAR: Comments must be separated",
    ),
)


def compare(texts, ours, theirs):
    counts = Counter()
    failed = 0
    with (
        open(texts, encoding="utf-8") as texts,
        open(ours, encoding="utf-8") as ours,
        open(theirs, encoding="utf-8") as theirs,
    ):
        for text, our, npm in zip(texts, ours, theirs, strict=True):
            text, our, npm = json.loads(text), json.loads(our), json.loads(npm)
            if "error" in our:
                counts["refused"] += 1
                continue
            counts["accepted"] += 1
            readers = {
                "PyYAML": by_pyyaml(text, yaml.SafeLoader),
                "libyaml": by_pyyaml(text, yaml.CSafeLoader),
                "npm's yaml": npm,
            }
            for name, read in readers.items():
                why = difference(ours_plainly(our["tree"]), read)
                if not why:
                    continue
                reasons = [
                    reason
                    for reader, reason, error in REFUSED
                    if reader == name and re.match(f"refused: .*({error})", why)
                ]
                if reasons:
                    counts[f"{name} refuses {reasons[0]}"] += 1
                else:
                    failed += 1
                    print(f"{name}: {why}\n{text!r}\n{json.dumps(our['tree'], ensure_ascii=False)}\n", file=sys.stderr)
    for name, count in sorted(counts.items()):
        print(f"{count:7} {name}")
    assert counts["accepted"] > sum(counts.values()) / 10, counts
    return failed


def ours_plainly(tree):
    """The program's tree: what a plain regex is, the others need not know."""
    match tree:
        case {"regex": text, **others} if not others:
            return text
        case dict():
            return {key: ours_plainly(value) for key, value in tree.items() if key != "version"}
        case list():
            return [ours_plainly(value) for value in tree]
    return tree


def difference(ours, read):
    """Why a reader does not see what the program sees, none if it does."""
    if "error" in read:
        return f"refused: {read['error']}"
    try:
        seen = policy(read["tree"])
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError, Different) as error:
        return f"other types: {error!r} {read['tree']}"
    return "" if seen == ours else f"sees {json.dumps(seen, ensure_ascii=False)}"


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    writer = commands.add_parser("write")
    writer.add_argument("file")
    writer.add_argument("--count", type=int, default=3000)
    writer.add_argument("--seed", type=int, default=1)
    reader = commands.add_parser("compare")
    reader.add_argument("texts")
    reader.add_argument("ours")
    reader.add_argument("theirs")
    arguments = parser.parse_args()
    if arguments.command == "write":
        write(arguments.file, arguments.count, arguments.seed)
    else:
        sys.exit(compare(arguments.texts, arguments.ours, arguments.theirs) > 0)


if __name__ == "__main__":
    main()
