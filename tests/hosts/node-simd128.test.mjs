// The parity suite in Node on the module without relaxed-simd, which Node and Chromium would not choose
// themselves, since both support relaxed-simd.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { inNode } from "./node.mjs";

await inNode("Node, simd128", {
  wasm: readFileSync(fileURLToPath(import.meta.resolve("pointsman/wasm"))),
});
