// The stand-in's process: chat completions that cost nothing to make, whole or in chunks. It tells
// its address to its parent and ends with it.

import { createServer } from "node:http";

import { listening } from "../../web/serve.mjs";

const WORDS =
  "The answer of a stand-in on this machine, in a few dozen words, as a short one is: it says nothing, and it says it at once, so that what is measured is the way there and back.".split(
    /(?<= )/,
  );
const COMMON = { id: "chatcmpl-1", created: 1, model: "stand-in" };
const USAGE = { prompt_tokens: 40, completion_tokens: 40, total_tokens: 80 };

const event = (/** @type {unknown} */ data) => `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
const chunk = (/** @type {object} */ delta, /** @type {string | null} */ finish_reason = null) =>
  event({ ...COMMON, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason }] });

const WHOLE = JSON.stringify({
  ...COMMON,
  object: "chat.completion",
  choices: [{ index: 0, message: { role: "assistant", content: WORDS.join("") }, finish_reason: "stop" }],
  usage: USAGE,
});
const FIRST = chunk({ role: "assistant", content: WORDS[0] });
const REST = [...WORDS.slice(1).map((content) => chunk({ content })), chunk({}, "stop"), event("[DONE]")].join("");

const server = createServer(async (request, response) => {
  let body = "";
  for await (const piece of request) body += piece;
  if (JSON.parse(body).stream) {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(FIRST);
    setImmediate(() => response.end(REST));
  } else {
    response.writeHead(200, { "content-type": "application/json" }).end(WHOLE);
  }
});
// Connections stay for the whole measurement.
server.keepAliveTimeout = 600_000;
const { url } = await listening(server);
process.send?.(new URL("v1", url).href);
process.once("disconnect", () => process.exit());
