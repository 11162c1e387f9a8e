// What a gateway adds to a call of an upstream: Pointsman's Worker beside Portkey's open gateway,
// both against one stand-in on loopback, with the direct call as the measure of both.
//
// `node bench/gateway.mjs [--contestants direct,passing,static,before,mini,portkey] [--mini FOLDER]
//  [--before CLONE] [--rounds 400] [--seconds 20] [--load-rounds 3] [--load-seconds 2] [--save]`
//
// `--before` is a clone of an earlier revision, built, whose Worker takes part as `before`.
// With --save the report is stored in bench/runs.

/** @import { Contestant } from "./gateway/contestants.mjs" */
/** @import { Report } from "./gateway/markdown.mjs" */

import { parseArgs } from "node:util";

import { DEFAULT } from "../tests/hosts/paths.mjs";
import { clientOf } from "./gateway/client.mjs";
import { direct, passing, pointsman, portkey } from "./gateway/contestants.mjs";
import { throughput } from "./gateway/load.mjs";
import { whole } from "./gateway/markdown.mjs";
import { latencyRows } from "./gateway/rows.mjs";
import { startUpstream } from "./gateway/upstream.mjs";
import { load, machine } from "./machine.mjs";
import { save } from "./runs.mjs";
import { count, installed, PEERS, revision, say, unknown } from "./script.mjs";
import { takeTurns } from "./turns.mjs";

const CONCURRENCIES = [1, 16, 64];

const { values } = parseArgs({
  options: {
    contestants: { type: "string" },
    mini: { type: "string" },
    before: { type: "string" },
    rounds: { type: "string", default: "400" },
    seconds: { type: "string", default: "20" },
    "load-rounds": { type: "string", default: "3" },
    "load-seconds": { type: "string", default: "2" },
    save: { type: "boolean", default: false },
  },
});
const settings = {
  rounds: count("--rounds", values.rounds),
  seconds: count("--seconds", values.seconds),
  loadRounds: count("--load-rounds", values["load-rounds"]),
  loadSeconds: count("--load-seconds", values["load-seconds"]),
};
/** @type {Record<string, () => Contestant>} */
const known = {
  direct: () => direct,
  passing: () => passing,
  static: () => pointsman("static", DEFAULT),
  before: () => pointsman("before", DEFAULT, values.before ?? missing("--before")),
  mini: () => pointsman("mini", values.mini ?? missing("--mini")),
  portkey: () => portkey,
};
const chosen =
  values.contestants?.split(",") ??
  Object.keys(known).filter((name) => !(name === "mini" && !values.mini) && !(name === "before" && !values.before));
if (!chosen.includes("direct"))
  throw new Error("--contestants leaves out direct: what is added is added to the direct call");
const contestants = chosen.map((name) => (known[name] ?? unknown("--contestants", name, known))());

const before = load();
const upstream = await startUpstream();
const running = [];
try {
  for (const contestant of contestants) {
    say(`${contestant.name}: start\n`);
    running.push({ ...contestant, ...(await contestant.start(upstream)) });
  }
  const clients = running.map((one) => ({ name: one.name, ...clientOf(one) }));
  /** @type {Omit<Report, "loadAverage">} */
  const report = {
    made: new Date().toISOString().slice(0, 10),
    revision: revision(),
    machine: machine(),
    versions: versions(),
    settings,
    contestants: contestants.map(({ name, about, process: model }) => ({ name, about, process: model })),
    latency: { whole: await latency("whole"), streamed: await latency("firstToken") },
    load: [],
  };
  for (const concurrency of CONCURRENCIES) {
    say(`requests per second, ${concurrency} at once\n`);
    const rates = await throughput(clients, {
      concurrency,
      rounds: settings.loadRounds,
      seconds: settings.loadSeconds,
    });
    report.load.push({ concurrency, rates });
  }
  const loaded = { ...report, loadAverage: { before, after: load() } };
  console.log(whole(loaded));
  if (values.save) say(`stored in ${save("gateway", loaded)}\n`);

  /** @param {"whole" | "firstToken"} measure */
  async function latency(measure) {
    say(`${measure}\n`);
    const turns = clients.map((client) => ({ name: client.name, call: client[measure], timesItself: true }));
    return latencyRows(await takeTurns(turns, { rounds: settings.rounds, seconds: settings.seconds, sample: 0 }));
  }
} finally {
  for (const one of running.reverse()) await one.close();
  await upstream.close();
}

function versions() {
  /** @type {Record<string, string>} */
  const found = { node: process.versions.node, workerd: installed("node_modules/workerd") };
  if (chosen.includes("portkey")) found["@portkey-ai/gateway"] = installed(`${PEERS}/@portkey-ai/gateway`);
  return found;
}

/** @param {string} flag @returns {never} */
function missing(flag) {
  throw new Error(`${flag} is missing: name the bundle's folder`);
}
