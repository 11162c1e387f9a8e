// A Worker that makes the calls of the ledger that it receives, for ledger.test.mjs.

import { Ledger } from "../../worker/js/ledger.mjs";

export class RingableLedger extends Ledger {
  /** Runs the alarm now, instead of in an hour. */
  async ring() {
    await this.ctx.storage.deleteAlarm();
    await this.alarm();
    return {
      entries: [...this.ctx.storage.kv.list()].length,
      alarm: (await this.ctx.storage.getAlarm()) !== null,
    };
  }
}

/** @typedef {"reserve" | "settle" | "spent" | "pin" | "pinned" | "ring"} Method */

export default {
  /** @param {Request} request @param {{LEDGER: DurableObjectNamespace<RingableLedger>}} env */
  async fetch(request, env) {
    /** @type {{object: string, calls: [Method, object?][]}} */
    const { object, calls } = await request.json();
    const ledger = /** @type {Record<Method, (argument?: object) => Promise<unknown>>} */ (
      /** @type {unknown} */ (env.LEDGER.get(env.LEDGER.idFromName(object)))
    );
    const answers = await Promise.allSettled(calls.map(([method, argument]) => ledger[method](argument)));
    return Response.json(
      answers.map((answer) =>
        answer.status === "rejected"
          ? { error: { name: answer.reason.name, message: answer.reason.message } }
          : { value: answer.value },
      ),
    );
  },
};
