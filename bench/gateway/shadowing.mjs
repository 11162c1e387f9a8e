// Latency at the caller with and without shadowing, side by side: requests go in turn to two Workers that
// differ in `GATEWAY.shadow` alone, so that whatever else the machine does meets both. Every request is compared, so
// the work behind an answer is at its largest; the client waits between requests, or it would measure how client,
// stand-ins and both Workers share the machine's cores. Needs `cargo xtask build`.
//
//   node bench/gateway/shadowing.mjs [requests] [at once] [ms between requests]

import { DEFAULT, readJson } from "../../tests/hosts/paths.mjs";
import { gateway } from "../../tests/worker/gateway.mjs";
import { openai } from "../../tests/worker/openai-stand-in.mjs";
import { upstream } from "../../tests/worker/stand-ins.mjs";

const [requests = 400, atOnce = 1, pause = 150] = process.argv.slice(2).map(Number);
/** What the stand-ins wait before they answer, in ms. */
const WAIT = 20;
const delayed = (/** @type {string} */ text) => {
  const answer = openai({ text });
  return (/** @type {Parameters<typeof answer>} */ ...call) => setTimeout(() => answer(...call), WAIT);
};
const [there, other, judge] = await Promise.all(
  ["Four.", "It is four.", "Verdict: A"].map((text) => upstream(delayed(text))),
);
const { candidates } = readJson(`${DEFAULT}/router.json`);
const prices = { inputPrice: 1, outputPrice: 2 };
const UPSTREAMS = {
  ...Object.fromEntries(
    candidates.map((/** @type {{id: string}} */ { id }, /** @type {number} */ at) => [
      id,
      { baseUrl: (at === 0 ? there : other).url, ...prices },
    ]),
  ),
  judge: { baseUrl: judge.url, ...prices },
};
const start = (/** @type {object} */ settings) =>
  gateway({
    bundle: DEFAULT,
    upstreams: UPSTREAMS,
    ledger: true,
    buckets: ["LOG"],
    secrets: { LOG_SECRET: "a-secret-of-more-than-32-characters" },
    gateway: settings,
  });
const shadow = { share: 1, judge: "judge", usdPerDay: 1000 };
const workers = { without: await start({}), with: await start({ shadow }) };

/** @type {Record<string, number[]>} */
const times = { "without, whole": [], "with, whole": [], "without, streamed": [], "with, streamed": [] };
let next = 0;
await Promise.all(
  Array.from({ length: atOnce }, async () => {
    while (next < requests) {
      const number = next++;
      const stream = number % 2 === 1;
      const content = `What is ${number} + ${number}? Give the steps.`;
      // Each of the two is first in every second request.
      const order = Object.entries(workers);
      for (const [name, worker] of number % 4 < 2 ? order : order.reverse()) {
        const begun = performance.now();
        const response = await worker.chat({ stream, messages: [{ role: "user", content }] });
        await response.text();
        if (number >= 4 * atOnce) times[`${name}, ${stream ? "streamed" : "whole"}`].push(performance.now() - begun);
        await new Promise((next) => setTimeout(next, pause));
      }
    }
  }),
);
const quantile = (/** @type {number[]} */ sorted, /** @type {number} */ share) =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
console.log("| shadowing, answer | requests | p50 ms | p99 ms |\n| --- | --- | --- | --- |");
for (const [name, found] of Object.entries(times)) {
  const sorted = found.toSorted((one, other) => one - other);
  console.log(
    `| ${name} | ${sorted.length} | ${quantile(sorted, 0.5).toFixed(1)} | ${quantile(sorted, 0.99).toFixed(1)} |`,
  );
}
console.log(`${judge.requests.length} requests to the judge`);
await Promise.all(Object.values(workers).map((worker) => worker.close()));
await Promise.all([there, other, judge].map((one) => one.close()));
