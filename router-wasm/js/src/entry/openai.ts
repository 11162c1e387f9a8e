// What "pointsman/openai" exports, types included.

export * from "../adapters/openai.js";
export type { AdapterOptions, AnyRouter } from "../types/adapter.js";
export type { RouterErrorCode } from "../types/error-code.js";
export type { Fetch, RoutedFetchOptions } from "../types/openai.js";
