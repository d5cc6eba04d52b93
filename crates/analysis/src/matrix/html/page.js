"use strict";
{
  const find = (query, place = document) => Array.from(place.querySelectorAll(query));
  const low = (element) => element.textContent.toLowerCase();
  const links = find("#index a");

  // A group is a block of the table, or a file that gets nothing. A file has its name, and all that its group says.
  const groups = find("#table tbody, #nothing > ul > li").map((element) => {
    const about = find(".starts, .flag, .look, tr:not(.file)", element).map(low).join(" ");
    const own = links.filter((link) => link.hash === "#" + element.id);
    const files = find(".name", element).map((name) => {
      const item = name.closest(".many > li") ?? name;
      const link = own.find((link) => link.textContent === name.textContent);
      return { text: low(name) + " " + about, parts: [item, link?.closest("li")].filter(Boolean) };
    });
    const others = find(".words", element).map((words) => ({ text: low(words) + " " + about, parts: [] }));
    return { element, files, entries: files.concat(others) };
  });
  const lists = find("#nothing, .files");
  const field = document.getElementById("words");

  const search = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let hits = 0;
    for (const group of groups) {
      for (const entry of group.entries) {
        entry.hit = words.every((word) => entry.text.includes(word));
        for (const part of entry.parts) part.hidden = !entry.hit;
      }
      group.element.hidden = !group.entries.some((entry) => entry.hit);
      hits += group.files.filter((file) => file.hit).length;
    }
    for (const list of lists) list.open = words.length > 0;
    for (const list of find("#index, #nothing")) list.hidden = find("ul > li:not([hidden])", list).length === 0;
    const found = hits === 1 ? "1 file" : `${hits} files`;
    document.getElementById("hits").textContent = words.length > 0 ? found : "";
  };
  field.addEventListener("input", search);
  search();
  document.getElementById("search").hidden = false;

  // A link of the index shows the name that it is for.
  for (const link of links) {
    link.addEventListener("click", () => {
      for (const list of find(".files", document.getElementById(link.hash.slice(1)))) list.open = true;
    });
  }
}
