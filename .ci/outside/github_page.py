"""A check run and a job summary as GitHub shows them: its Markdown renderer (cmark-gfm), its styles and icons."""

import re
from dataclasses import dataclass
from html import escape

import cmarkgfm

STYLES = (
    "primer-primitives/dist/css/base/size/size.css",
    "primer-primitives/dist/css/base/typography/typography.css",
    "primer-primitives/dist/css/functional/typography/typography.css",
    "primer-primitives/dist/css/functional/themes/light.css",
    "primer-primitives/dist/css/functional/themes/dark.css",
    "primer-css/dist/base.css",
    "primer-css/dist/markdown.css",
)
OWN = """
body { margin: 0; padding: 16px; max-width: 900px; background: var(--bgColor-default); color: var(--fgColor-default);
  font: 14px/1.5 -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; }
.box { border: 1px solid var(--borderColor-default); border-radius: 6px; overflow: hidden; }
.head { display: flex; gap: 10px; align-items: center; padding: 12px 16px; background: var(--bgColor-muted);
  border-bottom: 1px solid var(--borderColor-default); font-weight: 600; }
.head small { margin-left: auto; font-size: 12px; font-weight: 400; color: var(--fgColor-muted); }
.body { padding: 16px; }
.body h2.title { margin: 0 0 12px; font-size: 20px; font-weight: 600; }
.success svg { fill: var(--fgColor-success); }
.failure svg { fill: var(--fgColor-danger); }
.neutral svg { fill: var(--fgColor-muted); }
.annotation { margin-top: 16px; border: 1px solid var(--borderColor-default); border-radius: 6px; }
.annotation p { margin: 0; padding: 8px 12px; }
.annotation p:first-child { display: flex; gap: 8px; align-items: center; background: var(--bgColor-muted);
  border-radius: 6px 6px 0 0; border-bottom: 1px solid var(--borderColor-default); font-weight: 600; }
.origin { margin: 12px 2px 0; font-size: 12px; color: var(--fgColor-muted); }
.markdown-body > :last-child { margin-bottom: 0; }
.markdown-body { font-size: 14px; }
@media (max-width: 500px) { .head { flex-wrap: wrap; } .head span { flex: 1; } .head small { flex-basis: 100%; margin-left: 26px; } }
.short table, .short table ~ *, .short .annotation { display: none; }
"""
ORIGIN = (
    "Sent by a real run of the action to this project’s GitHub simulator; drawn with GitHub’s Markdown renderer and "
    "styles, not a screenshot of github.com."
)
ANNOTATION = re.compile(r"^(?P<place>\S+:\d+-\d+) (?P<level>failure|warning|notice): (?P<text>.*)$", re.M)


@dataclass
class CheckRun:
    """As `simulator --show check-run` prints it."""

    name: str
    conclusion: str
    origin: str
    title: str
    markdown: str
    annotations: list

    @classmethod
    def read(cls, printed):
        head = re.match(
            r"\S (?P<name>.+) — (?P<end>\w+)\n(?P<on>on commit \w{7})\w*(?P<by>, by .+)\n\n(?P<title>.+)\n\n", printed
        )
        rest = printed[head.end() :]
        annotations = list(ANNOTATION.finditer(rest))
        markdown = rest[: annotations[0].start()] if annotations else rest
        return cls(head["name"], head["end"], head["on"] + head["by"], head["title"], markdown, annotations)


def markdown(text):
    return f'<div class="markdown-body">{cmarkgfm.github_flavored_markdown_to_html(text)}</div>'


def icon(packages, conclusion):
    name = {"success": "check-circle-fill", "failure": "x-circle-fill"}.get(conclusion, "square-fill")
    return (packages / f"primer-octicons/build/svg/{name}-16.svg").read_text(encoding="utf-8")


def whole(packages, dark, inner, origin=ORIGIN):
    mode = "dark" if dark else "light"
    styles = "".join((packages / style).read_text(encoding="utf-8") for style in STYLES)
    return (
        f'<!DOCTYPE html><html data-color-mode="{mode}" data-light-theme="light" data-dark-theme="dark">'
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><style>{styles}{OWN}</style><body>{inner}<p class="origin">{origin}</p></body></html>'
    )


def annotation(packages, found):
    path, line = re.match(r"(.*):(\d+)-\d+$", found["place"]).groups()
    words = {"failure": "failure", "warning": "warning", "notice": "notice"}[found["level"]]
    return (
        f'<div class="annotation failure"><p>{icon(packages, found["level"])}'
        f"Check {words} on line {line} in {escape(path)}</p><p>{escape(found['text'])}</p></div>"
    )


def check_run(packages, printed, *, dark, short=False):
    """The page of a check run, or the part of it above the tables."""
    run = CheckRun.read(printed)
    annotations = "".join(annotation(packages, found) for found in run.annotations)
    return whole(
        packages,
        dark,
        f'<div class="box{" short" if short else ""}"><div class="head {run.conclusion}">'
        f"{icon(packages, run.conclusion)}<span>{escape(run.name)}</span>"
        f"<small>{escape(run.conclusion)}, {escape(run.origin)}</small></div>"
        f'<div class="body"><h2 class="title">{escape(run.title)}</h2>{markdown(run.markdown)}{annotations}</div></div>',
        f"The upper part of a check run. {ORIGIN}" if short else ORIGIN,
    )


def summary(packages, printed, *, dark):
    """A job's summary below its name."""
    return whole(
        packages,
        dark,
        f'<div class="box"><div class="head">Job summary</div><div class="body">{markdown(printed)}</div></div>',
    )
