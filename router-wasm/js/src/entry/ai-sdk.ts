// What "pointsman/ai-sdk" exports, types included.

export * from "../adapters/ai-sdk.js";
export type { AdapterOptions, AnyRouter } from "../types/adapter.js";
export type { RoutedModelOptions } from "../types/ai-sdk.js";
export type { RouterErrorCode } from "../types/error-code.js";
