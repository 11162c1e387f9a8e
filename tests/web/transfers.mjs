// Counts the bytes that a browser context transfers, including the service worker's requests.

/** @import { Request } from "playwright-core" */

/** @typedef {{path: string, bytes: number, end: number}} Transfer `end` in milliseconds since 1970 */

/** The most bytes of a first visit with the default bundle. */
export const FIRST_VISIT_BYTES = 2.5e6;

/**
 * Starts counting.
 * @param {import("playwright-core").BrowserContext} context
 * @param {string} origin whose answers count
 * @returns {() => Promise<Transfer[]>} the answers so far: bytes of head and body as sent, and when the last came.
 *   Answers from the service worker or the browser's cache are not counted
 */
export function countTransfers(context, origin) {
  /** @type {Promise<Transfer | undefined>[]} */
  const found = [];
  context.on("requestfinished", (request) => {
    if (new URL(request.url()).origin === origin) found.push(transfer(request));
  });
  return async () => (await Promise.all(found)).flatMap((row) => (row && row.bytes > 0 ? [row] : []));
}

/**
 * Undefined if the service worker answered, or if the page was closed.
 * @param {Request} request
 * @returns {Promise<Transfer | undefined>}
 */
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
