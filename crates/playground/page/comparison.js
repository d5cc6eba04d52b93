// What a change of the policy does.
import { card, element, mark, sentence } from "./element.js";

export function showComparison(answer, { say, result }) {
  const summary = answer.summary[0].toUpperCase() + answer.summary.slice(1);
  const why = answer.old_is_invalid ? "The policy before the change is not valid, so it granted nothing." : "";
  say(answer.widens ? "maybe" : "yes", summary, why);
  result.append(...answer.sections.map((section) => card(section.title, element("ul", { className: "access" }, ...section.changes.map(change)))));
}

function change({ added, sentence: text, rule, remark }) {
  return element(
    "li",
    { className: added ? "more" : "less" },
    added ? mark("+", "more access:", "more") : mark("−", "less access:", "less"),
    element("p", {}, sentence(text)),
    element("p", { className: "where" }, added ? "" : "formerly ", sentence(rule), "; ", sentence(remark)),
  );
}
