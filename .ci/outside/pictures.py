"""Draws the pictures of docs/look.md. The page says which command each of them shows, and what it prints.

`docs/pictures/drawn-from` keeps the SHA-256 of the text behind each picture: tests/project compares it with the page,
and the page with what the program prints. `.ci/outside/playground` compares the text of the playground. A picture that shows another text than the page is never drawn.
"""

import argparse
import hashlib
import io
import re
import shlex
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import github_page
import terminal
from browser import Browser
from playground import PLAYGROUND_TEXT, wait_for_answer
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/look.md"
PICTURES = ROOT / "docs/pictures"
SIMULATOR = "cargo run --bin simulator --"
# What a page does, in its order: files, commands that it does not show, commands that a picture shows.
PIECE = re.compile(
    r"^```yaml\n(?P<file># (?P<name>\S+\.yml)\n.*?)^```$"
    r"|^<!-- run: (?P<run>.*?) -->$"
    r"|^<!-- picture: (?P<picture>[a-z-]+) -->\n\n```console\n(?P<shown>.*?)^```$",
    re.M | re.S,
)
COLUMNS = 100
SCALE = 2
COLOURS = 64


class Shell:
    """The directory in which the commands of the page run."""

    def __init__(self, directory, binary, simulator):
        self.directory = directory
        self.simulator = simulator
        self.binary = binary
        self.environment = {"PATH": f"{binary.parent}:/usr/bin:/bin", "ROOT": str(ROOT)}
        (directory / ".git").mkdir()
        (directory / ".git/HEAD").write_text("ref: refs/heads/main\n")

    def run(self, command, **environment):
        """What a command prints, both streams in their order."""
        given = f"{shlex.quote(str(self.simulator))} --binary {shlex.quote(str(self.binary))}"
        done = subprocess.run(
            ["sh", "-c", f"exec 2>&1\n{command.replace(SIMULATOR, given)}"],
            cwd=self.directory,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            check=False,
        )
        return done.stdout.decode()

    def session(self, shown, **environment):
        """A block of the page as it has to be: commands, and what they print."""
        text = ""
        for command in re.findall(r"^\$ ((?:.*\\\n)*.*)$", shown, re.M):
            text += f"$ {command}\n{self.run(command, **environment)}"
        return text


def command_in_bold(line):
    return f"\x1b[1m{line}\x1b[0m" if line.startswith("$ ") else line


def printed_by(text):
    """The session without its command."""
    return re.sub(r"^\$ (?:.*\\\n)*.*\n", "", text, count=1)


def draw_terminal(name, text):
    """`text` is a session with colours."""
    text = "\n".join(command_in_bold(line) for line in text.splitlines())
    for dark in (False, True):
        picture = terminal.svg(text, dark=dark, columns=COLUMNS)
        (PICTURES / f"{name}-{'dark' if dark else 'light'}.svg").write_text(picture, encoding="utf-8")


def photograph(browser, page, name, *, dark, width):
    """The whole page in a browser."""
    browser.open(page, width=width, height=100, dark=dark, scale=SCALE)
    keep(browser.screenshot(), name, dark=dark)


def keep(screenshot, name, *, dark):
    """A picture with as many colours as its letters need."""
    picture = Image.open(io.BytesIO(screenshot)).convert("RGB")
    picture = picture.quantize(COLOURS, dither=Image.Dither.NONE).convert("RGB")
    picture.save(PICTURES / f"{name}-{'dark' if dark else 'light'}.webp", lossless=True, quality=100, method=6)


def draw_github(browser, packages, name, printed, directory):
    """What GitHub shows of a run; of a check run also the upper part, on a desktop and on a phone."""
    upper_part = partial(github_page.check_run, short=True)
    kinds = {
        "check-run": [
            ("check-run", github_page.check_run, 900),
            ("denied", upper_part, 900),
            ("denied-phone", upper_part, 390),
        ],
        "summary": [("summary", github_page.summary, 900)],
    }
    for picture, render, width in kinds[name]:
        for dark in (False, True):
            page = directory / f"{picture}.html"
            page.write_text(render(packages, printed, dark=dark), encoding="utf-8")
            photograph(browser, page, picture, dark=dark, width=width)


def draw_playground(browser, directory):
    """The first screen of the playground. Returns the text of its page."""
    page = (directory / "index.html").resolve()
    for dark in (False, True):
        browser.open("about:blank")
        browser.open(page, width=1280, height=1060, dark=dark, scale=SCALE)
        wait_for_answer(browser)
        keep(browser.screenshot(whole=False), "playground", dark=dark)
    return browser.evaluate(PLAYGROUND_TEXT)


def draw_icon(browser, directory):
    """The icon of the site, for browsers that draw no SVG there."""
    icon = ROOT / "docs/theme/favicon.svg"
    page = directory / "icon.html"
    page.write_text(
        '<!DOCTYPE html><meta name="viewport" content="width=device-width"><style>body { margin: 0 } img { display: block }</style>'
        f'<img src="{icon.as_uri()}" width="64">'
    )
    browser.call("Emulation.setDefaultBackgroundColorOverride", color={"r": 0, "g": 0, "b": 0, "a": 0})
    browser.open(page, width=64, height=64)
    picture = Image.open(io.BytesIO(browser.screenshot(whole=False)))
    browser.call("Emulation.setDefaultBackgroundColorOverride")
    picture.quantize(64).save(icon.with_suffix(".png"), optimize=True)


def drawn_from(name, text):
    return f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n"


def draw(options, directory):
    shell = Shell(directory, options.binary, options.simulator)
    browser = Browser(options.chromium)
    drawn = []
    try:
        browser.call("Emulation.setScrollbarsHidden", hidden=True)
        draw_icon(browser, directory)
        for piece in PIECE.finditer(PAGE.read_text(encoding="utf-8")):
            if piece["file"]:
                (directory / piece["name"]).write_text(piece["file"], encoding="utf-8")
            elif piece["run"]:
                shell.run(piece["run"])
            else:
                name, shown = piece["picture"], piece["shown"]
                if shell.session(shown) != shown:
                    sys.exit(
                        f"{PAGE}: the program no longer prints what the page shows for `{name}`: "
                        "run `UPDATE_DOCUMENTATION=1 cargo test --test project documentation` first"
                    )
                if shown.startswith(f"$ {SIMULATOR}"):
                    draw_github(browser, options.packages, name, printed_by(shown), directory)
                elif name == "matrix":
                    for dark in (False, True):
                        photograph(browser, directory / "shown.html", name, dark=dark, width=1120)
                else:
                    draw_terminal(name, shell.session(shown, CLICOLOR_FORCE="1"))
                drawn.append(drawn_from(name, shown))
        drawn.append(drawn_from("playground", draw_playground(browser, options.playground)))
    finally:
        browser.close()
    (PICTURES / "drawn-from").write_text("".join(drawn))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, type=Path)
    parser.add_argument("--simulator", required=True, type=Path)
    parser.add_argument("--playground", required=True, type=Path)
    parser.add_argument("--chromium", required=True)
    parser.add_argument("--packages", required=True, type=Path)
    options = parser.parse_args()
    options.binary, options.simulator = options.binary.resolve(), options.simulator.resolve()
    start = time.time()
    with tempfile.TemporaryDirectory() as temporary:
        draw(options, Path(temporary))
    for picture in PICTURES.iterdir():
        if picture.stat().st_mtime < start:
            picture.unlink()
    size = sum(picture.stat().st_size for picture in PICTURES.iterdir())
    print(f"{len(list(PICTURES.iterdir())) - 1} pictures, {size // 1000} KB")


if __name__ == "__main__":
    main()
