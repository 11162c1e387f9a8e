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

export default {
  async fetch(request, env) {
    const { object, calls } = await request.json();
    const ledger = env.LEDGER.get(env.LEDGER.idFromName(object));
    const answers = await Promise.allSettled(calls.map(([method, argument]) => ledger[method](argument)));
    return Response.json(
      answers.map(({ value, reason }) =>
        reason ? { error: { name: reason.name, message: reason.message } } : { value },
      ),
    );
  },
};
