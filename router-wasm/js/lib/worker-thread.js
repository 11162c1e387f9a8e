// The thread's side of a `RouterWorker`: holds one bundle and answers messages in order.

import { guarded } from "./engine.js";
import { RouterError } from "./error.js";
import { loadHandle } from "./load.js";

/**
 * Makes the handler of messages.
 * @param host as `routerFor` takes it
 * @param {(message: object) => void} post sends to the other side
 */
export function answering(host, post) {
  let handle;
  const calls = {
    async load({ id, source, wasm, cache, tells }) {
      const onProgress = tells ? (progress) => post({ id, progress }) : undefined;
      handle = await loadHandle(source, { wasm, cache, onProgress }, host);
    },
    route: ({ request }) => guarded(() => handle.route(request)),
    checkPolicy: ({ request }) => guarded(() => handle.checkPolicy(request)),
    routeSlice: ({ requests }) =>
      requests.map((request) => {
        try {
          return { decision: calls.route({ request }) };
        } catch (error) {
          return { error: plain(error) };
        }
      }),
    embed: ({ query }) => guarded(() => handle.embed(query)),
    info: () => guarded(() => handle.info()),
  };
  return async (message) => {
    try {
      post({ id: message.id, value: await calls[message.call](message) });
    } catch (error) {
      post({ id: message.id, error: plain(error) });
    }
  };
}

/** An error as plain data: its class is lost between threads. One without a code is a fault of this package. */
function plain(error) {
  if (error instanceof RouterError) return { code: error.code, message: error.message };
  return {
    code: "worker_failed",
    message: `the router's thread failed: ${error?.stack ?? error}. Please report this error`,
  };
}
