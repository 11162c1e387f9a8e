// Writes pointsman.toml from the API keys that are in the environment.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline/promises";

import { quoted } from "./config.mjs";
import { GatewayError, messageOf } from "./error.mjs";
import { PRICES_OF, PROVIDERS, providersIn } from "./providers.mjs";

/** @import { Priced, Provider } from "./providers.mjs" */

/**
 * @param {string} path
 * @param {NodeJS.ProcessEnv} env
 * @param {{input: NodeJS.ReadStream, output: NodeJS.WritableStream}} terminal asked only if it is one
 * @throws GatewayError `key_missing`, `config_exists`, `folder_unwritable`
 */
export async function writeConfig(path, env, { input, output }) {
  const found = providersIn(env);
  if (found.length === 0) {
    const variables = PROVIDERS.map(({ variable }) => variable).join(", ");
    const message = `no API key is in the environment: export one of ${variables}, or write ${path} by hand (docs/SERVE.md)`;
    throw new GatewayError("key_missing", message);
  }
  const first = found.length > 1 && input.isTTY ? await chosen(found, input, output) : found[0];
  const text = configText(first, found);
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text, { flag: "wx" });
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "EEXIST") {
      const message = `${path} is there already: edit it, or name another file with --config FILE`;
      throw new GatewayError("config_exists", message);
    }
    throw new GatewayError("folder_unwritable", `${path} cannot be written: ${messageOf(error)}`);
  }
}

/** @param {string} question @param {NodeJS.ReadStream} input @param {NodeJS.WritableStream} output */
export async function isYes(question, input, output) {
  const lines = createInterface({ input, output });
  const answer = await lines.question(`${question} [Y/n] `);
  lines.close();
  return /^(y(es)?)?$/i.test(answer.trim());
}

/** @param {Provider[]} found @param {NodeJS.ReadStream} input @param {NodeJS.WritableStream} output */
async function chosen(found, input, output) {
  const lines = createInterface({ input, output });
  const list = found.map(({ name, large, small }, i) => `  ${i + 1}  ${name}: ${large.model} and ${small.model}\n`);
  for (;;) {
    const answer = await lines.question(`Between whose models is routed?\n${list.join("")}[1] `);
    const provider = found[answer.trim() === "" ? 0 : Number(answer) - 1];
    if (!provider) continue;
    lines.close();
    return provider;
  }
}

/**
 * The configuration: routes between the models of one provider; those of the others can be named.
 * @param {Provider} first
 * @param {Provider[]} found
 */
export function configText(first, found) {
  const named = found
    .filter((provider) => provider !== first)
    .flatMap((one) => [one.large, one.small].map((model) => table(one, model, model.model)));
  return `# The gateway of \`npx pointsman serve\`. docs/SERVE.md explains this file, docs/GATEWAY.md every field.
# API keys are not in it: keySecret names the environment variable that holds one.
#
# Prices are US dollars per million tokens, the list prices of ${PRICES_OF}: compare them with the provider's.

port = 8787

# The models between which \`auto\` decides: the names are those of the bundle's candidates.
${table(first, first.large, "large")}
${table(first, first.small, "small")}
${named.length > 0 ? `# Models that can be named. With role = "large" or "small" they would be routed to as well.\n${named.join("\n")}\n` : ""}# Claude Code asks for models of its own names.
[gateway.aliases]
"claude-*" = "auto"

# What callers on this machine may spend.
# [local]
# budget = { usd = 20.0, period = "month" }
`;
}

/** @param {Provider} provider @param {Priced} priced @param {string} name */
function table({ api, baseUrl, variable }, { model, ...prices }, name) {
  const fields = Object.entries({ api, baseUrl, model, keySecret: variable, ...prices });
  const lines = fields.map(([field, value]) => `${field} = ${JSON.stringify(value)}`);
  return `[upstreams.${quoted(name)}]\n${lines.join("\n")}\n`;
}
