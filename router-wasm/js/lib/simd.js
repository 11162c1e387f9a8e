// Which of the engine's two modules a host can run: relaxed-simd's byte products are the faster ones.

const HEADER = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10];
/** A module of one function that uses simd128 (`i8x16.splat`). */
const SIMD = new Uint8Array([...HEADER, 8, 1, 6, 0, 65, 0, 253, 15, 11]);
/** A module of one function that uses relaxed-simd (`i8x16.relaxed_swizzle`). */
const RELAXED_SIMD = new Uint8Array([...HEADER, 15, 1, 13, 0, 65, 0, 253, 15, 65, 0, 253, 15, 253, 128, 2, 11]);

/** Whether this host compiles simd128, without which the engine does not run. */
export function hasSimd() {
  return WebAssembly.validate(SIMD);
}

/** Whether this host compiles relaxed-simd. */
export function hasRelaxedSimd() {
  return WebAssembly.validate(RELAXED_SIMD);
}
