// The peers that run natively in Node. They are imported here because only this folder's packages
// have them.

import * as module from "@huggingface/transformers";
import ort from "onnxruntime-node";

import { transformers } from "./transformers.mjs";

export { ort };

/**
 * transformers.js, which runs on onnxruntime-node here.
 * @param {import("./transformers.mjs").Place} place
 * @param {import("../in-process/onnx-runtime.mjs").SessionOptions} session_options
 */
export function nativeTransformers(place, session_options) {
  return transformers(module, place, { device: "cpu", session_options });
}
