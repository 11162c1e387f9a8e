// Restarts the Worker's wasm after a trap. A panic or a trap leaves the wasm instance unusable and the
// promise of its request pending forever; so every request in flight is answered with an error, and
// the next request gets a new instance.

const BODY = JSON.stringify({
  error: {
    message: "the gateway stopped during this request and was restarted. Try again",
    type: "server_error",
    param: null,
    code: "gateway_stopped",
  },
});

/**
 * @typedef {(request: Request, env: object, context: ExecutionContext) => Promise<Response>} Fetch
 * @typedef {{fetch: Fetch, __wbg_reset_state: () => void}} Bindings the Worker's wasm-bindgen exports
 */

/**
 * @param {Bindings} bindings
 * @returns {{fetch: Fetch}} the handlers to export
 */
export function guarded(bindings) {
  /** @type {Set<() => void>} */
  const inFlight = new Set();

  const stop = (/** @type {unknown} */ error) => {
    console.error("gateway stopped:", shown(error));
    try {
      // This runs only JavaScript: no function of the unusable instance may be called.
      bindings.__wbg_reset_state();
    } catch (again) {
      console.error("gateway not restarted:", shown(again));
    }
    for (const answer of inFlight) answer();
    inFlight.clear();
  };
  const stopIfTrap = (/** @type {unknown} */ error) => {
    if (!isTrap(error)) return false;
    stop(error);
    return true;
  };
  // A trap during the polling of a future is reported only here: no JavaScript caller catches it.
  const scope = /** @type {Partial<EventTarget>} */ (/** @type {unknown} */ (globalThis));
  scope.addEventListener?.("error", (event) => stopIfTrap(/** @type {ErrorEvent} */ (event).error));
  scope.addEventListener?.("unhandledrejection", (event) =>
    stopIfTrap(/** @type {PromiseRejectionEvent} */ (event).reason),
  );

  return {
    async fetch(request, env, context) {
      const { promise: stopped, resolve } = Promise.withResolvers();
      const answer = () => resolve(undefined);
      inFlight.add(answer);
      try {
        const response = await Promise.race([bindings.fetch(request, env, context), stopped]);
        return response ?? failure();
      } catch (error) {
        if (!stopIfTrap(error)) console.error("gateway failed:", shown(error));
        return failure();
      } finally {
        inFlight.delete(answer);
      }
    },
  };
}

/** @param {unknown} error */
function shown(error) {
  return error instanceof Error ? error.message : error;
}

function failure() {
  return new Response(BODY, { status: 500, headers: { "content-type": "application/json" } });
}

/**
 * V8 reports a stack overflow in wasm as a RangeError.
 * @param {unknown} error
 */
function isTrap(error) {
  return (
    error instanceof WebAssembly.RuntimeError || (error instanceof RangeError && /call stack/i.test(error.message))
  );
}
