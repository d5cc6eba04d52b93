"""Opens pages of `matrix --format html` in a browser and holds them against what a reader needs."""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from browser import Browser

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
PAYLOADS = (
    "<script>document.title='ran'</script>",
    "</code></td></table><img src=https://evil.example/x.png onerror=\"document.title='ran'\">",
    "<style>*{display:none}</style><link rel=stylesheet href=https://evil.example/x.css>",
    "\" onmouseover=\"document.title='ran'\" x='",
    "<svg onload=document.title='ran'><base href=https://evil.example>",
    "&lt;b&gt; ]]> <!-- \u202egnp.exe " + "x" * 300,
)

# Every text against what is behind it (WCAG 2.2, 1.4.3): 4.5 to 1, and 3 to 1 for large text.
CONTRAST = """(() => {
  const parse = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => {
    const [r, g, b] = parse(color).map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const color = getComputedStyle(e).backgroundColor;
      if ((parse(color)[3] ?? 1) > 0) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  const low = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || element.closest('.hidden, caption')) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(style.color), light(behind(element))].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize);
    const needed = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
    if ((a + 0.05) / (b + 0.05) < needed) low.push([element.className, texts.currentNode.textContent, (a + 0.05) / (b + 0.05)]);
  }
  return low;
})()"""

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

INERT = """(() => ({
  forbidden: document.querySelectorAll('script, img, iframe, object, embed, link, base, form, input, svg').length,
  styles: document.querySelectorAll('style').length,
  handlers: [...document.querySelectorAll('*')].filter((e) => [...e.attributes].some((a) => /^on/i.test(a.name))).length,
  links: [...document.querySelectorAll('[href], [src]')].filter((e) => !(e.getAttribute('href') || '').startsWith('#')).length,
  title: document.title,
}))()"""

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
        workflows[f"{index}{name}.yml"] = json.dumps({"on": {"push": {}, text: {}}, "jobs": jobs})
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
    expected = {"forbidden": 0, "styles": 1, "handlers": 0, "links": 0, "title": inert["title"]}
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

    browser.open(page)
    attack = browser.evaluate(ATTACK)
    expected = {"ran": False, "blocked": ["img-src", "script-src-elem", "style-src-elem"]}
    check(attack == expected, "nothing but the page's own style is let in", attack)


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
        finally:
            browser.close()
    if problems:
        sys.exit(f"{len(problems)} of the page's properties do not hold")
    print("the page holds in the browser")


if __name__ == "__main__":
    main()
