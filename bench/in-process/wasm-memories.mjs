// Lists every wasm memory that is made after this module was imported: neither engine exposes its own.

const memories = new Set();

const { Memory, instantiate, instantiateStreaming } = WebAssembly;

WebAssembly.Memory = new Proxy(Memory, {
  construct(target, parts) {
    const memory = new target(...parts);
    memories.add(memory);
    return memory;
  },
});

/** Lists the memories that an instance made for itself. */
function noted(result) {
  const { exports } = result.instance ?? result;
  for (const value of Object.values(exports)) {
    if (value instanceof Memory) memories.add(value);
  }
  return result;
}

WebAssembly.instantiate = (...parts) => instantiate.apply(WebAssembly, parts).then(noted);
if (instantiateStreaming) {
  WebAssembly.instantiateStreaming = (...parts) => instantiateStreaming.apply(WebAssembly, parts).then(noted);
}

/** Bytes of linear memory of all of them; it never shrinks. */
export function wasmBytes() {
  let bytes = 0;
  for (const memory of memories) bytes += memory.buffer.byteLength;
  return bytes;
}
