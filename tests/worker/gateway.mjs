// Starts the Worker in workerd on this machine, with the upstreams of a test.

import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";

import { startWorker } from "../../worker/js/miniflare.mjs";
import { readJson, TINY } from "../hosts/paths.mjs";

const { candidates, head, kind, name } = readJson(join(TINY, "router.json"));
/** The fixture's candidates, with its strong and its weak one. */
export const BUNDLE = { ids: candidates.map(({ id }) => id), candidates, kind, name, ...head };
/** The main module whose clock a test can set forward. */
export const WITH_CLOCK = "../../tests/worker/clock.mjs";
/** Short waits between retries. */
export const HURRIED = { retries: { baseMs: 1, longestMs: 5 } };

/** UPSTREAMS with every candidate at the upstream `one`, with `fields` for all and `byModel` for each. */
export function everyCandidateAt(one, fields = {}, byModel = {}) {
  const of = (id) => [id, { baseUrl: one.url, model: `${id}-there`, ...fields, ...byModel[id] }];
  return Object.fromEntries(BUNDLE.ids.map(of));
}

/**
 * Starts the Worker with every candidate at `upstream`, or with `upstreams`. `gateway` is the variable
 * GATEWAY, whose `open` is by default true without keys; null leaves the variable out. Other options
 * are those of `startWorker`.
 */
export async function gateway({ upstream: one, upstreams, gateway: config, keys, bundle = TINY, ...bindings } = {}) {
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
  const send = (method, path, body, headers = {}) => sendAlone(new URL(path, url), { method, headers }, body);
  return {
    url,
    log,
    miniflare,
    get: (path, headers) => send("GET", path, undefined, headers),
    send,
    post: (path, body, headers) => send("POST", path, typeof body === "string" ? body : JSON.stringify(body), headers),
    chat: (fields, headers) => send("POST", "v1/chat/completions", JSON.stringify(chatBody(fields)), headers),
    close: () => miniflare.dispose(),
  };
}

export const chatBody = (fields) => ({ model: "auto", messages: [{ role: "user", content: "Hello" }], ...fields });

/** Starts a Worker for one test and closes it after the test. */
export async function alone(t, options) {
  const worker = await gateway(options);
  t.after(() => worker.close());
  return worker;
}

/** The gateway's own headers of a response, by their names without the prefix `x-pointsman-`. */
export function decisionHeaders(response) {
  const ours = [...response.headers].filter(([name]) => name.startsWith("x-pointsman-"));
  return Object.fromEntries(ours.map(([name, value]) => [name.slice("x-pointsman-".length), value]));
}

/**
 * Sends a request over a new connection: the Worker closes a connection when an answer breaks off or a
 * body is left unread, and on a shared connection that could fail the next request.
 */
function sendAlone(url, options, body) {
  return new Promise((answered, failed) => {
    const request = httpRequest(url, { ...options, agent: false });
    request.on("error", failed);
    request.on("response", (response) => {
      const { statusCode: status, headersDistinct } = response;
      const headers = Object.entries(headersDistinct).flatMap(([name, values]) => values.map((value) => [name, value]));
      const empty = [101, 204, 304].includes(status);
      if (empty) response.resume();
      answered(new Response(empty ? null : Readable.toWeb(response), { status, headers }));
    });
    request.end(body);
  });
}

/**
 * Sends a POST of many pieces over a new connection. The Worker may answer and close the connection
 * before it has read them all; on a shared connection that could fail the next request.
 */
export function postAlone(url, pieces, headers = {}) {
  return new Promise((answered, failed) => {
    const request = httpRequest(url, { method: "POST", agent: false, headers });
    request.on("response", (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", failed);
      response.on("end", () => {
        answered(new Response(Buffer.concat(chunks), { status: response.statusCode, headers: response.headers }));
        request.destroy();
      });
    });
    // A failed write is not an error if the answer arrives: the promise is then settled by the answer.
    request.on("error", (error) =>
      error.code === "EPIPE" || error.code === "ECONNRESET" ? setTimeout(failed, 2000, error) : failed(error),
    );
    for (const piece of pieces) request.write(piece);
    request.end();
  });
}

/** Checks the shape of an OpenAI-shaped error and returns it with its status. */
export async function errorOf(response) {
  const text = await response.text();
  const { error } = JSON.parse(text);
  const strings = ["message", "type", "code"].every((field) => typeof error[field] === "string");
  if (!strings || error.message.length < 5) throw new Error(`not OpenAI-shaped: ${text}`);
  return { status: response.status, ...error };
}

/** Checks status and code of an error of the gateway. */
export async function refused(response, status, code) {
  const error = await errorOf(await response);
  if (error.status !== status || error.code !== code) {
    throw new Error(`expected ${status} ${code}, found ${error.status} ${error.code}: ${error.message}`);
  }
  return error;
}

/** Reads a body as text, as far as it arrives, and whether it ended normally. */
export async function drained(response) {
  const chunks = [];
  try {
    for await (const chunk of response.body) chunks.push(chunk);
    return { text: Buffer.concat(chunks).toString("utf8"), whole: true };
  } catch {
    return { text: Buffer.concat(chunks).toString("utf8"), whole: false };
  }
}

/** The data of the events in a text, parsed if it is JSON. */
export function eventsIn(text) {
  const read = (data) => {
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
