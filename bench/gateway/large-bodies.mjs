// What the largest request bodies cost an isolate: the size of its wasm memory afterwards, which never shrinks,
// and the longest wait of `GET /healthz` meanwhile. Needs `cargo xtask build`.
//
//   node bench/gateway/large-bodies.mjs [part of a name]

import { DEFAULT, readJson } from "../../tests/hosts/paths.mjs";
import { anthropic } from "../../tests/worker/anthropic-stand-in.mjs";
import { gateway } from "../../tests/worker/gateway.mjs";
import { LARGE_BODIES, sent } from "../../tests/worker/large-bodies.mjs";
import { openai } from "../../tests/worker/openai-stand-in.mjs";
import { upstream } from "../../tests/worker/stand-ins.mjs";

const [only = ""] = process.argv.slice(2);
const there = await upstream(openai());
const claude = await upstream(anthropic());
const at = { baseUrl: there.url, contextWindow: 1e9 };
const { candidates } = readJson(`${DEFAULT}/router.json`);
const UPSTREAMS = Object.fromEntries(candidates.map((/** @type {{id: string}} */ { id }) => [id, at]));

/**
 * Sends one body to a fresh Worker with the default bundle.
 * @param {import("../../tests/worker/large-bodies.mjs").LargeBody} large
 */
async function measured(large) {
  const worker = await gateway({
    bundle: DEFAULT,
    upstreams: { ...UPSTREAMS, plain: at, claude: { ...at, baseUrl: claude.url, api: "anthropic" } },
    main: "../../tests/worker/soak-worker.mjs",
  });
  await worker.get("healthz");
  await (await worker.chat({ model: "plain" })).text();
  const before = await (await worker.get("memory")).json();
  const { bytes, body, headers } = sent(large);
  let [over, longest] = [false, 0];
  const answered = worker.send("POST", large.path, body, headers).then(async (response) => {
    await response.text();
    over = true;
    return response.status;
  });
  while (!over) {
    const start = performance.now();
    await (await worker.get("healthz")).text();
    longest = Math.max(longest, performance.now() - start);
  }
  const status = await answered;
  const after = await (await worker.get("memory")).json();
  await worker.close();
  return { MiB: bytes / 2 ** 20, status, before: before / 2 ** 20, after: after / 2 ** 20, longest };
}

console.log(
  "| body | MiB | status | wasm MiB before | after | longest wait of /healthz, ms |\n| --- | --- | --- | --- | --- | --- |",
);
for (const [name, large] of Object.entries(LARGE_BODIES)) {
  if (!name.includes(only)) continue;
  const found = await measured(large);
  const numbers = [found.MiB.toFixed(1), found.status, found.before.toFixed(1), found.after.toFixed(1)];
  console.log(`| ${name} | ${numbers.join(" | ")} | ${found.longest.toFixed(0)} |`);
}
await there.close();
await claude.close();
process.exit(0);
