// A Worker that makes the calls of the ledger that it receives, for the tests of the ledger.

import { Ledger } from "../../worker/js/ledger.mjs";

export class TestedLedger extends Ledger {
  #number = 0;

  /**
   * Makes a call, and says how many this instance made before it.
   * @param {"reserve" | "extend" | "settle" | "spent"} method
   * @param {any} request
   */
  numbered(method, request) {
    this.#number += 1;
    const number = this.#number;
    try {
      return { number, value: this[method](request) };
    } catch (error) {
      return { number, error: /** @type {Error} */ (error).message };
    }
  }

  /** Runs the alarm now, instead of in an hour. */
  async ring() {
    await this.ctx.storage.deleteAlarm();
    await this.alarm();
    return {
      entries: [...this.ctx.storage.kv.list()].length,
      alarm: (await this.ctx.storage.getAlarm()) !== null,
    };
  }

  /**
   * Stores a row; its reservations are a Map, which JSON does not have.
   * @param {{key: string, row: {reservations: object}}} entry
   */
  plant({ key, row }) {
    this.ctx.storage.kv.put(key, { ...row, reservations: new Map(Object.entries(row.reservations)) });
  }

  /** Ends this instance as a crash does. The caller gets an error. */
  async crash() {
    await this.ctx.storage.sync();
    this.ctx.abort("crash of a test");
  }
}

/** @typedef {"reserve" | "extend" | "settle" | "spent" | "numbered" | "pin" | "pinned" | "ring" | "plant" | "crash"} Method */

export default {
  /** @param {Request} request @param {{LEDGER: DurableObjectNamespace<TestedLedger>}} env */
  async fetch(request, env) {
    /** @type {{object: string, calls: [Method, ...unknown[]][]}} */
    const { object, calls } = await request.json();
    // A stub for each call: as from several isolates, calls may arrive in any order.
    const ledger = () =>
      /** @type {Record<Method, (...given: unknown[]) => Promise<unknown>>} */ (
        /** @type {unknown} */ (env.LEDGER.get(env.LEDGER.idFromName(object)))
      );
    const answers = await Promise.allSettled(calls.map(([method, ...given]) => ledger()[method](...given)));
    return Response.json(
      answers.map((answer) =>
        answer.status === "rejected"
          ? { error: { name: answer.reason.name, message: answer.reason.message } }
          : { value: answer.value },
      ),
    );
  },
};
