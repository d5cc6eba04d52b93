"""The playground in a browser: as people use it, with a keyboard alone, by what a screen reader meets, and attacked.

playground.py CHROMIUM DIRECTORY [--pairs FILE] [--pictures DIRECTORY]
"""

import argparse
import base64
import functools
import gzip
import hashlib
import json
import sys
import tempfile
import threading
import time
import zlib
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from browser import Browser
from contrast import CONTRAST

PHONE, DESKTOP = 390, 1280
WIDTHS = (320, PHONE, 768, DESKTOP)
TABS = ("decide", "matrix", "compare")
FIELDS = [
    "permission",
    "repository",
    "workflow",
    "branch",
    "environment",
    "event",
    "base",
    "default_branch",
    "policy_repository",
    "claims",
    "payload",
    "own_policy",
    "of",
    "of_id",
    "of_owner_id",
    "of_default_branch",
    "of_policy_repository",
]
OVERHANG = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
VERDICT = "document.getElementById('verdict').innerText"
PLAYGROUND_TEXT = "document.body.innerText"
DRAWN_FROM = Path(__file__).resolve().parents[2] / "docs/pictures/drawn-from"
# A screen reader says the name of each of them.
CONTROLS = (
    "button",
    "textbox",
    "combobox",
    "tab",
    "link",
    "tabpanel",
    "table",
    "Iframe",
    "searchbox",
    "ComboBoxGrouping",
)
MARKUP = "</textarea></script><img src=x onerror='globalThis.attacked=1'><script>globalThis.attacked=1</script>"

failed = []


def check(holds, what, seen=None):
    if not holds:
        failed.append(f"{what}: {json.dumps(seen, ensure_ascii=False)[:600]}")


class Site:
    """The page at an address of this machine, which counts what it is asked for."""

    def __init__(self, directory):
        self.asked = []
        site = self

        class Handler(SimpleHTTPRequestHandler):
            def log_message(self, *_):
                site.asked.append(self.path)

        server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=directory))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{server.server_port}/"


def fragment(state):
    packed = zlib.compressobj(wbits=-15)
    data = packed.compress(json.dumps(state).encode()) + packed.flush()
    return "#" + base64.urlsafe_b64encode(data).decode().rstrip("=")


def state_of(address):
    text = address.split("#", 1)[1]
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return json.loads(zlib.decompress(data, wbits=-15))


def wait(browser, script, what):
    """Until an expression is true."""
    deadline = time.monotonic() + 20
    while not browser.evaluate(f"Boolean({script})"):
        if time.monotonic() > deadline:
            check(False, f"never: {what}", browser.evaluate(VERDICT))
            return
        time.sleep(0.02)


def says(browser, text):
    wait(
        browser, f"!document.querySelector('.busy') && {VERDICT}.includes({json.dumps(text)})", f"the verdict `{text}`"
    )


def opened(browser, address, **screen):
    # The same address with another fragment would not load the page again.
    browser.open("about:blank")
    browser.open(address, **screen)
    wait_for_answer(browser)


def wait_for_answer(browser):
    wait(browser, f"!{VERDICT}.includes('Starting') && !document.querySelector('.busy')", "an answer")


def focused(browser):
    return browser.evaluate(
        "(({ activeElement: e }) => e.id || e.getAttribute('aria-label') || e.textContent || e.localName)(document)"
    )


def tab_to(browser, name):
    """Presses Tab until the control has the focus."""
    for _ in range(80):
        browser.press("Tab")
        if focused(browser) == name:
            seen = browser.evaluate(
                "(e => getComputedStyle(e.closest('.editor') ?? e).outlineStyle)(document.activeElement)"
            )
            check(seen not in ("none", ""), f"no outline shows the focus of {name}", seen)
            return
    check(False, f"Tab never comes to {name}", focused(browser))


def pairs(browser, site, file):
    """The page and the program print the same."""
    started = time.monotonic()
    asked = json.loads(Path(file).read_text())
    opened(browser, site.address)
    for at in range(0, len(asked), 100):
        questions = json.dumps([pair["question"] for pair in asked[at : at + 100]])
        answers = browser.evaluate(
            f"(async (questions) => {{ const answers = []; for (const one of questions) answers.push(await ask(one)); return answers; }})({questions})"
        )
        for pair, answer in zip(asked[at : at + 100], answers, strict=True):
            outcome = answer.get("answer", {}).get("outcome")
            check(outcome == pair["outcome"], "the page differs from `check`", [pair, answer])
    reasons = sorted({pair["outcome"]["reason"] for pair in asked})
    differ = len(failed)
    seconds = time.monotonic() - started
    print(
        f"{len(asked)} pairs of a policy and a job, {differ} different from the program, in {seconds:.1f} s: {', '.join(reasons)}"
    )
    check(len(reasons) >= 7, "too few reasons occur", reasons)


def keyboard(browser, site):
    """All that the page can, without a pointer."""
    opened(browser, site.address)
    says(browser, "Denied: no_rule_matches")
    order = []
    for _ in range(60):
        browser.press("Tab")
        order.append(focused(browser))
        if order[-1] == "body":
            break
    for name in ("example", "share", "tab-decide", "policy", "permission", "branch", "claims", "About no_rule_matches"):
        check(name in order, f"Tab does not come to {name}", order)
    check("tab-matrix" not in order, "only one tab of the three is in the order of Tab", order)
    opened(browser, site.address)
    tab_to(browser, "branch")
    browser.press("a", all_of=True)
    browser.type("main")
    says(browser, "Allowed: granted")
    opened(
        browser,
        site.address
        + fragment(
            {"policy": "version: 1\npermissions:\n  - permission: a:b\n    branch: feature/*\n", "permission": "a:b"}
        ),
    )
    tab_to(browser, "line 4")
    browser.press("Enter")
    marked = browser.evaluate("(e => e.value.slice(e.selectionStart, e.selectionEnd))(document.activeElement)")
    check(marked == "feature/*", "Enter on a finding does not select what it is about", marked)
    opened(browser, site.address)
    tab_to(browser, "tab-decide")
    browser.press("ArrowRight")
    check(focused(browser) == "tab-matrix", "the arrow does not move to the next tab", focused(browser))
    says(browser, "Who can do what")
    wait(browser, "document.querySelector('iframe').style.height", "the page of the matrix")
    inside = "document.querySelector('iframe').contentDocument"
    browser.evaluate(f"{inside}.querySelector('a[href=\"#table\"]').focus()")
    browser.press("Enter")
    place = browser.evaluate(f"{inside}.activeElement.id")
    check(place == "table", "a link in the page of the matrix does not lead to its place", place)
    browser.evaluate("document.getElementById('tab-matrix').focus()")
    browser.press("End")
    says(browser, "Access widens (1 change) and narrows (1 change)")
    browser.press("ArrowRight")
    says(browser, "Denied: no_rule_matches")


def screen_reader(browser, site):
    """Everything has a name and a role, and what changes is said."""
    for tab in TABS:
        opened(browser, site.address)
        browser.evaluate(f"document.getElementById('tab-{tab}').click()")
        time.sleep(0.3)
        wait(browser, "!document.querySelector('.busy')", "an answer")
        tree = browser.tree()
        unnamed = [role for role, name in tree if role in CONTROLS and not name.strip()]
        check(not unnamed, f"without a name in {tab}", unnamed)
        roles = {role for role, _ in tree}
        check(
            {"tablist", "tabpanel", "status", "main", "heading"} - roles == {"main"}, f"roles in {tab}", sorted(roles)
        )
        if tab == "decide":
            for node in (
                ("tab", "May this job?"),
                ("textbox", "Policy"),
                ("heading", "What to change"),
                ("heading", "Steps"),
            ):
                check(node in tree, "not in the tree", [node, tree[:80]])
            check(
                any(role == "table" and "nearest miss" in name for role, name in tree),
                "the table of the nearest miss",
                tree,
            )
            live = browser.evaluate("document.querySelector('#verdict[role=status]').textContent")
            check("Denied" in live, "the decision is said where it changes", live)


def layout(browser, site, pictures):
    opened(browser, site.address)
    wait(browser, "location.hash.length > 1", "a link")
    example = state_of(browser.evaluate("location.href"))
    for tab in TABS:
        for dark in (False, True):
            scheme = "dark" if dark else "light"
            opened(browser, site.address + fragment(example | {"tab": tab}), width=WIDTHS[0], dark=dark)
            for width in WIDTHS:
                browser.resize(width)
                place = f"{tab}, {scheme}, {width} px"
                time.sleep(0.1)
                over = browser.evaluate(OVERHANG)
                check(over <= 0, f"{place}: too wide", over)
                if width in (PHONE, DESKTOP):
                    low = browser.evaluate(CONTRAST)
                    check(not low, f"{place}: too little contrast", low)
                    if pictures:
                        browser.picture(pictures / f"{tab}-{scheme}-{width}.png")
                check(not browser.complaints(), f"{place}: the console", browser.complaints())
    levels = browser.evaluate("[...document.querySelectorAll('h1,h2,h3')].map((e) => Number(e.tagName[1]))")
    check(levels.count(1) == 1, "one heading of the first level", levels)


def picture(browser, site):
    """The picture of the documentation shows this page."""
    opened(browser, site.address)
    text = browser.evaluate(PLAYGROUND_TEXT)
    line = f"{hashlib.sha256(text.encode()).hexdigest()}  playground"
    drawn = DRAWN_FROM.read_text().splitlines()
    check(line in drawn, "the picture of the playground is old, draw it again with .ci/outside/pictures", text)


def attacks(browser, site):
    """Markup in every field of a link stays text."""
    policy = json.dumps(
        {
            "version": 1,
            "permissions": [
                {
                    "name": MARKUP,
                    "permission": "a:b",
                    "branch": {"exact": MARKUP},
                    "claims": {MARKUP: {"exact": MARKUP}},
                },
                {"name": MARKUP, "permission": "a:b", "workflow": {"exact": MARKUP}, "environment": MARKUP},
            ],
        }
    )
    workflow = json.dumps(
        {
            "name": MARKUP,
            "on": {"push": {}, MARKUP: {}},
            "jobs": {MARKUP: {"environment": MARKUP, "permissions": {"id-token": "write"}}},
        }
    )
    hostile = {name: MARKUP for name in FIELDS} | {
        "permission": "a:b",
        "claims": json.dumps({MARKUP: "x"}),
        "payload": "",
        "own_policy": "",
    }
    texts = {"policy": policy, "old": policy.replace("a:b", "c:d"), "files": [[MARKUP + ".yml", workflow]], "of": ""}
    for tab in TABS:
        for fields in (
            hostile | texts,
            {name: MARKUP for name in (*FIELDS, "policy", "old")} | {"files": [[MARKUP, MARKUP]]},
        ):
            opened(browser, site.address + fragment(fields | {"tab": tab}))
            time.sleep(0.3)
            inside = browser.evaluate(
                """[document, ...[...document.querySelectorAll("iframe")].map((frame) => frame.contentDocument)].flatMap((place) =>
                  [...place.querySelectorAll("img, script:not([id]):not([type=module]), [onerror]")].map((e) => e.outerHTML))"""
            )
            check(not inside, f"markup of a link in {tab}", inside)
            check(browser.evaluate("globalThis.attacked === undefined"), f"a script of a link ran in {tab}")
            check(not browser.complaints(), f"the console in {tab}", browser.complaints())
    for broken in (
        "#x",
        "#" + "A" * 4000,
        fragment([1]),
        fragment("x"),
        fragment({"files": 7, "policy": [], "tab": "x"}),
        fragment({"a": "x" * (5 << 20)}),
    ):
        opened(browser, site.address + broken)
        check(not browser.complaints(), "the console after a broken link", browser.complaints())
    # What would let a text become a script is refused by the browser itself.
    refused = browser.evaluate(
        "(() => { try { document.body.innerHTML = '<b>'; return false; } catch { return true; } })()"
    )
    check(refused, "a text may become markup")


def link_and_token(browser, site):
    """A link is the whole state, and has no token in it."""
    opened(browser, site.address)
    part = [
        base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=")
        for one in ({"alg": "RS256"}, {"ref": "refs/heads/ä"})
    ]
    signature = "c2lnbmF0dXJl" * 20
    browser.evaluate("document.getElementById('claims').focus()")
    browser.press("a", all_of=True)
    browser.type(".".join([*part, signature]))
    claims = browser.evaluate("document.getElementById('claims').value")
    check(json.loads(claims) == {"ref": "refs/heads/ä"}, "a token is not its claims", claims)
    wait(browser, "location.hash.length > 1", "a link")
    time.sleep(0.5)
    address = browser.evaluate("location.href")
    check(signature not in json.dumps(state_of(address)), "a link has a token in it", address)
    before = browser.evaluate("[...document.querySelectorAll('input, textarea, select')].map((e) => e.value)")
    opened(browser, address)
    after = browser.evaluate("[...document.querySelectorAll('input, textarea, select')].map((e) => e.value)")
    check(before == after, "a link does not bring back the state", [before, after])


def requests(browser, site):
    """One request for the page, and none after it, even if a script tried."""
    site.asked.clear()
    opened(browser, site.address)
    for tab in (*TABS, "decide"):
        browser.evaluate(f"document.getElementById('tab-{tab}').click()")
        time.sleep(0.4)
        wait(browser, "!document.querySelector('.busy')", "an answer")
    browser.evaluate("document.getElementById('share').click()")
    seen = [url for url in browser.requests() if not url.startswith(("blob:", "data:", "about:"))]
    check([url.split("#")[0] for url in seen] == [site.address], "the browser sent", seen)
    tried = browser.evaluate(
        """(async () => {
          const image = new Image();
          const failed = new Promise((resolve) => (image.onerror = resolve));
          image.src = "/image";
          await failed;
          navigator.sendBeacon("/beacon", "x");
          const form = document.body.appendChild(document.createElement("form"));
          form.action = "/form";
          form.submit();
          return Promise.all([fetch("/fetch"), import("/module.js"), new Promise((_, no) => (new EventSource("/events").onerror = no))]
            .map((one) => one.then(() => "sent", () => "refused")));
        })()"""
    )
    check(tried == ["refused"] * 3, "a request was not refused", tried)
    time.sleep(0.3)
    check(site.asked == ["/"], "the server was asked for", site.asked)


def failures(browser, directory):
    """An engine that fails or does not end is said, and the next question gets another one; a newer question replaces an
    older one."""
    with tempfile.TemporaryDirectory() as place:
        opened(browser, with_engine(directory, place, UNREACHABLE))
        says(browser, "No answer")
        again = browser.evaluate(
            "Promise.all([ask({}), ask({})]).then(([one, other]) => [Boolean(one.superseded), other.failure])"
        )
        check(again[0] is True and "failed" in again[1], "a failure, and the question after it", again)
    # Here, a second is ten milliseconds.
    faster = "globalThis.setTimeout = ((wait) => (then, time) => wait(then, time / 100))(setTimeout)"
    browser.before_scripts(faster)
    with tempfile.TemporaryDirectory() as place:
        opened(browser, with_engine(directory, place, ENDLESS))
        says(browser, "did not answer within 30 seconds")
        again = browser.evaluate("ask({}).then(({ failure }) => failure)")
        check("30 seconds" in again, "the question after one that does not end", again)


def with_engine(directory, place, code):
    """The address of the page with another engine, whose answers are this code."""
    text = (Path(directory) / "index.html").read_text()
    start = text.index('id="engine">') + len('id="engine">')
    other = base64.b64encode(gzip.compress(engine(code))).decode()
    (Path(place) / "index.html").write_text(text[:start] + other + text[text.index("</script>", start) :])
    return Site(place).address


UNREACHABLE = b"\x00"
# A loop whose last instruction leads to its start.
ENDLESS = b"\x03\x40\x0c\x00\x0b"


def engine(code):
    """question() → 0, answer() does what the code says, answer_address() → 0, answer_length() → 0."""

    def vector(items):
        return bytes([len(items)]) + b"".join(items)

    def section(number, content):
        return bytes([number, len(content)]) + content

    def export(name, kind, index):
        return bytes([len(name)]) + name.encode() + bytes([kind, index])

    def function(code):
        return bytes([len(code) + 2]) + b"\x00" + code + b"\x0b"

    types = vector([b"\x60\x01\x7f\x01\x7f", b"\x60\x00\x00", b"\x60\x00\x01\x7f"])
    names = [export("memory", 2, 0), export("question", 0, 0), export("answer", 0, 1)]
    names += [export("answer_address", 0, 2), export("answer_length", 0, 2)]
    zero = b"\x41\x00"
    sections = [(1, types), (3, vector([b"\x00", b"\x01", b"\x02"])), (5, b"\x01\x00\x01"), (7, vector(names))]
    sections.append((10, vector([function(zero), function(code), function(zero)])))
    return b"\0asm\x01\0\0\0" + b"".join(section(number, content) for number, content in sections)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("chromium")
    parser.add_argument("directory")
    parser.add_argument("--pairs")
    parser.add_argument("--pictures")
    options = parser.parse_args()
    pictures = Path(options.pictures) if options.pictures else None
    if pictures:
        pictures.mkdir(parents=True, exist_ok=True)
    site = Site(options.directory)
    browser = Browser(options.chromium)
    try:
        if options.pairs:
            pairs(browser, site, options.pairs)
        else:
            for part in (requests, keyboard, screen_reader, link_and_token, picture, attacks):
                part(browser, site)
            layout(browser, site, pictures)
            failures(browser, options.directory)
            print("the playground holds: keyboard, screen reader, phone and desktop, attacks, requests")
    finally:
        browser.close()
    if failed:
        sys.exit("\n".join(failed[:20]) + f"\n{len(failed)} problems of the playground")


if __name__ == "__main__":
    main()
