// Pictures follow the theme that the reader chose; without this script they follow the system's.
(() => {
  const root = document.documentElement;
  const sources = [...document.querySelectorAll("picture > source")].map((source) => [source, source.media]);
  const follow = () => {
    const dark = ["ayu", "coal", "navy"].some((theme) => root.classList.contains(theme));
    for (const [source, media] of sources) {
      source.media = media.replace("(prefers-color-scheme: dark)", dark ? "(min-width: 0)" : "(max-width: 0)");
    }
  };
  new MutationObserver(follow).observe(root, { attributes: true, attributeFilter: ["class"] });
  follow();
})();

// A short name stays in one line, but for a heading.
for (const code of document.querySelectorAll(".content :is(p, li, td) code:not(pre > code)")) {
  code.classList.toggle("short", code.textContent.length <= 26);
}

// A table that is wider than its place, or whose first or last column is squeezed, becomes a list of rows; without this
// script it scrolls. Those in a quotation stay as GitHub shows them: their head may be a row like the others.
(() => {
  const roles = { table: "table", thead: "rowgroup", tbody: "rowgroup", tr: "row", th: "columnheader", td: "cell" };
  const tables = [...document.querySelectorAll(".content table:not(blockquote *)")];
  for (const table of tables) {
    const heads = [...table.querySelectorAll("thead th")].map((head) => head.textContent.trim());
    for (const row of table.querySelectorAll("tbody tr")) {
      [...row.cells].slice(1).forEach((cell, index) => {
        if (heads[index + 1]) {
          cell.dataset.head = heads[index + 1];
        }
      });
    }
    // Boxes of another kind would lose what they are to a screen reader.
    for (const element of [table, ...table.querySelectorAll("thead, tbody, tr, th, td")]) {
      element.setAttribute("role", roles[element.localName]);
    }
  }
  const lines = (cell) => {
    const content = document.createRange();
    content.selectNodeContents(cell);
    return content.getBoundingClientRect().height / (1.4 * parseFloat(getComputedStyle(cell).fontSize));
  };
  const isSqueezed = (table) => {
    const some = (cells, width, most) =>
      [...table.querySelectorAll(cells)].some((cell) => cell.offsetWidth < width && lines(cell) > most);
    return some("tr > :first-child", 140, 3) || some("td:last-child", 400, 7);
  };
  const fit = () => {
    for (const table of tables) {
      table.classList.remove("stacked");
      const place = table.parentElement;
      table.classList.toggle("stacked", table.offsetWidth > place.clientWidth + 1 || isSqueezed(table));
    }
  };
  addEventListener("resize", fit);
  fit();
})();
