// The unit tests of a crate on wasm32-unknown-unknown, one by one.
//   node wasm.mjs MODULE NAMES
//
// NAMES are what the natively built tests answer to `--list --format terse`. WebAssembly without a system has neither
// arguments nor output, so the harness of the module could neither name a test nor its failure: each test is called by
// itself. The name section says which function it is; the module is loaded with that function exported.
import { createHash, randomInt } from "node:crypto";
import { readFileSync } from "node:fs";

const [path, names] = process.argv.slice(2);
const MESSAGE = "panic_message::address_and_length";
const HOOK = "panic_message::keeps_the_message_of_a_panic";

const PREAMBLE = 8;
const EXPORTS = 7;
const FUNCTION_NAMES = 1;

const bytes = readFileSync(path);
const tests = readFileSync(names, "utf8")
  .split("\n")
  .filter((line) => line.endsWith(": test"))
  .map((line) => line.slice(0, -": test".length));
const crate = path.match(/([a-z_]+)-[0-9a-f]+\.wasm$/)[1];

// Integers in LEB128.
function unsigned(at) {
  let value = 0;
  for (let shift = 0; ; shift += 7, at++) {
    value |= (bytes[at] & 0x7f) << shift;
    if (bytes[at] < 0x80) return [value >>> 0, at + 1];
  }
}

function encoded(value) {
  const out = [];
  for (; value >= 0x80; value >>>= 7) out.push((value & 0x7f) | 0x80);
  return Buffer.from([...out, value]);
}

function text(at) {
  const [length, start] = unsigned(at);
  return [bytes.toString("utf8", start, start + length), start + length];
}

// Each section: its number, where it starts and ends, and where its content starts.
function* sections() {
  for (let start = PREAMBLE; start < bytes.length; ) {
    const [size, content] = unsigned(start + 1);
    yield { id: bytes[start], start, content, end: content + size };
    start = content + size;
  }
}

// Index of each function by its mangled name.
function functions() {
  const found = new Map();
  for (const { id, content, end } of sections()) {
    if (id !== 0) continue;
    let [name, at] = text(content);
    if (name !== "name") continue;
    while (at < end) {
      const kind = bytes[at];
      const [size, start] = unsigned(at + 1);
      at = start + size;
      if (kind !== FUNCTION_NAMES) continue;
      let [count, next] = unsigned(start);
      for (; count > 0; count--) {
        const [index, of] = unsigned(next);
        [name, next] = text(of);
        found.set(name, index);
      }
    }
  }
  return found;
}

// A function of the crate in Rust's mangling, version 0 (RFC 2603), without the hash of the crate. A test shares its name
// with its entry in the harness, the second of the two has `s_`.
function mangled(name) {
  const modules = name.split("::").map((one) => `${one.length}${/^[0-9_]/.test(one) ? "_" : ""}${one}`);
  const own = modules.pop();
  const start = `_RNv${"Nt".repeat(modules.length)}C${crate.length}${crate}${modules.join("")}`;
  return [`${start}s_${own}`, start + own];
}

// The module with further functions exported, each under its name.
function exporting(indices) {
  const entries = [...indices].map(([name, index]) => {
    const label = Buffer.from(name);
    return Buffer.concat([encoded(label.length), label, Buffer.from([0]), encoded(index)]);
  });
  const parts = [bytes.subarray(0, PREAMBLE)];
  for (const { id, start, content, end } of sections()) {
    if (id !== EXPORTS) {
      parts.push(bytes.subarray(start, end));
      continue;
    }
    const [count, first] = unsigned(content);
    const exports = Buffer.concat([encoded(count + entries.length), bytes.subarray(first, end), ...entries]);
    parts.push(Buffer.from([EXPORTS]), encoded(exports.length), exports);
  }
  return new WebAssembly.Module(Buffer.concat(parts));
}

// Bytes for the property tests, other ones in each run.
const seed = process.env.WASM_SEED ?? String(randomInt(2 ** 32));
function source(memory) {
  let drawn = 0;
  return (address, length) => {
    const random = createHash("shake256", { outputLength: length }).update(`${seed} ${drawn++}`).digest();
    new Uint8Array(memory().buffer, address, length).set(random);
    return 0;
  };
}

function load(module) {
  const env = { __getrandom_v03_custom: source(() => instance.exports.memory) };
  const instance = new WebAssembly.Instance(module, { env });
  instance.exports[HOOK]();
  return instance.exports;
}

function panicMessage(exports) {
  const both = BigInt.asUintN(64, exports[MESSAGE]());
  const [address, length] = [Number(both >> 32n), Number(both & 0xffffffffn)];
  return Buffer.from(exports.memory.buffer, address, length).toString();
}

const byName = new Map([...functions()].map(([name, index]) => [name.replace(/C(s[0-9A-Za-z]*_)?/, "C"), index]));
const wanted = [MESSAGE, HOOK, ...tests].map((name) => [
  name,
  mangled(name)
    .map((one) => byName.get(one))
    .find((index) => index !== undefined),
]);
const missing = wanted.filter(([, index]) => index === undefined).map(([name]) => name);
const module = exporting(wanted.filter(([, index]) => index !== undefined));

console.log(`\nrunning ${tests.length} tests of ${crate} on wasm32 (WASM_SEED=${seed})`);
let exports = load(module);
const failed = [];
let passed = 0;
for (const name of tests) {
  if (missing.includes(name)) continue;
  // Before it runs, so that one which hangs has its name on the last line.
  process.stdout.write(`test ${name} ... `);
  try {
    exports[name]();
    passed++;
    console.log("ok");
  } catch (error) {
    failed.push(name);
    console.log(`FAILED\n${panicMessage(exports) || error.stack}\n`);
    // What a panic leaves behind is not cleaned up: the next test starts in a fresh memory.
    exports = load(module);
  }
}
for (const name of missing) console.log(`not on wasm32: ${name}`);
for (const name of failed) console.log(`failed: ${name}`);
const ok = failed.length + missing.length === 0 && passed > 0;
console.log(`\ntest result: ${ok ? "ok" : "FAILED"}. ${passed} passed; ${failed.length} failed; ${missing.length} missing`);
process.exitCode = ok ? 0 : 1;
