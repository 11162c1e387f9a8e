// The module that a RouterWorker's thread runs in Node and Deno.

import { parentPort } from "node:worker_threads";

import { answering } from "../../thread/answering.js";
import { node } from "./host.js";

const port = /** @type {import("node:worker_threads").MessagePort} */ (parentPort);
port.on(
  "message",
  answering(node, (message) => port.postMessage(message)),
);
