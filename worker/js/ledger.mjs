// The Durable Object that stores budgets and sessions. Every key with a budget has an object named
// `budget:<key's name>`; every session has one named `session:<key's name>:<session's id>`.
//
// Each method reads, computes and writes without an await in between, so calls cannot interleave; the
// runtime sends the answer once the write is durable. The computation is in ledger-state.mjs.

/** @import { Budget, LookRequest, Pin, PinRequest, ReserveRequest, SettleRequest, Spent } from "./ledger-state.mjs" */

import { DurableObject } from "cloudflare:workers";

import { look, PIN_LIFE, pin, pinned, reserve, settle } from "./ledger-state.mjs";

const BUDGET = "budget";
const PIN = "pin";

export class Ledger extends DurableObject {
  /**
   * Reserves an estimate of `usd` under a limit of `limit` US dollars per `period`; `now` in milliseconds.
   * Reserving an id again replaces its estimate.
   * @param {ReserveRequest} request
   * @returns {{granted: boolean} & Spent} the state afterwards
   */
  reserve(request) {
    return this.#change(reserve, request);
  }

  /**
   * Replaces the reservation `id` by the actual cost.
   * @param {SettleRequest} request
   */
  settle(request) {
    return this.#change(settle, request);
  }

  /** @param {LookRequest} request */
  spent(request) {
    return look(this.ctx.storage.kv.get(BUDGET), request);
  }

  /**
   * Stores the model that gave the session's last answer.
   * @param {PinRequest} request
   */
  async pin(request) {
    this.ctx.storage.kv.put(PIN, pin(request));
    await this.ctx.storage.setAlarm(Date.now() + PIN_LIFE);
  }

  /**
   * @param {{now: number}} request
   * @returns {string | null} the session's model, kept for an hour after its last use
   */
  pinned(request) {
    /** @type {Pin | undefined} */
    const before = this.ctx.storage.kv.get(PIN);
    const [after, model] = pinned(before, request);
    if (after && after !== before) this.ctx.storage.kv.put(PIN, after);
    return model;
  }

  /** Deletes an expired session's storage, since most sessions are never used again. */
  async alarm() {
    /** @type {Pin | undefined} */
    const state = this.ctx.storage.kv.get(PIN);
    if (!state) return;
    const endsAt = state.usedAt + PIN_LIFE;
    if (Date.now() > endsAt) await this.ctx.storage.deleteAll();
    else await this.ctx.storage.setAlarm(endsAt + 1);
  }

  /**
   * @template Request, Answer
   * @param {(state: Budget | undefined, request: Request) => [Budget, Answer]} step
   * @param {Request} request
   */
  #change(step, request) {
    const [state, answer] = step(this.ctx.storage.kv.get(BUDGET), request);
    this.ctx.storage.kv.put(BUDGET, state);
    return answer;
  }
}
