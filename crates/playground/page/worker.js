"use strict";
// Answers one question at a time with the engine. A panic ends the instance: the next question gets a fresh one.
let engine;
let instance;

function answered(question) {
  instance ??= new WebAssembly.Instance(engine, {});
  const { memory, question: room, answer, answer_address, answer_length } = instance.exports;
  const bytes = new TextEncoder().encode(JSON.stringify(question));
  const address = room(bytes.length);
  new Uint8Array(memory.buffer, address >>> 0, bytes.length).set(bytes);
  const text = () =>
    new TextDecoder().decode(new Uint8Array(memory.buffer, answer_address() >>> 0, answer_length() >>> 0));
  try {
    answer();
  } catch (error) {
    throw new Error(text() || String(error));
  }
  return JSON.parse(text());
}

onmessage = ({ data }) => {
  if (data.engine) {
    engine = data.engine;
    return;
  }
  try {
    postMessage({ answer: answered(data.question) });
  } catch (error) {
    instance = undefined;
    postMessage({ failure: String(error.message) });
  }
};
