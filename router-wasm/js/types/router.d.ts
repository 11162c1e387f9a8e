import type { BundleInfo, BundleSource } from "./bundle.js";
import type { BatchResult, Decision, Policy } from "./decision.js";
import type { FreedByUsing } from "./disposable.js";
import type { RouteInput } from "./query.js";

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

export interface LoadOptions {
  /** Aborts loading; `load` rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Called for each piece of the bundle received; at least once, at the end with all bytes. */
  onProgress?: (progress: LoadProgress) => void;
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
}

/**
 * Decides which LLM answers a query, in this process: no network, no key.
 *
 * @example
 * ```js
 * import { Router } from "pointsman";
 *
 * const router = await Router.load(); // the package's default bundle
 * const { model, winRate } = router.route("What is the capital of Italy?", { strongShare: 0.5 });
 * ```
 */
export declare class Router {
  private constructor();

  /**
   * Reads a bundle, checks it and starts the engine.
   *
   * Without a source, it loads this package's default bundle. A Cloudflare Worker must pass a source:
   * import `pointsman/default-bundle` there.
   *
   * @throws RouterError `argument_source`, `argument_options`, `fetch_failed`, `file_unreadable`, any
   * `wasm_*` or `bundle_*`; the signal's reason.
   *
   * @example
   * ```js
   * await Router.load("https://example.com/bundle/");
   * await Router.load({ "router.json": manifest, "model.onnx": model, "tokenizer.json": tokenizer });
   * await Router.load(undefined, { signal: AbortSignal.timeout(10_000), onProgress: console.log });
   * ```
   */
  static load(source?: BundleSource, options?: LoadOptions): Promise<Router>;

  /**
   * Decides on a query or a conversation. The same input and policy give the same decision on every host.
   *
   * @throws RouterError `argument_query`, `argument_messages`, `argument_policy`, any `query_*` or
   * `policy_*`, `messages_without_text`, `request_ill_formed`, `no_candidate`, `router_freed`.
   *
   * @example
   * ```js
   * router.route("What is the capital of Italy?", { strongShare: 0.3 });
   * router.route([{ role: "user", content: "Hello" }], { maxCost: 0.01, outputTokens: 500 });
   * ```
   */
  route(input: RouteInput, policy?: Policy): Decision;

  /**
   * Decides on each input, in order. An input's error is in its own row; the other inputs are decided.
   * For a long list in a page, see `RouterWorker` of `pointsman/worker`.
   *
   * @throws RouterError for errors of the whole batch: `argument_inputs`, `argument_policy`, any
   * `policy_*`, `router_freed`.
   *
   * @example
   * ```js
   * for (const { decision, error } of router.routeBatch(queries)) {
   *   console.log(decision?.model ?? error.code);
   * }
   * ```
   */
  routeBatch(inputs: readonly RouteInput[], policy?: Policy): BatchResult[];

  /**
   * The query's embedding, of `info().encoder.embedding_size` numbers.
   *
   * @throws RouterError `argument_query`, any `query_*`, `router_freed`.
   */
  embed(query: string): Float32Array;

  /** A copy of the bundle's description. @throws RouterError `router_freed`. */
  info(): BundleInfo;

  /** Frees the router's memory. Later calls throw `router_freed`; freeing again does nothing. */
  free(): void;
}
export interface Router extends FreedByUsing {}
