// The text of a policy, with the findings of lint in their places.
import { element, fill, sentence } from "./element.js";

// A larger text is shown as it is: its copy would make typing slow.
const MAX_COPY = 200_000;
const [MIN_ROWS, MAX_ROWS] = [8, 32];
const ORDER = ["error", "warning", "note"];

export class Editor {
  #area;
  #copy = element("div", { className: "copy", ariaHidden: "true" });
  #place;
  #list;
  #findings = [];

  constructor(place, list, id) {
    const options = { id, spellcheck: false, autocapitalize: "off", autocomplete: "off", wrap: "off" };
    this.#area = element("textarea", options);
    this.#area.setAttribute("aria-describedby", list.id);
    this.#area.addEventListener("input", () => {
      // They stand elsewhere now, until the next answer.
      this.#findings = [];
      this.draw();
    });
    this.#area.addEventListener("scroll", () => this.#follow());
    this.#place = place;
    this.#list = list;
    place.append(this.#copy, this.#area);
  }

  get text() {
    return this.#area.value;
  }

  set text(text) {
    this.#area.value = text;
    this.#findings = [];
    this.draw();
  }

  set findings(findings) {
    this.#findings = findings.map(({ finding, page }) => ({ ...finding, page }));
    this.draw();
    this.#showList();
  }

  // Draws the copy behind the text.
  draw() {
    const text = this.#area.value;
    const isPlain = text.length > MAX_COPY;
    this.#place.classList.toggle("plain", isPlain);
    const lines = isPlain ? [] : text.split("\n");
    this.#area.rows = Math.min(Math.max(lines.length, MIN_ROWS), MAX_ROWS);
    fill(this.#copy, ...lines.map((line, index) => this.#line(line, index + 1)));
    this.#follow();
  }

  // Moves to a line, and selects what a finding is about.
  go(line, column = 1, end = undefined) {
    const start = this.#offset(line, column);
    this.#area.focus();
    this.#area.setSelectionRange(start, end === undefined ? this.#offset(line, Infinity) : this.#offset(line, end));
  }

  #follow() {
    this.#copy.scrollTop = this.#area.scrollTop;
    this.#copy.scrollLeft = this.#area.scrollLeft;
  }

  #line(text, number) {
    const here = this.#findings.filter((finding) => finding.line === number);
    const level = ORDER.find((one) => here.some((finding) => finding.level === one));
    const line = element("div", { className: level ?? "" });
    const first = here.find((finding) => finding.level === level);
    if (!first) {
      line.append(...coloured(text));
      return line;
    }
    const [from, to] = [first.column, first.end_column].map((column) => units(text, column - 1));
    line.append(text.slice(0, from), element("mark", {}, text.slice(from, to)), text.slice(to));
    line.append(element("span", { className: "said" }, first.message));
    return line;
  }

  #offset(line, column) {
    const lines = this.#area.value.split("\n");
    const before = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
    return before + units(lines[line - 1] ?? "", column - 1);
  }

  #showList() {
    const count = this.#findings.length;
    const isInvalid = this.#findings.some((finding) => finding.level === "error");
    this.#area.ariaInvalid = String(isInvalid);
    const summary = count === 0 ? "Lint finds nothing." : `Lint finds ${count === 1 ? "1 thing" : `${count} things`}:`;
    const items = this.#findings.map((finding) => this.#item(finding));
    fill(this.#list, element("p", {}, summary), count > 0 ? element("ul", {}, ...items) : undefined);
  }

  #item(finding) {
    const { level, line, column, end_column, code, page, message, help, edit } = finding;
    const place = element("button", { type: "button", className: "link" }, `line ${line}`);
    place.addEventListener("click", () => this.go(line, column, end_column));
    const link = element("a", { href: page, target: "_blank", rel: "noopener" }, code);
    const item = element("li", { className: level }, element("span", { className: "level" }, level), " ", place, ": ");
    item.append(sentence(message), " (", link, ")");
    if (help) item.append(element("span", { className: "help" }, sentence(help)));
    if (edit) item.append(this.#fix(edit));
    return item;
  }

  #fix(edit) {
    const words = edit.text.trim() === "" ? ["Remove it"] : ["Write ", element("code", {}, edit.text.trim())];
    const button = element("button", { type: "button", className: "fix" }, ...words);
    button.addEventListener("click", () => {
      const [start, end] = [this.#offset(edit.line, edit.column), this.#offset(edit.end_line, edit.end_column)];
      this.#area.focus();
      this.#area.setRangeText(edit.text, start, end, "select");
      this.#area.dispatchEvent(new Event("input", { bubbles: true }));
    });
    return button;
  }
}

// The engine counts characters, a text area counts units of UTF-16.
function units(text, characters) {
  if (characters >= text.length) return text.length;
  let at = 0;
  for (const character of text) {
    if (characters-- <= 0) break;
    at += character.length;
  }
  return at;
}

// Comments and keys of YAML, roughly: it is a help for the eye.
function coloured(text) {
  const comment = text.match(/^(\s*|.*\s)(#.*)$/);
  if (comment && !/["']/.test(comment[1])) return [...coloured(comment[1]), span("comment", comment[2])];
  const key = text.match(/^(\s*(?:- +)?)([\w-]+:)(?=\s|$)(.*)$/);
  return key ? [key[1], span("key", key[2]), key[3]] : [text];
}

function span(className, text) {
  return element("span", { className }, text);
}
