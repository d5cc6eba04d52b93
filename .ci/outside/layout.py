"""The built site in a browser: on a desktop and on a phone no page is wider than the screen, and none complains.

layout.py CHROMIUM DIRECTORY
"""

import sys
from pathlib import Path

from browser import Browser

WIDTHS = (390, 1280)
# Of the theme; the last has all pages in one.
SKIPPED = ("404.html", "toc.html", "print.html")
# The theme lets the content scroll in the page; tables and code do by themselves.
OVERHANG = """Math.max(...[document.documentElement, document.querySelector(".content")].map(
    (element) => element.scrollWidth - element.clientWidth))"""


def problems(browser, page):
    for width in WIDTHS:
        for dark in (False, True):
            browser.open(page, width=width, dark=dark)
            overhang = browser.evaluate(OVERHANG)
            if overhang > 0:
                yield f"{page}: {overhang} px too wide for {width} px"
            yield from (f"{page}: {complaint}" for complaint in browser.complaints())


def main():
    chromium, site = sys.argv[1], Path(sys.argv[2]).resolve()
    pages = [page for page in sorted(site.rglob("*.html")) if page.name not in SKIPPED]
    browser = Browser(chromium)
    try:
        found = [problem for page in pages for problem in problems(browser, page)]
    finally:
        browser.close()
    print("\n".join(found))
    if len(pages) < 30:
        sys.exit(f"only {len(pages)} pages in {site}")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
