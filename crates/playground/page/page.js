import { EXAMPLES } from "./examples.js";
import { Editor } from "./editor.js";
import { ask } from "./engine.js";
import { element, find, fill } from "./element.js";
import { showDecision } from "./decision.js";
import { showComparison } from "./comparison.js";
import { showMatrix } from "./matrix.js";
import { read, write } from "./state.js";

const FIELDS = [
  ["permission", "Permission", "permissions"],
  ["repository", "Repository"],
  ["workflow", "Workflow"],
  ["branch", "Branch"],
  ["base", "Base"],
  ["environment", "Environment"],
  ["event", "Event", "events"],
];
const MORE_FIELDS = [
  ["default_branch", "Default branch"],
  ["policy_repository", "Policy repository"],
];
// In the link, the fields of `matrix` have names of their own: the other tab has a repository too.
const MATRIX_FIELDS = [
  ["of", "Repository"],
  ["of_id", "Repository id"],
  ["of_owner_id", "Owner id"],
  ["of_default_branch", "Default branch"],
  ["of_policy_repository", "Policy repository"],
];
const TEXTS = ["claims", "payload", "own_policy"];
const CHOICES = {
  permissions: [
    "ws:affected_stacks:create",
    "ws:deployments:create",
    "ws:locks:create",
    "ws:locks:delete",
    "ws:instances:create",
    "ws:instances:update",
  ],
  events: ["push", "pull_request", "pull_request_target", "merge_group", "workflow_dispatch", "workflow_run", "schedule", "release", "issue_comment"],
};
const TABS = ["decide", "matrix", "compare"];
// A question waits until nobody has typed for so many milliseconds.
const PAUSE = 200;

const policy = new Editor(find("policy-editor"), find("policy-findings"), "policy");
const old = new Editor(find("old-editor"), find("old-findings"), "old");
const verdict = find("verdict");
let tab = "decide";
let timer;

// The form.

function field([name, label, list]) {
  const input = element("input", { id: name, spellcheck: false, autocapitalize: "off", autocomplete: "off" });
  if (list) input.setAttribute("list", list);
  return element("div", { className: "field" }, element("label", { htmlFor: name }, label), input);
}

function workflowFile([name, text]) {
  const number = find("files").childElementCount + 1;
  const title = element("input", { value: name, spellcheck: false, ariaLabel: `Name of workflow file ${number}` });
  const content = element("textarea", { value: text, rows: 6, spellcheck: false, ariaLabel: `Text of workflow file ${number}` });
  const remove = element("button", { type: "button", ariaLabel: `Remove workflow file ${number}` }, "Remove");
  const file = element("div", { className: "file" }, element("div", { className: "head" }, title, remove), content);
  remove.addEventListener("click", () => {
    file.remove();
    find("add-file").focus();
    changed();
  });
  find("files").append(file);
  return title;
}

function buildForm() {
  find("fields").append(...FIELDS.map(field));
  find("more-fields").append(...MORE_FIELDS.map(field));
  find("matrix-fields").append(...MATRIX_FIELDS.map(field));
  for (const [id, values] of Object.entries(CHOICES)) {
    document.body.append(element("datalist", { id }, ...values.map((value) => element("option", { value }))));
  }
  find("example").append(...EXAMPLES.map(([name], index) => element("option", { value: String(index) }, name)));
}

// The state: everything that is typed.

function files() {
  return Array.from(find("files").children, (file) => {
    const [name, text] = ["input", "textarea"].map((query) => file.querySelector(query).value);
    return [name, text];
  });
}

const names = (fields) => fields.map(([name]) => name);
const job = [...names([...FIELDS, ...MORE_FIELDS]), ...TEXTS];
const single = [...job, ...names(MATRIX_FIELDS)];

function state() {
  const values = single.map((name) => [name, find(name).value]).filter(([, value]) => value !== "");
  return { tab, policy: policy.text, old: old.text, files: files(), ...Object.fromEntries(values) };
}

// Of a link, so every value may be anything.
function restore(given) {
  const text = (value) => (typeof value === "string" ? value : "");
  for (const name of single) find(name).value = text(given[name]);
  policy.text = text(given.policy);
  old.text = text(given.old);
  fill(find("files"));
  for (const file of Array.isArray(given.files) ? given.files : []) workflowFile([text(file?.[0]), text(file?.[1])]);
  find("more").open = ["default_branch", "policy_repository", "payload", "own_policy"].some((name) => find(name).value !== "");
  select(TABS.includes(given.tab) ? given.tab : "decide");
}

// Questions and answers.

const SHOW = { decide: showDecision, matrix: showMatrix, compare: showComparison };

function question() {
  const now = new Date().toISOString();
  if (tab === "compare") return { ask: tab, now, old: old.text, new: policy.text };
  if (tab === "matrix") {
    const workflows = files().map(([name, text]) => ({ name, text }));
    const values = names(MATRIX_FIELDS).map((name) => find(name).value);
    const [repository, repository_id, owner_id, default_branch, policy_repository] = values;
    const fields = { repository, repository_id, owner_id, default_branch, policy_repository };
    return { ask: tab, now, policy: policy.text, ...fields, workflows };
  }
  const values = job.map((name) => [name, find(name).value]);
  return { ask: tab, now, policy: policy.text, ...Object.fromEntries(values) };
}

function say(kind, title, why = "") {
  verdict.className = `verdict ${kind}`;
  fill(verdict, element("strong", {}, title), element("span", { className: "why" }, why));
}

async function update() {
  const asked = tab;
  verdict.classList.add("busy");
  const { answer, failure, superseded } = await ask(question());
  if (superseded || asked !== tab) return;
  fill(find("result"));
  if (asked !== "matrix" || failure || answer.error) fill(find("whole"));
  if (failure) return say("maybe", "No answer", failure);
  policy.findings = answer.findings ?? [];
  if (answer.old) old.findings = answer.old;
  if (answer.error) return say("no", "Error", answer.error);
  SHOW[asked](answer, { say, result: find("result"), whole: find("whole"), policy });
}

function changed() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    update();
    write(state());
  }, PAUSE);
}

// Tabs, as WAI-ARIA's pattern has them: one is in the order of the Tab key, the arrows move between them.

function select(name) {
  tab = name;
  for (const one of TABS) {
    const button = find(`tab-${one}`);
    button.ariaSelected = String(one === name);
    button.tabIndex = one === name ? 0 : -1;
  }
  for (const part of document.querySelectorAll("[data-tab]")) part.hidden = part.dataset.tab !== name;
  find("policy-label").textContent = name === "compare" ? "Policy after the change" : "Policy";
  find("panel").setAttribute("aria-labelledby", `tab-${name}`);
  fill(find("result"));
  policy.draw();
  old.draw();
  changed();
}

function moveBetweenTabs(event) {
  const at = TABS.indexOf(tab);
  const to = { ArrowRight: at + 1, ArrowLeft: at + TABS.length - 1, Home: 0, End: TABS.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  select(TABS[to % TABS.length]);
  find(`tab-${tab}`).focus();
}

// A token would be a secret in a link: only its claims stay.
function claimsOfToken() {
  const [, payload] = find("claims").value.trim().match(/^[\w-]+\.([\w-]+)\.[\w-]+$/) ?? [];
  if (!payload) return;
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    find("claims").value = JSON.stringify(JSON.parse(new TextDecoder().decode(bytes)), null, 2);
  } catch {
    find("claims").value = "";
  }
}

async function share() {
  await write(state());
  let said = "Copied. The link has all that you see here in it.";
  try {
    await navigator.clipboard.writeText(location.href);
  } catch {
    said = "Copy the address of this page: it has all that you see here in it.";
  }
  find("shared").textContent = said;
}

async function openFiles() {
  for (const file of find("open-files").files) workflowFile([file.name, await file.text()]);
  find("open-files").value = "";
  changed();
}

async function start() {
  buildForm();
  for (const name of TABS) find(`tab-${name}`).addEventListener("click", () => select(name));
  document.querySelector("[role=tablist]").addEventListener("keydown", moveBetweenTabs);
  find("claims").addEventListener("input", claimsOfToken);
  document.body.addEventListener("input", (event) => {
    if (event.target.id === "example") restore({ ...EXAMPLES[event.target.value][1], tab });
    else if (event.target.type !== "file") changed();
  });
  find("open-files").addEventListener("change", openFiles);
  find("add-file").addEventListener("click", () => workflowFile(["new.yml", ""]).focus());
  find("share").addEventListener("click", share);
  addEventListener("hashchange", async () => restore(await read() ?? EXAMPLES[0][1]));
  restore(await read() ?? EXAMPLES[0][1]);
}

// For the console, and for the tests.
globalThis.ask = ask;
start();
