// Keeps the Worker alive through a trap. A panic or a trap leaves a wasm instance unusable and the
// promise of the request that caused it pending for ever; so every request in flight is answered
// with an error, and the next one gets a fresh instance.

const BODY = JSON.stringify({
  error: {
    message: "the gateway stopped while it worked on this request and was started anew. Try again",
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
      // Made by JavaScript alone: nothing in the ruined instance can be relied on to run.
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
  // A trap while a future is polled surfaces here: nobody else has called into wasm.
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

/** V8 reports a stack that is used up as a RangeError. */
function isTrap(error) {
  return error instanceof WebAssembly.RuntimeError
    || (error instanceof RangeError && /call stack/i.test(error.message));
}
