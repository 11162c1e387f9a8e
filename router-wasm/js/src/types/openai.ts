import type { AdapterOptions } from "./adapter.js";

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
