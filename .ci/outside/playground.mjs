// The playground in one page, and the matrix of the example repository beside it.
//   node playground.mjs MODULE DIRECTORY
//
// MODULE is crates/playground on WebAssembly. The page has everything inside of it, so that its
// Content-Security-Policy can forbid every request.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const MAX_COMPRESSED = 1_000_000;
const ROOT = join(import.meta.dirname, "../..");
const PAGE = join(ROOT, "crates/playground/page");
const EXAMPLE = join(ROOT, "examples/repository/.github");

const [module, directory] = process.argv.slice(2);
const text = (...path) => readFileSync(join(...path), "utf8");
const hash = (content) => `'sha256-${createHash("sha256").update(content).digest("base64")}'`;

// The modules of the page as one script, each in a function of its own, after those that it imports.
function bundle(file, made = new Map()) {
  if (made.has(file)) return "";
  made.set(file, `module${made.size}`);
  let before = "";
  const exported = [];
  const body = text(PAGE, file)
    .replace(/^import (\{.*\}) from "\.\/(.*)";$/gm, (_, names, other) => {
      before += bundle(other, made);
      return `const ${names} = ${made.get(other)};`;
    })
    .replace(/^export ((?:async )?(?:function|const|class)) (\w+)/gm, (_, kind, name) => {
      exported.push(name);
      return `${kind} ${name}`;
    });
  if (/^(import|export) /m.test(body)) throw new Error(`${file} imports or exports in another way`);
  return `${before}const ${made.get(file)} = (() => {\n${body}\nreturn { ${exported.join(", ")} };\n})();\n`;
}

// The matrix of the example repository, by the module itself.
function matrix(wasm) {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm), {});
  const files = readdirSync(join(EXAMPLE, "workflows"));
  const question = JSON.stringify({
    ask: "matrix",
    now: new Date().toISOString(),
    policy: text(EXAMPLE, "repo-permissions.yml"),
    repository: "",
    repository_id: "",
    owner_id: "",
    default_branch: "",
    policy_repository: "",
    workflows: files.map((name) => ({ name, text: text(EXAMPLE, "workflows", name) })),
  });
  const bytes = Buffer.from(question);
  const address = exports.question(bytes.length);
  Buffer.from(exports.memory.buffer, address >>> 0, bytes.length).set(bytes);
  exports.answer();
  const answer = Buffer.from(exports.memory.buffer, exports.answer_address() >>> 0, exports.answer_length() >>> 0);
  const { html, error } = JSON.parse(answer.toString());
  if (error) throw new Error(`the matrix of the example repository: ${error}`);
  return html;
}

function policyOf({ script, style, frame }) {
  return [
    "default-src 'none'",
    `script-src ${hash(script)} 'wasm-unsafe-eval'`,
    // The frame of a matrix has a style of its own.
    `style-src ${hash(style)} ${frame}`,
    "img-src data:",
    "worker-src blob:",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types playground",
  ].join("; ");
}

const wasm = readFileSync(module);
const example = matrix(wasm);
const [, frame] = example.match(/style-src ('sha256-[^']+')/);
const engine = gzipSync(wasm, { level: 9 });
const content = { script: bundle("page.js"), style: text(PAGE, "page.css"), worker: text(PAGE, "worker.js") };
for (const [name, inside] of Object.entries(content)) {
  if (/<\/(script|style)|<!--/i.test(inside)) throw new Error(`the ${name} would end its element`);
}
const parts = {
  ...content,
  csp: policyOf({ ...content, frame }),
  icon: Buffer.from(text(ROOT, "docs/theme/favicon.svg").trimEnd()).toString("base64"),
  engine: engine.toString("base64"),
};
const page = text(PAGE, "page.html").replace(/\{\{(\w+)\}\}/g, (_, name) => parts[name]);

mkdirSync(directory, { recursive: true });
writeFileSync(join(directory, "index.html"), page);
writeFileSync(join(directory, "matrix.html"), example);
const size = gzipSync(page, { level: 9 }).length;
console.log(`the playground has ${size} bytes compressed, ${engine.length} of them the engine; ${MAX_COMPRESSED} is the limit`);
if (size > MAX_COMPRESSED) process.exit(1);
