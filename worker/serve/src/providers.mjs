// The providers that `pointsman serve --init` proposes, found by the keys in the environment. Their prices are list
// prices that change: the file that is written asks to compare them.

/**
 * @typedef {{model: string, inputPrice: number, cachedInputPrice?: number, outputPrice: number}} Priced US dollars per
 *   million tokens
 * @typedef {object} Provider
 * @property {string} name
 * @property {string} variable
 * @property {"openai" | "anthropic"} api
 * @property {string} baseUrl
 * @property {Priced} large
 * @property {Priced} small
 */

/** When the prices were looked up. */
export const PRICES_OF = "November 2025";

/** @type {Provider[]} */
export const PROVIDERS = [
  {
    name: "Anthropic",
    variable: "ANTHROPIC_API_KEY",
    api: "anthropic",
    baseUrl: "https://api.anthropic.com/v1",
    large: { model: "claude-opus-4-5", inputPrice: 5, cachedInputPrice: 0.5, outputPrice: 25 },
    small: { model: "claude-haiku-4-5", inputPrice: 1, cachedInputPrice: 0.1, outputPrice: 5 },
  },
  {
    name: "OpenAI",
    variable: "OPENAI_API_KEY",
    api: "openai",
    baseUrl: "https://api.openai.com/v1",
    large: { model: "gpt-5.1", inputPrice: 1.25, cachedInputPrice: 0.125, outputPrice: 10 },
    small: { model: "gpt-5-mini", inputPrice: 0.25, cachedInputPrice: 0.025, outputPrice: 2 },
  },
  {
    name: "OpenRouter",
    variable: "OPENROUTER_API_KEY",
    api: "openai",
    baseUrl: "https://openrouter.ai/api/v1",
    large: { model: "anthropic/claude-sonnet-4.5", inputPrice: 3, cachedInputPrice: 0.3, outputPrice: 15 },
    small: { model: "openai/gpt-5-mini", inputPrice: 0.25, cachedInputPrice: 0.025, outputPrice: 2 },
  },
  {
    name: "Google",
    variable: "GEMINI_API_KEY",
    api: "openai",
    baseUrl: "https://generativelanguage.googleapis.com/v1beta/openai",
    large: { model: "gemini-2.5-pro", inputPrice: 1.25, outputPrice: 10 },
    small: { model: "gemini-2.5-flash", inputPrice: 0.3, outputPrice: 2.5 },
  },
  {
    name: "Mistral",
    variable: "MISTRAL_API_KEY",
    api: "openai",
    baseUrl: "https://api.mistral.ai/v1",
    large: { model: "mistral-medium-latest", inputPrice: 0.4, outputPrice: 2 },
    small: { model: "mistral-small-latest", inputPrice: 0.1, outputPrice: 0.3 },
  },
  {
    name: "Groq",
    variable: "GROQ_API_KEY",
    api: "openai",
    baseUrl: "https://api.groq.com/openai/v1",
    large: { model: "openai/gpt-oss-120b", inputPrice: 0.15, outputPrice: 0.6 },
    small: { model: "openai/gpt-oss-20b", inputPrice: 0.075, outputPrice: 0.3 },
  },
];

/** @param {NodeJS.ProcessEnv} env */
export function providersIn(env) {
  return PROVIDERS.filter(({ variable }) => env[variable]);
}
