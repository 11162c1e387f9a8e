// ONNX Runtime for this machine. It stands here because only this folder's packages have it.

import ort from "onnxruntime-node";

export { ort };
