// Fetches bytes over the network; failures are typed errors.

import { messageOf } from "../describe.js";
import { RouterError } from "../error.js";

/** @typedef {(more: number, total?: number) => void} OnBytes called for each piece, with the whole length if known */

/** The first byte of every HTML page; no file of a bundle begins with it. */
const LESS_THAN = 0x3c;
const WHITE_SPACE = [0x20, 0x09, 0x0a, 0x0d];

/**
 * Fetches a URL and returns the response, whatever its status.
 * @param {URL} url
 * @param {AbortSignal} [signal]
 */
export async function answerTo(url, signal) {
  try {
    return await fetch(url, { signal });
  } catch (cause) {
    signal?.throwIfAborted();
    throw blocked(url, cause);
  }
}

/**
 * Fetches the bytes at a URL.
 * @param {URL} url
 * @param {AbortSignal} [signal]
 * @param {OnBytes} [onBytes]
 */
export async function fetched(url, signal, onBytes) {
  const response = await answerTo(url, signal);
  if (!response.ok) {
    const message = `${url} could not be fetched: status ${response.status}. Check the bundle's address`;
    throw new RouterError("fetch_failed", message);
  }
  const bytes = await bodyOf(response, url, signal, onBytes);
  if (isMarkup(bytes)) {
    const type = response.headers.get("content-type");
    const message = `${url} returned a web page (status ${response.status}, ${type}): expected a bundle's file. Check the address; a server that sends its index page for missing files does this`;
    throw new RouterError("fetch_failed", message);
  }
  return bytes;
}

/**
 * Reads a response's whole body.
 * @param {Response} response
 * @param {URL | string} url
 * @param {AbortSignal} [signal]
 * @param {OnBytes} [onBytes]
 * @returns {Promise<Uint8Array>}
 */
export async function bodyOf(response, url, signal, onBytes) {
  try {
    if (!onBytes || !response.body) {
      const bytes = new Uint8Array(await response.arrayBuffer());
      onBytes?.(bytes.length, bytes.length);
      return bytes;
    }
    return await readInPieces(response.body, lengthOf(response), onBytes);
  } catch (cause) {
    signal?.throwIfAborted();
    throw blocked(url, cause);
  }
}

/**
 * Whether bytes are HTML or XML, such as a server's page for missing files.
 * @param {Uint8Array} bytes
 */
function isMarkup(bytes) {
  return bytes.find((byte) => !WHITE_SPACE.includes(byte)) === LESS_THAN;
}

/**
 * @param {ReadableStream<Uint8Array>} body
 * @param {number | undefined} total
 * @param {OnBytes} onBytes
 */
async function readInPieces(body, total, onBytes) {
  const pieces = [];
  const reader = body.getReader();
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    pieces.push(value);
    length += value.length;
    onBytes(value.length, total);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/**
 * The body's length. A compressed body's Content-Length counts compressed bytes, so it is not used.
 * @param {Response} response
 */
function lengthOf(response) {
  if (response.headers.get("content-encoding")) return undefined;
  const length = Number(response.headers.get("content-length") ?? Number.NaN);
  return Number.isSafeInteger(length) ? length : undefined;
}

/**
 * @param {URL | string} url
 * @param {unknown} cause
 */
function blocked(url, cause) {
  const inner = /** @type {{cause?: {code?: string}}} */ (cause).cause?.code;
  const why = [messageOf(cause), inner].filter(Boolean).join(", ");
  const message = `${url} could not be fetched: ${why}. Check the address and the network; in a page, connect-src of the Content-Security-Policy must allow the server, and a server of another origin must send CORS headers`;
  return new RouterError("fetch_failed", message, { cause });
}
