// The public `Router`, on top of the wasm-bindgen bindings.

import { outcomesJson, priorJson } from "./candidates.js";
import { freeHandle, guarded, RouterHandle } from "./engine/engine.js";
import { loadHandle } from "./engine/load.js";
import { RouterError } from "./error.js";
import { FreedByUsing } from "./freed-by-using.js";
import { currentHost } from "./host.js";
import { checkedOptions } from "./options.js";
import { checkedInputs, checkedState, policyJson, requestJson, wellFormed } from "./request.js";

/** @import { Ability, AbilityPrior, Outcome } from "./types/candidates.js" */
/** @import { BundleInfo, BundleSource } from "./types/bundle.js" */
/** @import { BatchResult, Decision, Policy } from "./types/decision.js" */
/** @import { LoadOptions } from "./types/load.js" */
/** @import { RouteInput } from "./types/query.js" */

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
export class Router extends FreedByUsing {
  /** @type {RouterHandle | undefined} */
  #handle;

  /**
   * @private
   * @param {RouterHandle} handle
   */
  constructor(handle) {
    super();
    if (!(handle instanceof RouterHandle)) {
      throw new RouterError("argument_source", "a Router is made by await Router.load(source)");
    }
    this.#handle = handle;
  }

  /**
   * Reads a bundle, checks it and starts the engine.
   *
   * Without a source, it loads this package's default bundle. A Cloudflare Worker must pass a source:
   * import `pointsman/default-bundle` there. While a promised source is pending, the engine starts.
   *
   * @param {BundleSource | Promise<BundleSource>} [source]
   * @param {LoadOptions} [options]
   * @returns {Promise<Router>}
   * @throws RouterError `argument_source`, `argument_options`, `fetch_failed`, `file_unreadable`, any
   * `wasm_*` or `bundle_*`; with option `candidates` also `candidates_invalid`, `outcomes_invalid`,
   * `demands_unsupported`; the signal's reason.
   *
   * @example
   * ```js
   * await Router.load("https://example.com/bundle/");
   * await Router.load({ "router.json": manifest, "model.onnx": model, "tokenizer.json": tokenizer });
   * await Router.load(undefined, { signal: AbortSignal.timeout(10_000), onProgress: console.log });
   * ```
   */
  static async load(source, options) {
    const host = currentHost();
    return new Router(await loadHandle(source, checkedOptions(options, "Router.load()", host), host));
  }

  /**
   * Decides on a query or a conversation. The same input and policy give the same decision on every host;
   * with option `learnShares`, shares are of the router's own traffic, to which the query is added.
   *
   * @param {RouteInput} input
   * @param {Policy} [policy]
   * @returns {Decision}
   * @throws RouterError `argument_query`, `argument_messages`, `argument_policy`, any `query_*` or
   * `policy_*`, `messages_without_text`, `request_ill_formed`, `no_candidate`, `router_freed`.
   *
   * @example
   * ```js
   * router.route("What is the capital of Italy?", { strongShare: 0.3 });
   * router.route([{ role: "user", content: "Hello" }], { maxCost: 0.01, outputTokens: 500 });
   * ```
   */
  route(input, policy) {
    const handle = this.#open();
    const request = requestJson(input, policy);
    return JSON.parse(guarded(() => handle.route(request)));
  }

  /**
   * Decides on each input, in order. An input's error is in its own row; the other inputs are decided.
   * For a long list in a page, see `RouterWorker` of `pointsman/worker`.
   *
   * @param {readonly RouteInput[]} inputs
   * @param {Policy} [policy]
   * @returns {BatchResult[]}
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
  routeBatch(inputs, policy) {
    const handle = this.#open();
    checkedInputs(inputs);
    const check = policyJson(policy);
    guarded(() => handle.checkPolicy(check));
    return Array.from(inputs, (input) => {
      try {
        return { decision: this.route(input, policy) };
      } catch (error) {
        if (error instanceof RouterError) return { error };
        throw error;
      }
    });
  }

  /**
   * The query's embedding, of `info().encoder.embedding_size` numbers.
   *
   * @param {string} query
   * @returns {Float32Array}
   * @throws RouterError `argument_query`, any `query_*`, `router_freed`.
   */
  embed(query) {
    const handle = this.#open();
    const text = wellFormed(query, "embed()");
    return guarded(() => handle.embed(text));
  }

  /**
   * The query's demands, in the order of `info().head.demands`: numbers of which a larger one is harder.
   *
   * @param {string} query
   * @returns {Float64Array}
   * @throws RouterError `argument_query`, any `query_*`, `demands_unsupported` where the bundle is not of kind
   * `difficulty`, `router_freed`.
   */
  demands(query) {
    const handle = this.#open();
    const text = wellFormed(query, "demands()");
    return guarded(() => handle.demands(text));
  }

  /**
   * Fits the ability of an LLM to its outcomes on some 100 to 300 queries, for option `candidates` of `load`. Fewer
   * outcomes leave it nearer to the prior: a tier, a role or an ability, else tier `medium`.
   *
   * @param {readonly Outcome[]} outcomes
   * @param {AbilityPrior} [prior]
   * @returns {Ability}
   * @throws RouterError `argument_outcomes`, `argument_options`, `argument_query`, `query_ill_formed`,
   * `outcomes_invalid`, `candidates_invalid` for the prior, `demands_unsupported` where the bundle is not of kind
   * `difficulty`, `router_freed`.
   *
   * @example
   * ```js
   * const ability = router.fitAbility(outcomes, { tier: "large" });
   * const mine = await Router.load(source, { candidates: [{ id: "small" }, { id: "my-model", ability }] });
   * ```
   */
  fitAbility(outcomes, prior = {}) {
    const handle = this.#open();
    const [given, begin] = [outcomesJson(outcomes), priorJson(prior)];
    return JSON.parse(guarded(() => handle.fitAbility(given, begin)));
  }

  /**
   * What the router has learnt of its traffic, with option `learnShares`: a JSON text of some kB without any
   * query's text, which `load` and `addTraffic` take.
   * @returns {string | undefined} nothing without the option
   * @throws RouterError `router_freed`.
   *
   * @example
   * ```js
   * const router = await Router.load(source, { learnShares: state ? { state } : true });
   * // later, for the next start
   * await writeFile("traffic.json", router.trafficState());
   * ```
   */
  trafficState() {
    const handle = this.#open();
    return guarded(() => handle.trafficState());
  }

  /**
   * Adds what another router of the same bundle has learnt; without option `learnShares`, learning begins.
   * @param {string} state of `trafficState()`
   * @returns {void}
   * @throws RouterError `argument_state`, `traffic_bad_state` (nothing is then added), `router_freed`.
   */
  addTraffic(state) {
    const handle = this.#open();
    const text = checkedState(state);
    guarded(() => handle.learnTraffic(text));
  }

  /**
   * A copy of the bundle's description.
   * @returns {BundleInfo}
   * @throws RouterError `router_freed`.
   */
  info() {
    const handle = this.#open();
    return JSON.parse(guarded(() => handle.info()));
  }

  /**
   * Frees the router's memory. Later calls throw `router_freed`; freeing again does nothing.
   * @returns {void}
   */
  free() {
    const handle = this.#handle;
    this.#handle = undefined;
    if (handle) freeHandle(handle);
  }

  #open() {
    if (this.#handle) return this.#handle;
    throw new RouterError("router_freed", "the router was freed: load it again to use it");
  }
}
