// One measurement in an isolate, on the npm package and onnxruntime-web.
//
// | POST | does |
// | --- | --- |
// | /files/<name>, /models/<name> | keeps the body's bytes |
// | /clock | computes for a while, by its own clock |
// | /measure/<turns, cold, memory> | measures the job in the body |

/** @import { Measure } from "../../in-process/measure.mjs" */
/** @import { MeasuredJob } from "../../job.mjs" */

// First: it must see every wasm memory made.
import "../../in-process/wasm-memories.mjs";

import { Router } from "../../../router-wasm/js/src/entry/workerd/index.js";
import { contestantsOn } from "../../in-process/contestants.mjs";
import * as measures from "../../in-process/measure.mjs";
import { WEB } from "../../in-process/onnx-runtime.mjs";
import { onnxRuntimeWeb } from "./peer.mjs";

/** @type {Record<"files" | "models", Record<string, Uint8Array>>} */
const kept = { files: {}, models: {} };
/**
 * Both engines loaded; the isolate keeps them for all lengths.
 * @type {Awaited<ReturnType<typeof contestantsOn>> | undefined}
 */
let contestants;

export default {
  /** @param {Request} request */
  async fetch(request) {
    try {
      const [, action, name] = new URL(request.url).pathname.split("/");
      if (action === "files" || action === "models") {
        kept[action][name] = new Uint8Array(await request.arrayBuffer());
        return Response.json({});
      }
      if (action === "clock") return Response.json(computed());
      return Response.json(await measured(/** @type {Measure} */ (name), await request.json()));
    } catch (error) {
      return new Response(error instanceof Error ? error.stack : String(error), { status: 500 });
    }
  },
};

function computed() {
  const start = performance.now();
  let sum = 0;
  for (let i = 0; i < 5e8; i += 1) sum += i;
  return { sum, inside: performance.now() - start };
}

/** @param {Measure} measure @param {MeasuredJob & {number: number}} job */
async function measured(measure, job) {
  const parts = { ...kept, Router, ort: await onnxRuntimeWeb(), session: WEB, Tokenizer: await tokenizerClass() };
  if (measure !== "turns") return measures.measured(measure, parts, job, () => {});
  contestants ??= await contestantsOn(parts);
  const [one] = job.cases;
  return measures.row(contestants, one, job.number, job.limits);
}

async function tokenizerClass() {
  try {
    return (await import("../../peers/node_modules/@huggingface/tokenizers/dist/tokenizers.mjs")).Tokenizer;
  } catch {
    // Not installed, so not among the Worker's modules.
    return undefined;
  }
}
