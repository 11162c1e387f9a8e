// The tests of one client, and the record of what it did: a line of JSON for each client and kind of upstream, in the
// file that CLIENTS_RECORD names.

/** @import { Step } from "./matrix.mjs" */
/** @import { Api, Protocol } from "./programs.mjs" */

import { appendFileSync } from "node:fs";
import { test } from "node:test";

import { task } from "./matrix.mjs";
import { versionOf } from "./versions.mjs";

/**
 * @typedef {{name: string, from: string, registry?: "npm" | "pypi", protocol: Protocol, over: Api[],
 *   streams?: boolean, lacks?: Partial<Record<Step, string>>}} Client
 * @typedef {{name: string, version: string, protocol: Protocol, streams: boolean, api: Api, did: Step[]}} Recorded
 */

const LIMIT_MS = 300_000;

/**
 * Tries a client over each kind of upstream.
 * @param {Client} client
 * @param {Parameters<typeof task>[2]} started
 */
export function tried(client, started) {
  const { name, protocol, over, streams = true, lacks = {} } = client;
  for (const api of over) {
    const how = streams ? "" : ", whole answers";
    test(`${name} with ${protocol} over an upstream of ${api}${how}`, { timeout: LIMIT_MS }, async (t) => {
      const { steps, close } = await task(protocol, api, started);
      t.after(close);
      /** @type {Step[]} */
      const did = [];
      for (const [step, check] of /** @type {[Step, () => Promise<void>][]} */ (Object.entries(steps))) {
        if (lacks[step]) continue;
        await t.test(step, async () => {
          await check();
          did.push(step);
        });
      }
      const file = process.env.CLIENTS_RECORD;
      if (file)
        appendFileSync(file, `${JSON.stringify({ name, version: versionOf(client), protocol, streams, api, did })}\n`);
    });
  }
}
