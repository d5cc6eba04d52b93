// May this job use a permission: the decision, what to change, the steps and the rules.
import { card, element, mark, sentence } from "./element.js";

const WORDS = { allowed: ["yes", "✓ Allowed"], denied: ["no", "✗ Denied"], error: ["maybe", "! Error"] };
const SIGNS = { passed: "✓", failed: "✗", skipped: "–" };

export function showDecision(answer, { say, result, policy }) {
  const { outcome } = answer;
  const [kind, word] = WORDS[outcome.decision];
  say(kind, `${word}: ${outcome.reason}`, sentence(answer.message));
  const link = answer.page && element("a", { href: answer.page, target: "_blank", rel: "noopener" }, `About ${outcome.reason}`);
  result.append(...[advice(answer, policy, link), steps(answer), ...answer.permissions.map((one) => trace(one, policy)), details(answer)].filter(Boolean));
}

function advice({ advice, permissions }, policy, link) {
  const several = advice.length > 1;
  const parts = advice.flatMap((one) => [
    several && element("p", { className: "note" }, element("code", {}, one.permission)),
    one.sentence && element("p", {}, sentence(one.sentence)),
    one.changes.length > 0 && element("ul", { className: "changes" }, ...one.changes.map((change) => changed(change, policy))),
  ]);
  // Of a single permission, the decision says it already.
  const nearest = permissions.length > 1 ? permissions.map((one) => one.nearest).filter(Boolean) : [];
  const missed = nearest.map((text) => element("p", { className: "note" }, "Nearest miss: ", sentence(text)));
  if (link) parts.push(element("p", {}, link));
  const shown = [...missed, ...parts].filter(Boolean);
  return shown.length > 0 && card("What to change", ...shown);
}

function changed(change, policy) {
  const list = element("dl");
  for (const [name, text] of [["in the job", change.job], ["in this check", change.input], ["in the policy", change.policy]]) {
    if (text) list.append(element("dt", {}, name), element("dd", {}, sentence(text)));
  }
  const isHere = change.place.startsWith("policy.");
  const place = isHere ? jump(change.place, change.line, policy) : element("span", {}, change.place);
  return element("li", {}, element("p", {}, place, ": ", sentence(change.what)), list);
}

function jump(label, line, policy) {
  const button = element("button", { type: "button", className: "link" }, sentence(label));
  button.addEventListener("click", () => policy.go(line));
  return button;
}

function steps({ steps }) {
  const items = steps.map(({ name, status, facts }) =>
    element(
      "li",
      { className: status },
      mark(SIGNS[status], status, status),
      element("span", { className: "name" }, name),
      element("div", { className: "facts" }, ...facts.map((fact) => element("p", {}, sentence(fact)))),
    ),
  );
  return steps.length > 0 && card("Steps", element("ol", { className: "steps" }, ...items));
}

function trace({ permission, rules, all }, policy) {
  if (rules.length === 0) return undefined;
  const tables = rules.map((rule) => table(rule, policy));
  const more = all > rules.length && element("p", { className: "note" }, `These are ${rules.length} of ${all} rules, the nearest.`);
  return card(`Rules for ${permission}`, ...[...tables, more].filter(Boolean));
}

function table(rule, policy) {
  const label = rule.line === null ? element("span", {}, sentence(rule.label)) : jump(rule.label, rule.line, policy);
  const near = rule.nearest && element("span", { className: "near" }, "← nearest miss");
  const caption = element("caption", {}, ruleMark(rule.matched), label, " ", near || "");
  const heads = ["", "policy", "this job"].map((head) => element("th", { scope: "col" }, head));
  heads[0].append(element("span", { className: "hidden" }, "dimension"));
  const body = element("tbody", {}, ...rule.dimensions.flatMap(rows));
  return element("table", {}, caption, element("thead", {}, element("tr", {}, ...heads)), body);
}

function ruleMark(matched) {
  return matched ? mark("✓\u00a0", "matches", "passed") : mark("✗\u00a0", "does not match", "failed");
}

function rows(dimension) {
  const several = dimension.any_of.length > 0;
  const patterns = several ? dimension.any_of : [dimension];
  const shown = patterns.map((one) => {
    const sign = several ? [ruleMark(one.matched)] : [];
    return element("div", {}, ...sign, element("code", {}, one.pattern), " ", element("span", { className: "kind" }, one.kind));
  });
  const value = dimension.value === null ? element("span", { className: "kind" }, "none") : element("code", {}, dimension.value);
  const name = element("th", { scope: "row" }, ruleMark(dimension.matched), dimension.name);
  const row = element("tr", {}, name, element("td", {}, ...shown), element("td", {}, value));
  if (!dimension.hint) return [row];
  const hint = element("td", { className: "hint", colSpan: 3 }, sentence(dimension.hint));
  return [row, element("tr", {}, hint)];
}

function details({ outcome, context }) {
  const list = element("dl", { className: "context" });
  for (const [name, value] of context ?? []) list.append(element("dt", {}, name), element("dd", {}, value ?? "none"));
  const json = element("pre", { className: "json", tabIndex: 0, ariaLabel: "Answer in JSON" }, JSON.stringify(outcome, null, 2));
  return element(
    "details",
    { className: "card" },
    element("summary", {}, "Context and JSON"),
    list,
    element("p", { className: "note" }, "As ", element("code", {}, "repo-permissions check --format json"), " prints it:"),
    json,
  );
}
