// The Worker in workerd with upstreams of a test's own, all on this machine.

import { createServer, request as httpRequest } from "node:http";
import { join } from "node:path";

import { startWorker } from "../../worker/miniflare.mjs";
import { TINY, readJson } from "../hosts/paths.mjs";

const { candidates, head, kind, name } = readJson(join(TINY, "router.json"));
/** The fixture's candidates. */
export const BUNDLE = { ids: candidates.map(({ id }) => id), kind, name, ...head };

/**
 * An upstream that does as `answer(request, response, body)` says, and keeps what it was sent.
 * `does(answer)` makes it do otherwise from then on, and forget.
 * @returns {Promise<{url: string, requests: Array<{headers: object, body: string, path: string}>, does: Function, close: Function}>}
 */
export async function upstream(answer = completing) {
  const requests = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
      const body = Buffer.concat(chunks).toString("utf8");
      requests.push({ headers: request.headers, body, path: request.url });
      await answer(request, response, body);
    } catch {
      response.destroy();
    }
  });
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

/** An upstream that answers with a small completion. */
export const completing = (request, response) => {
  response.writeHead(200, { "content-type": "application/json" });
  response.end('{"id": "1", "object": "chat.completion", "choices": []}');
};

/**
 * The Worker, every candidate at `upstream` unless `upstreams` says otherwise.
 * @returns {Promise<{post: Function, get: Function, chat: Function, url: URL, log: string[], close: Function}>}
 */
export async function gateway({ upstream: one, upstreams, secrets, bundle = TINY, main } = {}) {
  const log = [];
  const all = one && Object.fromEntries(BUNDLE.ids.map((id) => [id, { baseUrl: one.url, model: `${id}-there` }]));
  const { url, miniflare } = await startWorker({
    bundle,
    upstreams: upstreams ?? all,
    secrets,
    main,
    log: (text) => log.push(text),
  });
  const send = (method, path, body, headers = {}) =>
    fetch(new URL(path, url), { method, headers, body, duplex: "half", redirect: "manual" });
  return {
    url,
    log,
    get: (path, headers) => send("GET", path, undefined, headers),
    send,
    post: (path, body, headers) => send("POST", path, typeof body === "string" ? body : JSON.stringify(body), headers),
    chat: (fields, headers) => send("POST", "v1/chat/completions", JSON.stringify({ model: "auto", messages: [{ role: "user", content: "Hello" }], ...fields }), headers),
    close: () => miniflare.dispose(),
  };
}

/**
 * A POST of many pieces over a connection of its own. The Worker may answer and hang up before it
 * has read them all: on a shared connection the next request could meet its end.
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
    // A write after the answer has come is no fault: the promise is settled by then, or will be.
    request.on("error", (error) => (error.code === "EPIPE" || error.code === "ECONNRESET" ? setTimeout(failed, 2000, error) : failed(error)));
    for (const piece of pieces) request.write(piece);
    request.end();
  });
}

/** An OpenAI-shaped error's code, after checking its shape. */
export async function errorOf(response) {
  const text = await response.text();
  const { error } = JSON.parse(text);
  const strings = ["message", "type", "code"].every((field) => typeof error[field] === "string");
  if (!strings || error.message.length < 5) throw new Error(`not OpenAI-shaped: ${text}`);
  return { status: response.status, ...error };
}
