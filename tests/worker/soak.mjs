// The requests of soak.test.mjs and their permitted outcomes.

/** @import { Answer } from "./stand-ins.mjs" */

import { readdirSync, readFileSync } from "node:fs";

import { chunk, event, openai } from "./openai-stand-in.mjs";
import { breaking, errorIn200, hangUp, html, inTurn, pausing, pieces, status, text } from "./stand-ins.mjs";

const good = openai({ text: "Soaked." });
const begun = [chunk({ role: "assistant" }), chunk({ content: "Half" })];

/**
 * By name: the upstream's behaviour in the n-th call of one request, and the permitted outcome of the
 * request: `status`, the number of calls, and for streams that break off the code of the last event.
 * @typedef {{answer: Answer, status: number, calls: number, code?: string}} Case
 * @type {Record<string, Case>}
 */
const CASES = {
  good: { answer: good, status: 200, calls: 1 },
  retried: { answer: inTurn(status(503), good), status: 200, calls: 2 },
  limited: { answer: inTurn(status(429, { "retry-after": "0" }), status(429), good), status: 200, calls: 3 },
  down: { answer: status(500), status: 500, calls: 3 },
  callers: { answer: status(422), status: 422, calls: 1 },
  html: { answer: inTurn(html, good), status: 200, calls: 2 },
  error200: { answer: errorIn200, status: 502, calls: 3 },
  hangUp: { answer: inTurn(hangUp, good), status: 200, calls: 2 },
  dead: { answer: hangUp, status: 502, calls: 3 },
};
/** @type {Record<string, Case>} */
const STREAMS = {
  good: { answer: good, status: 200, calls: 1 },
  retried: { answer: inTurn(text("", "text/event-stream"), good), status: 200, calls: 2 },
  down: { answer: status(503), status: 503, calls: 3 },
  cut: {
    answer: pieces([...[...Buffer.from(begun.join(""))].map((byte) => Buffer.from([byte])), event("[DONE]")]),
    status: 200,
    calls: 1,
  },
  breaks: { answer: breaking(begun), status: 200, calls: 1, code: "upstream_broke_off" },
  silent: { answer: pausing(begun), status: 200, calls: 1, code: "upstream_timeout" },
};
/** How often each occurs in 100 requests. */
const WEIGHTS = { good: 55, retried: 12, limited: 5, down: 3, callers: 6, html: 5, error200: 2, hangUp: 5, dead: 2 };
const STREAM_WEIGHTS = { good: 60, retried: 15, down: 5, cut: 10, breaks: 8, silent: 2 };

/** Behaves as the name in a request's field `soak` says; calls are counted for each request. */
export function misbehaving() {
  /** @type {Map<string, number>} */
  const calls = new Map();
  /** @type {Answer} */
  const answer = (request, response, body) => {
    const { soak, stream } = JSON.parse(body);
    const [id, name] = soak.split(" ");
    const number = calls.get(id) ?? 0;
    calls.set(id, number + 1);
    return (stream ? STREAMS : CASES)[name].answer(request, response, body, number);
  };
  return { answer, calls };
}

/**
 * The request of this number; it is the same in every run.
 * @param {number} number
 * @param {() => number} random in [0, 1)
 */
export function drawn(number, random) {
  const stream = random() < 0.3;
  const name = pick(stream ? STREAM_WEIGHTS : WEIGHTS, random() * 100);
  return { id: `r${number}`, name, stream, expected: (stream ? STREAMS : CASES)[name] };
}

/** @param {Record<string, number>} weights @param {number} at in [0, 100) */
function pick(weights, at) {
  const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  let left = (at / 100) * total;
  for (const [name, weight] of Object.entries(weights)) {
    left -= weight;
    if (left < 0) return name;
  }
  return Object.keys(weights)[0];
}

/**
 * Random numbers in [0, 1) from a seed (Park and Miller).
 * @param {number} seed
 */
export function seeded(seed) {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

/** Resident bytes of this process's largest workerd; undefined without /proc. */
export function residentOfWorkerd() {
  /** @type {number | undefined} */
  let found;
  try {
    for (const id of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      const status = statusOf(id);
      if (status?.Name !== "workerd" || Number(status.PPid) !== process.pid) continue;
      found = Math.max(found ?? 0, Number.parseInt(status.VmRSS, 10) * 1024);
    }
  } catch {
    return undefined;
  }
  return found;
}

/** @param {string} id */
function statusOf(id) {
  try {
    const lines = readFileSync(`/proc/${id}/status`, "utf8").split("\n");
    return Object.fromEntries(lines.map((line) => line.split(":").map((part) => part.trim())));
  } catch {
    // The process ended after the folder was read.
    return undefined;
  }
}
