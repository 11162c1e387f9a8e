// The engine of this realm: started once for all routers, and stopped for good by a trap.

import init, { RouterHandle, engineVersion, multiplyInPairs } from "../pkg/pointsman.js";
import { RouterError } from "./error.js";
import { VERSION } from "./version.js";
import { moduleOf } from "./wasm.js";

/** The engine's start, shared by all who wait for it. */
let started;
let running = false;
/** What makes the engine useless until the realm ends, as a function that makes the error. */
let stopped;

export { RouterHandle };

/**
 * Starts the engine. A start that failed is not remembered, nor one that was given up before it was
 * done, so that it can be tried again.
 * @param wasm what the caller gave as the module, if anything
 * @param host `{wasm(): a URL or module, inPairs?: how relaxed-simd is faster here, url, read?}`
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

async function begin(wasm, host) {
  const module = await moduleOf(wasm, host);
  try {
    await init({ module_or_path: module });
  } catch (cause) {
    // The names of what it imports carry hashes of their types: another version's differ.
    if (cause instanceof WebAssembly.LinkError || cause instanceof TypeError) throw wrongVersion("another", cause);
    const message = `the engine's wasm could not be started: ${cause?.message ?? cause}. Give the process, page or Worker more memory`;
    throw new RouterError("wasm_unsupported", message, { cause });
  }
  const found = versionFound();
  if (found !== VERSION) {
    // wasm-bindgen's JavaScript keeps the first module it has started.
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

function wrongVersion(found, cause) {
  const message = `the engine's wasm is of ${found === "another" ? "another version" : found}, this JavaScript of version ${VERSION}. Take both from one installation of pointsman; where an old file may be cached, or was copied by hand, replace it and reload`;
  return new RouterError("wasm_wrong_version", message, { cause });
}

/** Calls into wasm; what it throws comes out as a `RouterError`. */
export function guarded(call) {
  if (stopped) throw stopped();
  try {
    return call();
  } catch (thrown) {
    if (thrown instanceof WebAssembly.RuntimeError || thrown instanceof RangeError) {
      stopped = () => trapped(thrown);
      throw stopped();
    }
    if (typeof thrown?.code === "string") throw new RouterError(thrown.code, thrown.message);
    throw thrown;
  }
}

/** Gives a handle's memory back, where the engine still has any. */
export function freeHandle(handle) {
  if (!stopped) handle.free();
}

/** Its memory cannot be trusted after a trap. */
function trapped(cause) {
  const message = `the engine stopped: ${cause.message}. Start a new process, page or Worker; please report it with the query`;
  return new RouterError("engine_stopped", message, { cause });
}
