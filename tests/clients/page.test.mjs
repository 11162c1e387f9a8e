// docs/CLIENTS.md agrees with the stored record, and the record with the clients and their pinned versions.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { CLIENTS, PAGE, rewritten, storedRecord } from "./page.mjs";
import { versionOf } from "./versions.mjs";

const REMEDY = "run `node tests/clients/write-page.mjs`";

test("the page is what the record says", () => {
  const page = readFileSync(PAGE, "utf8");
  assert.equal(page, rewritten(page, storedRecord()), REMEDY);
});

test("the record has every client in its pinned version, over each kind of upstream", () => {
  const wanted = CLIENTS.flatMap(({ from, protocol, over, streams = true }) =>
    over.map((api) => [from, versionOf(from), protocol, streams, api].join(" ")),
  );
  const found = storedRecord().map(({ from, version, protocol, streams, api }) =>
    [from, version, protocol, streams, api].join(" "),
  );
  assert.deepEqual(found.sort(), wanted.sort(), REMEDY);
});

test("in the record every client did every step that it has", () => {
  const steps = Math.max(...storedRecord().map(({ did }) => did.length));
  for (const { from, protocol, did } of storedRecord()) {
    const { lacks = {} } = CLIENTS.find((client) => client.from === from && client.protocol === protocol) ?? {};
    assert.equal(did.length, steps - Object.keys(lacks).length, `${from} with ${protocol}: ${did}; ${REMEDY}`);
  }
});
