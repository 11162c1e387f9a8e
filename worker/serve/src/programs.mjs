// How each program is pointed at the gateway, as docs/CLIENTS.md says, but without a change of its files.

/** @import { Config } from "./config.mjs" */

/**
 * @typedef {object} Program
 * @property {string} name
 * @property {string} from its npm package
 * @property {(url: string, key: string) => Record<string, string>} env
 * @property {string[]} without variables that would point it elsewhere
 * @property {(url: string) => string[]} args in front of the user's
 * @property {string} [asksFor] the beginning of the names of the models that it asks for by itself
 */

const KEY = "POINTSMAN_KEY";
const keyAlone = (/** @type {string} */ _, /** @type {string} */ key) => ({ [KEY]: key });

/** @type {Record<string, Program>} */
export const PROGRAMS = {
  claude: {
    name: "Claude Code",
    from: "@anthropic-ai/claude-code",
    env: (url, key) => ({ ANTHROPIC_BASE_URL: url, ANTHROPIC_AUTH_TOKEN: key }),
    without: ["ANTHROPIC_API_KEY"],
    args: () => [],
    asksFor: "claude-",
  },
  codex: {
    name: "Codex",
    from: "@openai/codex",
    env: keyAlone,
    without: ["OPENAI_BASE_URL"],
    args: (url) =>
      [
        'model="auto"',
        'model_provider="pointsman"',
        'web_search="disabled"',
        'model_providers.pointsman.name="Pointsman"',
        `model_providers.pointsman.base_url="${url}/v1"`,
        `model_providers.pointsman.env_key="${KEY}"`,
        'model_providers.pointsman.wire_api="responses"',
      ].flatMap((setting) => ["-c", setting]),
  },
  opencode: {
    name: "opencode",
    from: "opencode-ai",
    env: (url, key) => ({ [KEY]: key, OPENCODE_CONFIG_CONTENT: JSON.stringify(opencodeConfig(url)) }),
    without: [],
    args: () => [],
  },
};

/** @param {string} url */
function opencodeConfig(url) {
  return {
    model: "pointsman/auto",
    small_model: "pointsman/auto",
    provider: {
      pointsman: {
        npm: "@ai-sdk/openai-compatible",
        options: { baseURL: `${url}/v1`, apiKey: `{env:${KEY}}` },
        models: { auto: {} },
      },
    },
  };
}

/** Whether the configuration routes the names that a program asks for. @param {Program} program @param {Config} config */
export function isRouted({ asksFor }, { gateway }) {
  if (asksFor === undefined) return true;
  return Object.keys(gateway.aliases ?? {}).some((alias) => {
    const [start, ...more] = alias.split("*");
    return more.length > 0 && asksFor.startsWith(start);
  });
}

/**
 * What a user sets for programs that are started otherwise.
 * @param {string} url
 * @param {string} key
 */
export function clientLines(url, key) {
  return [
    `OpenAI's clients      base URL ${url}/v1, model auto, key ${key}`,
    `Anthropic's clients   base URL ${url}, model auto, key ${key}`,
    `Claude Code           pointsman claude    (ANTHROPIC_BASE_URL=${url} ANTHROPIC_AUTH_TOKEN=${key} claude)`,
    "Codex                 pointsman codex",
    "opencode              pointsman opencode",
  ];
}
