// The Durable Object that stores budgets, sessions and what a rollout counts. Every key with a budget has an object
// named `budget:<key's name>`; every session has one named `session:<key's name>:<session's id>`. The cap of
// `GATEWAY.shadow` is the object `shadow`, a budget too; all rollouts are rows of the object `rollout`, and the
// win rates of a day one of `drift`.
//
// Each method reads, computes and writes without an await in between, so calls cannot interleave; the
// runtime sends the answer once the write is durable. The computation is in ledger-state.mjs,
// rollout-state.mjs and drift-state.mjs; its rows are those of the object's storage, and nothing is kept in memory, so a
// restart changes nothing.

/** @import { Day, Rates } from "./drift-state.mjs" */
/** @import { ObserveRequest, State } from "./rollout-state.mjs" */
/** @import { ExtendRequest, Granted, LookRequest, Pin, PinRequest, ReserveRequest, SettleRequest, Spent, Store } from "./ledger-state.mjs" */

import { DurableObject } from "cloudflare:workers";
import { addRates, written } from "./drift-state.mjs";
import { extend, look, PIN_LIFE, pin, pinned, readEarlier, reserve, settle } from "./ledger-state.mjs";
import { observe, told, watched } from "./rollout-state.mjs";

const PIN = "pin";

export class Ledger extends DurableObject {
  /** @param {DurableObjectState} ctx @param {object} env */
  constructor(ctx, env) {
    super(ctx, env);
    ctx.storage.transactionSync(() => readEarlier(ctx.storage.kv));
  }

  /**
   * Reserves up to `usd`, at least `least` (by default `usd`), under a limit of `limit` US dollars per
   * `period`; `now` in milliseconds. The id is the call's own; another call must not use it.
   * @param {ReserveRequest} request
   * @returns {Granted} the state afterwards
   */
  reserve(request) {
    return this.#change(reserve, request);
  }

  /**
   * Raises the reservation `id` to a total of `usd`; it is never lowered. Without the id, or where the
   * limit does not allow it, nothing is granted and the reservation stays as it was.
   * @param {ExtendRequest} request
   * @returns {Granted} the state afterwards
   */
  extend(request) {
    return this.#change(extend, request);
  }

  /**
   * Replaces the reservation `id` by the actual cost.
   * @param {SettleRequest} request
   * @returns {Spent} the state afterwards
   */
  settle(request) {
    return this.#change(settle, request);
  }

  /** @param {LookRequest} request */
  spent(request) {
    return look(this.ctx.storage.kv, request);
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

  /**
   * Adds a value to what a rollout counts.
   * @param {ObserveRequest} request
   * @returns {State} the state afterwards
   */
  observe(request) {
    return this.#change(observe, request);
  }

  /** @param {{id: string}} request */
  watched(request) {
    return watched(this.ctx.storage.kv, request);
  }

  /**
   * Notes that a rollout's return was told.
   * @param {{id: string}} request
   */
  told(request) {
    return this.#change(told, request);
  }

  /**
   * Adds an isolate's win rates to those of a day.
   * @param {Rates} request
   */
  addRates(request) {
    return this.#change(addRates, request);
  }

  /**
   * Removes a day whose figure was written.
   * @param {Day} request
   */
  written(request) {
    return this.#change(written, request);
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
   * Makes all of a step's changes, or none if it throws.
   * @template Request, Answer
   * @param {(store: Store, request: Request) => Answer} step
   * @param {Request} request
   */
  #change(step, request) {
    const { storage } = this.ctx;
    return storage.transactionSync(() => step(storage.kv, request));
  }
}
