"""Opens pages of `matrix --format html` in a browser and holds them against what a reader needs."""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

from browser import Browser
from contrast import CONTRAST

ROOT = pathlib.Path(__file__).resolve().parents[2]
WIDTHS = (320, 390, 768, 1280)

EVERYTHING = """\
version: 1
permissions:
  - name: development workflow
    permission: Affected Stacks Create
    branch: "^(main|develop|feature/.*)$"
  - name: production deploys
    permission: Deployments Create
    workflow: deploy-production.yml
    branch: main
    environment: production
    events: [push]
    claims: { runner_environment: github-hosted, ref_protected: "true" }
  - permission: [Locks Create, Locks Delete]
    branch: main
    workflow: { glob: "atmos-*.yml" }
  - name: apply, as Atmos Pro starts it
    permission: [Deployments Create, Instances Update]
    workflow: atmos-terraform-apply.yml
    branch: main
    environment: [dev, staging, "prod.*"]
    events: [workflow_dispatch]
  - name: hotfix branch of incident 4711
    permission: Deployments Create
    workflow: deploy-production.yml
    branch: hotfix/incident-4711
    environment: production
    expires: 2027-01-31
  - name: an older hotfix
    permission: Deployments Create
    workflow: deploy-production.yml
    branch: hotfix/incident-4700
    expires: 2026-01-31
  - permission: Deployments Create
    workflow: nightly.yml
    environment: [staging, dev]
    events: [push]
  - permission: Locks Delete
    workflow: unlock.yml
"""
WORKFLOWS = {
    "atmos-terraform-apply.yml": """
on: {workflow_dispatch: {inputs: {github_environment: {type: environment}}}}
permissions: {id-token: write}
jobs: {apply: {environment: "${{ inputs.github_environment }}"}}
""",
    "atmos-terraform-plan.yml": "on: pull_request\npermissions: {id-token: write}\njobs: {plan: {}}",
    "broken.yml": "on: [",
    "deploy-production.yml": """
on: {push: {branches: [main]}, workflow_dispatch: }
permissions: {id-token: write}
jobs: {deploy: {environment: production}}
""",
    "gate.yml": "on: workflow_call\njobs: {gate: {}}",
    "nightly.yml": "on: [schedule, pull_request_target]\njobs: {list: {}, deploy: {environment: staging}}",
}
APP = """
on: {push: {branches: [main]}, pull_request: {branches: [main]}}
permissions: {id-token: write}
jobs:
  plan: {if: "github.event_name == 'pull_request'"}
  deploy: {if: "github.event_name == 'push'", environment: production}
"""
APPLY = """
on: {workflow_dispatch: {inputs: {sha: {type: string}}}}
permissions: {id-token: write}
jobs:
  apply:
    environment: production
    steps:
      - uses: actions/checkout@v4
        with: {ref: "${{ inputs.sha }}"}
      - uses: repo-permissions/repo-permissions@v0
        continue-on-error: true
        with: {permission: "ws:deployments:create"}
"""
# A repository with files that say the same, files that say their own, and files that get nothing.
MANY_RULES = """\
version: 1
permissions:
  - permission: [Affected Stacks Create, Locks Create]
    workflow: { glob: "app-*.yml" }
    events: [pull_request]
  - permission: Deployments Create
    workflow: [{ glob: "app-*.yml" }, { glob: "own-*.yml" }, apply.yml]
    branch: main
    environment: [production, "own-.*"]
"""
MANY_FILES = {
    **{f"app-{number:03}.yml": APP for number in range(100)},
    **{
        f"own-{number:02}.yml": APP.replace("environment: production", f"environment: own-{number:02}")
        for number in range(15)
    },
    "apply.yml": APPLY,
    **{f"lint-{number}.yml": "on: pull_request\njobs: {lint: {}}" for number in range(20)},
}
PAYLOADS = (
    "<script>document.title='ran'</script>",
    "</code></td></table><img src=https://evil.example/x.png onerror=\"document.title='ran'\">",
    "<style>*{display:none}</style><link rel=stylesheet href=https://evil.example/x.css>",
    "\" onmouseover=\"document.title='ran'\" x='",
    "<svg onload=document.title='ran'><base href=https://evil.example>",
    "&lt;b&gt; ]]> <!-- \u202egnp.exe " + "x" * 300,
)

# The column headings and the first column stay while the region is scrolled both ways.
STICKY = """(() => {
  const region = document.querySelector('.scroll');
  region.style.maxHeight = '300px';
  region.scrollTo(120, 200);
  const box = region.getBoundingClientRect();
  const near = (a, b) => Math.abs(a - b) < 2;
  const head = [...region.querySelectorAll('thead th')].map((e) => e.getBoundingClientRect().top);
  const first = [...region.querySelectorAll('tbody th[scope=row]')].map((e) => e.getBoundingClientRect().left);
  return {
    scrolled: [region.scrollLeft > 0, region.scrollTop > 0],
    head: head.every((top) => near(top, box.top + 1)),
    first: first.every((left) => near(left, box.left + 1)),
  };
})()"""

PAPER = """[
  getComputedStyle(document.querySelector('.scroll')).overflowX,
  [...document.querySelectorAll('details ul')].every((e) => e.getBoundingClientRect().height > 0),
]"""

# What the index leads to, and what is folded at first.
INDEX = """(() => {
  const links = [...document.querySelectorAll('#index a')];
  const names = (block) => [...block.querySelectorAll('.name')].map((e) => e.textContent);
  return {
    links: links.length,
    lost: links.filter((a) => !names(document.getElementById(a.hash.slice(1))).includes(a.textContent)).length,
    open: [...document.querySelectorAll('details[open]')].map((e) => e.className),
    search: document.getElementById('search').getBoundingClientRect().height > 0,
    nothing: document.querySelectorAll('#nothing li').length,
  };
})()"""

# What a reader sees after a search.
FOUND = """(() => {
  const seen = (e) => e.checkVisibility({ contentVisibilityAuto: true });
  const texts = (query) => [...document.querySelectorAll(query)].filter(seen).map((e) => e.textContent);
  return {
    hits: document.getElementById('hits').textContent,
    index: texts('#index a'),
    names: texts('#table .name'),
    nothing: texts('#nothing .name'),
    others: texts('#table .words').length,
  };
})()"""

# On a phone, the table is no wider than the screen, and each cell names its permission.
PHONE = """(() => {
  const region = document.querySelector('.scroll');
  const cells = [...document.querySelectorAll('td[data-key]')];
  const label = (e) => getComputedStyle(e, '::before').content;
  return [
    region.scrollWidth <= region.clientWidth,
    cells.length > 0 && cells.every((e) => label(e) === JSON.stringify(e.dataset.key)),
    [...document.querySelectorAll('td.one')].every((e) => e.getBoundingClientRect().height === 0),
  ];
})()"""

PRINTED_MANY = """(() => {
  const seen = (query) => [...document.querySelectorAll(query)].filter((e) => e.getBoundingClientRect().height > 0).length;
  return [seen('#search, #index, nav'), seen('.files .name'), seen('#nothing .name'), seen('#nothing .starts')];
})()"""

INERT = """(() => ({
  forbidden: document.querySelectorAll('img, iframe, object, embed, link:not(head > [rel=icon][href^="data:image/svg+xml;base64,"]), base, form, svg').length,
  scripts: document.querySelectorAll('script, input').length - 2 * document.querySelectorAll('#index').length,
  styles: document.querySelectorAll('style').length,
  handlers: [...document.querySelectorAll('*')].filter((e) => [...e.attributes].some((a) => /^on/i.test(a.name))).length,
  links: [...document.querySelectorAll('body [href], [src]')].filter((e) => !/^(#|LINT#[a-z-]+$)/.test(e.getAttribute('href') || '')).length,
  title: document.title,
}))()""".replace("LINT", "https:\\/\\/repo-permissions\\.github\\.io\\/repo-permissions\\/lint\\.html")

# Even a script and an image that got into the page would not do anything.
ATTACK = """new Promise((resolve) => {
  const blocked = [];
  document.addEventListener('securitypolicyviolation', (event) => blocked.push(event.effectiveDirective));
  const script = document.createElement('script');
  script.textContent = 'window.ran = true';
  const image = document.createElement('img');
  image.src = 'http://127.0.0.1:9/x.png';
  const style = document.createElement('style');
  style.textContent = '* { color: red }';
  document.body.append(script, image, style);
  setTimeout(() => resolve({ ran: window.ran === true, blocked: blocked.sort() }), 300);
})"""

problems = []


def check(holds, what, seen=None):
    if not holds:
        problems.append(what)
        print(f"  ✗ {what}" + ("" if seen is None else f": {json.dumps(seen, ensure_ascii=False)[:1000]}"))


def make(directory, name, policy, workflows):
    """A checkout with a policy."""
    root = directory / name
    files = root / ".github" / "workflows"
    files.mkdir(parents=True)
    for file, text in workflows.items():
        (files / file).write_text(text)
    path = root / ".github" / "repo-permissions.yml"
    path.write_text(policy)
    return [path]


def hostile(directory):
    """The payloads wherever somebody else can write."""
    rules, workflows = [], {}
    for index, text in enumerate(PAYLOADS):
        own = {"exact": text[:200]}
        rule = {
            "name": text,
            "permission": f"a:b{index}",
            "branch": own,
            "environment": own,
            "claims": {text[:64]: own},
        }
        rules += [rule, {**rule, "workflow": own}]
        jobs = {
            text: {"environment": text[:200]},
            "b": {"uses": f"{text}@v1"},
            "c": {"environment": "${{ vars.X }}" + text},
        }
        name = text.replace("/", "_")[:100]
        # So many that the page has an index.
        for number in range(3):
            workflows[f"{index}{number}{name}.yml"] = json.dumps({"on": {"push": {}, text: {}}, "jobs": jobs})
    return make(directory, "hostile", json.dumps({"version": 1, "permissions": rules}), workflows)


def render(binary, arguments):
    command = [binary.resolve(), "matrix", *arguments, "--format", "html", "--now", "2026-11-23T12:00:00Z"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def look(browser, page, name, pictures):
    """One page on every screen, in both colour schemes."""
    for dark in (False, True):
        for width in WIDTHS:
            browser.open(page, width=width, dark=dark)
            place = f"{name}, {'dark' if dark else 'light'}, {width} pixels"
            wide = browser.evaluate("document.documentElement.scrollWidth")
            check(wide <= width, f"{place}: the page itself does not scroll sideways", wide)
            check(not browser.complaints(), f"{place}: nothing on the console", browser.complaints())
            check(browser.requests() == [page.as_uri()], f"{place}: only the file is loaded", browser.requests())
            low = browser.evaluate(CONTRAST)
            check(not low, f"{place}: enough contrast", low)
            if width in (390, 1280):
                browser.picture(pictures / f"{name}-{'dark' if dark else 'light'}-{width}.png")
    inert = browser.evaluate(INERT)
    expected = {"forbidden": 0, "scripts": 0, "styles": 1, "handlers": 0, "links": 0, "title": inert["title"]}
    check(inert == expected and inert["title"] != "ran", f"{name}: no text became an element", inert)


def read(browser, page):
    """What a screen reader meets, and what the keyboard reaches."""
    browser.open(page, width=1280)
    tree = browser.tree()
    roles = [role for role, _ in tree]
    for role in ("banner", "navigation", "main", "contentinfo", "table"):
        check(roles.count(role) == 1, f"one {role}", roles.count(role))
    for entry in (
        ("region", "Permissions by workflow file and environment"),
        ("table", "Permissions by workflow file and environment"),
        ("heading", "Who can do what"),
        ("link", "Skip to the table"),
        ("columnheader", "Deployments Create ws:deployments:create"),
        ("rowheader", "production job deploy"),
    ):
        check(entry in tree, f"there is a {entry[0]} {entry[1]!r}", [e for e in tree if e[0] == entry[0]])
    cells = [name for role, name in tree if role in ("cell", "gridcell")]
    check(cells and all(cells), "every cell says something", cells)
    words = ("granted: ", "perhaps granted: ", "not granted")
    check(all(name.startswith(words) for name in cells), "every cell says whether it grants", cells)

    browser.press("Tab")
    skip = browser.evaluate("[document.activeElement.className, document.activeElement.getBoundingClientRect().top]")
    check(skip[0] == "skip" and skip[1] >= 0, "the first key shows the link to the table", skip)
    for _ in range(20):
        browser.press("Tab")
        if browser.evaluate("document.activeElement.className") == "scroll":
            break
    focus = browser.evaluate(
        "[document.activeElement.className, getComputedStyle(document.activeElement).outlineStyle]"
    )
    check(focus == ["scroll", "solid"], "the table is reached by the keyboard, and one sees it", focus)
    browser.press("Tab")
    browser.press("Enter")
    check(browser.evaluate("document.activeElement.parentElement.open"), "the keyboard opens details")


def use(browser, page, pictures):
    """Scrolling, printing, and the policy that forbids everything else."""
    browser.open(page, width=700, height=600)
    sticky = browser.evaluate(STICKY)
    check(sticky == {"scrolled": [True, True], "head": True, "first": True}, "headings stay in sight", sticky)

    browser.open(page, width=1000, media="print")
    printed = browser.evaluate(PAPER)
    check(printed == ["visible", True], "on paper nothing is cut off and the details are open", printed)
    browser.picture(pictures / "print.png")

    attacked(browser, page)


def attacked(browser, page):
    browser.open(page)
    attack = browser.evaluate(ATTACK)
    expected = {"ran": False, "blocked": ["img-src", "script-src-elem", "style-src-elem"]}
    check(attack == expected, "nothing but what the page came with is let in", attack)


def search(browser, text):
    """What one sees after typing this into the search box."""
    browser.evaluate("document.getElementById('words').select()")
    if text:
        browser.type(text)
    else:
        browser.press("Delete")
    return browser.evaluate(FOUND)


def use_many(browser, page, pictures):
    """The index, the search box, what is folded, and paper."""
    browser.open(page)
    index = browser.evaluate(INDEX)
    expected = {"links": 116, "lost": 0, "open": ["index"], "search": True, "nothing": 20}
    check(index == expected, "the index leads to every file, and what says the same or nothing is folded", index)

    one = search(browser, "APP-007")
    expected = {"hits": "1 file", "index": ["app-007.yml"], "names": ["app-007.yml"], "nothing": [], "others": 0}
    check(one == expected, "a search finds one of the files that say the same", one)
    picture = pictures / "many-search.png"
    browser.picture(picture)
    two = search(browser, "own-03 push")
    check((two["hits"], two["names"]) == ("1 file", ["own-03.yml"]), "all words are searched", two)
    lint = search(browser, "lint-1 pull_request")
    check(len(lint["nothing"]) == 11 and not lint["names"], "files that get nothing are found", lint)
    check(search(browser, "no such file")["hits"] == "0 files", "a search says that it found nothing")
    flag = search(browser, "gate-continues")
    check(flag["names"] == ["apply.yml"], "findings are found", flag)
    everything = search(browser, "")
    check(everything["hits"] == "" and everything["others"] == 1, "no words, no search", everything)
    check(browser.evaluate(INDEX) == index, "the page is as before the search")

    link = "[...document.querySelectorAll('#index a')].find((a) => a.textContent === 'app-050.yml').click()"
    browser.evaluate(link)
    names = browser.evaluate(FOUND)["names"]
    check("app-050.yml" in names, "a link of the index shows the name of its file", names)

    browser.open(page, scripts=False)
    without = browser.evaluate(INDEX)
    check(without == {**index, "search": False}, "without scripts there is no search box, and all else", without)

    browser.open(page, width=390)
    phone = browser.evaluate(PHONE)
    check(phone == [True, True, True], "on a phone the table is as wide as the screen", phone)
    cells = [name for role, name in browser.tree() if role in ("cell", "gridcell")]
    check(cells and all(cells), "on a phone it stays a table", cells[:3])

    browser.open(page, width=1000, media="print")
    printed = browser.evaluate(PRINTED_MANY)
    check(printed == [0, 100, 20, 0], "on paper every file is named, and the index is left out", printed)
    attacked(browser, page)
    browser.open(page)
    paper = browser.paper()
    (pictures / "many.pdf").write_bytes(paper)
    pages = len(re.findall(rb"/Type\s*/Page\b", paper))
    check(1 <= pages <= 3, "136 files are on three pages of paper", pages)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, type=pathlib.Path)
    parser.add_argument("--chromium", required=True)
    parser.add_argument("--pictures", required=True, type=pathlib.Path)
    options = parser.parse_args()
    options.pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        directory = pathlib.Path(temporary)
        examples = [ROOT / "examples/policies/development.yml", "--workflows", ROOT / "examples/repository"]
        pages = {
            "example": examples,
            "everything": make(directory, "everything", EVERYTHING, WORKFLOWS),
            "nothing": make(directory, "nothing", "version: 1\npermissions: []\n", {}),
            "hostile": hostile(directory),
            "many": make(directory, "many", MANY_RULES, MANY_FILES),
        }
        browser = Browser(options.chromium)
        try:
            for name, arguments in pages.items():
                print(name)
                page = directory / f"{name}.html"
                page.write_bytes(render(options.binary, arguments))
                look(browser, page, name, options.pictures)
            read(browser, directory / "everything.html")
            use(browser, directory / "everything.html", options.pictures)
            use_many(browser, directory / "many.html", options.pictures)
        finally:
            browser.close()
    if problems:
        sys.exit(f"{len(problems)} of the page's properties do not hold")
    print("the page holds in the browser")


if __name__ == "__main__":
    main()
