// The paths that clients append to their base URL, the shape of errors on each, and the request's id.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { alone, BUNDLE, errorOf, everyCandidateAt, gateway } from "./gateway.mjs";
import { bearer, key } from "./keys.mjs";
import { openai } from "./openai-stand-in.mjs";
import { upstream } from "./stand-ins.mjs";

const { weak } = BUNDLE;
const all = key("all");
const VERSION = { "anthropic-version": "2023-06-01" };

const there = await upstream();
const worker = await gateway({
  upstreams: { ...everyCandidateAt(there), vectors: { baseUrl: there.url } },
  keys: [all.entry],
  gateway: { maxBodyBytes: 4000 },
});
after(async () => {
  await worker.close();
  await there.close();
});

const messages = [{ role: "user", content: "Hello" }];
/** @type {Record<string, object>} */
const BODIES = {
  "chat/completions": { messages },
  messages: { messages, max_tokens: 9 },
  responses: { input: "Hello" },
  completions: { prompt: "Hello" },
  embeddings: { input: "Hello", model: "vectors" },
};

test("an API is found with /v1 once, twice or not at all, and with more slashes", async () => {
  there.does(openai());
  for (const [path, body] of Object.entries(BODIES)) {
    for (const sent of [
      `/v1/${path}`,
      `/v1/${path}/`,
      `//v1/${path}`,
      `/v1//${path}`,
      `/v1/v1/${path}`,
      `/${path}`,
      `/openai/v1/${path}`,
      `/anthropic/v1/${path}`,
    ]) {
      // A URL that begins with two slashes names a host, so the path is not resolved.
      const response = await fetch(`${worker.url.origin}${sent}`, {
        method: "POST",
        headers: bearer(all),
        body: JSON.stringify({ model: weak, ...body }),
      });
      assert.equal(response.status, 200, `${sent}: ${await response.clone().text()}`);
      await response.arrayBuffer();
    }
  }
  const ids = async (/** @type {string} */ path) => (await (await worker.get(path, bearer(all))).json()).data.length;
  assert.equal(await ids("models/"), await ids("v1/models"));
});

test("another spelling of a path needs a key as well", async () => {
  there.does(openai());
  for (const path of ["messages", "v1/v1/chat/completions", "openai/v1/responses", "models"]) {
    assert.equal((await worker.send(path === "models" ? "GET" : "POST", path)).status, 401, path);
  }
  assert.equal(there.requests.length, 0);
});

test("an unknown path is told the endpoints and the base URLs", async () => {
  for (const path of ["v1/files", "v1/batches", "v1/threads", "v1/responses/resp_1", "v1/realtime", "v1", ""]) {
    const { status, code, message } = await errorOf(await worker.send("POST", path, "{}", bearer(all)));
    assert.deepEqual([status, code], [404, "not_found"], path);
    for (const part of [`"/${path}"`, "/v1/chat/completions", `"${worker.url.origin}/v1"`, `"${worker.url.origin}"`]) {
      assert.ok(message.includes(part), `${part} in ${message}`);
    }
  }
});

test("every error of an Anthropic client has Anthropic's shape, the request's id and its status", async (t) => {
  there.does(openai());
  const limited = await alone(t, { upstream: there, keys: [all.entry], rateLimit: { limit: 1 } });
  await limited.get("v1/models", bearer(all));
  const busy = async () => {
    for (let at = 0; at < 5; at += 1) {
      const response = await limited.get("v1/models", { ...bearer(all), ...VERSION });
      if (response.status === 429) return response;
    }
    throw new Error("the rate limit refused nothing");
  };
  const open = await alone(t, { upstream: there });
  const body = JSON.stringify({ model: "nobody", max_tokens: 9, messages });
  const long = JSON.stringify({ model: weak, max_tokens: 9, messages: [{ role: "user", content: "x".repeat(5000) }] });
  /** @type {[status: number, type: string, response: Promise<Response>][]} */
  const cases = [
    [401, "authentication_error", worker.send("POST", "v1/messages", body)],
    [401, "authentication_error", worker.get("v1/models", VERSION)],
    [404, "not_found_error", worker.send("POST", "v1/messages", body, bearer(all))],
    [404, "not_found_error", worker.send("POST", "messages", body, bearer(all))],
    [404, "not_found_error", worker.send("POST", "v1/messages/batches", body, bearer(all))],
    [404, "not_found_error", worker.get("v1/models/nobody", { ...bearer(all), ...VERSION })],
    [404, "not_found_error", worker.get("v1/files", { ...bearer(all), ...VERSION })],
    [405, "invalid_request_error", worker.get("v1/messages", bearer(all))],
    [413, "request_too_large", worker.send("POST", "v1/messages", long, bearer(all))],
    [429, "rate_limit_error", busy()],
    [403, "permission_error", open.send("POST", "v1/messages", body, { origin: "https://page.example" })],
    [403, "permission_error", open.get("v1/models", { ...VERSION, origin: "https://page.example" })],
  ];
  for (const [status, type, sent] of cases) {
    const response = await sent;
    const found = await response.json();
    assert.deepEqual([response.status, found.type, found.error?.type], [status, "error", type]);
    assert.ok(found.error.message.length > 5);
    assert.equal(found.request_id, response.headers.get("request-id"));
  }
  const chat = await worker.send("POST", "v1/chat/completions", body, { ...bearer(all), ...VERSION });
  assert.equal((await errorOf(chat)).code, "model_not_found");
});

test("an answer states its id in the headers that OpenAI's and Anthropic's clients read", async () => {
  there.does(openai());
  const sent = { ...bearer(all), "x-request-id": "r-1" };
  for (const response of [
    await worker.post("v1/messages", { model: weak, max_tokens: 9, messages }, sent),
    await worker.chat({ model: weak, stream: true }, sent),
    await worker.get("v1/models", sent),
    await worker.get("v1/nothing", sent),
  ]) {
    assert.deepEqual([response.headers.get("x-request-id"), response.headers.get("request-id")], ["r-1", "r-1"]);
    await response.arrayBuffer();
  }
});
