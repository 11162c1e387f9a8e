// `pointsman/openai` in OpenAI's client, against a server on this machine that records its requests.

/** @import { IncomingHttpHeaders } from "node:http" */
/** @import { Policy, RouterErrorCode } from "pointsman" */
/** @import { AnyRouter, RoutedFetchOptions } from "pointsman/openai" */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { after, test } from "node:test";

import OpenAI from "openai";
import { Router } from "pointsman";
import { routedFetch } from "pointsman/openai";
import { RouterWorker } from "pointsman/worker";

import { listening } from "../../web/serve.mjs";
import { TINY } from "../hosts/paths.mjs";
import { untyped, withCode } from "./refused.mjs";

/** @typedef {OpenAI.ChatCompletionCreateParamsNonStreaming} Chat */

const QUERY = "What is the capital of Italy?";
const router = await Router.load(TINY);
const { strong = "", weak = "" } = router.info().head;
const STRONG = { threshold: 0 };
const WEAK = { threshold: 1 };

/** @type {{url?: string, method?: string, headers: IncomingHttpHeaders, body: string}[]} */
const received = [];
const server = createServer(async (request, response) => {
  const body = await text(request);
  received.push({ url: request.url, method: request.method, headers: request.headers, body });
  const stream = body.startsWith("{") && JSON.parse(body).stream;
  const chunk = (/** @type {string} */ content) =>
    `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", choices: [{ index: 0, delta: { content } }] })}\n\n`;
  if (stream) {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const content of ["Ro", "me"]) response.write(chunk(content));
    if (JSON.parse(body).metadata?.hangs !== "yes") response.end("data: [DONE]\n\n");
    return;
  }
  const answer = {
    id: "1",
    object: "chat.completion",
    choices: [{ index: 0, message: { role: "assistant", content: "Rome" } }],
    output: [],
  };
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
});
const { url, close } = await listening(server);
const base = new URL("v1", url).href;
after(close);

/** @type {(options?: RoutedFetchOptions, given?: AnyRouter) => OpenAI} */
const client = (options, given = router) =>
  new OpenAI({ apiKey: "key", baseURL: base, fetch: routedFetch(given, options) });
/** @type {(model: string, content?: OpenAI.ChatCompletionUserMessageParam["content"]) => Chat} */
const chat = (model, content = QUERY) => ({
  model,
  messages: [
    { role: "system", content: "Be brief." },
    { role: "user", content },
  ],
});
/** The latest request as it was received, and with its body parsed. */
const raw = () => received[received.length - 1];
const last = () => ({ ...raw(), body: JSON.parse(raw().body) });

test("a chat for auto is sent to the chosen candidate, and the rest of the request is unchanged", async () => {
  /** @type {[policy: Policy, model: string][]} */
  const cases = [
    [STRONG, strong],
    [WEAK, weak],
  ];
  for (const [policy, model] of cases) {
    /** @type {Chat} */
    const request = {
      ...chat("auto"),
      temperature: 0.25,
      seed: 7,
      tools: [{ type: "function", function: { name: "f", parameters: {} } }],
    };
    const answer = await client({ policy }).chat.completions.create(request);
    assert.equal(answer.choices[0].message.content, "Rome");
    assert.deepEqual(last().body, { ...request, model });
    assert.equal(last().headers.authorization, "Bearer key");
    assert.equal(Number(last().headers["content-length"]), raw().body.length);
  }
});

test("a response for auto is routed by its input, text or items", async () => {
  /** @type {OpenAI.Responses.ResponseInput} */
  const items = [
    // @ts-expect-error the API takes an image without `detail`, which the client's types ask for
    {
      role: "user",
      content: [
        { type: "input_text", text: QUERY },
        { type: "input_image", image_url: "https://example.com/a.png" },
      ],
    },
    { type: "function_call_output", call_id: "1", output: "42" },
  ];
  for (const input of [QUERY, items]) {
    /** @type {import("pointsman").Decision | undefined} */
    let decision;
    await client({
      policy: STRONG,
      onDecision: (made) => {
        decision = made;
      },
    }).responses.create({ model: "auto", input });
    assert.deepEqual(last().body, { model: strong, input });
    assert.equal(last().url, "/v1/responses");
    assert.equal(decision?.winRate, router.route(QUERY).winRate);
  }
});

test("a stream is passed on", async () => {
  const stream = await client({ policy: WEAK }).chat.completions.create({ ...chat("auto"), stream: true });
  const pieces = [];
  for await (const { choices } of stream) pieces.push(choices[0].delta.content);
  assert.deepEqual(pieces, ["Ro", "me"]);
  assert.equal(last().body.model, weak);
});

test("an abort signal reaches the request", async () => {
  const controller = new AbortController();
  const request = { ...chat("auto"), stream: /** @type {const} */ (true), metadata: { hangs: "yes" } };
  const stream = await client().chat.completions.create(request, { signal: controller.signal });
  const pieces = [];
  for await (const { choices } of stream) {
    pieces.push(choices[0].delta.content);
    if (pieces.length === 2) controller.abort();
  }
  assert.deepEqual(pieces, ["Ro", "me"]);
});

test("requests for other models, endpoints and methods are passed on byte for byte", async () => {
  let decisions = 0;
  const fetch = routedFetch(router, {
    onDecision: () => {
      decisions += 1;
    },
  });
  const other = '{"model": "gpt-5",  "messages": [], "seed": 12345678901234567890}';
  const embeddings = '{"model": "auto", "input": "x"}';
  await fetch(`${base}/chat/completions`, { method: "POST", body: other });
  assert.equal(raw().body, other);
  await fetch(`${base}/embeddings`, { method: "POST", body: embeddings });
  assert.equal(raw().body, embeddings);
  await fetch(`${base}/chat/completions`, { method: "POST", body: "no JSON" });
  assert.equal(raw().body, "no JSON");
  await fetch(`${base}/chat/completions`);
  assert.equal(raw().method, "GET");
  const form = new FormData();
  form.set("model", "auto");
  await fetch(`${base}/chat/completions`, { method: "POST", body: form });
  assert.match(raw().body, /form-data/);
  assert.equal(decisions, 0);
});

test("a Request object in place of a URL is routed", async () => {
  const request = new Request(`${base}/chat/completions`, {
    method: "POST",
    body: JSON.stringify(chat("auto")),
    headers: { "x-own": "1" },
  });
  await routedFetch(router, { policy: STRONG })(request);
  assert.equal(last().body.model, strong);
  assert.equal(last().headers["x-own"], "1");
});

test("a Content-Length that the caller stated is updated with the body", async () => {
  const body = JSON.stringify(chat("auto", `${QUERY} – ü`));
  /** @type {RequestInit | undefined} */
  let sent;
  const fetch = routedFetch(router, {
    policy: STRONG,
    fetch: async (_, init) => {
      sent = init;
      return Response.json({});
    },
  });
  await fetch(`${base}/chat/completions`, {
    method: "POST",
    body,
    headers: { "Content-Length": String(Buffer.byteLength(body)), "x-own": "1" },
  });
  const headers = new Headers(sent?.headers);
  assert.equal(headers.get("content-length"), String(Buffer.byteLength(String(sent?.body))));
  assert.equal(headers.get("x-own"), "1");
});

test("the caller chooses the routed names and the models of candidates", async () => {
  const options = { policy: STRONG, names: ["router", "cheap"], models: { [strong]: "deployment-1" } };
  await client(options).chat.completions.create(chat("cheap"));
  assert.equal(last().body.model, "deployment-1");
  await client({ ...options, policy: WEAK }).chat.completions.create(chat("router"));
  assert.equal(last().body.model, weak, "a candidate without a mapped model is sent as its id");
  await client(options).chat.completions.create(chat("auto"));
  assert.equal(last().body.model, "auto");
});

test("a conversation without text is refused like the API would, without a retry, or goes to the caller's default", async () => {
  const image = chat("auto", [{ type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } }]);
  const before = received.length;
  await assert.rejects(client().chat.completions.create(image), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.code, "messages_without_text");
    return true;
  });
  assert.equal(received.length, before, "nothing was sent");
  await client({ withoutText: strong }).chat.completions.create(image);
  assert.deepEqual(last().body, { ...image, model: strong });
});

test("a RouterWorker works in place of a Router", async () => {
  const thread = await RouterWorker.load(TINY);
  try {
    await client({ policy: STRONG }, thread).chat.completions.create(chat("auto"));
    assert.equal(last().body.model, strong);
    await assert.rejects(client({ models: { nobody: "x" } }, thread).chat.completions.create(chat("auto")), {
      code: "argument_models",
    });
  } finally {
    thread.free();
  }
});

test("invalid options are refused when the fetch function is made", () => {
  /** @type {[words: unknown[], code: RouterErrorCode][]} */
  const cases = [
    [[undefined], "argument_router"],
    [[{}], "argument_router"],
    [["router"], "argument_router"],
    [[router, null], "argument_options"],
    [[router, { names: "auto" }], "argument_options"],
    [[router, { names: [1] }], "argument_options"],
    [[router, { fetch: 1 }], "argument_options"],
    [[router, { onDecision: 1 }], "argument_options"],
    [[router, { models: { nobody: "x" } }], "argument_models"],
    [[router, { models: { [strong]: 1 } }], "argument_models"],
    [[router, { withoutText: "nobody" }], "argument_models"],
    [[router, { policy: 1 }], "argument_policy"],
    [[router, { policy: { threshold: 2 } }], "policy_out_of_range"],
    [[router, { policy: { candidates: ["nobody"] } }], "policy_unknown_model"],
  ];
  for (const [words, code] of cases) assert.throws(() => untyped(routedFetch)(...words), withCode(code));
});
