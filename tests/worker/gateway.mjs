// Starts the Worker in workerd on this machine, with the upstreams of a test.

/** @import { TestContext } from "node:test" */
/** @import { Candidate } from "pointsman" */
/** @import { LookRequest, Spent } from "../../worker/js/ledger-state.mjs" */
/** @import { StartOptions } from "../../worker/js/miniflare.mjs" */
/** @import { Upstream } from "./stand-ins.mjs" */

import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";

import { startWorker } from "../../worker/js/miniflare.mjs";
import { readJson, TINY } from "../hosts/paths.mjs";

/**
 * @typedef {Record<string, string | undefined>} SentHeaders
 * @typedef {Awaited<ReturnType<typeof gateway>>} Gateway
 */

/** @type {{candidates: Candidate[], head: {strong: string, weak: string}, kind: string, name: string}} */
const { candidates, head, kind, name } = readJson(join(TINY, "router.json"));
/** The fixture's candidates, with its strong and its weak one. */
export const BUNDLE = {
  ids: candidates.map((/** @type {{id: string}} */ { id }) => id),
  candidates,
  kind,
  name,
  ...head,
};
/** The main module whose clock a test can set forward. */
export const WITH_CLOCK = "../../tests/worker/clock.mjs";
/** Short waits between retries. */
export const HURRIED = { retries: { baseMs: 1, longestMs: 5 } };

/**
 * UPSTREAMS with every candidate at the upstream `one`, with `fields` for all and `byModel` for each.
 * @param {Pick<Upstream, "url">} one
 * @param {object} fields
 * @param {Record<string, object>} byModel
 */
export function everyCandidateAt(one, fields = {}, byModel = {}) {
  const of = (/** @type {string} */ id) => [id, { baseUrl: one.url, model: `${id}-there`, ...fields, ...byModel[id] }];
  return Object.fromEntries(BUNDLE.ids.map(of));
}

/**
 * Starts the Worker with every candidate at `upstream`, or with `upstreams`. `gateway` is the variable
 * GATEWAY, whose `open` is by default true without keys; null leaves the variable out. Other options
 * are those of `startWorker`.
 * @typedef {Partial<Omit<StartOptions, "gateway">> & {upstream?: Pick<Upstream, "url">,
 *   gateway?: object | string | null}} Options
 * @param {Options} options
 */
export async function gateway({ upstream: one, upstreams, gateway: config, keys, bundle = TINY, ...bindings } = {}) {
  /** @type {string[]} */
  const log = [];
  const defaults = { open: keys === undefined };
  const { url, miniflare } = await startWorker({
    bundle,
    upstreams: upstreams ?? (one && everyCandidateAt(one)),
    gateway: config === null ? undefined : typeof config === "string" ? config : { ...defaults, ...config },
    keys,
    log: (text) => log.push(text),
    ...bindings,
  });
  /** @type {(method: string, path: string, body?: string | Uint8Array, headers?: SentHeaders) => Promise<Response>} */
  const send = (method, path, body, headers = {}) => sendAlone(new URL(path, url), { method, headers }, body);
  return {
    url,
    log,
    miniflare,
    /** @param {string} path @param {SentHeaders} [headers] */
    get: (path, headers) => send("GET", path, undefined, headers),
    send,
    /** @param {string} path @param {unknown} [body] @param {SentHeaders} [headers] */
    post: (path, body, headers) => send("POST", path, typeof body === "string" ? body : JSON.stringify(body), headers),
    /** @param {object} [fields] @param {SentHeaders} [headers] */
    chat: (fields, headers) => send("POST", "v1/chat/completions", JSON.stringify(chatBody(fields)), headers),
    close: () => miniflare.dispose(),
  };
}

export const chatBody = (/** @type {object} */ fields = {}) => ({
  model: "auto",
  messages: [{ role: "user", content: "Hello" }],
  ...fields,
});

/**
 * Starts a Worker for one test and closes it after the test.
 * @param {TestContext} t
 * @param {Options} options
 */
export async function alone(t, options) {
  const worker = await gateway(options);
  t.after(() => worker.close());
  return worker;
}

/**
 * The gateway's own headers of a response, by their names without the prefix `x-pointsman-`.
 * @param {Response} response
 */
export function decisionHeaders(response) {
  const ours = [...response.headers].filter(([name]) => name.startsWith("x-pointsman-"));
  return Object.fromEntries(ours.map(([name, value]) => [name.slice("x-pointsman-".length), value]));
}

/**
 * The object of the ledger with this name.
 * @typedef {{spent: (request: LookRequest) => Promise<Spent>,
 *   pinned: (request: {now: number}) => Promise<string | null>}} Ledger what tests call of it
 * @param {Pick<Gateway, "miniflare">} worker
 * @param {string} name
 */
export async function ledgerOf({ miniflare }, name) {
  const objects = await miniflare.getDurableObjectNamespace("LEDGER");
  return /** @type {Ledger} */ (/** @type {unknown} */ (objects.get(objects.idFromName(name))));
}

/**
 * Sends a request over a new connection: the Worker closes a connection when an answer breaks off or a
 * body is left unread, and on a shared connection that could fail the next request.
 * @param {URL} url
 * @param {{method: string, headers: SentHeaders}} options
 * @param {string | Uint8Array} [body]
 * @returns {Promise<Response>}
 */
function sendAlone(url, options, body) {
  return new Promise((answered, failed) => {
    const request = httpRequest(url, { ...options, agent: false });
    request.on("error", failed);
    request.on("response", (response) => {
      const { statusCode: status = 0, headersDistinct } = response;
      const headers = new Headers();
      for (const [name, values] of Object.entries(headersDistinct)) {
        for (const value of values ?? []) headers.append(name, value);
      }
      const empty = [101, 204, 304].includes(status);
      if (empty) response.resume();
      const content = /** @type {ReadableStream<Uint8Array>} */ (Readable.toWeb(response));
      answered(new Response(empty ? null : content, { status, headers }));
    });
    request.end(body);
  });
}

/**
 * Sends a POST of many pieces over a new connection. The Worker may answer and close the connection
 * before it has read them all; on a shared connection that could fail the next request.
 * @param {URL} url
 * @param {Iterable<string | Uint8Array>} pieces
 * @param {SentHeaders} headers
 * @returns {Promise<Response>}
 */
export function postAlone(url, pieces, headers = {}) {
  return new Promise((answered, failed) => {
    const request = httpRequest(url, { method: "POST", agent: false, headers });
    request.on("response", (response) => {
      /** @type {Buffer[]} */
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", failed);
      response.on("end", () => {
        const headers = /** @type {Record<string, string>} */ (response.headers);
        answered(new Response(Buffer.concat(chunks), { status: response.statusCode, headers }));
        request.destroy();
      });
    });
    // A failed write is not an error if the answer arrives: the promise is then settled by the answer.
    request.on("error", (/** @type {NodeJS.ErrnoException} */ error) =>
      error.code === "EPIPE" || error.code === "ECONNRESET" ? setTimeout(failed, 2000, error) : failed(error),
    );
    for (const piece of pieces) request.write(piece);
    request.end();
  });
}

/**
 * Checks the shape of an OpenAI-shaped error and returns it with its status.
 * @param {Response} response
 * @returns {Promise<{status: number, message: string, type: string, code: string, param?: string | null}>}
 */
export async function errorOf(response) {
  const text = await response.text();
  const { error } = JSON.parse(text);
  const strings = ["message", "type", "code"].every((field) => typeof error[field] === "string");
  if (!strings || error.message.length < 5) throw new Error(`not OpenAI-shaped: ${text}`);
  return { status: response.status, ...error };
}

/**
 * Checks status and code of an error of the gateway.
 * @param {Response | Promise<Response>} response
 * @param {number} status
 * @param {string} code
 */
export async function refused(response, status, code) {
  const error = await errorOf(await response);
  if (error.status !== status || error.code !== code) {
    throw new Error(`expected ${status} ${code}, found ${error.status} ${error.code}: ${error.message}`);
  }
  return error;
}

/**
 * Reads a body as text, as far as it arrives, and whether it ended normally.
 * @param {Response} response
 */
export async function drained(response) {
  const chunks = [];
  try {
    for await (const chunk of response.body ?? []) chunks.push(chunk);
    return { text: Buffer.concat(chunks).toString("utf8"), whole: true };
  } catch {
    return { text: Buffer.concat(chunks).toString("utf8"), whole: false };
  }
}

/**
 * The data of the events in a text, parsed if it is JSON.
 * @param {string} text
 * @returns {any[]}
 */
export function eventsIn(text) {
  const read = (/** @type {string} */ data) => {
    try {
      return JSON.parse(data);
    } catch {
      return data;
    }
  };
  return text.split(/\r?\n\r?\n/).flatMap((block) => {
    const data = block
      .split(/\r?\n/)
      .filter((line) => line.startsWith("data:"))
      .map((line) => line.slice(5).trimStart());
    return data.length > 0 ? [read(data.join("\n"))] : [];
  });
}
