// Reads what the Worker wrote to the bucket LOG.

/** @import { Gateway } from "./gateway.mjs" */

import { until } from "./stand-ins.mjs";

/** The longest wait for a file, in ms: comparisons are several calls, and a busy machine is slow. */
const LONG = 30_000;

/**
 * The names and texts of the files under a prefix of R2.
 * @param {Gateway} on
 * @param {string} prefix
 */
export async function files(on, prefix) {
  const bucket = await on.miniflare.getR2Bucket("LOG");
  const { objects } = await bucket.list({ prefix });
  const texts = objects.map(async ({ key: name }) => ({ name, text: await (await bucket.get(name))?.text() }));
  return Promise.all(texts);
}

/**
 * Waits for the decisions of requests with this `x-request-id`, and returns them with their files' names.
 * @param {Gateway} on
 * @param {string} id
 */
export function decisions(on, id, count = 1) {
  return until(
    async () => {
      const all = (await files(on, "decisions/")).map(({ name, text }) => ({ name, ...JSON.parse(text ?? "") }));
      const found = all.filter((decision) => decision.id === id);
      return found.length >= count && found;
    },
    `${count} decisions of ${id}`,
    LONG,
  );
}

/** @type {(on: Gateway, id: string) => Promise<any>} */
export const decided = async (on, id) => (await decisions(on, id))[0];

/**
 * Waits for the verdicts of these decisions, by their ids.
 * @param {Gateway} on
 * @returns {Promise<Map<string, any>>}
 */
export function verdicts(on, count = 1, ms = LONG) {
  return until(
    async () => {
      const found = await files(on, "verdicts/");
      if (found.length < count) return undefined;
      return new Map(found.map(({ name, text }) => [JSON.parse(text ?? "").id, { name, ...JSON.parse(text ?? "") }]));
    },
    `${count} verdicts`,
    ms,
  );
}
