// The state in the fragment of the address, which no browser sends to a server.

// A link may not fill the memory: larger states are left alone.
const MAX_STATE = 4 << 20;

async function through(stream, bytes, limit) {
  const parts = [];
  let size = 0;
  for await (const part of chunks(new Blob([bytes]).stream().pipeThrough(stream))) {
    size += part.length;
    if (size > limit) throw new Error("too large");
    parts.push(part);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

async function* chunks(stream) {
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}

function base64url(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export async function write(state) {
  const json = new TextEncoder().encode(JSON.stringify(state));
  const packed = await through(new CompressionStream("deflate-raw"), json, MAX_STATE);
  history.replaceState(null, "", "#" + base64url(packed));
}

// Returns the state, or nothing where there is none that can be read.
export async function read() {
  try {
    const text = location.hash.slice(1).replaceAll("-", "+").replaceAll("_", "/");
    if (text === "") return undefined;
    const packed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const json = await through(new DecompressionStream("deflate-raw"), packed, MAX_STATE);
    const state = JSON.parse(new TextDecoder().decode(json));
    return typeof state === "object" && state !== null ? state : undefined;
  } catch {
    return undefined;
  }
}
