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
  const wanted = CLIENTS.flatMap((client) =>
    client.over.map((api) => [client.name, versionOf(client), client.protocol, client.streams ?? true, api].join(" ")),
  );
  const found = storedRecord().map(({ name, version, protocol, streams, api }) =>
    [name, version, protocol, streams, api].join(" "),
  );
  assert.deepEqual(found.sort(), wanted.sort(), REMEDY);
});

test("in the record every client did every step that it has", () => {
  const steps = Math.max(...storedRecord().map(({ did }) => did.length));
  for (const { name, protocol, did } of storedRecord()) {
    const { lacks = {} } = CLIENTS.find((client) => client.name === name && client.protocol === protocol) ?? {};
    assert.equal(did.length, steps - Object.keys(lacks).length, `${name} with ${protocol}: ${did}; ${REMEDY}`);
  }
});
