// A client's task against the gateway over one kind of upstream, in steps: see `task`.

/** @import { Conversation } from "./libraries.mjs" */
/** @import { Api, Program, Protocol } from "./programs.mjs" */
/** @import { Folders } from "./run.mjs" */

import assert from "node:assert/strict";

import { gateway } from "../worker/gateway.mjs";
import { key } from "../worker/keys.mjs";
import { fileWith, recalled, said, told } from "./orders.mjs";
import { NEVER, provider } from "./provider.mjs";
import { folders, run } from "./run.mjs";

const WORD = "quartz";
const REFUSAL = "The stand-in refuses the pelican.";
const NOTES = "notes.txt";

/** @typedef {"text" | "tool" | "second turn" | "busy upstream" | "refusal" | "broken stream"} Step */
/**
 * What a client printed: its answer, and all with its errors.
 * @typedef {{answer: string, all: string}} Printed
 * @typedef {(prompt: string, again: boolean) => Promise<Printed>} Ask `again` continues the conversation
 */

/** The names that Claude Code asks for by itself. */
const ALIASES = { "claude-*": "auto" };
/** The path at which an upstream of each kind is asked. @type {Record<Api, (protocol: Protocol) => string>} */
const PATHS = {
  anthropic: () => "/v1/messages",
  openai: (protocol) => (protocol === "responses" ? "/v1/responses" : "/v1/chat/completions"),
};

/**
 * Starts the stand-in and the gateway, whose `auto` decides between the two models of its bundle. The key may ask for
 * `auto` alone and has a budget.
 * @param {Api} api
 */
async function served(api) {
  const there = await provider();
  const who = key("client", { models: ["auto"], budget: { usd: 1000, period: "day" } });
  const model = { api, baseUrl: there.url, keySecret: "UPSTREAM_KEY", contextWindow: 200_000 };
  const priced = { ...model, inputPrice: 1, outputPrice: 2 };
  const worker = await gateway({
    upstreams: { "tiny-strong": priced, "tiny-weak": priced },
    keys: [who.entry],
    secrets: { UPSTREAM_KEY: "sk-there" },
    ledger: true,
    gateway: { aliases: ALIASES, retries: { most: 2, baseMs: 1, longestMs: 5 } },
  });
  return { there, key: who.text, origin: worker.url.origin, close: () => Promise.all([worker.close(), there.close()]) };
}

/**
 * The steps by which a client is tried:
 *
 * | step | the client must |
 * | --- | --- |
 * | text | print the answer |
 * | tool | read a file with its tool, send the result, and print the answer to that |
 * | second turn | continue the conversation |
 * | busy upstream | print the answer, although the first call of the upstream fails with 503, at Anthropic 529 |
 * | refusal | print the words with which the upstream refuses a request |
 * | broken stream | print the whole answer or an error, where the upstream's first answer breaks off in the middle |
 *
 * In no step may the upstream get a request that the real one refuses.
 * @param {Protocol} protocol
 * @param {Api} api
 * @param {(gateway: {origin: string, key: string} & Folders) => Promise<Ask>} started
 * @returns {Promise<{steps: Record<Step, () => Promise<void>>, close: () => Promise<void>}>}
 */
export async function task(protocol, api, started) {
  const { there, key: secret, origin, close } = await served(api);
  const place = await folders();
  await place.write({ [NOTES]: fileWith(WORD) });
  const ask = await started({ origin, key: secret, ...place });
  const asked = async (/** @type {string} */ prompt, { again = false, failing = NEVER } = {}) => {
    there.forget(failing);
    const printed = await ask(prompt, again);
    assert.deepEqual(there.faults, [], printed.all);
    return printed;
  };
  const prints = async (/** @type {string} */ words, /** @type {ReturnType<typeof asked>} */ asking) => {
    const { answer, all } = await asking;
    assert.ok(answer.includes(words), `"${words}" is not in: ${all}`);
    const paths = new Set(there.requests.map(({ path }) => path.replace(/\?.*/, "")));
    assert.deepEqual([...paths], [PATHS[api](protocol)]);
  };
  return {
    steps: {
      text: () => prints(said("apple"), asked("SAY apple")),
      tool: () => prints(told(WORD), asked(`READ ${place.work}/${NOTES}`)),
      "second turn": () => prints(recalled(WORD), asked("RECALL the word", { again: true })),
      "busy upstream": async () => {
        const failing = { times: 1, code: api === "anthropic" ? 529 : 503, words: "Overloaded" };
        await prints(said("plum"), asked("SAY plum", { failing }));
        assert.ok(there.requests.length > 1, "the upstream was asked once");
      },
      refusal: async () => {
        const { all } = await asked("SAY pelican", { failing: { times: Infinity, code: 400, words: REFUSAL } });
        assert.ok(all.includes(REFUSAL), `"${REFUSAL}" is not in: ${all}`);
      },
      // The last one: after it the connection closes, and a request on its way in it would fail.
      "broken stream": async () => {
        const { answer, all } = await asked("SAY a-whole-sentence-of-words", { failing: { times: 1 } });
        const whole = answer.includes(said("a-whole-sentence-of-words"));
        assert.ok(
          whole || (answer === "" && /error|terminated|broke/i.test(all)),
          `half an answer, and no error: ${all}`,
        );
      },
    },
    close: async () => {
      await close();
      await place.remove();
    },
  };
}

/**
 * @param {Program} program
 * @param {Record<string, string>} environment in which it is found
 * @returns {Parameters<typeof task>[2]}
 */
export const programOf =
  (program, environment) =>
  async ({ origin, key: secret, ...place }) => {
    const { command, env, files, quiet, signIn, ask } = program;
    await place.write(files?.(origin, secret) ?? {});
    const settings = { ...environment, ...quiet, ...env?.(origin, secret) };
    const ran = (/** @type {string[]} */ args) =>
      run([command, ...args.map(place.expanded)], { ...place, env: settings });
    if (signIn) await ran(signIn(origin, secret));
    return async (prompt, again) => {
      const { code, out, all } = await ran(ask(prompt, again));
      return { answer: code === 0 ? out : "", all: `${all}\nexit code: ${code}` };
    };
  };

/**
 * @param {(origin: string, key: string) => () => Conversation} begin
 * @returns {Parameters<typeof task>[2]}
 */
export const libraryOf =
  (begin) =>
  async ({ origin, key: secret }) => {
    const conversation = begin(origin, secret);
    let current = conversation();
    return async (prompt, again) => {
      if (!again) current = conversation();
      try {
        const answer = await current(prompt);
        return { answer, all: answer };
      } catch (error) {
        return { answer: "", all: String(error) };
      }
    };
  };
