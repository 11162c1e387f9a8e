// The parts of the gateway's command that need no process: the nearest word, places in JSON, the Worker's complaints,
// decision lines, a folder as a bucket, callers on this machine.

import assert from "node:assert/strict";
import { test } from "node:test";

import { dollars, lineOf, pointIn, savedBy, summary } from "../../worker/serve/src/decisions.mjs";
import { pathAt, placedJson } from "../../worker/serve/src/json-places.mjs";
import { nearest } from "../../worker/serve/src/nearest.mjs";
import { PROGRAMS } from "../../worker/serve/src/programs.mjs";
import { faultIn } from "../../worker/serve/src/worker-fault.mjs";
import { workerdConfig } from "../../worker/serve/src/workerd-config.mjs";
import { FolderBucket } from "../../worker/serve/workerd/folder-bucket.mjs";
import { PROGRAMS as CLIENTS } from "../clients/programs.mjs";
import { GATEWAY_PACKAGE } from "./serving.mjs";

test("the nearest word is one edit or a third of the word away, or none", () => {
  const words = ["baseUrl", "model", "drop"];
  assert.equal(nearest("baseURL", words), "baseUrl");
  assert.equal(nearest("modle", words), "model");
  assert.equal(nearest("dorp", words), "drop");
  assert.equal(nearest("xyz", words), undefined);
  assert.equal(nearest("", words), undefined);
});

test("a column of the JSON leads to the field or value that stands there", () => {
  const value = { größe: 1, list: [{ "a.b": "ü" }, true] };
  const placed = placedJson(value);
  assert.deepEqual(JSON.parse(placed.text), value);
  assert.equal(Buffer.byteLength(placed.text), placed.text.length);
  // A parser reports the column behind what it has read.
  const behind = (/** @type {string} */ part) => placed.text.indexOf(part) + part.length;
  assert.deepEqual(pathAt(placed, behind('"list"')), ["list"]);
  assert.deepEqual(pathAt(placed, behind('"a.b"')), ["list", "0", "a.b"]);
  assert.deepEqual(pathAt(placed, behind("true")), ["list", "1"]);
});

test("only the Worker's complaints about a variable are faults of the file", () => {
  const variables = { UPSTREAMS: placedJson({}), GATEWAY: placedJson({}), KEYS: placedJson([]) };
  const fault = (/** @type {string} */ line) => faultIn(line, variables, { local: true, models: [] });
  assert.equal(fault("upstream a answered 500"), undefined);
  assert.equal(
    fault("GATEWAY is wrong: maxBodyBytes is 0, expected 1 or more. Correct the Worker's configuration"),
    "gateway: maxBodyBytes is 0, expected 1 or more",
  );
});

test("a decision's line says what is known, and what the strong model would have cost", () => {
  const line = (/** @type {number[]} */ doubles) =>
    `pointsman-data-point ${JSON.stringify({ indexes: ["local"], blobs: ["small", "by_share", "messages", "200", ""], doubles })}`;
  const point = pointIn(line([0.25, 0.5, 1, 12.4, 100, 50, 0.00015]));
  assert.ok(point);
  const upstreams = {
    large: { inputPrice: 10, outputPrice: 40 },
    small: { inputPrice: 1, outputPrice: 4 },
    free: { inputPrice: 0, outputPrice: 0 },
    unpriced: {},
  };
  // Half the list price was paid, for cached tokens: so it would have been at the strong model.
  const saved = savedBy(point, upstreams, "large");
  assert.ok(saved !== undefined && Math.abs(saved - 0.00135) < 1e-12, String(saved));
  assert.equal(savedBy(point, upstreams, undefined), undefined);
  assert.equal(savedBy(point, upstreams, "unpriced"), undefined);
  assert.equal(savedBy({ ...point, model: "free", cost: 0 }, upstreams, "large"), 0.003);
  const at = new Date(2026, 10, 29, 9, 5, 7);
  assert.equal(
    lineOf(point, saved, at),
    "09:05:07  messages  small  by_share  0.250 < 0.500  100+50 tokens  $0.000150  saved $0.00135  12 ms",
  );
  const unknown = pointIn(line([-1, -1, 1, 3, -1, -1, -1]));
  assert.ok(unknown);
  assert.equal(
    lineOf({ ...unknown, error: "upstream_timeout", status: 504 }, undefined, at),
    "09:05:07  messages  small  by_share  cost unknown  3 ms  504 upstream_timeout",
  );
  for (const other of ["worker started", "pointsman-data-point {"]) assert.equal(pointIn(other), undefined);
  assert.deepEqual([0, 1.234, 0.0000012345, -0.5].map(dollars), ["$0.00", "$1.23", "$0.00000123", "-$0.500"]);
  assert.equal(
    summary({ requests: 1, cost: 1, saved: 2 }, "large"),
    "1 request, $1.00, saved $2.00 against large for all",
  );
});

test("of several writes of a new file to a folder one takes place", async () => {
  /** @type {Map<string, string>} */
  const files = new Map();
  const bucket = new FolderBucket({
    fetch: async (url, { method, body = "" }) => {
      await new Promise((next) => setTimeout(next, 5));
      if (method === "PUT") return new Response(null, { status: files.set(url, body) ? 204 : 500 });
      const text = files.get(url);
      return text === undefined ? new Response(null, { status: 404 }) : new Response(text);
    },
  });
  const isNew = { onlyIf: { etagDoesNotMatch: "*" } };
  const written = await Promise.all(["a", "b", "c"].map((text) => bucket.put("o/x.jsonl", text, isNew)));
  assert.deepEqual(written, [{ key: "o/x.jsonl" }, null, null]);
  assert.equal(await bucket.put("o/x.jsonl", "d", isNew), null);
  assert.equal(await (await bucket.get("o/x.jsonl"))?.text(), "a");
  assert.deepEqual(await bucket.put("o/x.jsonl", "e"), { key: "o/x.jsonl" });
  assert.equal(await (await bucket.get("o/x.jsonl"))?.text(), "e");
  assert.equal(await bucket.get("o/y.jsonl"), null);
});

test("texts of workerd's configuration are escaped", () => {
  const text = 'a "quoted" \\ line\nü';
  const config = workerdConfig({
    dist: `${GATEWAY_PACKAGE}/dist`,
    bundle: "/b",
    objects: "/o",
    logFolder: undefined,
    address: "127.0.0.1:0",
    values: [{ name: "X", text }],
  });
  assert.ok(config.includes('text = "a \\x22quoted\\x22 \\x5c line\\x0a\\xc3\\xbc"'), config);
});

test("Claude Code gets the environment with which the tests of clients drive it", () => {
  const client = CLIENTS.find(({ command }) => command === "claude");
  assert.deepEqual(PROGRAMS.claude.env("http://x", "k"), client?.env?.("http://x", "k"));
});
