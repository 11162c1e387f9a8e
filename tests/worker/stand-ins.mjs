// Stand-in upstreams on loopback, working and failing ones. An answer is a function of (request,
// response, body, number): the body is text, and the number counts this stand-in's calls from 0.
//
//   const there = await upstream(inTurn(status(503), status(429, { "retry-after": "0" }), openai()));

/** @import { IncomingHttpHeaders } from "node:http" */
/** @import { Received } from "./openai-stand-in.mjs" */

import { createServer } from "node:http";

import { listening } from "../../web/serve.mjs";
import { openai } from "./openai-stand-in.mjs";

/**
 * @typedef {import("./openai-stand-in.mjs").Answer} Answer
 * @typedef {{headers: IncomingHttpHeaders, body: string, json: any, path: string, at: number}} Recorded `json` is
 *   the body, parsed; `at` is the time in ms
 * @typedef {{url: string, requests: Recorded[], last: () => Recorded, does: (answer: Answer) => void,
 *   close: () => Promise<void>}} Upstream
 */

/**
 * Starts a stand-in that records its requests. `does(answer)` sets another answer and clears the
 * record.
 * @param {Answer} answer
 * @returns {Promise<Upstream>} the API's root
 */
export async function upstream(answer = openai()) {
  /** @type {Recorded[]} */
  const requests = [];
  const server = createServer(async (incoming, response) => {
    const request = /** @type {Received} */ (incoming);
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
      const body = Buffer.concat(chunks).toString("utf8");
      const sent = {
        headers: request.headers,
        body,
        path: request.url,
        at: performance.now(),
        get json() {
          return JSON.parse(body);
        },
      };
      await answer(request, response, body, requests.push(sent) - 1);
    } catch {
      response.destroy();
    }
  });
  // A connection that the gateway keeps open must not be closed during its next request.
  server.keepAliveTimeout = 60_000;
  const { url, close } = await listening(server);
  return {
    url: new URL("v1", url).href,
    requests,
    last() {
      const last = requests.at(-1);
      if (!last) throw new Error("the stand-in got no request");
      return last;
    },
    does: (other) => {
      answer = other;
      requests.length = 0;
    },
    close,
  };
}

/**
 * Gives one answer per call, then the last one for all further calls.
 * @type {(...answers: Answer[]) => Answer}
 */
export const inTurn =
  (...answers) =>
  (request, response, body, number) =>
    answers[Math.min(number, answers.length - 1)](request, response, body, number);

/**
 * Answers with this status and an OpenAI-shaped error, or with `text` if given.
 * @type {(code: number, headers?: Record<string, string>, text?: string) => Answer}
 */
export const status =
  (code, headers = {}, text) =>
  (_, response) => {
    const error = { message: `stand-in says ${code}`, type: "stand_in_error", param: null, code: `stand_in_${code}` };
    response.writeHead(code, { "content-type": "application/json", ...headers });
    response.end(text ?? JSON.stringify({ error }));
  };

/** Answers with 200 and this text as body. */
export const text = (/** @type {string} */ body, type = "application/json") =>
  status(200, { "content-type": type }, body);

export const html = text("<!doctype html><h1>Maintenance</h1>", "text/html");

/** Answers with 200 and an error as body. */
export const errorIn200 = text(
  '{"error": {"message": "overloaded, says the stand-in", "type": "server_error", "code": null}}',
);

/**
 * Sends nothing until the connection is closed.
 * @type {Answer}
 */
export const silence = () => {};

/**
 * Sends a status and headers, then nothing.
 * @type {(type?: string) => Answer}
 */
export const noBody =
  (type = "application/json") =>
  (_, response) => {
    response.writeHead(200, { "content-type": type });
    response.flushHeaders();
  };

/**
 * Breaks the connection before any answer.
 * @type {Answer}
 */
export const hangUp = (request) => request.socket.destroy();

/** @typedef {string | Uint8Array} Piece of a body */

/**
 * Sends headers and these pieces, then nothing.
 * @type {(pieces: Piece[], type?: string) => Answer}
 */
export const pausing =
  (pieces, type = "text/event-stream") =>
  (_, response) => {
    response.writeHead(200, { "content-type": type });
    for (const piece of pieces) response.write(piece);
  };

/**
 * Sends these pieces, then breaks the connection in the middle of the body.
 * @type {(pieces: Piece[], type?: string) => Answer}
 */
export const breaking =
  (pieces, type = "text/event-stream") =>
  (request, response) => {
    response.writeHead(200, { "content-type": type });
    const [last, ...before] = [...pieces].reverse();
    for (const piece of before.reverse()) response.write(piece);
    response.write(last, () => setTimeout(() => request.socket.destroy(), 20));
  };

/**
 * Sends these pieces with one write each, and ends normally.
 * @type {(list: Piece[], type?: string) => Answer}
 */
export const pieces =
  (list, type = "text/event-stream") =>
  async (_, response) => {
    response.writeHead(200, { "content-type": type });
    for (const piece of list) {
      response.write(piece);
      await new Promise((next) => setTimeout(next, 1));
    }
    response.end();
  };

/**
 * Sends `piece` repeatedly until the reader disconnects, then calls `gone()`.
 * @type {(piece: Piece, gone?: () => void, type?: string) => Answer}
 */
export const endless =
  (piece, gone = () => {}, type = "text/event-stream") =>
  (_, response) => {
    response.writeHead(200, { "content-type": type });
    const more = setInterval(() => {
      if (response.writableLength < 1 << 20) response.write(piece);
    }, 2);
    response.on("close", () => {
      clearInterval(more);
      gone();
    });
  };

/**
 * A promise with its resolve function. It rejects after ten seconds, so that a test fails and does not hang.
 * @template [Value=void]
 * @returns {{promise: Promise<Value>, resolve: (value: Value) => void}}
 */
export function deferred(what = "what was waited for") {
  const { promise, resolve, reject } = /** @type {PromiseWithResolvers<Value>} */ (Promise.withResolvers());
  const end = setTimeout(() => reject(new Error(`${what} did not happen`)), 10_000);
  end.unref();
  promise.catch(() => {});
  return {
    promise,
    resolve: (value) => {
      clearTimeout(end);
      resolve(value);
    },
  };
}

/**
 * Calls `look` for up to `ms` milliseconds until it returns neither undefined nor false nor null.
 * @template Found
 * @param {() => Found | Promise<Found>} look
 * @returns {Promise<Exclude<Found, undefined | false | null | void>>}
 */
export async function until(look, what = "what was waited for", ms = 3000) {
  const end = performance.now() + ms;
  for (;;) {
    const found = await look();
    if (found) return /** @type {Exclude<Found, undefined | false | null | void>} */ (found);
    if (performance.now() > end) throw new Error(`${what} did not happen`);
    await new Promise((next) => setTimeout(next, 20));
  }
}
