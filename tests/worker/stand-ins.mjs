// Stand-in upstreams on loopback, well-behaved and not. An answer is a function of
// (request, response, body, number): what was asked, how to reply, the body as text, and which call
// of this stand-in it is, from 0.
//
//   const there = await upstream(inTurn(status(503), status(429, { "retry-after": "0" }), openai()));

import { createServer } from "node:http";

import { openai } from "./openai-stand-in.mjs";

/**
 * A stand-in that keeps what it was sent. `does(answer)` makes it do otherwise from then on, and
 * forget.
 * @returns {Promise<{url: string, requests: Array<{headers: object, body: string, json: object,
 *   path: string, at: number}>, does: Function, close: Function}>} the API's root; `at` is when, in ms
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
  // A connection that the gateway kept must not be closed under its next request.
  server.keepAliveTimeout = 60_000;
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${server.address().port}/v1`,
    requests,
    does: (other) => {
      answer = other;
      requests.length = 0;
    },
    close: () => new Promise((closed) => {
      server.close(closed);
      server.closeAllConnections();
    }),
  };
}

/** Each answer for one call, the last one for all that follow. */
export const inTurn = (...answers) => (request, response, body, number) =>
  answers[Math.min(number, answers.length - 1)](request, response, body, number);

/** This status with an OpenAI-shaped error, or with `text` where it is given. */
export const status = (code, headers = {}, text) => (request, response) => {
  const error = { message: `stand-in says ${code}`, type: "stand_in_error", param: null, code: `stand_in_${code}` };
  response.writeHead(code, { "content-type": "application/json", ...headers });
  response.end(text ?? JSON.stringify({ error }));
};

/** A 200 whose body is this text. */
export const text = (body, type = "application/json") => status(200, { "content-type": type }, body);

export const html = text("<!doctype html><h1>Maintenance</h1>", "text/html");

/** A 200 that is an error all the same. */
export const errorIn200 = text('{"error": {"message": "overloaded, says the stand-in", "type": "server_error", "code": null}}');

/** Nothing at all, until the connection is closed. */
export const silence = () => {};

/** A status and headers, and no byte after them. */
export const noBody = (type = "application/json") => (request, response) => {
  response.writeHead(200, { "content-type": type });
  response.flushHeaders();
};

/** The connection dies before any answer. */
export const hangUp = (request) => request.socket.destroy();

/** After this answer's headers and these pieces, silence. */
export const pausing = (pieces, type = "text/event-stream") => (request, response) => {
  response.writeHead(200, { "content-type": type });
  for (const piece of pieces) response.write(piece);
};

/** After these pieces, the connection dies in the middle of the body. */
export const breaking = (pieces, type = "text/event-stream") => (request, response) => {
  response.writeHead(200, { "content-type": type });
  const [last, ...before] = [...pieces].reverse();
  for (const piece of before.reverse()) response.write(piece);
  response.write(last, () => setTimeout(() => request.socket.destroy(), 20));
};

/** These pieces, each written by itself, and a clean end. */
export const pieces = (list, type = "text/event-stream") => async (request, response) => {
  response.writeHead(200, { "content-type": type });
  for (const piece of list) {
    response.write(piece);
    await new Promise((next) => setTimeout(next, 1));
  }
  response.end();
};

/** `piece` for ever, until the reader goes away; `gone()` is told. */
export const endless = (piece, gone = () => {}, type = "text/event-stream") => (request, response) => {
  response.writeHead(200, { "content-type": type });
  const more = setInterval(() => {
    if (response.writableLength < 1 << 20) response.write(piece);
  }, 2);
  response.on("close", () => {
    clearInterval(more);
    gone();
  });
};

/** A promise with its way out. It gives up after ten seconds, so that a test fails and does not hang. */
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

/** The first value of `look` that is not undefined, false or null; looks again for three seconds. */
export async function until(look, what = "what was waited for") {
  const end = performance.now() + 3000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > end) throw new Error(`${what} did not happen`);
    await new Promise((next) => setTimeout(next, 20));
  }
}
