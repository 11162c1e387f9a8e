// The programs that are driven against the gateway: how each is pointed at it, asked, and made to continue.
//
// `env` and `files` are what a user sets; docs/CLIENTS.md shows them. `quiet` keeps a program from its maker's
// servers and from updates. A file's path begins with `~/` for the user's folder, else it is in the work folder.

import { fileURLToPath } from "node:url";

/** @import { Step } from "./matrix.mjs" */

/** @typedef {"chat completions" | "messages" | "responses"} Protocol */
/** @typedef {"openai" | "anthropic"} Api of an upstream */

/**
 * @typedef {object} Program
 * @property {string} name
 * @property {string} from the package, of npm or else of PyPI
 * @property {"npm" | "pypi"} registry
 * @property {string} command what a user types
 * @property {Protocol} protocol
 * @property {Api[]} over kinds of upstream
 * @property {(origin: string, key: string) => Record<string, string>} [env]
 * @property {(origin: string, key: string) => Record<string, string>} [files] by path
 * @property {(origin: string, key: string) => string[]} [signIn] the arguments that store the address and the key
 * @property {Record<string, string>} [quiet]
 * @property {(prompt: string, again: boolean) => string[]} ask the arguments of a prompt; `again` continues the last
 *   conversation
 * @property {Partial<Record<Step, string>>} [lacks] steps that the program cannot do without a terminal, and why
 */

const KEY = "POINTSMAN_KEY";
const json = (/** @type {object} */ value) => `${JSON.stringify(value, null, 2)}\n`;
const keyAlone = (/** @type {string} */ _, /** @type {string} */ key) => ({ [KEY]: key });

/** @type {Program} */
const claudeCode = {
  name: "Claude Code",
  from: "@anthropic-ai/claude-code",
  registry: "npm",
  command: "claude",
  protocol: "messages",
  over: ["anthropic", "openai"],
  env: (origin, key) => ({
    ANTHROPIC_BASE_URL: origin,
    ANTHROPIC_AUTH_TOKEN: key,
  }),
  quiet: { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1", DISABLE_AUTOUPDATER: "1" },
  ask: (prompt, again) => ["-p", prompt, "--allowedTools", "Read", ...(again ? ["--continue"] : [])],
};

/** @type {Program} */
const codex = {
  name: "Codex",
  from: "@openai/codex",
  registry: "npm",
  command: "codex",
  protocol: "responses",
  over: ["openai"],
  env: keyAlone,
  files: (origin) => ({
    "~/.codex/config.toml": `model = "auto"
model_provider = "pointsman"
web_search = "disabled"

[model_providers.pointsman]
name = "Pointsman"
base_url = "${origin}/v1"
env_key = "${KEY}"
wire_api = "responses"
`,
  }),
  ask: (prompt, again) => ["exec", ...(again ? ["resume", "--last"] : []), "--skip-git-repo-check", prompt],
};

/** @type {Program} */
const opencode = {
  name: "opencode",
  from: "opencode-ai",
  registry: "npm",
  command: "opencode",
  protocol: "chat completions",
  over: ["openai", "anthropic"],
  env: keyAlone,
  files: (origin) => ({
    "opencode.json": json({
      model: "pointsman/auto",
      small_model: "pointsman/auto",
      provider: {
        pointsman: {
          npm: "@ai-sdk/openai-compatible",
          options: { baseURL: `${origin}/v1`, apiKey: `{env:${KEY}}` },
          models: { auto: {} },
        },
      },
    }),
  }),
  quiet: { OPENCODE_DISABLE_AUTOUPDATE: "1", OPENCODE_DISABLE_MODELS_FETCH: "1", OPENCODE_DISABLE_LSP_DOWNLOAD: "1" },
  ask: (prompt, again) => ["run", ...(again ? ["--continue"] : []), prompt],
};

/** @type {Program} */
const qwen = {
  name: "Qwen Code",
  from: "@qwen-code/qwen-code",
  registry: "npm",
  command: "qwen",
  protocol: "chat completions",
  over: ["openai", "anthropic"],
  env: (origin, key) => ({ OPENAI_BASE_URL: `${origin}/v1`, OPENAI_API_KEY: key, OPENAI_MODEL: "auto" }),
  files: () => ({ "~/.qwen/settings.json": json({ privacy: { usageStatisticsEnabled: false } }) }),
  ask: (prompt, again) => ["--auth-type", "openai", ...(again ? ["--continue"] : []), "-p", prompt],
};

/** @type {Program} */
const qwenWithMessages = {
  ...qwen,
  protocol: "messages",
  over: ["openai"],
  env: (origin, key) => ({ ANTHROPIC_BASE_URL: origin, ANTHROPIC_API_KEY: key, ANTHROPIC_MODEL: "auto" }),
  ask: (prompt, again) => ["--auth-type", "anthropic", ...(again ? ["--continue"] : []), "-p", prompt],
};

/** pi in one of its protocols. @param {Protocol} protocol @param {string} api @param {string} path @param {Api[]} over @returns {Program} */
const pi = (protocol, api, path, over) => ({
  name: "pi",
  from: "@mariozechner/pi-coding-agent",
  registry: "npm",
  command: "pi",
  protocol,
  over,
  env: keyAlone,
  files: (origin) => ({
    "~/.pi/agent/models.json": json({
      providers: {
        pointsman: { baseUrl: `${origin}${path}`, api, apiKey: KEY, models: [{ id: "auto", reasoning: true }] },
      },
    }),
  }),
  quiet: { PI_OFFLINE: "1", PI_TELEMETRY: "0" },
  ask: (prompt, again) => [
    "--provider",
    "pointsman",
    "--model",
    "auto",
    ...(again ? ["--continue"] : []),
    "-p",
    prompt,
  ],
});

/** @type {Program} */
const continueCli = {
  name: "Continue",
  from: "@continuedev/cli",
  registry: "npm",
  command: "cn",
  protocol: "chat completions",
  over: ["openai", "anthropic"],
  env: keyAlone,
  files: (origin) => ({
    "~/.continue/config.yaml": `name: Pointsman
version: 1.0.0
schema: v1
models:
  - name: auto
    provider: openai
    model: auto
    apiBase: ${origin}/v1
    apiKey: \${{ secrets.${KEY} }}
`,
  }),
  quiet: { CONTINUE_TELEMETRY_ENABLED: "0" },
  ask: (prompt, again) => ["--config", "~/.continue/config.yaml", ...(again ? ["--resume"] : []), "-p", prompt],
};

/** @type {Program} */
const cline = {
  name: "Cline",
  from: "cline",
  registry: "npm",
  command: "cline",
  protocol: "chat completions",
  over: ["openai", "anthropic"],
  signIn: (origin, key) => [
    ...["auth", "--provider", "openai", "--baseurl", `${origin}/v1`],
    ...["--modelid", "auto", "--apikey", key],
  ],
  quiet: { CLINE_SESSION_BACKEND_MODE: "local" },
  ask: (prompt) => [prompt],
  lacks: { "second turn": "resumes a session only in a terminal" },
};

/** @type {Program} */
const llm = {
  name: "LLM",
  from: "llm",
  registry: "pypi",
  command: "llm",
  protocol: "chat completions",
  over: ["openai", "anthropic"],
  files: (origin, key) => ({
    "~/.config/io.datasette.llm/extra-openai-models.yaml": `- model_id: auto
  model_name: auto
  api_base: ${origin}/v1
  api_key_name: pointsman
  supports_tools: true
`,
    "~/.config/io.datasette.llm/keys.json": json({ pointsman: key }),
  }),
  ask: (prompt, again) => [...(again ? ["--continue"] : ["--model", "auto"]), "--functions", READER, prompt],
};
const READER = 'def read_file(path: str) -> str:\n    "Reads a file"\n    return open(path).read()\n';

const TALK = fileURLToPath(new URL("talk.py", import.meta.url));

/**
 * A library of Python, in a program of the tests.
 * @param {string} from @param {Protocol} protocol @param {string} word of talk.py @param {Api[]} over
 * @param {Program["env"]} env
 * @returns {Program}
 */
const python = (from, protocol, word, over, env) => ({
  name: `${from} (Python)`,
  from,
  registry: "pypi",
  command: "python3",
  protocol,
  over,
  env,
  ask: (prompt, again) => [TALK, word, prompt, ...(again ? ["again"] : [])],
});
const openaiEnv = (/** @type {string} */ origin, /** @type {string} */ key) => ({
  OPENAI_BASE_URL: `${origin}/v1`,
  OPENAI_API_KEY: key,
});
const anthropicEnv = (/** @type {string} */ origin, /** @type {string} */ key) => ({
  ANTHROPIC_BASE_URL: origin,
  ANTHROPIC_API_KEY: key,
});

export const PROGRAMS = [
  claudeCode,
  codex,
  opencode,
  qwen,
  qwenWithMessages,
  pi("chat completions", "openai-completions", "/v1", ["anthropic"]),
  pi("responses", "openai-responses", "/v1", ["openai"]),
  pi("messages", "anthropic-messages", "", ["openai", "anthropic"]),
  continueCli,
  cline,
  llm,
  python("openai", "chat completions", "chat", ["openai", "anthropic"], openaiEnv),
  python("openai", "responses", "responses", ["openai"], openaiEnv),
  python("anthropic", "messages", "messages", ["anthropic", "openai"], anthropicEnv),
];
