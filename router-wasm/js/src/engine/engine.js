// The engine of this realm: started once for all routers, and unusable after a trap.

import init, { engineVersion, multiplyInPairs, RouterHandle } from "../../pkg/pointsman.js";
import { messageOf } from "../describe.js";
import { RouterError } from "../error.js";
import { VERSION } from "../version.js";
import { moduleOf } from "./wasm.js";

/** @import { Host } from "../host.js" */
/** @import { RouterErrorCode } from "../types/error-code.js" */
/** @import { WasmSource } from "../types/load.js" */

/**
 * The promise of the engine's start, shared by all callers.
 * @type {Promise<void> | undefined}
 */
let started;
let running = false;
/**
 * Makes the error of every call, once the engine cannot be used any more in this realm.
 * @type {(() => RouterError) | undefined}
 */
let stopped;

export { RouterHandle };

/**
 * Starts the engine. A start that failed or was aborted is forgotten, so that the next call tries again.
 * @param {WasmSource | Promise<WasmSource> | undefined} wasm the option "wasm"
 * @param {Host} host
 * @param {AbortSignal} [signal]
 */
export async function startEngine(wasm, host, signal) {
  if (stopped) throw stopped();
  if (running) return;
  started ??= begin(wasm ?? host.wasm(), host);
  const start = started;
  const forget = () => {
    if (started === start) started = undefined;
  };
  signal?.addEventListener("abort", forget);
  try {
    await start;
    running = true;
  } catch (error) {
    forget();
    throw error;
  } finally {
    signal?.removeEventListener("abort", forget);
  }
}

/**
 * @param {WasmSource | Promise<WasmSource>} wasm
 * @param {Host} host
 */
async function begin(wasm, host) {
  const module = await moduleOf(wasm, host);
  try {
    await init({ module_or_path: module });
  } catch (cause) {
    // The imports' names carry hashes of their types, which differ between versions.
    if (cause instanceof WebAssembly.LinkError || cause instanceof TypeError) throw wrongVersion("another", cause);
    const message = `the engine's wasm could not be started: ${messageOf(cause)}. Give the process, page or Worker more memory`;
    throw new RouterError("wasm_unsupported", message, { cause });
  }
  const found = versionFound();
  if (found !== VERSION) {
    // wasm-bindgen's JavaScript keeps the first module that it started.
    stopped = () => wrongVersion(`version ${found}`);
    throw stopped();
  }
  if (host.inPairs) multiplyInPairs();
}

function versionFound() {
  try {
    return engineVersion();
  } catch {
    return "unknown";
  }
}

/**
 * @param {string} found
 * @param {unknown} [cause]
 */
function wrongVersion(found, cause) {
  const message = `the engine's wasm is of ${found === "another" ? "another version" : found}, this JavaScript is of version ${VERSION}. Take both from one installation of pointsman; replace an old file that is cached or was copied by hand, and reload`;
  return new RouterError("wasm_wrong_version", message, { cause });
}

/**
 * Calls into wasm and rethrows its errors as `RouterError`.
 * @template T
 * @param {() => T} call
 * @returns {T}
 */
export function guarded(call) {
  if (stopped) throw stopped();
  try {
    return call();
  } catch (thrown) {
    if (thrown instanceof WebAssembly.RuntimeError || thrown instanceof RangeError) {
      stopped = () => trapped(thrown);
      throw stopped();
    }
    const { code, message } = /** @type {{code?: RouterErrorCode, message: string}} */ (thrown);
    if (typeof code === "string") throw new RouterError(code, message);
    throw thrown;
  }
}

/**
 * Frees a handle's memory, unless the engine has stopped.
 * @param {RouterHandle} handle
 */
export function freeHandle(handle) {
  if (!stopped) handle.free();
}

/**
 * After a trap the engine's memory cannot be trusted.
 * @param {Error} cause
 */
function trapped(cause) {
  const message = `the engine stopped: ${cause.message}. Start a new process, page or Worker, and please report this error with the query`;
  return new RouterError("engine_stopped", message, { cause });
}
