// Counts the bytes that a browser context transfers, including the service worker's requests.

/** The most bytes of a first visit with the default bundle. */
export const FIRST_VISIT_BYTES = 2.5e6;

/**
 * Starts counting.
 * @param {import("playwright-core").BrowserContext} context
 * @param {string} origin whose answers count
 * @returns {() => Promise<{path: string, bytes: number, end: number}[]>} the answers so far: bytes of
 *   head and body as sent, and when the last came, in milliseconds since 1970. Answers
 *   from the service worker or the browser's cache are not counted
 */
export function countTransfers(context, origin) {
  const found = [];
  context.on("requestfinished", (request) => {
    if (new URL(request.url()).origin === origin) found.push(transfer(request));
  });
  return async () => (await Promise.all(found)).filter((row) => row?.bytes > 0);
}

/** Undefined if the service worker answered, or if the page was closed. */
async function transfer(request) {
  const [response, sizes] = await Promise.all([request.response(), request.sizes()]).catch(() => []);
  if (!sizes || response?.fromServiceWorker()) return undefined;
  const { startTime, responseEnd } = request.timing();
  return {
    path: new URL(request.url()).pathname,
    // For an answer from the cache, the reported body size is minus the size of the headers.
    bytes: sizes.responseBodySize + sizes.responseHeadersSize,
    end: startTime + responseEnd,
  };
}
