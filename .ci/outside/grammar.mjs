// What npm's `yaml` reads: texts in JSON, one a line, from standard input; their trees to standard output.
//
//   grammar.mjs PACKAGES
//
// A scalar that is not a text is `{"!TYPE": SOURCE}`, as in grammar.py.

import { createRequire } from "node:module";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

const require = createRequire(import.meta.url);
const yaml = require(resolve(process.argv[2], "yaml"));

function tree(node) {
  if (yaml.isMap(node)) {
    return Object.fromEntries(node.items.map(({ key, value }) => [name(key), tree(value)]));
  }
  if (yaml.isSeq(node)) {
    return node.items.map(tree);
  }
  const value = node?.value ?? null;
  switch (typeof value) {
    case "string":
      return value;
    case "bigint":
      return { "!int": node.source };
    case "number":
      return { "!float": node.source };
    case "boolean":
      return { "!bool": node.source };
    default:
      return { "!null": node?.source ?? "" };
  }
}

function name(key) {
  const read = tree(key);
  return typeof read === "string" ? read : JSON.stringify(read);
}

for await (const line of createInterface({ input: process.stdin })) {
  const text = JSON.parse(line);
  let read;
  try {
    const document = yaml.parseDocument(text, { intAsBigInt: true });
    const [error] = document.errors;
    read = error ? { error: `${error.code}: ${error.message.split("\n")[0]}` } : { tree: tree(document.contents) };
  } catch (error) {
    read = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(read)}\n`);
}
