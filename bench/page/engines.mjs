// The engines measured in a page: the npm package, and transformers.js in two forms. A page imports this
// file too, so it imports nothing of Node's.

/** @typedef {"pointsman" | "transformers.js" | "transformers.js, CPU"} Engine */

/** @type {Record<Engine, {about: string, runtime?: string}>} */
export const ENGINES = {
  pointsman: { about: "pointsman, its module for relaxed-simd" },
  "transformers.js": {
    about: "transformers.js as it comes: ONNX Runtime's build for CPU and GPU",
    runtime: ".asyncify",
  },
  "transformers.js, CPU": { about: "transformers.js told to take ONNX Runtime's build for the CPU alone", runtime: "" },
};
export const OURS = "pointsman";
export const PEERS = /** @type {Engine[]} */ (Object.keys(ENGINES)).filter((name) => name !== OURS);
