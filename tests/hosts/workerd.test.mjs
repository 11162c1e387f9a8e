// The parity suite on the Worker in workerd, through POST /v1/route.

import { after } from "node:test";

import { startWorker } from "../../worker/js/miniflare.mjs";
import { kinds } from "./kinds.mjs";
import { parity } from "./parity.mjs";
import { TINY } from "./paths.mjs";

// The stored answers are of the bundle's own shares.
const gateway = { open: true, routing: { learnShares: false } };
const { url, miniflare } = await startWorker({ bundle: TINY, gateway });
after(() => miniflare.dispose());

parity("workerd", async (request) => {
  const response = await fetch(new URL("v1/route", url), {
    method: "POST",
    body: JSON.stringify(request),
  });
  const body = await response.json();
  return response.ok ? { decision: body } : { code: body.error.code };
});

kinds("workerd", async (folder, queries) => {
  const worker = await startWorker({ bundle: folder, gateway });
  try {
    return await Promise.all(
      queries.map(async (query) => {
        const body = JSON.stringify({ query });
        const response = await fetch(new URL("v1/route", worker.url), { method: "POST", body });
        return response.json();
      }),
    );
  } finally {
    await worker.miniflare.dispose();
  }
});
