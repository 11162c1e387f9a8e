import type { OwnCandidate } from "./candidates.js";

/** `WebAssembly.Module`, where the compiler's library knows it; Node's does not. */
type WasmModule = typeof globalThis extends { WebAssembly: { Module: { prototype: infer Module } } } ? Module : never;

/** The engine's wasm: its location, its bytes or the compiled module. */
export type WasmSource = string | URL | Response | ArrayBuffer | ArrayBufferView | WasmModule;

/** Progress of loading a bundle, in bytes. */
export interface LoadProgress {
  loaded: number;
  /** The sum in `router.json` for a folder, Content-Length for an archive; absent where unknown. */
  total?: number;
}

/** What reading a bundle takes. */
interface ReadOptions {
  /** Aborts loading, which rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Called for each piece of the bundle received; at least once, at the end with all bytes. */
  onProgress?: (progress: LoadProgress) => void;
}

export interface LoadBundleOptions extends ReadOptions {
  /** Whether to read a folder's map too (`info().map`), which a page draws and no host needs to route; false where absent. */
  map?: boolean;
}

export interface LoadOptions extends ReadOptions {
  /**
   * The engine's wasm, where it is not in this package's folder: `pointsman/wasm` or
   * `pointsman/wasm-relaxed-simd` as a URL, a Response, bytes or a module. The first load of a process
   * or page starts the engine; later ones share it and ignore this option.
   */
  wasm?: WasmSource | Promise<WasmSource>;
  /**
   * How many answers to cache, a whole number from 0 to 100,000, so that a repeated query costs one
   * look-up. By default 256, in Workers 0: where tenants share a router, the time of an answer would
   * tell one of them whether another has asked the same.
   */
  cache?: number;
  /**
   * Your LLMs in place of the bundle's candidates: with a bundle of kind `difficulty` any number of them, each by a
   * role, a tier, an ability or outcomes; with another kind each renames a candidate by its role. Metrics, curves and
   * map of other candidates are left out of `info()`.
   */
  candidates?: readonly OwnCandidate[];
  /** The strong candidate of the pair; of kind `difficulty` the ablest where absent. */
  strong?: string;
  /** The weak candidate of the pair; of kind `difficulty` the least able where absent. */
  weak?: string;
  /**
   * Whether shares of strong calls are of the router's own traffic: it then learns the win rates of the
   * queries that it decides on, beginning with the bundle's calibration or a saved state of
   * `trafficState()`. After some hundred queries of any kind, `strongShare: 0.3` gives 0.3 within 0.03. A
   * decision then depends on the queries before it. false where absent.
   */
  learnShares?: boolean | { state: string };
}
