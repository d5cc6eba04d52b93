"""The built site: every link within it leads to a page and a place that are there.

site.py DIRECTORY
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

# Of the theme: it has no address of its own, so its links start from the root of the site.
SKIPPED = ("404.html", "toc.html")


class Page(HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.ids = set()
        self.links = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id":
                self.ids.add(value)
            elif name in ("href", "src", "srcset") and value:
                self.links.append(value)


def problems(site):
    pages = {path: Page(path) for path in site.rglob("*.html")}
    for path, page in pages.items():
        if path.name in SKIPPED:
            continue
        for link in page.links:
            address, fragment = urldefrag(link)
            if urlsplit(link).scheme or link.startswith("//"):
                continue
            target = (path.parent / unquote(address)).resolve() if address else path
            if not target.is_file():
                yield f"{path}: {link}: there is no {target}"
            elif fragment and target in pages and unquote(fragment) not in pages[target].ids:
                yield f"{path}: {link}: no such place in {target.name}"


def main():
    site = Path(sys.argv[1]).resolve()
    found = sorted(problems(site))
    print("\n".join(found))
    pages = sum(1 for _ in site.rglob("*.html"))
    if pages < 30:
        sys.exit(f"only {pages} pages in {site}")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
