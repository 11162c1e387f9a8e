// Stand-in upstreams on loopback, working and failing ones. An answer is a function of (request,
// response, body, number): the body is text, and the number counts this stand-in's calls from 0.
//
//   const there = await upstream(inTurn(status(503), status(429, { "retry-after": "0" }), openai()));

import { createServer } from "node:http";

import { openai } from "./openai-stand-in.mjs";

/**
 * Starts a stand-in that records its requests. `does(answer)` sets another answer and clears the
 * record.
 * @returns {Promise<{url: string, requests: Array<{headers: object, body: string, json: object,
 *   path: string, at: number}>, does: Function, close: Function}>} the API's root; `at` is the time in ms
 */
export async function upstream(answer = openai()) {
  const requests = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
      const body = Buffer.concat(chunks).toString("utf8");
      const sent = { headers: request.headers, body, path: request.url, at: performance.now() };
      Object.defineProperty(sent, "json", { get: () => JSON.parse(body) });
      await answer(request, response, body, requests.push(sent) - 1);
    } catch {
      response.destroy();
    }
  });
  // A connection that the gateway keeps open must not be closed during its next request.
  server.keepAliveTimeout = 60_000;
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${server.address().port}/v1`,
    requests,
    does: (other) => {
      answer = other;
      requests.length = 0;
    },
    close: () =>
      new Promise((closed) => {
        server.close(closed);
        server.closeAllConnections();
      }),
  };
}

/** Gives one answer per call, then the last one for all further calls. */
export const inTurn =
  (...answers) =>
  (request, response, body, number) =>
    answers[Math.min(number, answers.length - 1)](request, response, body, number);

/** Answers with this status and an OpenAI-shaped error, or with `text` if given. */
export const status =
  (code, headers = {}, text) =>
  (request, response) => {
    const error = { message: `stand-in says ${code}`, type: "stand_in_error", param: null, code: `stand_in_${code}` };
    response.writeHead(code, { "content-type": "application/json", ...headers });
    response.end(text ?? JSON.stringify({ error }));
  };

/** Answers with 200 and this text as body. */
export const text = (body, type = "application/json") => status(200, { "content-type": type }, body);

export const html = text("<!doctype html><h1>Maintenance</h1>", "text/html");

/** Answers with 200 and an error as body. */
export const errorIn200 = text(
  '{"error": {"message": "overloaded, says the stand-in", "type": "server_error", "code": null}}',
);

/** Sends nothing until the connection is closed. */
export const silence = () => {};

/** Sends a status and headers, then nothing. */
export const noBody =
  (type = "application/json") =>
  (request, response) => {
    response.writeHead(200, { "content-type": type });
    response.flushHeaders();
  };

/** Breaks the connection before any answer. */
export const hangUp = (request) => request.socket.destroy();

/** Sends headers and these pieces, then nothing. */
export const pausing =
  (pieces, type = "text/event-stream") =>
  (request, response) => {
    response.writeHead(200, { "content-type": type });
    for (const piece of pieces) response.write(piece);
  };

/** Sends these pieces, then breaks the connection in the middle of the body. */
export const breaking =
  (pieces, type = "text/event-stream") =>
  (request, response) => {
    response.writeHead(200, { "content-type": type });
    const [last, ...before] = [...pieces].reverse();
    for (const piece of before.reverse()) response.write(piece);
    response.write(last, () => setTimeout(() => request.socket.destroy(), 20));
  };

/** Sends these pieces with one write each, and ends normally. */
export const pieces =
  (list, type = "text/event-stream") =>
  async (request, response) => {
    response.writeHead(200, { "content-type": type });
    for (const piece of list) {
      response.write(piece);
      await new Promise((next) => setTimeout(next, 1));
    }
    response.end();
  };

/** Sends `piece` repeatedly until the reader disconnects, then calls `gone()`. */
export const endless =
  (piece, gone = () => {}, type = "text/event-stream") =>
  (request, response) => {
    response.writeHead(200, { "content-type": type });
    const more = setInterval(() => {
      if (response.writableLength < 1 << 20) response.write(piece);
    }, 2);
    response.on("close", () => {
      clearInterval(more);
      gone();
    });
  };

/** A promise with its resolve function. It rejects after ten seconds, so that a test fails and does not hang. */
export function deferred(what = "what was waited for") {
  let resolve;
  const promise = new Promise((come, fail) => {
    const end = setTimeout(() => fail(new Error(`${what} did not happen`)), 10_000);
    resolve = (value) => {
      clearTimeout(end);
      come(value);
    };
    end.unref();
  });
  promise.catch(() => {});
  return { promise, resolve };
}

/** Calls `look` for up to three seconds until it returns neither undefined nor false nor null. */
export async function until(look, what = "what was waited for") {
  const end = performance.now() + 3000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > end) throw new Error(`${what} did not happen`);
    await new Promise((next) => setTimeout(next, 20));
  }
}
