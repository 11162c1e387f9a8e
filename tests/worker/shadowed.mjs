// A Worker with GATEWAY.shadow, the upstreams of both LLMs, and a judge of its own.

/** @import { TestContext } from "node:test" */
/** @import { Options } from "./gateway.mjs" */
/** @import { Answer } from "./openai-stand-in.mjs" */

import { alone, BUNDLE, HURRIED, ledgerOf } from "./gateway.mjs";
import { openai } from "./openai-stand-in.mjs";
import { upstream } from "./stand-ins.mjs";

const { strong, weak } = BUNDLE;

export const JUDGE = "judge";
export const LOG_SECRET = "a-secret-of-more-than-32-characters";
/** The cost of the stand-in's usage, 100 input and 50 output tokens, in US dollars. */
export const COSTS = { [strong]: 0.0025, [weak]: 0.0002, [JUDGE]: 0.0001 };

/**
 * Judges by `better`, which gets the texts that stand at A and at B.
 * @param {(a: string, b: string) => string} better
 * @returns {Answer}
 */
export const judging = (better) => (request, response, body, number) => {
  const asked = JSON.parse(body).messages[0].content;
  const [, a, b] = /answer A\n(.*)\n=====\w+ answer B\n(.*)\n=====/s.exec(asked) ?? [];
  openai({ text: `Both were read.\nVerdict: ${better(a, b)}` })(request, response, body, number);
};

/** A judge that prefers the longer answer. */
export const longer = judging((a, b) => (a.length === b.length ? "tie" : a.length > b.length ? "A" : "B"));

/**
 * @param {TestContext} t
 * @param {{shadow?: object, gateway?: object, fields?: object} & Options} options `fields` are those of all upstreams
 */
export async function shadowed(t, { shadow = {}, gateway: settings = {}, fields = {}, ...options } = {}) {
  const [large, small, judge] = await Promise.all([
    upstream(openai({ text: "A long and careful answer." })),
    upstream(openai({ text: "Short." })),
    upstream(longer),
  ]);
  const upstreams = {
    [strong]: { baseUrl: large.url, inputPrice: 10, outputPrice: 30, ...fields },
    [weak]: { baseUrl: small.url, inputPrice: 1, outputPrice: 2, ...fields },
    [JUDGE]: { baseUrl: judge.url, inputPrice: 0.5, outputPrice: 1, maxOutputTokens: 256 },
  };
  const worker = await alone(t, {
    upstreams,
    ledger: true,
    buckets: ["LOG"],
    secrets: { LOG_SECRET },
    gateway: {
      ...HURRIED,
      shadow: { share: 1, judge: JUDGE, usdPerDay: 10, ...shadow },
      log: { content: true },
      ...settings,
    },
    ...options,
  });
  t.after(() => Promise.all([large, small, judge].map((one) => one.close())));
  return {
    worker,
    large,
    small,
    judge,
    /** What the cap's ledger has of this day. */
    spent: async () => (await ledgerOf(worker, "shadow")).spent({ limit: 10, period: "day", now: Date.now() }),
  };
}
