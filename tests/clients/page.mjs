// The generated parts of docs/CLIENTS.md: the settings of each program, and the table of what each client did, from
// the record of a run.

/** @import { Step } from "./matrix.mjs" */
/** @import { Api, Program } from "./programs.mjs" */
/** @import { Client, Recorded } from "./tried.mjs" */

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { LIBRARIES } from "./libraries.mjs";
import { PROGRAMS } from "./programs.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
export const PAGE = join(HERE, "../../docs/CLIENTS.md");
export const RECORD = join(HERE, "record.jsonl");

const ORIGIN = "https://gateway.example";
const KEY = "pm-...";
/** @type {Step[]} */
const STEPS = ["text", "tool", "second turn", "busy upstream", "refusal", "broken stream"];
/** @type {Record<Api, string>} */
const KINDS = { openai: "OpenAI", anthropic: "Anthropic" };

/** @type {Client[]} */
export const CLIENTS = [...PROGRAMS, ...LIBRARIES];

/** @returns {Recorded[]} */
export const storedRecord = () =>
  readFileSync(RECORD, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

/**
 * The page with its parts written anew, each between its markers.
 * @param {string} page
 * @param {Recorded[]} record
 */
export const rewritten = (page, record) =>
  Object.entries({
    settings: settings(),
    programs: table(PROGRAMS, record),
    libraries: table(LIBRARIES, record),
  }).reduce((text, [name, part]) => {
    const [begin, end] = [`<!-- ${name}: written by tests/clients/write-page.mjs -->`, `<!-- end of ${name} -->`];
    const [before, rest] = text.split(begin);
    const after = rest?.split(end)[1];
    if (after === undefined) throw new Error(`docs/CLIENTS.md lacks the markers ${begin} and ${end}`);
    return `${before}${begin}\n\n${part}\n${end}${after}`;
  }, page);

/** The settings of each program, the first way of those that speak several protocols; the libraries' are variables. */
function settings() {
  const seen = new Set();
  const first = PROGRAMS.filter(({ name, command }) => command !== "python3" && !seen.has(name) && seen.add(name));
  return first.map(settingsOf).join("\n");
}

/** @param {Program} program */
function settingsOf({ name, from, registry, command, env, files, signIn, quiet, ask }) {
  const shell = Object.entries(env?.(ORIGIN, KEY) ?? {}).map(([variable, value]) => `export ${variable}=${value}`);
  if (signIn) shell.push([command, ...signIn(ORIGIN, KEY)].join(" "));
  const written = Object.entries(files?.(ORIGIN, KEY) ?? {}).map(([path, text]) => fenced(`\`${path}\`:`, path, text));
  const asked = [command, ...ask("PROMPT", false)].map((word) => (word.includes("\n") ? "..." : word)).join(" ");
  const off = Object.keys(quiet ?? {}).map((variable) => `\`${variable}\``);
  return [
    `**${name}** (\`${from}\`${registry === "pypi" ? " of PyPI" : ""})\n`,
    ...(shell.length > 0 ? [fenced("", "sh", `${shell.join("\n")}\n`)] : []),
    ...written,
    `Asked with \`${asked}\`.${off.length > 0 ? ` The tests also set ${off.join(", ")}.` : ""}\n`,
  ].join("\n");
}

/** @param {string} title @param {string} path whose ending names the language @param {string} text */
const fenced = (title, path, text) =>
  `${title && `${title}\n\n`}\`\`\`${path.split(".").at(-1)}\n${text.trimEnd()}\n\`\`\`\n`;

/** @param {Client[]} clients @param {Recorded[]} record */
function table(clients, record) {
  const rows = new Map(clients.map((client) => [`${client.name}|${client.protocol}`, client]));
  return [
    `| client | version | speaks | ${STEPS.join(" | ")} |`,
    `| --- | --- | --- | ${STEPS.map(() => "---").join(" | ")} |`,
    ...[...rows.values()].map((client) => row(client, record)),
    "",
  ].join("\n");
}

/** @param {Client} client @param {Recorded[]} record */
function row({ name, protocol, lacks = {} }, record) {
  const mine = record.filter((one) => one.name === name && one.protocol === protocol);
  const cells = STEPS.map((step) => {
    const failed = mine.filter(({ did }) => !did.includes(step)).map(({ api }) => api);
    const did = new Set(mine.filter(({ api }) => !failed.includes(api)).map(({ api }) => KINDS[api]));
    return lacks[step] ? `no: ${lacks[step]}` : [...did].sort().join(", ") || "no";
  });
  return `| ${name} | ${mine[0]?.version} | ${protocol} | ${cells.join(" | ")} |`;
}
