// One program's task against the gateway over one kind of upstream, in steps that each run the program once.

/** @import { Api, Program } from "./programs.mjs" */

import assert from "node:assert/strict";

import { gateway } from "../worker/gateway.mjs";
import { key } from "../worker/keys.mjs";
import { fileWith, recalled, said, told } from "./orders.mjs";
import { NEVER, provider } from "./provider.mjs";
import { folders, run } from "./run.mjs";

const WORD = "quartz";
const REFUSAL = "The stand-in refuses the pelican.";
/** The path at which an upstream of each kind is asked. @type {Record<Api, (protocol: string) => string>} */
const PATHS = {
  anthropic: () => "/v1/messages",
  openai: (protocol) => (protocol === "responses" ? "/v1/responses" : "/v1/chat/completions"),
};

/** @typedef {Record<string, () => Promise<void>>} Steps by name, in their order */

/**
 * Starts the stand-in and the gateway, whose `auto` decides between the two models of its bundle. The key may ask for
 * `auto` alone and has a budget.
 * @param {Api} api
 */
export async function served(api) {
  const there = await provider();
  const who = key("client", { models: ["auto"], budget: { usd: 1000, period: "day" } });
  const fields = { api, baseUrl: there.url, keySecret: "UPSTREAM_KEY", contextWindow: 200_000 };
  const prices = { inputPrice: 1, outputPrice: 2 };
  const worker = await gateway({
    upstreams: { "tiny-strong": { ...fields, ...prices }, "tiny-weak": { ...fields, ...prices } },
    keys: [who.entry],
    secrets: { UPSTREAM_KEY: "sk-there" },
    ledger: true,
    gateway: { retries: { most: 2, baseMs: 1, longestMs: 5 } },
  });
  return { there, key: who.text, origin: worker.url.origin, close: () => Promise.all([worker.close(), there.close()]) };
}

/**
 * @param {Program} program
 * @param {Api} api
 * @param {Record<string, string>} environment in which the program is found
 * @returns {Promise<{steps: Steps, close: () => Promise<void>}>}
 */
export async function task(program, api, environment) {
  const { there, key: secret, origin, close } = await served(api);
  const place = await folders({ ...program.files?.(origin, secret), "notes.txt": fileWith(WORD) });
  const env = { ...environment, ...program.quiet, ...program.env?.(origin, secret) };
  const ran = (/** @type {string[]} */ args) => run([program.command, ...args.map(place.expanded)], { ...place, env });
  if (program.signIn) await ran(program.signIn(origin, secret));
  const asked = async (/** @type {string} */ prompt, { again = false, failing = NEVER } = {}) => {
    const session = again ? (program.sessions ? JSON.parse((await ran(program.sessions)).out)[0].sessionId : "last") : undefined;
    there.forget(failing);
    return ran(program.ask(prompt, session));
  };
  /** Runs the program, which must print `words` and succeed, without a request that the provider refuses. */
  const prints = async (/** @type {string} */ words, /** @type {ReturnType<typeof run>} */ running) => {
    const { code, out, all } = await running;
    assert.deepEqual(there.faults, [], all);
    assert.ok(out.includes(words), `"${words}" is not in: ${all}`);
    assert.equal(code, 0, all);
    const paths = new Set(there.requests.map(({ path }) => path.replace(/\?.*/, "")));
    assert.deepEqual([...paths], [PATHS[api](program.protocol)]);
  };
  return {
    steps: {
      text: () => prints(said("apple"), asked("SAY apple")),
      tool: () => prints(told(WORD), asked(`READ ${place.work}/notes.txt`)),
      "second turn": () => prints(recalled(WORD), asked("RECALL the word", { again: true })),
      "busy upstream": async () => {
        const failing = { times: 1, code: api === "anthropic" ? 529 : 503, words: "Overloaded" };
        await prints(said("plum"), asked("SAY plum", { failing }));
        assert.ok(there.requests.length > 1, "the upstream was asked once");
      },
      refusal: async () => {
        const { all } = await asked("SAY pelican", { failing: { times: Infinity, code: 400, words: REFUSAL } });
        assert.deepEqual(there.faults, [], all);
        assert.ok(all.includes(REFUSAL), `"${REFUSAL}" is not in: ${all}`);
      },
    },
    close: async () => {
      await close();
      await place.remove();
    },
  };
}
