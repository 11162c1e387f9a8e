// What "pointsman/langchain" exports, types included.

export * from "../adapters/langchain.js";
export type { AdapterOptions, AnyRouter } from "../types/adapter.js";
export type { RouterErrorCode } from "../types/error-code.js";
export type { RoutedRunnableOptions } from "../types/langchain.js";
