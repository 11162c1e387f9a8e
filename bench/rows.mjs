// Samples to the rows of a report.

/** @import { CaseRow, ColdTime, MemoryAt } from "./in-process/measure.mjs" */
/** @import { Shape } from "./work.mjs" */

import { quantile, ratio, summary } from "./statistics.mjs";
import { multiplyAdds } from "./work.mjs";

/**
 * @typedef {ReturnType<typeof turnsRow>} TurnsRow
 * @typedef {ReturnType<typeof coldRow>} ColdRow
 * @typedef {ReturnType<typeof memoryRow>} MemoryRow
 * @typedef {TurnsRow["peer"]} PeerTimes
 */

/**
 * One length on one host. ONNX Runtime is measured from ids, on each file of the graph, and from text;
 * the fastest file from ids is the peer. transformers.js adds work of its own and has its own column.
 * @param {{host: string, bundle: string, shape?: Shape}} where
 * @param {CaseRow} row
 */
export function turnsRow({ host, bundle, shape }, { tokens, apart, results }) {
  const [ours, ...theirs] = results;
  const peers = theirs.map(({ name, calls, times }) => {
    const [from, file] = name.split(" ");
    return { from, file, calls, ...summary(times), ratio: ratio(times, ours.times) };
  });
  const ids = peers.filter(({ from }) => from === "ids").sort((a, b) => a.p50 - b.p50);
  return {
    host,
    bundle,
    tokens,
    rounds: ours.times.length,
    multiplyAdds: shape && multiplyAdds(shape, tokens),
    apart,
    pointsman: { calls: ours.calls, ...summary(ours.times) },
    peer: ids[0],
    otherFile: ids.at(1),
    fromText: peers.find(({ from }) => from === "text"),
    transformers: peers.find(({ from }) => from === "transformers.js"),
  };
}

/**
 * Cold starts of one engine on one host.
 * @param {{host: string, bundle: string, engine: string}} where
 * @param {ColdTime[]} times
 */
export function coldRow({ host, bundle, engine }, times) {
  const of = (/** @type {keyof ColdTime} */ field) => summary(times.map((time) => time[field]));
  return { host, bundle, engine, runs: times.length, load: of("load"), decide: of("decide"), all: of("all") };
}

/**
 * Memory of one engine on one host: the median of fresh starts, which differ by what V8 compiled.
 * @param {{host: string, bundle: string, engine: string}} where
 * @param {MemoryAt[][]} runs
 */
export function memoryRow({ host, bundle, engine }, runs) {
  const middle = (/** @type {(number | null | undefined)[]} */ values) => {
    const known = values.filter((value) => value !== undefined && value !== null);
    return known.length > 0
      ? quantile(
          known.sort((a, b) => a - b),
          0.5,
        )
      : undefined;
  };
  const at = runs[0].map(({ tokens }, number) => ({
    tokens,
    wasm: middle(runs.map((rows) => rows[number].wasm)),
    resident: middle(runs.map((rows) => rows[number].resident)),
  }));
  return { host, bundle, engine, runs: runs.length, at };
}
