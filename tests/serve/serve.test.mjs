// `pointsman serve` from packed packages in a fresh folder: requests, decisions, what survives a restart, who is
// admitted, and how it stops.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { after, test } from "node:test";

import { chunk, openai } from "../worker/openai-stand-in.mjs";
import { deferred, endless, upstream } from "../worker/stand-ins.mjs";
import { eventually, place, serving, tarball, twoModels, workerdsOf } from "./serving.mjs";

const there = await upstream();
after(() => there.close());

const EASY = "Hi";
const HARD =
  "Prove that every finite group of order p squared is abelian, then classify the groups of order p cubed for odd p, with full proofs of each step.";

test("npx pointsman serve answers, and prints each decision with its cost and what it saved", async (t) => {
  const folder = await place(twoModels(there.url, "port = 0"));
  const began = performance.now();
  const gateway = await serving(folder, [], { command: ["npx", "--offline", "pointsman"] });
  const response = await gateway.chat(EASY);
  const first = performance.now() - began;
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("x-pointsman-model"), "small");
  assert.match(await response.text(), /Hello from the stand-in/);
  assert.equal(there.last().headers.authorization, "Bearer sk-there");
  // 100 input and 50 output tokens at 1 and 4 dollars a million; the strong model is ten times as dear.
  const [, model, reason, cost, saved] = await gateway.says(
    /chat\/completions {2}(\S+) {2}(\S+) {2}0\.\d+ < 0\.\d+ {2}100\+50 tokens {2}\$(\S+) {2}saved \$(\S+) /,
  );
  assert.deepEqual([model, reason, Number(cost), Number(saved)], ["small", "below_threshold", 0.0003, 0.0027]);
  const hard = await gateway.chat(HARD);
  assert.equal(hard.headers.get("x-pointsman-model"), "large");
  await gateway.says(/large {2}above_threshold .* saved \$0\.00 /);
  // npm ends by the signal itself, once the command has ended.
  await gateway.stop();
  assert.deepEqual(await workerdsOf(folder), []);
  assert.match(gateway.out(), /2 requests, \$0\.0033\d?, saved \$0\.0027\d? against large for all/);
  t.diagnostic(`from nothing to the first answer: ${Math.round(first)} ms; package: ${tarball.size} bytes packed`);
});

test("a stream passes, and its decision is printed once it has ended", async () => {
  const gateway = await serving(await place(twoModels(there.url)));
  const response = await gateway.chat(EASY, {}, { stream: true });
  assert.match(await response.text(), /data: \[DONE\]/);
  await gateway.says(/small {2}below_threshold .*100\+50 tokens/);
  await gateway.stop();
});

test("a client that leaves ends the call of the upstream", async () => {
  const gateway = await serving(await place(twoModels(there.url)));
  const left = deferred("the end of the upstream's call");
  there.does(endless(chunk({ content: "word " }), left.resolve));
  const leave = new AbortController();
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "auto", stream: true, messages: [{ role: "user", content: EASY }] }),
    signal: leave.signal,
  });
  await response.body?.getReader().read();
  leave.abort();
  await left.promise;
  there.does(openai());
  await gateway.stop();
});

test("a budget and a session survive a restart", async () => {
  // A call costs 0.003 dollars at the strong model, and 0.0003 at the weak one.
  const local = '\n[local]\nbudget = { usd = 0.0065, period = "month" }\n';
  const folder = await place(`${twoModels(there.url, "", "maxOutputTokens = 50")}${local}`);
  const session = { "x-pointsman-session": "one" };
  const before = await serving(folder);
  const first = await before.chat(HARD, session);
  assert.deepEqual([first.status, first.headers.get("x-pointsman-model")], [200, "large"], await first.text());
  await before.says(/100\+50 tokens/);
  await before.stop("SIGTERM");
  const again = await serving(folder);
  const second = await again.chat(EASY, session);
  const { headers } = second;
  assert.deepEqual(
    [headers.get("x-pointsman-model"), headers.get("x-pointsman-reason")],
    ["large", "pinned"],
    await second.text(),
  );
  await again.says(/100\+50 tokens/);
  await again.stop();
  // What is left is enough for one call of the weak model; the whole budget is enough for twenty.
  const last = await serving(folder);
  const codes = [];
  for (let i = 0; i < 4; i += 1) codes.push((await (await last.chat(EASY)).json()).error?.code ?? "answered");
  assert.equal(codes.at(-1), "budget_exhausted", codes.join());
  await last.stop();
});

test("decisions and one score for each answer are files of the log's folder", async () => {
  const folder = await place(twoModels(there.url, 'logFolder = "log"', "").concat("[gateway.log]\ncontent = true\n"));
  const gateway = await serving(folder);
  const response = await gateway.chat(EASY);
  const id = response.headers.get("x-pointsman-feedback-id");
  await response.text();
  await gateway.says(/100\+50 tokens/);
  const score = () =>
    fetch(`${gateway.url}/v1/feedback`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ feedback_id: id, score: 1 }),
    });
  await eventually(async () => (await readdir(join(folder, "log")).catch(() => [])).length > 0, "a decision's file");
  const scored = await Promise.all([score(), score(), score()]);
  assert.deepEqual(scored.map(({ status }) => status).sort(), [200, 409, 409]);
  await gateway.stop();
  const files = (await readdir(join(folder, "log"), { recursive: true })).filter((name) => /\.jsonl?$/.test(name));
  assert.equal(files.filter((name) => name.startsWith("decisions/")).length, 1);
  const [outcome, ...others] = files.filter((name) => name.startsWith("outcomes/"));
  assert.equal(others.length, 0);
  const row = JSON.parse(await readFile(join(folder, "log", outcome), "utf8"));
  assert.deepEqual([row.query, row.scores, row.key], [EASY, { small: 1 }, "local"]);
});

test("pages and foreign hosts get no answer without a key; allowed pages do", async () => {
  const toml = `${twoModels(there.url)}[gateway.cors]\norigins = ["https://app.example"]\n`;
  const gateway = await serving(await place(toml));
  const status = async (/** @type {Record<string, string>} */ headers) => {
    const { promise, resolve } = deferred("an answer");
    const sent = request(`${gateway.url}/v1/chat/completions`, { method: "POST", headers }, (response) => {
      response.resume();
      resolve(/** @type {any} */ (response.statusCode));
    });
    sent.end(JSON.stringify({ model: "auto", messages: [{ role: "user", content: EASY }] }));
    return promise;
  };
  assert.equal(await status({}), 200);
  assert.equal(await status({ authorization: "Bearer anything", "x-api-key": "other" }), 200);
  assert.equal(await status({ origin: "https://evil.example" }), 401);
  assert.equal(await status({ origin: "http://evil.example", host: "evil.example" }), 401);
  assert.equal(await status({ host: "evil.example" }), 401);
  assert.equal(await status({ origin: "https://app.example" }), 200);
  await gateway.stop();
});

test("with keys every caller needs its own", async () => {
  const sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
  const gateway = await serving(await place(`${twoModels(there.url)}[[keys]]\nname = "team"\nsha256 = "${sha256}"\n`));
  const statuses = [];
  for (const key of ["", "Bearer wrong", "Bearer test"]) {
    const response = await gateway.chat(EASY, key ? { authorization: key } : {});
    await response.text();
    statuses.push(response.status);
  }
  assert.deepEqual(statuses, [401, 401, 200]);
  await gateway.stop();
});

for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) {
  test(`${signal} lets a request in flight end, and ends workerd`, async () => {
    const folder = await place(twoModels(there.url));
    const gateway = await serving(folder);
    const [arrived, go] = [deferred("a call"), deferred("leave to answer")];
    there.does(async (incoming, response, body, number) => {
      arrived.resolve();
      await go.promise;
      await openai()(incoming, response, body, number);
    });
    const answer = gateway.chat(EASY);
    await arrived.promise;
    assert.equal((await workerdsOf(folder)).length, 1);
    const stopped = gateway.stop(signal);
    await gateway.says(/stopping once the requests in flight have ended/);
    go.resolve();
    assert.equal((await answer).status, 200);
    assert.equal(await stopped, 0);
    assert.deepEqual(await workerdsOf(folder), []);
    there.does(openai());
  });
}

test("a command that is killed leaves no workerd behind, and its folder can be used again", async () => {
  const folder = await place(twoModels(there.url));
  const gateway = await serving(folder);
  assert.equal((await workerdsOf(folder)).length, 1);
  gateway.child.kill("SIGKILL");
  await gateway.ended;
  await eventually(async () => (await workerdsOf(folder)).length === 0, "the end of workerd");
  const again = await serving(folder);
  assert.equal((await again.chat(EASY)).status, 200);
  await again.stop();
});

test("workerd that ends by itself ends the command with a code", async () => {
  const folder = await place(twoModels(there.url));
  const gateway = await serving(folder);
  const [pid] = await workerdsOf(folder);
  process.kill(pid, "SIGKILL");
  assert.equal(await gateway.ended, 1);
  assert.match(gateway.err(), /workerd ended by itself .*workerd_failed/);
});
