// Restarts the Worker's wasm after a trap. A panic or a trap leaves the wasm instance unusable and the
// promises of its requests pending forever. So every request in flight is answered with an error, every
// stream in flight ends with an error event, their upstream calls are aborted, and the next request gets
// a new instance.
//
// Only a request itself may use its own streams and calls. So a trap settles a promise of each request,
// and each does the rest by itself. No function of the unusable instance is called.

const MESSAGE = "the gateway stopped during this request and was restarted. Try again";
const OPENAI_ERROR = { message: MESSAGE, type: "server_error", param: null, code: "gateway_stopped" };
const OPENAI = { error: OPENAI_ERROR };
const ANTHROPIC = { type: "error", error: { type: "api_error", message: MESSAGE } };
/** The first segment of a path below `/v1`, as `request/endpoint.rs` reads paths. */
const FIRST_SEGMENT = /^\/+(?:(?:openai|anthropic)\/+)?(?:v1\/+){0,2}([^/]+)/;
const OPENAIS = ["chat", "responses", "completions", "embeddings", "audio", "images", "moderations", "rerank"];
const EVENT_END = /(\n\n|\r\r|\r\n\r\n)$/;

/**
 * @typedef {(request: Request, env: object, context: ExecutionContext) => Promise<Response>} Fetch
 * @typedef {{fetch: Fetch, __wbg_reset_state: () => void}} Bindings the Worker's wasm-bindgen exports
 * @typedef {(error: unknown) => boolean} StopIfTrap
 * @typedef {Request & {upstreamCalls?: Set<AbortController>, passesBytes?: boolean}} Guarded the Worker adds its
 *   upstream calls to it, and says whether the answer is an upstream's bytes
 */

/**
 * @param {Bindings} bindings
 * @returns {{fetch: Fetch}} the handlers to export
 */
export function guarded(bindings) {
  /** @type {Set<InFlight>} */
  const inFlight = new Set();

  const stop = (/** @type {unknown} */ error) => {
    console.error("gateway stopped:", shown(error));
    try {
      bindings.__wbg_reset_state();
    } catch (again) {
      console.error("gateway not restarted:", shown(again));
    }
    for (const one of inFlight) one.stop();
    inFlight.clear();
  };
  /** @type {StopIfTrap} */
  const stopIfTrap = (error) => {
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
    async fetch(/** @type {Guarded} */ request, env, context) {
      const one = new InFlight(request);
      inFlight.add(one);
      const ended = () => inFlight.delete(one);
      try {
        const response = await Promise.race([bindings.fetch(request, env, context), one.stopped]);
        if (response?.body && (isEventStream(response) || request.passesBytes)) {
          const event = isEventStream(response) ? errorEvent(segmentOf(request)) : undefined;
          const body = guardedStream(response.body, { event, stopped: one.stopped, stopIfTrap, ended });
          return new Response(body, response);
        }
        ended();
        return response ?? failure(request);
      } catch (error) {
        ended();
        if (!stopIfTrap(error)) console.error("gateway failed:", shown(error));
        return failure(request);
      }
    },
  };
}

/** A request whose answer has not ended. */
class InFlight {
  /** Resolves, to nothing, once the wasm instance has stopped. @type {Promise<undefined>} */
  stopped;
  /** Tells the request that the wasm instance has stopped. @type {() => void} */
  stop;

  /** @param {Guarded} request */
  constructor(request) {
    const { promise, resolve } = /** @type {PromiseWithResolvers<undefined>} */ (Promise.withResolvers());
    this.stopped = promise;
    this.stop = () => resolve(undefined);
    /** @type {Set<AbortController>} */
    const calls = new Set();
    request.upstreamCalls = calls;
    promise.then(() => {
      for (const call of calls) call.abort();
    });
  }
}

/**
 * Passes on a stream. Once the wasm instance has stopped, it gives the error event, if it has one, then fails.
 * @param {ReadableStream<Uint8Array>} body
 * @param {{event: string | undefined, stopped: Promise<undefined>, stopIfTrap: StopIfTrap, ended: () => void}} options
 *   `ended` is called when nothing more needs to be stopped
 * @returns {ReadableStream<Uint8Array>}
 */
function guardedStream(body, { event, stopped, stopIfTrap, ended }) {
  const reader = body.getReader();
  /** The last characters passed on. */
  let last = "";
  /** @type {"open" | "cancelled" | "stopped" | "told"} */
  let state = "open";
  /** Resolves the pending promise of `pull`. @type {(() => void) | undefined} */
  let pulled;

  const tell = (/** @type {ReadableStreamDefaultController<Uint8Array>} */ controller) => {
    if (state === "told" || event === undefined) return controller.error(new Error(MESSAGE));
    state = "told";
    // Ends an unfinished event first; otherwise this one would continue it.
    const begun = last !== "" && !EVENT_END.test(last);
    controller.enqueue(new TextEncoder().encode(`${begun ? "\n\n" : ""}${event}`));
  };
  const read = async (/** @type {ReadableStreamDefaultController<Uint8Array>} */ controller) => {
    try {
      const { done, value } = await reader.read();
      if (state !== "open") return;
      if (done) {
        ended();
        controller.close();
      } else {
        last = `${last}${String.fromCharCode(...value.subarray(-4))}`.slice(-4);
        controller.enqueue(value);
      }
    } catch (error) {
      if (state !== "open" || stopIfTrap(error)) return;
      ended();
      controller.error(error);
    }
    pulled?.();
  };
  return new ReadableStream(
    {
      start(controller) {
        stopped.then(() => {
          state = "stopped";
          // Without a pending read, the next one gets the event.
          if (!pulled) return;
          tell(controller);
          pulled();
        });
      },
      async pull(controller) {
        if (state !== "open") return tell(controller);
        // After a trap the stream's own read stays pending forever.
        await new Promise((resolve) => {
          pulled = () => resolve(undefined);
          read(controller);
        });
        pulled = undefined;
      },
      async cancel(reason) {
        ended();
        if (state !== "open") return;
        state = "cancelled";
        try {
          // This drops the stream in wasm, which settles the request.
          await reader.cancel(reason);
        } catch (error) {
          if (!stopIfTrap(error)) throw error;
        }
      },
    },
    { highWaterMark: 0 },
  );
}

/** @param {Request} request */
function segmentOf({ url }) {
  return FIRST_SEGMENT.exec(new URL(url).pathname)?.[1] ?? "";
}

/** @param {Response} response */
function isEventStream({ headers }) {
  return headers.get("content-type")?.startsWith("text/event-stream");
}

/**
 * The error as an event of the stream of an endpoint.
 * @param {string} segment
 */
function errorEvent(segment) {
  const event = (/** @type {object} */ data, name = "") => `${name}data: ${JSON.stringify(data)}\n\n`;
  if (segment === "messages") return event(ANTHROPIC, "event: error\n");
  if (segment === "responses") return event({ ...OPENAI_ERROR, type: "error" }, "event: error\n");
  return event(OPENAI);
}

/**
 * The error as an answer, in the shape that the caller reads.
 * @param {Request} request
 */
function failure(request) {
  const segment = segmentOf(request);
  const anthropics = segment === "messages" || (request.headers.has("anthropic-version") && !OPENAIS.includes(segment));
  return Response.json(anthropics ? ANTHROPIC : OPENAI, { status: 500 });
}

/** @param {unknown} error */
function shown(error) {
  return error instanceof Error ? error.message : error;
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
