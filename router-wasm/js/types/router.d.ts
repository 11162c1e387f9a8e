import type { BundleInfo, BundleSource } from "./bundle.js";
import type { BatchResult, Decision, Policy } from "./decision.js";
import type { FreedByUsing } from "./disposable.js";
import type { RouteInput } from "./query.js";

/** `WebAssembly.Module`, where the compiler's library knows it; Node's does not. */
type WasmModule = typeof globalThis extends { WebAssembly: { Module: { prototype: infer Module } } } ? Module : never;

/** The engine's wasm, from wherever it is. */
export type WasmSource = string | URL | Response | ArrayBuffer | ArrayBufferView | WasmModule;

/** Bytes of the bundle so far. */
export interface LoadProgress {
  loaded: number;
  /** Of all: by `router.json` for a folder, by Content-Length for an archive; absent where unknown. */
  total?: number;
}

export interface LoadOptions {
  /** Gives up loading; `load` rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Hears of each piece of the bundle that has come; at least once, at the end with all bytes. */
  onProgress?: (progress: LoadProgress) => void;
  /**
   * The engine's wasm, where it is not beside this package: a URL, an answer, bytes or a module of
   * `pointsman/wasm` or `pointsman/wasm-relaxed-simd`. The first load of a process or
   * page starts the engine; later ones share it and ignore this.
   */
  wasm?: WasmSource | Promise<WasmSource>;
  /**
   * How many answers to remember, a whole number from 0 to 100,000, so that a query asked again costs
   * a look-up. By default 256, in Workers 0: where tenants share a router, the time of an answer would
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
 * const router = await Router.load(); // the bundle that the package carries
 * const { model, winRate } = router.route("Prove it.", { strongShare: 0.5 });
 * ```
 */
export declare class Router {
  private constructor();

  /**
   * Reads a bundle, checks it and starts the engine.
   *
   * Without a source, the default bundle of this package. In a Cloudflare Worker that is an error:
   * import `pointsman/default-bundle` there, and pass it.
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
   * router.route("What is the capital of Italy?", { threshold: 0.6 });
   * router.route([{ role: "user", content: "Hello" }], { maxCost: 0.01, outputTokens: 500 });
   * ```
   */
  route(input: RouteInput, policy?: Policy): Decision;

  /**
   * Decides on each input, in order. What is wrong with one input stands in its row and loses no other.
   * For a long list in a page, see `RouterWorker` of `pointsman/worker`.
   *
   * @throws RouterError for what is wrong with all: `argument_inputs`, `argument_policy`, any `policy_*`,
   * `router_freed`.
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

  /** What the bundle says of itself, as a copy. @throws RouterError `router_freed`. */
  info(): BundleInfo;

  /** Gives the router's memory back. Whatever is asked later is `router_freed`; freeing again does nothing. */
  free(): void;
}
export interface Router extends FreedByUsing {}
