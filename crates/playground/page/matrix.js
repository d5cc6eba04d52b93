// Who can do what: the page of `matrix --format html`, in a frame in which no script runs.
import { element, fill } from "./element.js";
import { trusted } from "./engine.js";

export function showMatrix({ html }, { say, whole }) {
  // For a screen reader: the page has a heading of its own.
  say("hidden", "Who can do what", "The page follows.");
  const frame = element("iframe", { title: "Who can do what" });
  // Its links open elsewhere; this page may look into it, for its height.
  frame.sandbox = "allow-same-origin allow-popups allow-popups-to-escape-sandbox";
  frame.addEventListener("load", () => settle(frame));
  frame.srcdoc = trusted ? trusted.createHTML(html) : html;
  fill(whole, frame);
}

function settle(frame) {
  const inner = frame.contentDocument;
  for (const link of inner.querySelectorAll("a[href^='http']")) Object.assign(link, { target: "_blank", rel: "noopener" });
  // A fragment would be that of this page, not of the frame.
  inner.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (!link) return;
    event.preventDefault();
    const target = inner.getElementById(link.getAttribute("href").slice(1));
    if (!target.matches("a, summary, [tabindex]")) target.tabIndex = -1;
    target.focus();
    target.scrollIntoView();
  });
  const fit = () => {
    frame.style.height = `${inner.documentElement.scrollHeight + 2}px`;
  };
  new ResizeObserver(fit).observe(inner.body);
  fit();
}
