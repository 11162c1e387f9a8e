// The Worker with its bundle inside the script makes the same decisions as the one with assets.

import assert from "node:assert/strict";
import { test } from "node:test";

import { startWorker } from "../../worker/js/miniflare.mjs";
import { TINY } from "../hosts/paths.mjs";
import { gateway } from "./gateway.mjs";

test("a bundle inside the script makes the same decision as one in assets", async (t) => {
  const assets = await gateway();
  t.after(() => assets.close());
  const { url, miniflare } = await startWorker({ bundle: TINY, embedded: true, gateway: { open: true } });
  t.after(() => miniflare.dispose());
  const body = JSON.stringify({ query: "Prove the theorem." });
  const ask = async (/** @type {URL} */ root) =>
    (await fetch(new URL("v1/route", root), { method: "POST", body })).json();
  const decision = await ask(url);
  assert.ok(decision.winRate > 0 && decision.winRate < 1);
  assert.deepEqual(decision, await ask(assets.url));
});
