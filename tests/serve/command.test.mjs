// The commands of `pointsman` beside `serve`, and what they say about a fault.

import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, describe, test } from "node:test";

import { listening } from "../../web/serve.mjs";
import { openai } from "../worker/openai-stand-in.mjs";
import { finished, place, serving, start, tarball, twoModels, workerdsOf } from "./serving.mjs";

/** A provider with a list of models, which takes one key. */
const provider = createServer(async (request, response) => {
  let body = "";
  for await (const piece of request) body += piece;
  const allowed = request.headers.authorization === "Bearer sk-there" || request.headers["x-api-key"] === "sk-there";
  const answer = (/** @type {number} */ status, /** @type {object} */ value) =>
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
  if (!allowed) return answer(401, { error: { message: "wrong key" } });
  if (request.url === "/v1/models") return answer(200, { data: [{ id: "large" }, { id: "small" }] });
  if (request.url?.startsWith("/plain/") && request.method === "POST")
    return answer(400, { error: { message: "empty" } });
  if (request.url === "/v1/chat/completions") return openai()(/** @type {any} */ (request), response, body, 0);
  return answer(404, { error: { message: "no such path" } });
});
const { url: root, close } = await listening(provider);
after(close);
const url = new URL("v1", root).href;

test("--help, --version and the router's own command", async () => {
  const folder = await place();
  const help = await finished(folder, ["serve", "--help"]);
  assert.equal(help.code, 0);
  for (const word of ["--config", "--port", "--host", "--bundle", "--dry-run", "--init", "doctor", "claude", "new-key"])
    assert.ok(help.out.includes(word), word);
  const { out } = await finished(folder, ["serve", "--version"]);
  assert.match(out, /^\d+\.\d+\.\d+\n$/);
  const query = await finished(folder, ["--json", "--", "serve"]);
  assert.equal(JSON.parse(query.out).model, "small");
});

test("the tarball has what the gateway runs, and nothing else", () => {
  const names = tarball.files.map(({ path }) => path);
  for (const name of ["README.md", "LICENSE-MIT", "dist/build/pointsman_worker_bg.wasm", "dist/bundle/router.json"])
    assert.ok(names.includes(name), name);
  const others = names.filter((name) => !/^(src|dist)\/[\w/.-]+\.(mjs|js|wasm|json|onnx)$/.test(name));
  assert.deepEqual(others.sort(), ["Dockerfile", "LICENSE-APACHE", "LICENSE-MIT", "README.md", "package.json"]);
});

test("--dry-run checks everything, says what would be served, and leaves nothing behind", async () => {
  const folder = await place(twoModels(url));
  const { code, out, err } = await finished(folder, ["serve", "--dry-run"]);
  assert.deepEqual([code, err], [0, ""]);
  assert.match(out, /large \(strong\) .*\$10 \/ \$40 .*THERE_KEY/);
  assert.match(out, /base URL http:\/\/127\.0\.0\.1:8787\/v1/);
  assert.deepEqual(await readdir(folder), ["pointsman.toml"]);
  assert.deepEqual(await workerdsOf(folder), []);
});

test("--init writes a configuration of the keys found, without the keys, which serve takes", async () => {
  const folder = await place();
  const env = { OPENAI_API_KEY: "sk-secret-1", MISTRAL_API_KEY: "sk-secret-2" };
  const none = await finished(folder, ["serve", "--init"]);
  assert.deepEqual([none.code, /export one of ANTHROPIC_API_KEY.*key_missing/.test(none.err)], [1, true], none.err);
  assert.equal((await finished(folder, ["serve", "--init"], { env })).code, 0);
  const text = await readFile(join(folder, "pointsman.toml"), "utf8");
  assert.ok(!text.includes("sk-secret"), text);
  const dry = await finished(folder, ["serve", "--dry-run"], { env });
  assert.equal(dry.code, 0, dry.err);
  assert.match(dry.out, /large \(strong\) .* at https:\/\/api\.openai\.com\/v1/);
  const again = await finished(folder, ["serve", "--init"], { env });
  assert.match(again.err, /is there already.*config_exists/);
});

/** @type {[what: string, toml: (url: string) => string, message: RegExp][]} */
const FAULTS = [
  ["a field of the file", () => "prot = 1\n", /there is no field prot: did you mean port\?/],
  ["a table", (url) => twoModels(url).replace("[upstreams.large]", "[upstream.large]"), /did you mean upstreams\?/],
  [
    "a field of an upstream",
    (url) => twoModels(url, "", "inputPrise = 1"),
    /there is no field upstreams\.large\.inputPrise: did you mean inputPrice\?/,
  ],
  [
    "a long field of an upstream",
    (url) => twoModels(url, "", "cachedInputPrices = 1"),
    /there is no field upstreams\.large\.cachedInputPrices: did you mean cachedInputPrice\?/,
  ],
  ["a choice", (url) => twoModels(url, "", 'api = "opnai"'), /upstreams\.large\.api is "opnai": did you mean openai\?/],
  [
    "a nested field",
    (url) => `${twoModels(url)}[gateway.timeouts]\nidelMs = 5\n`,
    /there is no field gateway\.timeouts\.idelMs: did you mean idleMs\?/,
  ],
  [
    "a model",
    (url) => `${twoModels(url)}[gateway.routing]\ndefault = "lagre"\n`,
    /routing\.default names "lagre".*Did you mean large\?/,
  ],
  [
    "a budget's period",
    (url) => `${twoModels(url)}[local]\nbudget = { usd = 1, period = "monht" }\n`,
    /local\.budget\.period is "monht": did you mean month\?/,
  ],
  ["a number's type", (url) => twoModels(url, 'port = "80"'), /port is a string: expected a number/],
  ["a number", (url) => twoModels(url).replace("10.0", "inf"), /upstreams\.large\.inputPrice is Infinity/],
  ["the syntax", () => "port = \n", /line 1, column \d+/],
  ["no upstream", () => "port = 1\n", /names no upstream/],
  ["keys and local", (url) => `${twoModels(url)}[local]\n[[keys]]\nname = "a"\nsha256 = "b"\n`, /both keys and local/],
  ["Cloudflare's API", (url) => twoModels(url, "", 'api = "workers-ai"'), /which only Cloudflare runs/],
];

describe("a fault of the configuration is named", { concurrency: 2 }, () => {
  for (const [what, toml, message] of FAULTS) {
    test(what, async () => {
      const { code, err } = await finished(await place(toml(url)), ["serve", "--dry-run", "--port", "0"]);
      assert.equal(code, 1);
      assert.match(err, message);
      assert.match(err, /\(config_invalid\)\n$/);
      assert.doesNotMatch(err, /\n {4}at /, "no stack");
    });
  }
});

test("wrong usage exits with 2, and what is missing with 1", async () => {
  const folder = await place(twoModels(url));
  for (const words of [
    ["serve", "--prot", "1"],
    ["serve", "--port", "x"],
    ["serve", "more"],
    ["doctor", "--init"],
  ]) {
    const { code, err } = await finished(folder, words);
    assert.equal(code, 2, err);
    assert.match(err, /\(usage\)\n$/);
  }
  const cases = [
    [await place(), ["serve"], {}, /pointsman serve --init.*--config FILE.*config_missing/],
    [folder, ["serve"], { THERE_KEY: "" }, /THERE_KEY \(the key of large, small\).*key_missing/],
    [folder, ["serve", "--host", "0.0.0.0"], {}, /has no keys.*host_needs_keys/],
    [folder, ["serve", "--bundle", "nowhere"], {}, /nowhere has no router\.json.*bundle_unreadable/],
    [folder, ["serve", "--config", "other.toml"], {}, /there is no .*other\.toml.*config_missing/],
  ];
  for (const [place, words, env, message] of /** @type {[string, string[], Record<string, string>, RegExp][]} */ (
    cases
  )) {
    const { code, err } = await finished(place, words, { env });
    assert.equal(code, 1, err);
    assert.match(err, message);
  }
});

test("a taken port and a folder in use are named with the remedy", async () => {
  const folder = await place(twoModels(url));
  const gateway = await serving(folder);
  const { port } = new URL(gateway.url);
  const other = await finished(await place(twoModels(url)), ["serve", "--port", port]);
  assert.equal(other.code, 1);
  assert.match(
    other.err,
    new RegExp(`port ${port} of 127\\.0\\.0\\.1 is taken by another Pointsman gateway: .*--port N.*\\(port_taken\\)`),
  );
  const there = await finished(await place(twoModels(url)), ["serve", "--port", new URL(url).port]);
  assert.match(there.err, /is taken by another process.*port_taken/);
  const same = await finished(folder, ["serve", "--port", "0"]);
  assert.match(same.err, new RegExp(`process ${gateway.child.pid}\\) at ${gateway.url} already uses .*data_in_use`));
  const doctor = await finished(folder, ["doctor", "--port", port]);
  assert.equal(doctor.code, 0, doctor.out);
  assert.match(doctor.out, /this configuration's gateway serves it/);
  await gateway.stop();
});

test("doctor tells a right key from a wrong and a missing one, and an unknown model", async () => {
  const plain = url.replace("/v1", "/plain");
  const more = `[upstreams.plain]\nbaseUrl = "${plain}"\nkeySecret = "THERE_KEY"\n`;
  const folder = await place(`${twoModels(url, "port = 0")}${more}`);
  const right = await finished(folder, ["doctor"]);
  assert.equal(right.code, 0, right.out);
  assert.match(right.out, /ok {5}upstream large .*takes the key and lists large/);
  assert.match(right.out, /ok {5}upstream plain .*no list of models/);
  assert.doesNotMatch(right.out, /FAULT/);
  const wrong = await finished(folder, ["doctor"], { env: { THERE_KEY: "sk-wrong" } });
  assert.equal(wrong.code, 1);
  for (const name of ["large", "small", "plain"])
    assert.match(wrong.out, new RegExp(`FAULT {2}upstream ${name} .*401: the key in THERE_KEY is wrong`));
  assert.ok(!wrong.out.includes("sk-wrong"));
  const missing = await finished(folder, ["doctor"], { env: { THERE_KEY: "" } });
  assert.match(missing.out, /FAULT {2}upstream large .*THERE_KEY is not set/);
  const unknown = await place(twoModels(url, "port = 0", 'model = "larger"'));
  assert.match((await finished(unknown, ["doctor"])).out, /does not list the model larger: did you mean large\?/);
  const dead = await place(twoModels("http://127.0.0.1:65533/v1", 'port = 0\ndataFolder = "pointsman.toml/data"'));
  const { code, out } = await finished(dead, ["doctor"]);
  assert.equal(code, 1);
  assert.match(out, /FAULT {2}upstream large .*not reachable .*ECONNREFUSED/);
  assert.match(out, /FAULT {2}data folder/);
});

describe("claude, codex and opencode", () => {
  const aliases = '[gateway.aliases]\n"claude-*" = "auto"\n';
  const SCRIPT = `#!/usr/bin/env node
import { request } from "node:http";
process.on("SIGTERM", () => process.exit(9));
const origin = process.env.ANTHROPIC_BASE_URL;
console.log(JSON.stringify({ args: process.argv.slice(2), base: origin, token: process.env.ANTHROPIC_AUTH_TOKEN, key: process.env.ANTHROPIC_API_KEY }));
if (process.argv[2] === "wait") setInterval(() => {}, 1000);
else {
  const response = await fetch(origin + "/v1/messages", { method: "POST", headers: { "content-type": "application/json", "anthropic-version": "2023-06-01" }, body: JSON.stringify({ model: "claude-test", max_tokens: 9, messages: [{ role: "user", content: "Hi" }] }) });
  console.log(response.status, response.headers.get("x-pointsman-model"));
  process.exitCode = 7;
}
`;
  /** A folder whose `claude` is a script. @param {string} toml */
  const withClaude = async (toml) => {
    const folder = await place(toml);
    await mkdir(join(folder, "bin"));
    await writeFile(join(folder, "bin/claude"), SCRIPT);
    await writeFile(join(folder, "bin/package.json"), '{"type": "module"}');
    await chmod(join(folder, "bin/claude"), 0o755);
    const env = { PATH: `${join(folder, "bin")}:${process.env.PATH}`, ANTHROPIC_API_KEY: "sk-own" };
    return { folder, env };
  };

  test("the program gets its arguments and the gateway's address, and its exit code is passed on", async () => {
    const { folder, env } = await withClaude(`${twoModels(url)}${aliases}`);
    const { code, out, err } = await finished(folder, ["claude", "-p", "a b", "--help"], { env });
    assert.equal(code, 7, err);
    const [first, second] = out.trim().split("\n");
    const { args, base, token, key } = JSON.parse(first);
    assert.deepEqual([args, token, key], [["-p", "a b", "--help"], "local", undefined]);
    assert.match(base, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.equal(second, "200 small");
    assert.match(err, /1 request, \$0\.0003\d*, saved/);
    assert.match(
      await readFile(join(folder, ".pointsman/decisions.txt"), "utf8"),
      /messages {2}small {2}below_threshold/,
    );
    assert.deepEqual(await workerdsOf(folder), []);
  });

  test("a signal reaches the program", async () => {
    const { folder, env } = await withClaude(`${twoModels(url)}${aliases}`);
    const command = start(folder, ["claude", "wait"], { env });
    await command.says(/"wait"/);
    command.child.kill("SIGTERM");
    assert.equal(await command.ended, 9);
    assert.deepEqual(await workerdsOf(folder), []);
  });

  test("a program uses the gateway that serves the folder", async () => {
    const { folder, env } = await withClaude(`${twoModels(url)}${aliases}`);
    const gateway = await serving(folder);
    const { code, out } = await finished(folder, ["claude"], { env });
    assert.equal(code, 7);
    assert.equal(JSON.parse(out.split("\n")[0]).base, gateway.url);
    await gateway.says(/messages {2}small/);
    await gateway.stop();
  });

  test("a program that is missing, and models that are not routed, are named", async () => {
    const { folder } = await withClaude(`${twoModels(url)}${aliases}`);
    const missing = await finished(folder, ["codex"], { env: { PATH: join(process.execPath, "..") } });
    assert.match(missing.err, /codex is not on the PATH: .*@openai\/codex.*program_missing/);
    const { code, err } = await finished(await place(twoModels(url)), ["claude"]);
    assert.equal(code, 1);
    assert.match(err, /\[gateway\.aliases\]\n"claude-\*" = "auto" \(alias_missing\)/);
  });
});
