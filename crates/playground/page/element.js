// Elements of the page. Text goes into text nodes only: no text of a policy, a job or a link is ever markup.

export const find = (id) => document.getElementById(id);

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function fill(place, ...children) {
  place.replaceChildren(...children.filter(Boolean));
}

// A sentence of the engine, which has names and values in back quotes.
export function sentence(text) {
  const made = document.createDocumentFragment();
  text.split(/(`+)([^`]|[^`].*?[^`])\1(?!`)/).forEach((part, index) => {
    if (index % 3 === 0) made.append(part);
    if (index % 3 === 2) made.append(element("code", {}, part));
  });
  return made;
}

// A mark with the word that it stands for.
export function mark(sign, word, kind) {
  const shown = element("span", { ariaHidden: "true" }, sign);
  return element("span", { className: `mark ${kind}` }, shown, element("span", { className: "hidden" }, `${word}\u00a0`));
}

export function card(title, ...children) {
  return element("section", { className: "card", ariaLabel: title.replaceAll("`", "") }, element("h3", {}, sentence(title)), ...children);
}
