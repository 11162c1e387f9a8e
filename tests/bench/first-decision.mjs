// One fresh process: the time from the bundle's and the wasm's bytes in memory to the first
// decision, in milliseconds on stdout. `edge.mjs` starts it several times.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { Router } from "switchyard-router";

import { bundleFiles, ROOT } from "../hosts/paths.mjs";

const [folder, query] = process.argv.slice(2);
const files = bundleFiles(folder);
const wasm = readFileSync(join(ROOT, "router-wasm/js/pkg/switchyard_router_bg.wasm"));

const start = performance.now();
const router = await Router.load(files, { wasm });
const loaded = performance.now();
router.route(query);
const decided = performance.now();

console.log(JSON.stringify({ load: loaded - start, decide: decided - loaded, all: decided - start }));
