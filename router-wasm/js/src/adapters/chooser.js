// Shared by the adapters: checks the router once and chooses a candidate for each conversation.

import { describe } from "../describe.js";
import { RouterError } from "../error.js";
import { checkedCallback, checkedObject } from "../options.js";

/** @import { AdapterOptions, AnyRouter } from "../types/adapter.js" */
/** @import { BundleInfo } from "../types/bundle.js" */
/** @import { Decision } from "../types/decision.js" */
/** @import { RouterErrorCode } from "../types/error-code.js" */
/** @import { Message } from "../types/query.js" */

const NEEDED = /** @type {const} */ (["route", "routeBatch", "info"]);
/**
 * Error codes of a conversation without text to rate.
 * @type {RouterErrorCode[]}
 */
const NO_TEXT = ["messages_without_text", "query_empty"];

/**
 * Makes a function that chooses a candidate for a conversation, with one router and one policy.
 * @param {AnyRouter} router
 * @param {AdapterOptions & {models?: Record<string, unknown>}} options
 * @param {{caller: string, every: boolean}} how `caller` is named in messages; with `every`, each
 *   candidate that the policy allows needs an entry in `models`
 * @returns {(input: string | Message[]) => Promise<{model: string, decision?: Decision}>} the chosen
 *   candidate; without a decision it is `withoutText`
 */
export function chooser(router, options, { caller, every }) {
  checkedRouter(router, caller);
  const {
    policy,
    models = {},
    withoutText,
    onDecision,
  } = checkedObject(options, caller, "{models, policy, withoutText, onDecision}");
  checkedObject(models, `option "models" of ${caller}`, "one entry a candidate");
  checkedCallback("onDecision", onDecision);
  const check = (/** @type {BundleInfo} */ info) => {
    const known = info.candidates.map(({ id }) => id);
    const named = [...Object.keys(models), ...(withoutText === undefined ? [] : [withoutText])];
    for (const id of named) {
      if (!known.includes(id))
        throw fault(`${describe(id)} is no candidate of this bundle: expected one of ${known.join(", ")}`, caller);
    }
    const allowed = [...(policy?.candidates ?? known), ...named];
    const missing = every ? allowed.find((id) => models[id] === undefined) : undefined;
    if (missing !== undefined) {
      throw fault(
        `option "models" has no entry for candidate "${missing}", which the policy may choose. Add one, or leave it out of policy.candidates`,
        caller,
      );
    }
  };
  // An empty batch checks the policy. A RouterWorker returns promises, which the first call awaits.
  const info = router.info();
  const batch = router.routeBatch([], policy);
  const later = "then" in info || "then" in batch;
  const checked = later ? Promise.all([info, batch]).then(([info]) => check(info)) : check(info);
  // The first call rejects with it; until then it must not count as unhandled.
  checked?.catch(() => {});
  return async (input) => {
    await checked;
    try {
      const decision = await router.route(input, policy);
      onDecision?.(decision);
      return { model: decision.model, decision };
    } catch (error) {
      if (withoutText === undefined || !NO_TEXT.includes(/** @type {RouterError} */ (error)?.code)) throw error;
      return { model: withoutText };
    }
  };
}

/**
 * Keeps the part of a conversation that is rated: the text of its user messages. The engine would
 * ignore images and files, so they are not passed to it.
 * @param {readonly any[]} messages
 * @returns {Message[]}
 */
export function userTexts(messages) {
  return messages
    .filter((message) => message?.role === "user")
    .map(({ content }) => {
      if (!Array.isArray(content)) return { role: "user", content };
      const texts = content.flatMap((part) =>
        typeof part?.text === "string" ? { type: "text", text: part.text } : [],
      );
      return { role: "user", content: texts };
    });
}

/**
 * Checks the methods, not the class: a router of another copy of this package works too.
 * @param {AnyRouter} router
 * @param {string} caller
 */
function checkedRouter(router, caller) {
  const lacking = NEEDED.filter((method) => typeof router?.[method] !== "function");
  if (lacking.length === 0) return;
  const found =
    lacking.length === NEEDED.length ? describe(router) : `${describe(router)} without ${lacking.join(" and ")}()`;
  const message = `${caller} was given ${found}: expected a Router or RouterWorker of pointsman, from await Router.load()`;
  throw new RouterError("argument_router", message);
}

/**
 * @param {string} message
 * @param {string} caller
 */
function fault(message, caller) {
  return new RouterError("argument_models", `${caller}: ${message}`);
}
