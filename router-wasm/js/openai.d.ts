import type { AdapterOptions, AnyRouter } from "./types/adapter.js";

export { RouterError } from "./types/error.js";
export type { RouterErrorCode } from "./types/error.js";
export type { AdapterOptions, AnyRouter };

/** What `new OpenAI({ fetch })` takes. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

export interface RoutedFetchOptions extends AdapterOptions {
  /** Requests for these models are routed; `["auto"]` where absent. */
  names?: readonly string[];
  /** A candidate's name at the upstream, by its id; the id itself where absent. */
  models?: Record<string, string>;
  /** What sends the request; the host's own `fetch` where absent. */
  fetch?: Fetch;
}

/**
 * A `fetch` for OpenAI's client: in a POST to `.../chat/completions` or `.../responses` whose `model`
 * is one of `names`, the chosen candidate takes its place. Everything else passes as it is: other
 * models and endpoints, headers, signals, streams.
 *
 * Rated are the user messages' texts: of `messages`, or of `input`, which may also be a text. What the
 * API keeps by itself (`previous_response_id`) is not seen.
 *
 * A conversation that cannot be decided on is answered as the API would refuse it, with status 400 and
 * the code of the `RouterError`: the client throws at once, and its error's `code` is that code.
 *
 * @throws RouterError `argument_router`, `argument_models`, `argument_options`, `argument_policy`, any
 * `policy_*`. With a RouterWorker, what is wrong with `models` or `policy` comes with the first call.
 *
 * @example
 * ```js
 * const client = new OpenAI({ fetch: routedFetch(router, { policy: { strongShare: 0.3 } }) });
 * await client.chat.completions.create({ model: "auto", messages });
 * ```
 */
export declare function routedFetch(router: AnyRouter, options?: RoutedFetchOptions): Fetch;
