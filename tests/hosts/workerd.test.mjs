// The parity suite on the Worker in workerd, through POST /v1/route.

import { after } from "node:test";

import { startWorker } from "../../worker/miniflare.mjs";
import { parity } from "./parity.mjs";
import { TINY } from "./paths.mjs";

const { url, miniflare } = await startWorker({ bundle: TINY });
after(() => miniflare.dispose());

parity("workerd", async (request) => {
  const response = await fetch(new URL("v1/route", url), {
    method: "POST",
    body: JSON.stringify(request),
  });
  const body = await response.json();
  return response.ok ? { decision: body } : { code: body.error.code };
});
