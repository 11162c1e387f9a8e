// The module that a RouterWorker's thread runs in Node and Deno.

import { parentPort } from "node:worker_threads";

import { node } from "./lib/host-node.js";
import { answering } from "./lib/worker-thread.js";

const answer = answering(node, (message) => parentPort.postMessage(message));
parentPort.on("message", answer);
