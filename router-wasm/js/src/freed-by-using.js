// `using router = ...` frees the router.

/** @import { Disposed } from "./types/disposable.js" */

class Freed {
  /** Each class states what it frees. */
  free() {}

  [Symbol.dispose ?? Symbol.for("Symbol.dispose")]() {
    this.free();
  }
}

/** The base of what `using` frees by `free()`. */
export const FreedByUsing = /** @type {new () => Disposed} */ (/** @type {unknown} */ (Freed));
