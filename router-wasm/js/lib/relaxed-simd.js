// Which of the engine's two modules a host can run: relaxed-simd's byte products are the faster ones.

/** A module of one function that uses relaxed-simd (`i8x16.relaxed_swizzle`). */
const PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0,
  10, 15, 1, 13, 0, 65, 0, 253, 15, 65, 0, 253, 15, 253, 128, 2, 11,
]);

/** Whether this host compiles relaxed-simd. */
export function hasRelaxedSimd() {
  return WebAssembly.validate(PROBE);
}
