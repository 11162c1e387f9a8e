// Lists every wasm memory that is made after this module was imported: neither engine exposes its own.

/** @type {Set<WebAssembly.Memory>} */
const memories = new Set();

const { Memory, instantiate, instantiateStreaming } = WebAssembly;

WebAssembly.Memory = new Proxy(Memory, {
  construct(target, /** @type {[WebAssembly.MemoryDescriptor]} */ parts) {
    const memory = new target(...parts);
    memories.add(memory);
    return memory;
  },
});

/**
 * Lists the memories that an instance made for itself.
 * @template {WebAssembly.Instance | WebAssembly.WebAssemblyInstantiatedSource} Result
 * @param {Result} result
 */
function noted(result) {
  const { exports } = "instance" in result ? result.instance : result;
  for (const value of Object.values(exports)) {
    if (value instanceof Memory) memories.add(value);
  }
  return result;
}

/** @param {WebAssembly.Module} source @param {WebAssembly.Imports} [imports] */
const instantiateNoted = (source, imports) => instantiate(source, imports).then(noted);

// The signatures of `instantiate` differ by the source, which one function cannot state.
WebAssembly.instantiate = /** @type {typeof instantiate} */ (/** @type {unknown} */ (instantiateNoted));
// workerd has none.
if (instantiateStreaming) {
  WebAssembly.instantiateStreaming = (source, imports) => instantiateStreaming(source, imports).then(noted);
}

/** Bytes of linear memory of all of them; it never shrinks. */
export function wasmBytes() {
  let bytes = 0;
  for (const memory of memories) bytes += memory.buffer.byteLength;
  return bytes;
}
