// `node worker/new-key.mjs NAME [--models a,b] [--usd 50 --period month]` makes a key of the gateway:
// the caller's half is printed once and kept nowhere, the gateway's half is its SHA-256.

import { createHash, randomBytes } from "node:crypto";
import { parseArgs } from "node:util";

const USAGE = `usage: new-key.mjs NAME [--models NAME,NAME] [--usd DOLLARS --period day|month]
  NAME             who the key is for: 1 to 64 characters of A-Z a-z 0-9 . _ -
  --models a,b     the models that it may ask for; auto among them for routing (all)
  --usd DOLLARS    what it may spend in a period (no limit)
  --period PERIOD  day or month, in UTC
  --help           this text`;

const NAME = /^[A-Za-z0-9._-]{1,64}$/;
const RANDOM_BYTES = 32;

try {
  const entry = entryFrom(process.argv.slice(2));
  if (entry) console.log(text(entry));
  else console.log(USAGE);
} catch (error) {
  console.error(`new-key: ${error.message}\n${USAGE}`);
  process.exitCode = 2;
}

/** What the arguments say of the key; nothing where they ask for help. */
function entryFrom(args) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      models: { type: "string" },
      usd: { type: "string" },
      period: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const [name, ...more] = positionals;
  if (name === undefined) throw new Error("no NAME: say who the key is for");
  if (more.length > 0) throw new Error(`one NAME is expected, found ${positionals.join(" ")}`);
  if (!NAME.test(name)) throw new Error(`NAME is ${JSON.stringify(name)}: expected 1 to 64 characters of A-Z a-z 0-9 . _ -`);
  return { name, ...models(values.models), ...budget(values) };
}

function models(list) {
  if (list === undefined) return {};
  const names = list.split(",").map((name) => name.trim());
  if (names.includes("")) throw new Error(`--models is ${JSON.stringify(list)}: expected names with commas between them`);
  return { models: [...new Set(names)] };
}

function budget({ usd, period }) {
  if (usd === undefined && period === undefined) return {};
  if (usd === undefined || period === undefined) throw new Error("--usd and --period go together: give both or neither");
  const dollars = Number(usd);
  if (usd.trim() === "" || !Number.isFinite(dollars) || dollars <= 0) throw new Error(`--usd is ${JSON.stringify(usd)}: expected a number above 0`);
  if (period !== "day" && period !== "month") throw new Error(`--period is ${JSON.stringify(period)}: expected day or month`);
  return { budget: { usd: dollars, period } };
}

function text({ name, ...rest }) {
  const key = `pm-${randomBytes(RANDOM_BYTES).toString("base64url")}`;
  const sha256 = createHash("sha256").update(key).digest("hex");
  return `The key, for ${name}. It is shown this once; give it to its holder, as a client's API key:

${key}

Its entry, for the gateway. Put it into the list in the secret KEYS (\`[...]\`, beside the other
entries), and set the secret anew with \`npx wrangler secret put KEYS\`:

${JSON.stringify({ name, sha256, ...rest })}`;
}
