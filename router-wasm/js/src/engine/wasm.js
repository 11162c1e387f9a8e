// Compiles the engine's module from a URL, a response, bytes or a module. A wrong MIME type only prevents
// streaming compilation.

import { answerTo, bodyOf } from "../bundle/fetch.js";
import { describe, messageOf } from "../describe.js";
import { RouterError } from "../error.js";
import { runsEngine } from "./simd.js";

/** @import { Host } from "../host.js" */
/** @import { WasmSource } from "../types/load.js" */

/** The first bytes of every WebAssembly module. */
const MAGIC = [0x00, 0x61, 0x73, 0x6d];
const WASM = "application/wasm";
const REMEDY =
  'Serve the package\'s folder pkg/ beside its JavaScript, or pass the file as Router.load(source, { wasm }); bundlers find it as "pointsman/wasm"';

/**
 * @param {WasmSource | Promise<WasmSource>} wasm
 * @param {Pick<Host, "url" | "read">} host
 * @returns {Promise<WebAssembly.Module>}
 */
export async function moduleOf(wasm, host) {
  const given = await wasm;
  // Compared by tag, not class: a test runner's sandbox has its own WebAssembly.
  const tag = Object.prototype.toString.call(given);
  if (tag === "[object WebAssembly.Module]") return /** @type {WebAssembly.Module} */ (given);
  if (typeof given === "string" || given instanceof URL) return fromUrl(given, host);
  if (given instanceof Response) return fromAnswer(given, given.url);
  if (!ArrayBuffer.isView(given) && tag !== "[object ArrayBuffer]") {
    const message = `option "wasm" is ${describe(given)}: expected a URL, a Response, bytes or a WebAssembly.Module`;
    throw new RouterError("argument_options", message);
  }
  const bytes = ArrayBuffer.isView(given)
    ? new Uint8Array(given.buffer, given.byteOffset, given.byteLength)
    : new Uint8Array(/** @type {ArrayBuffer} */ (given));
  if (!isWasm(bytes)) {
    const message = `option "wasm" is ${bytes.length} bytes that are not a WebAssembly module. Pass the file pointsman/wasm`;
    throw new RouterError("argument_options", message);
  }
  return compiledBytes(bytes, 'option "wasm"');
}

/**
 * @param {string | URL} given
 * @param {Pick<Host, "url" | "read">} host
 */
async function fromUrl(given, host) {
  let url;
  let bytes;
  try {
    url = await host.url(given);
    bytes = await host.read?.(url);
  } catch (cause) {
    if (!(cause instanceof RouterError && cause.code === "file_unreadable")) throw cause;
    throw new RouterError("wasm_missing", `the engine's wasm was not found: ${cause.message}. ${REMEDY}`, { cause });
  }
  if (!bytes) return fromAnswer(await answerTo(url), url);
  if (isWasm(bytes)) return compiledBytes(bytes, url);
  throw new RouterError("wasm_missing", `${url} is not a WebAssembly module (${bytes.length} bytes). ${REMEDY}`);
}

/**
 * @param {Response} answer
 * @param {string | URL} url
 */
async function fromAnswer(answer, url) {
  const type = answer.headers.get("content-type");
  const found = `status ${answer.status}, content type ${type ?? "not stated"}`;
  if (!answer.ok) {
    throw new RouterError("wasm_missing", `the engine's wasm is not at ${url}: ${found}. ${REMEDY}`);
  }
  // Streaming compilation refuses every other type, also this one with parameters.
  if (type?.trim().toLowerCase() === WASM && WebAssembly.compileStreaming) {
    return compiled(() => WebAssembly.compileStreaming(answer), url);
  }
  const bytes = await bodyOf(answer, url);
  if (isWasm(bytes)) return compiledBytes(bytes, url);
  const message = `${url} is not the engine's wasm: ${found}, and the content is not a WebAssembly module. A server that sends its index page for missing files does this, as does Vite's dev server unless optimizeDeps.exclude names "pointsman". ${REMEDY}`;
  throw new RouterError("wasm_missing", message);
}

/**
 * @param {Uint8Array} bytes
 * @param {string | URL} origin
 */
function compiledBytes(bytes, origin) {
  return compiled(() => WebAssembly.compile(/** @type {BufferSource} */ (bytes)), origin);
}

/**
 * @param {() => Promise<WebAssembly.Module>} compile
 * @param {string | URL} origin
 */
async function compiled(compile, origin) {
  try {
    return await compile();
  } catch (cause) {
    throw refused(cause, origin);
  }
}

/**
 * @param {unknown} cause
 * @param {string | URL} origin
 */
function refused(cause, origin) {
  const options = { cause };
  const why = messageOf(cause);
  if (!runsEngine()) {
    const message =
      "this host has no WebAssembly with SIMD and reference types: expected Chrome 100, Firefox 97, Safari 16.4, Node 20 or later";
    return new RouterError("wasm_unsupported", message, options);
  }
  if (/disallowed|Content Security Policy|unsafe-eval|blocked by CSP/i.test(why)) {
    const message = `this host forbids compiling WebAssembly: ${why}. In a page, allow 'wasm-unsafe-eval' in script-src of its Content-Security-Policy; in a Worker, import the module and pass it as option "wasm"`;
    return new RouterError("wasm_unsupported", message, options);
  }
  if (cause instanceof WebAssembly.CompileError) {
    const message = `${origin} is a damaged or truncated WebAssembly module: ${why}. Fetch or install it again`;
    return new RouterError("wasm_damaged", message, options);
  }
  return new RouterError("fetch_failed", `${origin} could not be fetched: ${why}. Check the network`, options);
}

/** @param {Uint8Array} bytes */
function isWasm(bytes) {
  return MAGIC.every((byte, at) => bytes[at] === byte);
}
