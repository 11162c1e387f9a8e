// The messages between a `RouterWorker` and its thread.

import type { BundleSource } from "../types/bundle.js";
import type { RouterErrorCode } from "../types/error-code.js";
import type { LoadOptions, LoadProgress } from "../types/load.js";

/** An error as plain data: its class is lost between threads. */
export interface PlainError {
  code: RouterErrorCode;
  message: string;
}

/** A decision as the engine's JSON, or this row's error. */
export type SliceRow = { decision: string; error?: undefined } | { decision?: undefined; error: PlainError };

/** Each call's request and its answer. Requests, policies and decisions are JSON. */
export interface Calls {
  load: {
    request: {
      source: BundleSource | undefined;
      wasm: WebAssembly.Module | undefined;
      cache: number;
      learnShares: LoadOptions["learnShares"];
      ownCandidates: string | undefined;
      tells: boolean;
    };
    answer: undefined;
  };
  route: { request: { request: string }; answer: string };
  checkPolicy: { request: { request: string }; answer: undefined };
  routeSlice: { request: { requests: string[] }; answer: SliceRow[] };
  embed: { request: { query: string }; answer: Float32Array };
  demands: { request: { query: string }; answer: Float64Array };
  fitAbility: { request: { outcomes: string; prior: string }; answer: string };
  info: { request: object; answer: string };
  trafficState: { request: object; answer: string | undefined };
  addTraffic: { request: { state: string }; answer: undefined };
}

export type ThreadRequest = { [Call in keyof Calls]: { id: number; call: Call } & Calls[Call]["request"] }[keyof Calls];

/** A call's answer, its error, or progress of its load. */
export interface ThreadAnswer {
  id: number;
  value?: Calls[keyof Calls]["answer"];
  error?: PlainError;
  progress?: LoadProgress;
}
