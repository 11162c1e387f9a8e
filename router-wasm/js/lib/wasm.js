// Compiles the engine's module from a URL, a response, bytes or a module. A wrong MIME type only prevents
// streaming compilation.

import { describe, RouterError } from "./error.js";
import { answerTo, bodyOf } from "./fetched.js";
import { runsEngine } from "./simd.js";

/** The first bytes of every WebAssembly module. */
const MAGIC = [0x00, 0x61, 0x73, 0x6d];
const WASM = "application/wasm";
const REMEDY =
  'Serve the package\'s folder pkg/ beside its JavaScript, or pass the file as Router.load(source, { wasm }); bundlers find it as "pointsman/wasm"';

/**
 * @param wasm a URL, a response, bytes or a module, or a promise of one
 * @param host `{url(text), read?(url)}`, as for a bundle's source
 * @returns {Promise<WebAssembly.Module>}
 */
export async function moduleOf(wasm, host) {
  const given = await wasm;
  // Compared by tag, not class: a test runner's sandbox has its own WebAssembly.
  if (Object.prototype.toString.call(given) === "[object WebAssembly.Module]") return given;
  if (typeof given === "string" || given instanceof URL) return fromUrl(given, host);
  if (given instanceof Response) return fromAnswer(given, given.url);
  const isBytes = ArrayBuffer.isView(given) || Object.prototype.toString.call(given) === "[object ArrayBuffer]";
  if (!isBytes) {
    const message = `option "wasm" is ${describe(given)}: expected a URL, a Response, bytes or a WebAssembly.Module`;
    throw new RouterError("argument_options", message);
  }
  const bytes = ArrayBuffer.isView(given)
    ? new Uint8Array(given.buffer, given.byteOffset, given.byteLength)
    : new Uint8Array(given);
  if (!isWasm(bytes)) {
    const message = `option "wasm" is ${bytes.length} bytes that are not a WebAssembly module. Pass the file pointsman/wasm`;
    throw new RouterError("argument_options", message);
  }
  return compiled(() => WebAssembly.compile(bytes), 'option "wasm"');
}

async function fromUrl(given, host) {
  let url;
  let bytes;
  try {
    url = await host.url(given);
    bytes = await host.read?.(url);
  } catch (cause) {
    if (cause?.code !== "file_unreadable") throw cause;
    throw new RouterError("wasm_missing", `the engine's wasm was not found: ${cause.message}. ${REMEDY}`, { cause });
  }
  if (!bytes) return fromAnswer(await answerTo(url), url);
  if (isWasm(bytes)) return compiled(() => WebAssembly.compile(bytes), url);
  throw new RouterError("wasm_missing", `${url} is not a WebAssembly module (${bytes.length} bytes). ${REMEDY}`);
}

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
  if (isWasm(bytes)) return compiled(() => WebAssembly.compile(bytes), url);
  const message = `${url} is not the engine's wasm: ${found}, and the content is not a WebAssembly module. A server that sends its index page for missing files does this, as does Vite's dev server unless optimizeDeps.exclude names "pointsman". ${REMEDY}`;
  throw new RouterError("wasm_missing", message);
}

async function compiled(compile, origin) {
  try {
    return await compile();
  } catch (cause) {
    throw refused(cause, origin);
  }
}

function refused(cause, origin) {
  const options = { cause };
  if (!runsEngine()) {
    const message =
      "this host has no WebAssembly with SIMD and reference types: expected Chrome 100, Firefox 97, Safari 16.4, Node 20 or later";
    return new RouterError("wasm_unsupported", message, options);
  }
  if (/disallowed|Content Security Policy|unsafe-eval|blocked by CSP/i.test(cause.message)) {
    const message = `this host forbids compiling WebAssembly: ${cause.message}. In a page, allow 'wasm-unsafe-eval' in script-src of its Content-Security-Policy; in a Worker, import the module and pass it as option "wasm"`;
    return new RouterError("wasm_unsupported", message, options);
  }
  if (cause instanceof WebAssembly.CompileError) {
    const message = `${origin} is a damaged or truncated WebAssembly module: ${cause.message}. Fetch or install it again`;
    return new RouterError("wasm_damaged", message, options);
  }
  return new RouterError(
    "fetch_failed",
    `${origin} could not be fetched: ${cause.message}. Check the network`,
    options,
  );
}

function isWasm(bytes) {
  return MAGIC.every((byte, at) => bytes[at] === byte);
}
