// What goes over the line for a browser context, the service worker's own requests among it.

/** The most that a first visit with the default bundle may cost. */
export const FIRST_VISIT_BYTES = 2.5e6;

/**
 * Counts from now on.
 * @param {import("playwright-core").BrowserContext} context
 * @param {string} origin whose answers count
 * @returns {() => Promise<{path: string, bytes: number, end: number}[]>} the answers so far: bytes of
 *   head and body as sent, and when the last came, in milliseconds since 1970. What came from the
 *   service worker or the browser's cache went over no line
 */
export function countTransfers(context, origin) {
  const found = [];
  context.on("requestfinished", (request) => {
    if (new URL(request.url()).origin === origin) found.push(transfer(request));
  });
  return async () => (await Promise.all(found)).filter((row) => row?.bytes > 0);
}

/** Undefined where the service worker answered, or the page was closed meanwhile. */
async function transfer(request) {
  const [response, sizes] = await Promise.all([request.response(), request.sizes()]).catch(() => []);
  if (!sizes || response?.fromServiceWorker()) return undefined;
  const { startTime, responseEnd } = request.timing();
  return {
    path: new URL(request.url()).pathname,
    // Of an answer from the cache the body's size is less than nothing by the head's.
    bytes: sizes.responseBodySize + sizes.responseHeadersSize,
    end: startTime + responseEnd,
  };
}
