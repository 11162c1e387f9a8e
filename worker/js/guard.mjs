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
 * @param {{fetch: Function, __wbg_reset_state: Function}} bindings the Worker's wasm-bindgen exports
 * @returns {{fetch: Function}} the handlers to export
 */
export function guarded(bindings) {
  const inFlight = new Set();

  const stop = (error) => {
    console.error("gateway stopped:", error?.message ?? error);
    try {
      // This runs only JavaScript: no function of the unusable instance may be called.
      bindings.__wbg_reset_state();
    } catch (again) {
      console.error("gateway not restarted:", again?.message ?? again);
    }
    for (const answer of inFlight) answer();
    inFlight.clear();
  };
  const stopIfTrap = (error) => {
    if (!isTrap(error)) return false;
    stop(error);
    return true;
  };
  // A trap during the polling of a future is reported only here: no JavaScript caller catches it.
  globalThis.addEventListener?.("error", (event) => stopIfTrap(event.error));
  globalThis.addEventListener?.("unhandledrejection", (event) => stopIfTrap(event.reason));

  return {
    async fetch(request, env, context) {
      let answer;
      const stopped = new Promise((resolve) => {
        answer = () => resolve(undefined);
      });
      inFlight.add(answer);
      try {
        const response = await Promise.race([bindings.fetch(request, env, context), stopped]);
        return response ?? failure();
      } catch (error) {
        if (!stopIfTrap(error)) console.error("gateway failed:", error?.message ?? error);
        return failure();
      } finally {
        inFlight.delete(answer);
      }
    },
  };
}

function failure() {
  return new Response(BODY, { status: 500, headers: { "content-type": "application/json" } });
}

/** V8 reports a stack overflow in wasm as a RangeError. */
function isTrap(error) {
  return (
    error instanceof WebAssembly.RuntimeError || (error instanceof RangeError && /call stack/i.test(error.message))
  );
}
