// Tests whether this host can run the engine, and whether it can run the module with relaxed-simd, whose
// byte products are faster.

const HEADER = [0, 97, 115, 109, 1, 0, 0, 0];
/** Two functions: one makes a vector (`i8x16.splat`), one a reference (`ref.null extern`). */
const NEEDED = new Uint8Array([
  ...HEADER,
  1,
  9,
  2,
  96,
  0,
  1,
  123,
  96,
  0,
  1,
  111,
  3,
  3,
  2,
  0,
  1,
  10,
  13,
  2,
  6,
  0,
  65,
  0,
  253,
  15,
  11,
  4,
  0,
  208,
  111,
  11,
]);
/** One function that uses relaxed-simd (`i8x16.relaxed_swizzle`). */
const RELAXED_SIMD = new Uint8Array([
  ...HEADER,
  1,
  5,
  1,
  96,
  0,
  1,
  123,
  3,
  2,
  1,
  0,
  10,
  15,
  1,
  13,
  0,
  65,
  0,
  253,
  15,
  65,
  0,
  253,
  15,
  253,
  128,
  2,
  11,
]);

/** Whether this host compiles what every module of the engine uses: simd128 and reference types. */
export function runsEngine() {
  return WebAssembly.validate(NEEDED);
}

/** Whether this host compiles relaxed-simd. */
export function hasRelaxedSimd() {
  return WebAssembly.validate(RELAXED_SIMD);
}
