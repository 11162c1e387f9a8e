/**
 * The name of an error, which never changes.
 *
 * Arguments
 * - `argument_query`: the input is not a text, a list of messages, `{query}` or `{messages}`.
 * - `argument_messages`: `messages` is not a list, or cannot be written as JSON.
 * - `argument_inputs`: a batch is not a list.
 * - `argument_policy`: the policy is not an object, or a field of it has a wrong type.
 * - `argument_options`: an option has a wrong type or value.
 * - `argument_outcomes`: the outcomes are not a list of `{query, score}`.
 * - `argument_state`: a state of the traffic is not a text.
 * - `argument_source`: the source is not one that `load` accepts; in a Worker, there is no default source.
 * - `argument_router`: an adapter was given no router, or one of a version that lacks a method.
 * - `argument_models`: an adapter's `models` lacks a candidate, names an unknown one, or holds something else than a model.
 *
 * Files and URLs
 * - `fetch_failed`: a URL returned an error or a web page, or the fetch was blocked (network, CSP, CORS).
 * - `file_unreadable`: Node, Deno: a path could not be read.
 * - `wasm_missing`: the engine's wasm was not found; serve it, or pass option `wasm`.
 * - `wasm_damaged`: the engine's wasm is cut off or changed; fetch or install it again.
 * - `wasm_wrong_version`: the engine's wasm is of another version than this JavaScript; take both from one installation.
 * - `wasm_unsupported`: this host has no WebAssembly with SIMD, or forbids compiling it (CSP).
 *
 * A router
 * - `router_freed`: the router was freed; load it again.
 * - `engine_stopped`: the engine trapped and cannot continue; start a new process, page or Worker.
 * - `worker_failed`: a RouterWorker's thread could not start, or ended.
 * - `worker_unsupported`: this host has no threads; use `Router`.
 *
 * A bundle
 * - `bundle_missing_file`: `router.json`, or a file that it lists, is missing.
 * - `bundle_too_large`: a file is longer than the engine reads.
 * - `bundle_wrong_size`: a file's length is not the one that `router.json` states.
 * - `bundle_wrong_hash`: a file's SHA-256 is not the one that `router.json` states.
 * - `bundle_bad_manifest`: `router.json` is not a valid manifest.
 * - `bundle_unknown_format`: the bundle's format is of a later version; use a later version of this package.
 * - `bundle_unknown_kind`: the router's kind is of a later version; use a later version of this package.
 * - `bundle_bad_memory`, `bundle_bad_tokenizer`, `bundle_bad_model`: that file cannot be used.
 * - `bundle_bad_archive`: the archive is not an uncompressed tar of a bundle's files.
 *
 * A query
 * - `query_empty`: there is no text to route.
 * - `query_too_long`: the text has more than 16,777,216 bytes of UTF-8.
 * - `query_ill_formed`: the text holds a NUL character or a lone surrogate.
 * - `messages_without_text`: no user message has text.
 * - `request_ill_formed`: a message or a field of the policy is not of the documented shape.
 *
 * A policy
 * - `policy_out_of_range`: a number is out of its range.
 * - `policy_contradiction`: two fields contradict each other.
 * - `policy_unknown_model`: a name is not a candidate of the bundle.
 * - `policy_unsupported`: the bundle lacks what a field needs, such as prices.
 * - `traffic_bad_state`: a state of the traffic is damaged, or of another bundle.
 * - `candidates_invalid`: an LLM of option `candidates`, or a prior, does not fit the bundle.
 * - `outcomes_invalid`: the list of outcomes is empty, or holds a score or a query out of range.
 * - `demands_unsupported`: the bundle is not of kind `difficulty`, and rates only its own candidates.
 * - `no_candidate`: no candidate meets the constraints.
 *
 * The graph
 * - `inference_failed`, `not_finite`: the graph failed, or gave NaN or an infinity; export the bundle again.
 */
export type RouterErrorCode =
  | "argument_query"
  | "argument_messages"
  | "argument_inputs"
  | "argument_policy"
  | "argument_options"
  | "argument_outcomes"
  | "argument_state"
  | "argument_source"
  | "argument_router"
  | "argument_models"
  | "fetch_failed"
  | "file_unreadable"
  | "wasm_missing"
  | "wasm_damaged"
  | "wasm_wrong_version"
  | "wasm_unsupported"
  | "router_freed"
  | "engine_stopped"
  | "worker_failed"
  | "worker_unsupported"
  | "bundle_missing_file"
  | "bundle_too_large"
  | "bundle_wrong_size"
  | "bundle_wrong_hash"
  | "bundle_bad_manifest"
  | "bundle_unknown_format"
  | "bundle_unknown_kind"
  | "bundle_bad_memory"
  | "bundle_bad_tokenizer"
  | "bundle_bad_model"
  | "bundle_bad_archive"
  | "query_empty"
  | "query_too_long"
  | "query_ill_formed"
  | "messages_without_text"
  | "request_ill_formed"
  | "policy_out_of_range"
  | "policy_contradiction"
  | "policy_unknown_model"
  | "policy_unsupported"
  | "traffic_bad_state"
  | "candidates_invalid"
  | "outcomes_invalid"
  | "demands_unsupported"
  | "no_candidate"
  | "inference_failed"
  | "not_finite";
