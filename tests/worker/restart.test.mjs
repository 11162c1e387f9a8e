// After a trap the requests in flight get an error and the Worker restarts.

import assert from "node:assert/strict";
import { test } from "node:test";

import { BUNDLE, errorOf, gateway } from "./gateway.mjs";
import { openai } from "./openai-stand-in.mjs";
import { deferred, upstream } from "./stand-ins.mjs";

const main = "../../tests/worker/restart.mjs";

test("a trap at the start of a request is answered with an error, and the next request is served", async (t) => {
  const worker = await gateway({ main });
  t.after(() => worker.close());
  const before = await (await worker.post("v1/route", { query: "Hello" })).json();
  await worker.send("POST", "ruin", "");
  const error = await errorOf(await worker.post("v1/route", { query: "Hello" }));
  assert.deepEqual([error.status, error.code], [500, "gateway_stopped"]);
  const after = await worker.post("v1/route", { query: "Hello" });
  assert.equal(after.status, 200);
  assert.deepEqual(await after.json(), before);
});

test("a trap in the middle of a request is answered with an error, and the next request is served", async (t) => {
  const asked = deferred();
  const held = deferred();
  const there = await upstream(async (...call) => {
    asked.resolve();
    await held.promise;
    openai()(...call);
  });
  const worker = await gateway({ upstream: there, main });
  t.after(async () => {
    await worker.close();
    await there.close();
  });
  const first = worker.chat();
  await asked.promise;
  await worker.send("POST", "ruin", "");
  held.resolve();
  const error = await errorOf(await first);
  assert.deepEqual([error.status, error.code], [500, "gateway_stopped"]);
  const second = await worker.chat();
  assert.equal(second.status, 200);
  assert.ok(BUNDLE.ids.includes(second.headers.get("x-pointsman-model") ?? ""));
});
