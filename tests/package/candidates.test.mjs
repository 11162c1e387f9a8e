// LLMs of a host's own in the npm package: by tier, role, ability or outcomes; the command `fit-model`.

/** @import { OwnCandidate } from "pointsman" */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";

import { Router } from "pointsman";
import { RouterWorker } from "pointsman/worker";

import { difficultyFiles, writeDifficulty } from "../hosts/difficulty.mjs";
import { TINY } from "../hosts/paths.mjs";
import { PACKAGE } from "./packed.mjs";
import { refused, untyped } from "./refused.mjs";

const QUERY = "What is the capital of Italy?";
const files = difficultyFiles();
const bundle = await Router.load(files);
const OUTCOMES = Array.from({ length: 40 }, (_, i) => ({ query: `Prove that ${i} is even.`, score: i % 5 ? 1 : 0.5 }));
/** @type {OwnCandidate[]} */
const OWN = [
  { id: "mine-small", role: "small", inputPrice: 1, outputPrice: 2, contextWindow: 9000 },
  { id: "between", tier: "medium" },
  { id: "mine-large", tier: "large", outcomes: OUTCOMES },
];
const scratch = await mkdtemp(join(tmpdir(), "pointsman-candidates-"));
after(() => rm(scratch, { recursive: true }));

test("own LLMs take the place of the bundle's, in this thread and in another", async () => {
  const router = await Router.load(files, { candidates: OWN });
  const { candidates, head } = router.info();
  assert.deepEqual(
    candidates.map(({ id }) => id),
    ["mine-small", "between", "mine-large"],
  );
  assert.equal(candidates[0].context_window, 9000);
  assert.deepEqual([head.strong, head.weak], ["mine-large", "mine-small"]);
  const decision = router.route(QUERY, { threshold: 0 });
  assert.equal(decision.model, "mine-large");
  assert.equal(decision.scores[0].score, bundle.route(QUERY).scores[0].score);
  const thread = await RouterWorker.load(files, { candidates: OWN });
  assert.deepEqual(await thread.route(QUERY, { threshold: 0 }), decision);
  assert.deepEqual(await thread.info(), router.info());
  thread.free();
  const named = await Router.load(files, { candidates: OWN, strong: "between", weak: "mine-large" });
  assert.deepEqual([named.info().head.strong, named.info().head.weak], ["between", "mine-large"]);
});

test("an ability fitted before is that of the same outcomes at the load", async () => {
  const ability = bundle.fitAbility(OUTCOMES, { tier: "large" });
  const router = await Router.load(files, { candidates: [{ id: "small" }, { id: "x", ability }] });
  const loaded = await Router.load(files, { candidates: OWN });
  assert.deepEqual(router.info().candidates[1].ability, loaded.info().candidates[2].ability);
  const thread = await RouterWorker.load(files);
  assert.deepEqual(await thread.fitAbility(OUTCOMES, { tier: "large" }), ability);
  assert.deepEqual(await thread.demands(QUERY), bundle.demands(QUERY));
  thread.free();
  const [demand] = bundle.demands(QUERY);
  const { intercept, slopes } = /** @type {import("pointsman").Ability} */ (bundle.info().candidates[0].ability);
  const quality = 1 / (1 + Math.exp(slopes[0] * demand - intercept));
  assert.ok(Math.abs(bundle.route(QUERY).scores[0].score - quality) < 1e-9);
});

test("own LLMs that do not fit are refused by name", async () => {
  const load = (/** @type {unknown} */ candidates, source = files) => Router.load(source, untyped({ candidates }));
  await refused(load("x"), "argument_options", /option "candidates" is the string "x"/);
  await refused(load([{}]), "argument_options", /candidates\[0\]/);
  await refused(load([{ id: "a", inputPrice: Number.NaN }]), "argument_options", /candidates\[0\]\.inputPrice/);
  await refused(load([{ id: "a", ability: { intercept: 1 } }]), "argument_options", /expected \{intercept, slopes\}/);
  await refused(load([{ id: "a", outcomes: [{ query: "q", score: "1" }] }]), "argument_outcomes", /outcome 0/);
  await refused(load([{ id: "a" }]), "candidates_invalid", /"a": nothing says how able it is/);
  await refused(load([{ id: "a", outcomes: [] }]), "outcomes_invalid", /found no outcome/);
  await refused(load([{ id: "a", tier: "large" }], untyped(TINY)), "demands_unsupported", /"mf"/);
  await refused(Router.load(files, { strong: "large" }), "argument_options", /need option "candidates"/);
  await refused(async () => bundle.fitAbility([{ query: "q", score: Number.NaN }]), "argument_outcomes", /finite/);
  await refused(async () => bundle.fitAbility([{ query: "q", score: 2 }]), "outcomes_invalid", /score 0 is 2/);
  await refused(async () => bundle.fitAbility(OUTCOMES, untyped({ tier: "huge" })), "candidates_invalid", /huge/);
});

test("fit-model prints an LLM with its ability for option candidates", async () => {
  const folder = join(scratch, "bundle");
  await writeDifficulty(folder);
  const path = join(scratch, "outcomes.jsonl");
  await writeFile(path, OUTCOMES.map((outcome) => `${JSON.stringify({ ...outcome, id: 1 })}\n`).join("\n"));
  const command = (/** @type {string[]} */ ...words) =>
    spawnSync(process.execPath, [...process.execArgv, join(PACKAGE, "src/entry/command.js"), ...words], {
      encoding: "utf8",
    });
  const fitted = command("fit-model", folder, path, "--id", "x", "--tier", "large");
  assert.equal(fitted.status, 0, fitted.stderr);
  assert.deepEqual(JSON.parse(fitted.stdout), { id: "x", ability: bundle.fitAbility(OUTCOMES, { tier: "large" }) });
  const bad = join(scratch, "bad.jsonl");
  await writeFile(bad, '{"query": "q", "score": 1}\n{"query": "q", "score": 7}\n');
  for (const [words, said] of /** @type {[string[], RegExp][]} */ ([
    [["fit-model", folder, path], /no --id/],
    [["fit-model", folder, "--id", "x"], /expected fit-model BUNDLE FILE/],
    [["fit-model", folder, path, "--id", "x", "--json"], /--json is no option of fit-model/],
    [["fit-model", folder, join(scratch, "gone"), "--id", "x"], /ENOENT/],
    [["fit-model", folder, bad, "--id", "x"], /line 2/],
    [["fit-model", folder, path, "--id", "x", "--tier", "huge"], /"huge"/],
    [["fit-model", TINY, path, "--id", "x"], /kind "mf"/],
    [["Hello", "--id", "x"], /--id is an option of fit-model alone/],
  ])) {
    const { status, stderr } = command(...words);
    assert.equal(status, 2, words.join(" "));
    assert.match(stderr, said);
  }
});
