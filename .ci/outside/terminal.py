"""A terminal as an SVG picture: what a program printed, with its colours (ECMA-48, SGR)."""

import re
from dataclasses import dataclass
from html import escape

# Of a character, in pixels; the width is that of most fixed-width fonts at this size, and is enforced.
WIDTH, HEIGHT, SIZE = 8.4, 20, 14
MARGIN = 18
FONTS = "ui-monospace,SFMono-Regular,Menlo,Consolas,'Liberation Mono','DejaVu Sans Mono',monospace"

LIGHT = {
    "paper": "#ffffff",
    "edge": "#d1d9e0",
    "ink": "#1f2328",
    "dim": "#59636e",
    "colours": ["#1f2328", "#c4212d", "#116329", "#7d4e00", "#0860ca", "#7a3fd0", "#13696f", "#59636e"],
}
DARK = {
    "paper": "#0d1117",
    "edge": "#3d444d",
    "ink": "#f0f6fc",
    "dim": "#9198a1",
    "colours": ["#9198a1", "#ff7b72", "#4ac26b", "#e3b341", "#79b8ff", "#d2a8ff", "#56d4dd", "#f0f6fc"],
}

ESCAPE = re.compile(r"\x1b\[([\d;]*)m")


@dataclass(frozen=True)
class Style:
    bold: bool = False
    dim: bool = False
    colour: int | None = None

    def after(self, codes):
        """The style behind an escape sequence with these codes."""
        style = self
        for code in [int(code or 0) for code in codes.split(";")]:
            if code == 0:
                style = Style()
            elif code == 1:
                style = Style(True, style.dim, style.colour)
            elif code == 2:
                style = Style(style.bold, True, style.colour)
            elif code in (22, 39):
                style = Style(style.bold and code != 22, style.dim and code != 22, style.colour if code != 39 else None)
            elif code % 60 in range(30, 38):
                style = Style(style.bold, style.dim, code % 60 - 30)
            else:
                raise ValueError(f"SGR {code} is not drawn")
        return style


def plain(text):
    return ESCAPE.sub("", text)


def characters(line):
    """The characters of a line, each with its style."""
    style, found, end = Style(), [], 0
    for sequence in ESCAPE.finditer(line):
        found += [(character, style) for character in line[end : sequence.start()]]
        style, end = style.after(sequence[1]), sequence.end()
    return found + [(character, style) for character in line[end:]]


def rows(text, columns):
    """The lines as they fit. A long one goes on below its first word, where a terminal would break the word."""
    for line in text.splitlines():
        rest = characters(line)
        indent = len(plain(line)) - len(plain(line).lstrip())
        while len(rest) > columns:
            words = [at for at, (character, _) in enumerate(rest[:columns]) if character == " " and at > indent]
            at = words[-1] if words else columns
            yield rest[:at]
            rest = [(" ", Style())] * indent + rest[at + bool(words) :]
        yield rest


def runs(row):
    """The words of a row with one style: column, text, style. Blanks are not drawn."""
    start = 0
    while start < len(row):
        end = start + 1
        while end < len(row) and row[end][1] == row[start][1]:
            end += 1
        for word in re.finditer(r"\S+(?: \S+)*", "".join(character for character, _ in row[start:end])):
            yield start + word.start(), word[0], row[start][1]
        start = end


def svg(text, *, dark, columns=100):
    """The picture."""
    theme = DARK if dark else LIGHT
    lines = list(rows(text, columns))
    columns = max(len(line) for line in lines)
    width, height = round(columns * WIDTH) + 2 * MARGIN, len(lines) * HEIGHT + 2 * MARGIN
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="{FONTS}" font-size="{SIZE}" fill="{theme["ink"]}">',
        f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8" fill="{theme["paper"]}" '
        f'stroke="{theme["edge"]}"/>',
    ]
    for number, row in enumerate(lines):
        baseline = MARGIN + number * HEIGHT + SIZE
        for column, word, style in runs(row):
            look = ' font-weight="700"' if style.bold else ""
            if style.colour is not None:
                look += f' fill="{theme["colours"][style.colour]}"'
            elif style.dim:
                look += f' fill="{theme["dim"]}"'
            drawn.append(
                f'<text x="{MARGIN + column * WIDTH:g}" y="{baseline}" textLength="{len(word) * WIDTH:g}"{look}>'
                f"{escape(word, quote=False)}</text>"
            )
    return "\n".join([*drawn, "</svg>\n"])
