// `node worker/js/new-key.mjs NAME [--models a,b] [--usd 50 --period month] [--no-feedback] [--log yes]` makes an API key of the
// gateway. It prints the key, which is stored nowhere, and its entry for KEYS, which has its SHA-256.

import { createHash, randomBytes } from "node:crypto";
import { parseArgs } from "node:util";

const USAGE = `usage: new-key.mjs NAME [--models NAME,NAME] [--usd DOLLARS --period day|month] [--no-feedback] [--log yes|no]
  NAME             the holder's name: 1 to 64 characters of A-Z a-z 0-9 . _ - without a dot at its beginning
  --models a,b     the models that the key may request; include auto for routing (default: all)
  --usd DOLLARS    the most that it may spend in a period (default: no limit)
  --period PERIOD  the period of --usd: day or month, in UTC
  --no-feedback    the key may not score answers
  --log yes|no     whether its queries are logged as text (default: as GATEWAY.log.content)
  --help           print this text`;

const NAME = /^(?!\.)[A-Za-z0-9._-]{1,64}$/;
/** The name that the gateway gives to callers without a key. */
const OPEN = "open";
/** A name that the gateway can state in a header: printable ASCII. */
const MODEL = /^[\x20-\x7e]{1,256}$/;
const RANDOM_BYTES = 32;

try {
  const entry = entryFrom(process.argv.slice(2));
  if (entry) console.log(text(entry));
  else console.log(USAGE);
} catch (error) {
  console.error(`new-key: ${error instanceof Error ? error.message : error}\n${USAGE}`);
  process.exitCode = 2;
}

/**
 * @typedef {{models?: string[], budget?: {usd: number, period: "day" | "month"}, feedback?: false,
 *   log?: boolean}} Limits
 * @typedef {{name: string} & Limits} Entry
 */

/**
 * Reads the key's entry from the arguments; undefined with --help.
 * @param {string[]} args
 * @returns {Entry | undefined}
 */
function entryFrom(args) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      models: { type: "string" },
      usd: { type: "string" },
      period: { type: "string" },
      "no-feedback": { type: "boolean", default: false },
      log: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const [name, ...more] = positionals;
  if (name === undefined) throw new Error("NAME is missing: give the holder's name");
  if (more.length > 0) throw new Error(`one NAME is expected, found ${positionals.join(" ")}`);
  if (!NAME.test(name))
    throw new Error(`NAME is ${JSON.stringify(name)}: expected 1 to 64 characters of A-Z a-z 0-9 . _ -`);
  if (name === OPEN) throw new Error(`NAME is "${OPEN}", which means callers without a key: choose another one`);
  const feedback = values["no-feedback"] ? { feedback: /** @type {const} */ (false) } : {};
  return { name, ...models(values.models), ...budget(values), ...feedback, ...log(values.log) };
}

/** @param {string | undefined} list @returns {Limits} */
function models(list) {
  if (list === undefined) return {};
  const names = list.split(",").map((name) => name.trim());
  if (names.includes("")) throw new Error(`--models is ${JSON.stringify(list)}: expected names separated by commas`);
  for (const name of names) {
    const expected = ["auto", "router-"].find((means) => {
      const start = name.slice(0, means.length);
      return start !== means && start.toLowerCase() === means && (means !== "auto" || /^auto(:|$)/i.test(name));
    });
    if (expected) throw new Error(`--models has ${JSON.stringify(name)}: write ${expected} in lower case`);
    if (!MODEL.test(name)) throw new Error(`--models has ${JSON.stringify(name)}: expected printable ASCII characters`);
  }
  return { models: [...new Set(names)] };
}

/** @param {string | undefined} choice @returns {Limits} */
function log(choice) {
  if (choice === undefined) return {};
  if (choice !== "yes" && choice !== "no") throw new Error(`--log is ${JSON.stringify(choice)}: expected yes or no`);
  return { log: choice === "yes" };
}

/** @param {{usd?: string, period?: string}} values @returns {Limits} */
function budget({ usd, period }) {
  if (usd === undefined && period === undefined) return {};
  if (usd === undefined || period === undefined)
    throw new Error("--usd and --period go together: give both or neither");
  const dollars = Number(usd);
  if (usd.trim() === "" || !Number.isFinite(dollars) || dollars <= 0)
    throw new Error(`--usd is ${JSON.stringify(usd)}: expected a number above 0`);
  if (period !== "day" && period !== "month")
    throw new Error(`--period is ${JSON.stringify(period)}: expected day or month`);
  return { budget: { usd: dollars, period } };
}

/** @param {Entry} entry */
function text({ name, ...rest }) {
  const key = `pm-${randomBytes(RANDOM_BYTES).toString("base64url")}`;
  const sha256 = createHash("sha256").update(key).digest("hex");
  return `The key of ${name}. It is shown only once. Its holder uses it as the API key of a client:

${key}
${advice(rest.models)}
Its entry for the gateway. Add it to the JSON list in the secret KEYS, and set the secret again with
\`npx wrangler secret put KEYS\`:

${JSON.stringify({ name, sha256, ...rest })}`;
}

/** @param {string[] | undefined} models */
function advice(models) {
  const named = models?.filter((name) => name !== "auto" && !name.startsWith("router-")) ?? [];
  if (named.length === 0) return "";
  return `
This command cannot know which names the gateway serves. A name that it does not serve matches nothing, and
still limits the key. Compare ${named.join(", ")} with GET /v1/models; GET /healthz
warns "key_models_unknown", and the Worker's log names them.
`;
}
