// The engine in a worker, so that a slow question does not stop the page.
import { find } from "./element.js";

// A question may take this many milliseconds.
const LIMIT = 30_000;

// Nothing else may become a script: the Content-Security-Policy names this policy alone.
export const trusted = globalThis.trustedTypes?.createPolicy("playground", {
  createScriptURL: (url) => url,
  createHTML: (html) => html,
});

// The module lies in the page, compressed and in base 64: the page needs no request, and may make none.
async function compiled() {
  const bytes = Uint8Array.from(atob(find("engine").textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return WebAssembly.compile(await new Response(stream).arrayBuffer());
}

const engine = compiled();
const script = URL.createObjectURL(new Blob([find("worker").textContent], { type: "text/javascript" }));
let worker;
let pending;

function end(outcome, alive) {
  const { resolve, timer } = pending;
  pending = undefined;
  clearTimeout(timer);
  if (!alive) {
    worker?.terminate();
    worker = undefined;
  }
  resolve(outcome);
}

// Answers with `answer`, with `failure`, or with `superseded` where another question came before the answer.
export async function ask(question) {
  if (pending) end({ superseded: true }, false);
  return new Promise((resolve) => {
    const seconds = LIMIT / 1_000;
    const timer = setTimeout(() => end({ failure: `The engine did not answer within ${seconds} seconds.` }, false), LIMIT);
    const own = { resolve, timer };
    pending = own;
    engine.then(
      (module) => pending === own && send(module, question),
      (error) => pending === own && end({ failure: `The engine cannot start: ${error.message}` }, false),
    );
  });
}

function send(module, question) {
  if (!worker) {
    worker = new Worker(trusted ? trusted.createScriptURL(script) : script);
    worker.postMessage({ engine: module });
  }
  worker.onmessage = ({ data }) => {
    if (data.failure) data.failure = `The engine failed: ${data.failure}`;
    end(data, true);
  };
  worker.onerror = (event) => end({ failure: `The engine failed: ${event.message}` }, false);
  worker.postMessage({ question });
}
