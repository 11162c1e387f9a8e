// The edge benchmark's report as Markdown: its page, and its section of a run's summary.

/** @import { Sizes } from "./bytes.mjs" */
/** @import { Load, Origin } from "./conditions.mjs" */
/** @import { Entry } from "./job.mjs" */
/** @import { ColdRow, MemoryRow, PeerTimes, TurnsRow } from "./rows.mjs" */

import { conditions } from "./conditions.mjs";
import { mb, ms, spread, times } from "./figures.mjs";

/**
 * @typedef {Pick<Entry, "name" | "about" | "precision" | "shape"> & {bytes: Sizes}} BundleRow
 * @typedef {Origin & {settings: {rounds: number, seconds: number, coldRuns: number}, load: Load,
 *   wasm: Record<string, Sizes>, bundles: BundleRow[], turns: TurnsRow[], cold: ColdRow[], memory: MemoryRow[],
 *   failed: {host: string, bundle: string, error: string}[]}} Report
 */

/** Multiply-adds of a query below which no rate is stated. */
const LEAST_WORK = 1e6;
/** @type {Record<string, string>} */
const HOSTS = {
  node: "Node",
  "node-simd128": "Node, simd128",
  workerd: "workerd",
  chromium: "Chromium",
  native: "native",
};
/** The bundles that `cargo xtask bench edge` measures by default. */
const DEFAULT_BUNDLES = "static,mini,minilm-l6,minilm-l6-float";

export const title = "Time, memory and bytes from text to decision, beside ONNX Runtime";

/**
 * The command that made a report.
 * @param {Report} report
 */
export function command({ settings: { rounds, seconds, coldRuns }, turns, failed, bundles }) {
  const measured = [...new Set([...turns, ...failed].map(({ host }) => host))];
  const hosts = Object.keys(HOSTS).filter((host) => measured.includes(host));
  const names = bundles.map(({ name }) => name).join(",");
  return [
    "cargo xtask bench edge",
    ...(hosts.length < Object.keys(HOSTS).length ? [`--hosts ${hosts.join(",")}`] : []),
    ...(names === DEFAULT_BUNDLES ? [] : [`--bundles ${names}`]),
    `--rounds ${rounds} --seconds ${seconds} --cold-runs ${coldRuns}`,
  ].join(" ");
}

/**
 * Everything measured.
 * @param {Report} report
 */
export function whole(report) {
  return [
    "# Speed beside ONNX Runtime",
    "",
    "Made by `cargo xtask bench edge`; no number here is typed by hand. The peer is onnxruntime-web in Node,",
    "workerd and Chromium, and onnxruntime-node natively; every engine has one thread. The engines take turns,",
    'round by round. Ours goes from text to decision, tokeniser and policy included. "Graph from ids" is the peer',
    'on the graph alone, given ids; "from text" is the peer behind the tokeniser of transformers.js; and',
    "transformers.js itself brings an ONNX Runtime of its own into a page and uses onnxruntime-node natively. A ratio is the",
    "peer's time by ours in the same round, median and quartiles: above 1 ours is faster. GMAC/s are the encoder's",
    "multiply-adds by the median time. workerd compiles no wasm from bytes, so onnxruntime-web does not start there as",
    'it is: it was given the module that workerd had compiled (`bench/hosts/workerd/peer.mjs`). "Node, simd128"',
    "is the engine's module for hosts without relaxed-simd.",
    "",
    ...about(report),
    "",
    "## A query",
    "",
    ...present(report).flatMap((host) => [`### ${HOSTS[host]}`, "", ...turnsTable(report, host), ""]),
    ...report.failed.flatMap(({ host, bundle, error }) => [`Not measured: ${bundle} in ${HOSTS[host]}: ${error}`, ""]),
    "## From bytes in memory to the first decision",
    "",
    "The engine's JavaScript is imported and all bytes are read beforehand. Each run is a fresh process, page or",
    "isolate, on the shortest query; workerd compiles the wasm at its start, which is not in its figures, and its",
    "clock tells whole milliseconds. The peer starts from text too, where its tokeniser is there.",
    "",
    ...coldTable(report),
    "",
    "## Memory",
    "",
    "Bytes of wasm memory after queries of each length, alone in a fresh process, page or isolate; in brackets what",
    "the whole process has grown by, where the host tells (compiled wasm included). Medians of three.",
    "",
    ...memoryTable(report),
    "",
    "## Bytes",
    "",
    ...bytesTable(report),
    "",
  ].join("\n");
}

/**
 * The run's summary: medians and ratios, first decisions, bytes.
 * @param {Report} report
 */
export function brief(report) {
  const hosts = present(report);
  const lengths = [...new Set(report.turns.map(({ tokens }) => tokens))];
  const cell = (/** @type {string} */ host, /** @type {string} */ bundle, /** @type {number} */ tokens) => {
    const row = report.turns.find((one) => one.host === host && one.bundle === bundle && one.tokens === tokens);
    if (!row) return "–";
    const { peer, fromText } = row;
    return [ms(row.pointsman.p50), times(peer?.ratio.median), times(fromText?.ratio.median)].join(" · ");
  };
  return [
    "Time from text to decision beside ONNX Runtime, one thread each. The two take turns, in one process; natively",
    "each has a process of its own. A cell holds our median time in ms, then ONNX Runtime's time divided by ours, first",
    "on the graph alone, given token ids, then from text, behind the tokenizer of transformers.js. Above 1 ours is",
    "faster, below 1 ONNX Runtime is. The last table says what each bundle is.",
    "",
    `| bundle | tokens | ${hosts.map((host) => HOSTS[host]).join(" | ")} |`,
    `| --- | ---: |${" ---: |".repeat(hosts.length)}`,
    ...report.bundles.flatMap(({ name }) =>
      lengths.map((tokens) => `| ${name} | ${tokens} | ${hosts.map((host) => cell(host, name, tokens)).join(" | ")} |`),
    ),
    "",
    ...losses(report),
    "",
    "From bytes in memory to the first decision, each in a fresh process, page or isolate:",
    "",
    ...coldTable(report),
    "",
    "Bytes to download:",
    "",
    ...bytesTable(report),
    "",
    ...about(report),
    "",
  ].join("\n");
}

/**
 * In how many cells ONNX Runtime was faster, from text, host by host.
 * @param {Report} report
 */
function losses(report) {
  const counts = present(report).map((host) => {
    const rows = report.turns.flatMap((row) => (row.host === host && row.fromText ? [row.fromText] : []));
    return { host, rows: rows.length, lost: rows.filter(({ ratio }) => ratio.median < 1).length };
  });
  const lost = counts
    .filter((count) => count.lost > 0)
    .map((count) => `${count.lost} of ${count.rows} cells (${HOSTS[count.host]})`);
  return [
    lost.length > 0
      ? `From text, ONNX Runtime is faster in ${lost.join(" and ")}.`
      : "From text, ours is faster in every cell.",
  ];
}

/**
 * What a report was made with.
 * @param {Report} report
 */
export function about(report) {
  const { rounds, seconds } = report.settings;
  return conditions(report, report.load, `up to ${rounds} rounds a length, for ${seconds} s or ten rounds at least`);
}

/** @param {Report} report @param {string} host */
function turnsTable(report, host) {
  const rows = report.turns.filter((row) => row.host === host);
  const otherFile = rows.some((row) => row.otherFile);
  const whole = rows.some((row) => row.transformers);
  const more = otherFile ? " graph from ids, its slower file: p50 ms | ratio |" : "";
  const last = whole ? " transformers.js: p50 ms | p95 | ratio |" : "";
  return [
    `| bundle | tokens | rounds | ours p50 ms | p95 | GMAC/s | graph from ids: p50 ms | p95 | GMAC/s | ratio |${more} from text: p50 ms | p95 | ratio |${last}`,
    `| --- |${" ---: |".repeat(12 + (otherFile ? 2 : 0) + (whole ? 3 : 0))}`,
    ...rows.map((row) => {
      const { pointsman: ours, peer, fromText } = row;
      // A token table is read, not multiplied: a rate of multiply-adds would mean nothing.
      const work = row.multiplyAdds ?? 0;
      const speed = (/** @type {{p50: number}} */ { p50 }) =>
        work >= LEAST_WORK ? (work / p50 / 1e6).toFixed(1) : "–";
      const other = otherFile
        ? [row.otherFile ? `${ms(row.otherFile.p50)} ${row.otherFile.file}` : "–", spread(row.otherFile?.ratio)]
        : [];
      const three = (/** @type {PeerTimes | undefined} */ found) =>
        found ? [ms(found.p50), ms(found.p95), spread(found.ratio)] : ["–", "–", "–"];
      const text = [...three(fromText), ...(whole ? three(row.transformers) : [])];
      const cells = [
        row.bundle,
        row.tokens,
        row.rounds,
        ms(ours.p50),
        ms(ours.p95),
        speed(ours),
        ms(peer.p50),
        ms(peer.p95),
        speed(peer),
        spread(peer.ratio),
        ...other,
        ...text,
      ];
      return `| ${cells.join(" | ")} |`;
    }),
  ];
}

/** @param {Report} report */
function coldTable({ cold }) {
  const rows = grouped(cold);
  return [
    "| first decision, median ms (least to most) | bundle | ours | of it loading | ONNX Runtime | of it loading |",
    "| --- | --- | ---: | ---: | ---: | ---: |",
    ...rows.map(({ host, bundle, pointsman: ours, peer }) => {
      const all = (/** @type {ColdRow | undefined} */ row) =>
        row ? `${ms(row.all.p50)} (${ms(row.all.min)} to ${ms(row.all.max)})` : "–";
      const load = (/** @type {ColdRow | undefined} */ row) => (row ? ms(row.load.p50) : "–");
      return `| ${HOSTS[host]} | ${bundle} | ${all(ours)} | ${load(ours)} | ${all(peer)} | ${load(peer)} |`;
    }),
  ];
}

/** @param {Report} report */
function memoryTable({ memory }) {
  const lengths = [...new Set(memory.flatMap(({ at }) => at.map(({ tokens }) => tokens)))];
  const cell = (/** @type {MemoryRow} */ row, /** @type {number} */ tokens) => {
    const at = row.at.find((one) => one.tokens === tokens);
    if (!at) return "–";
    const wasm = at.wasm ? mb(at.wasm) : "–";
    return at.resident === undefined || at.resident === null ? wasm : `${wasm} (${mb(at.resident)})`;
  };
  return [
    `| MB | bundle | engine | ${lengths.map((tokens) => `${tokens} tokens`).join(" | ")} |`,
    `| --- | --- | --- |${" ---: |".repeat(lengths.length)}`,
    ...memory.map(
      (row) =>
        `| ${HOSTS[row.host]} | ${row.bundle} | ${engine(row.engine)} | ${lengths.map((tokens) => cell(row, tokens)).join(" | ")} |`,
    ),
  ];
}

/** @param {Report} report */
function bytesTable({ wasm, bundles }) {
  const row = (/** @type {string} */ what, /** @type {Sizes} */ { raw, gzip }) =>
    `| ${what} | ${mb(raw)} | ${mb(gzip)} |`;
  return [
    "| MB | raw | gzip -9 |",
    "| --- | ---: | ---: |",
    ...Object.entries(wasm).map(([name, sizes]) => row(`${name}, wasm`, sizes)),
    ...bundles.map(({ name, about, bytes }) => row(`${name} (${about})`, bytes)),
  ];
}

/**
 * Both engines' rows of a host and bundle, side by side.
 * @param {ColdRow[]} rows
 */
function grouped(rows) {
  /** @type {Map<string, {host: string, bundle: string, pointsman?: ColdRow, peer?: ColdRow}>} */
  const groups = new Map();
  for (const row of rows) {
    const key = `${row.host} ${row.bundle}`;
    const group = groups.get(key) ?? { host: row.host, bundle: row.bundle };
    groups.set(key, { ...group, [row.engine]: row });
  }
  return [...groups.values()];
}

/** @param {Report} report */
function present({ turns }) {
  return Object.keys(HOSTS).filter((host) => turns.some((row) => row.host === host));
}

/** @param {string} name */
function engine(name) {
  return name === "peer" ? "ONNX Runtime" : "ours";
}
