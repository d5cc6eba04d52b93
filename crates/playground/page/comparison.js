// What a change of the policy does.
import { card, element, mark, sentence } from "./element.js";

export function showComparison({ comparison, old_is_invalid }, { say, result }) {
  const summary = comparison.summary[0].toUpperCase() + comparison.summary.slice(1);
  const why = old_is_invalid ? "The policy before the change is not valid, so it granted nothing." : "";
  say(comparison.widens ? "maybe" : "yes", summary, why);
  result.append(...comparison.sections.map((section) => card(section.title, element("ul", { className: "access" }, ...section.changes.map(change)))));
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
