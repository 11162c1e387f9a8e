// Bytes over the network, with what went wrong as a typed error.

import { RouterError } from "./error.js";

/** The first byte of an HTML page, and of no file of a bundle. */
const LESS_THAN = 0x3c;
const WHITE_SPACE = [0x20, 0x09, 0x0a, 0x0d];

/** An answer, whatever its status. */
export async function answerTo(url, signal) {
  try {
    return await fetch(url, { signal });
  } catch (cause) {
    signal?.throwIfAborted();
    throw blocked(url, cause);
  }
}

/**
 * The bytes at a URL. `onBytes(more, total)` hears of each piece; `total` is the file's length where
 * the server states it.
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
    const message = `${url} was answered with a page (status ${response.status}, ${type}): expected a bundle's file. Check its address; a server that sends its index page for missing files does this`;
    throw new RouterError("fetch_failed", message);
  }
  return bytes;
}

/** An answer's whole body. */
export async function bodyOf(response, url, signal, onBytes) {
  try {
    if (!onBytes || !response.body) {
      const bytes = new Uint8Array(await response.arrayBuffer());
      onBytes?.(bytes.length, bytes.length);
      return bytes;
    }
    return await readInPieces(response, onBytes);
  } catch (cause) {
    signal?.throwIfAborted();
    throw blocked(url, cause);
  }
}

/** Whether bytes are HTML or XML, as a server's page for what is not there. */
export function isMarkup(bytes) {
  return bytes.find((byte) => !WHITE_SPACE.includes(byte)) === LESS_THAN;
}

async function readInPieces(response, onBytes) {
  const total = lengthOf(response);
  const pieces = [];
  const reader = response.body.getReader();
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

/** A compressed body's Content-Length counts what is sent, not what is read. */
function lengthOf(response) {
  if (response.headers.get("content-encoding")) return undefined;
  const length = Number(response.headers.get("content-length") ?? Number.NaN);
  return Number.isSafeInteger(length) ? length : undefined;
}

function blocked(url, cause) {
  const why = [cause.message, cause.cause?.code].filter(Boolean).join(", ");
  const message = `${url} could not be fetched: ${why}. Check the address and the network; in a page also that connect-src of its Content-Security-Policy names the server, and that a server of another origin sends CORS headers`;
  return new RouterError("fetch_failed", message, { cause });
}
