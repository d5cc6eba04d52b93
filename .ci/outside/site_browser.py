"""The built site in a browser: every page on a phone, a tablet and a desktop, in light and dark.

site_browser.py CHROMIUM DIRECTORY [PICTURES]
"""

import functools
import json
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from browser import Browser
from contrast import CONTRAST

DESKTOP = 1280
WIDTHS = (390, 768, DESKTOP)
# Of the theme; the last has all pages in one.
SKIPPED = ("404.html", "toc.html", "print.html")
# Not of the theme: playground.py opens it.
PLAYGROUND = "play/"

# The theme lets the content scroll in the page; tables, code and pictures do by themselves.
OVERHANG = """Math.max(...[document.documentElement, document.querySelector(".content")].map(
    (element) => element.scrollWidth - element.clientWidth))"""
# Every picture was loaded and says what it shows.
BROKEN = """Promise.all([...document.querySelectorAll("main img")].map(async (image) => {
  await image.decode().catch(() => {});
  return image.naturalWidth > 0 && image.alt.length > 20 ? null : image.currentSrc || image.src;
})).then((sources) => sources.filter(Boolean))"""
# One heading of the first level, and none that skips a level.
HEADINGS = """(() => {
  const levels = [...document.querySelectorAll("main :is(h1, h2, h3, h4, h5, h6)")].map((e) => Number(e.tagName[1]));
  const skips = levels.filter((level, index) => level > (levels[index - 1] ?? 0) + 1);
  return levels.filter((level) => level === 1).length === 1 && skips.length === 0 ? [] : levels;
})()"""
# The icons that the page names, as far as the browser can draw them; and whether they are this project's.
ICONS = """Promise.all([...document.querySelectorAll("link[rel~=icon]")].map(async (link) => {
  const image = new Image();
  image.src = link.href;
  await image.decode().catch(() => {});
  return image.naturalWidth > 0;
}))"""
# The pictures follow the theme that the reader chose, whatever the system's is.
PICTURES = """(() => {
  const dark = ["ayu", "coal", "navy"].some((theme) => document.documentElement.classList.contains(theme));
  return [...document.querySelectorAll("main picture img")].map((image) => image.currentSrc)
    .filter((source) => !source.includes(dark ? "-dark." : "-light."));
})()"""


def serve(site):
    """The site at an address of this machine, as a page of a file may read no other."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def at_width(browser, width, place):
    overhang = browser.evaluate(OVERHANG)
    if overhang > 0:
        yield f"{place}: {overhang} px too wide for {width} px"


def problems(browser, address, name, pictures):
    for dark in (False, True):
        scheme = "dark" if dark else "light"
        place = f"{name}, {scheme}"
        browser.open(f"{address}/{name}", width=WIDTHS[0], dark=dark)
        for what, script in (
            ("a broken picture, or one without words", BROKEN),
            ("headings out of order", HEADINGS),
            ("too little contrast", CONTRAST),
            ("a picture of the other theme", PICTURES),
        ):
            if found := browser.evaluate(script):
                yield f"{place}: {what}: {json.dumps(found, ensure_ascii=False)[:400]}"
        icons = browser.evaluate(ICONS)
        if len(icons) < 2 or not all(icons):
            yield f"{place}: icons that can be drawn: {icons}"
        for width in WIDTHS:
            if width == DESKTOP and not dark:
                # With the list of pages beside it, which a page opened on a phone has not. No theme changes the layout.
                browser.open(f"{address}/{name}", width=width, dark=dark)
            else:
                browser.resize(width)
            yield from at_width(browser, width, place)
            if pictures:
                browser.picture(pictures / f"{name.removesuffix('.html').replace('/', '-')}-{scheme}-{width}.png")
            yield from (f"{place}: {complaint}" for complaint in browser.complaints())


def main():
    chromium, site = sys.argv[1], Path(sys.argv[2]).resolve()
    pictures = Path(sys.argv[3]) if len(sys.argv) > 3 else None
    if pictures:
        pictures.mkdir(parents=True, exist_ok=True)
    pages = [str(page.relative_to(site)) for page in sorted(site.rglob("*.html")) if page.name not in SKIPPED]
    pages = [page for page in pages if not page.startswith(PLAYGROUND)]
    address = serve(site)
    browser = Browser(chromium)
    try:
        found = [problem for page in pages for problem in problems(browser, address, page, pictures)]
    finally:
        browser.close()
    print("\n".join(found))
    if len(pages) < 30:
        sys.exit(f"only {len(pages)} pages in {site}")
    if found:
        sys.exit(f"{len(found)} problems on {len(pages)} pages")
    print(f"{len(pages)} pages hold at {', '.join(map(str, WIDTHS))} pixels, in light and dark")


if __name__ == "__main__":
    main()
