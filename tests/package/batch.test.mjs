// `routeBatch` of Router and of RouterWorker; both must return the same rows.

/** @import { BatchResult, Policy, RouteInput, RouterErrorCode } from "pointsman" */

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { Router, RouterError } from "pointsman";
import { RouterWorker } from "pointsman/worker";

import { TINY } from "../hosts/paths.mjs";
import { refused, untyped } from "./refused.mjs";

const router = await Router.load(TINY);
const thread = await RouterWorker.load(TINY);
after(() => thread.free());
const routers = { Router: router, RouterWorker: thread };

/** @type {unknown[]} */
const MIXED = [
  "What is the capital of Italy?",
  "",
  42,
  { messages: [{ role: "user", content: "Prove it." }] },
  undefined,
  "\ud800",
  Symbol("x"),
  () => "x",
  { query: "Hi", messages: [] },
  [{ role: "user", content: 1n }],
  [{ role: "system", content: "x" }],
  "x".repeat((16 << 20) + 1),
  "What is the capital of France?",
];
const CODES = [
  undefined,
  "query_empty",
  "argument_query",
  undefined,
  "argument_query",
  "query_ill_formed",
  "argument_query",
  "argument_query",
  "argument_query",
  "argument_messages",
  "messages_without_text",
  "query_too_long",
  undefined,
];

for (const [name, any] of Object.entries(routers)) {
  /** @type {(inputs: RouteInput[], policy?: Policy) => BatchResult[] | Promise<BatchResult[]>} */
  const routeBatch = (inputs, policy) => any.routeBatch(inputs, policy);

  test(`${name}: a bad row does not affect the others, and rows keep their order`, async () => {
    const rows = await routeBatch(untyped(MIXED), { threshold: 0.3 });
    assert.deepEqual(
      rows.map(({ error }) => error?.code),
      CODES,
    );
    for (const { error } of rows) assert.ok(error === undefined || error instanceof RouterError);
    rows.forEach(({ decision }, i) => {
      if (decision) assert.deepEqual(decision, router.route(untyped(MIXED[i]), { threshold: 0.3 }));
    });
  });

  test(`${name}: an empty batch has no rows, and each hole in an array is an error`, async () => {
    assert.deepEqual(await routeBatch([]), []);
    assert.deepEqual(
      (await routeBatch(new Array(2))).map(({ error }) => error?.code),
      ["argument_query", "argument_query"],
    );
  });

  test(`${name}: an error of the whole call is thrown, even for an empty batch`, async () => {
    /** @type {[words: unknown[], code: RouterErrorCode][]} */
    const cases = [
      [["text"], "argument_inputs"],
      [[undefined], "argument_inputs"],
      [[new Set(["x"])], "argument_inputs"],
      [[[], 42], "argument_policy"],
      [[["x"], { threshold: "1" }], "argument_policy"],
      [[["x"], { threshold: 2 }], "policy_out_of_range"],
      [[[], { threshold: Number.NaN }], "policy_out_of_range"],
      [[[], { threshold: 0.1, strongShare: 0.1 }], "policy_contradiction"],
      [[[], { candidates: ["nobody"] }], "policy_unknown_model"],
      [[[], { treshold: 0.1 }], "request_ill_formed"],
    ];
    for (const [words, code] of cases) await refused(() => untyped(any).routeBatch(...words), code);
  });
}

test("Router: a batch after free() is refused", async () => {
  const other = await Router.load(TINY);
  other.free();
  assert.throws(() => other.routeBatch([]), { code: "router_freed" });
});
