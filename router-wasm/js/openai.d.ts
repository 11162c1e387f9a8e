import type { AdapterOptions, AnyRouter } from "./types/adapter.js";

export type { RouterErrorCode } from "./types/error.js";
export { RouterError } from "./types/error.js";
export type { AdapterOptions, AnyRouter };

/** What `new OpenAI({ fetch })` takes. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

export interface RoutedFetchOptions extends AdapterOptions {
  /** Requests for these models are routed; `["auto"]` where absent. */
  names?: readonly string[];
  /** A candidate's name at the upstream, by its id; the id itself where absent. */
  models?: Record<string, string>;
  /** The function that sends the request; the host's own `fetch` where absent. */
  fetch?: Fetch;
}

/**
 * A `fetch` for OpenAI's client: in a POST to `.../chat/completions` or `.../responses` whose `model`
 * is one of `names`, it replaces `model` by the chosen candidate. Everything else passes unchanged:
 * other models and endpoints, headers, signals, streams.
 *
 * The texts of user messages are rated, from `messages` or from `input`, which may also be a text.
 * Turns that only the API stores (`previous_response_id`) are not seen.
 *
 * A query that the router refuses is answered with status 400 and the code of the `RouterError`, as the
 * API refuses a request: the client throws at once, and its error has that `code`.
 *
 * @throws RouterError `argument_router`, `argument_models`, `argument_options`, `argument_policy`, any
 * `policy_*`. With a RouterWorker, the first call fails with the errors that need the bundle.
 *
 * @example
 * ```js
 * const client = new OpenAI({ fetch: routedFetch(router, { policy: { strongShare: 0.3 } }) });
 * await client.chat.completions.create({ model: "auto", messages });
 * ```
 */
export declare function routedFetch(router: AnyRouter, options?: RoutedFetchOptions): Fetch;
