// Checks TypeScript texts against the types of the installed package.

import assert from "node:assert/strict";

import { program, project, run, writeAll } from "./packed.mjs";

export const BUNDLER = { module: "esnext", moduleResolution: "bundler" };
export const NODE = { module: "nodenext", moduleResolution: "nodenext", types: ["node"] };
/** Packages of the clone whose types the checked texts import. */
const PEERS = ["@ai-sdk", "@langchain", "@types", "ai", "openai", "undici-types"];

const root = await project({}, { modules: PEERS });

/**
 * Fails unless TypeScript accepts `text` in a project that has the package installed.
 * @param {string} text
 * @param {object} options compiler options
 * @param {{skips?: boolean}} how whether to skip the check of libraries' declarations
 */
export async function checked(text, options, { skips = false } = {}) {
  const compilerOptions = {
    strict: true,
    noEmit: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    target: "es2022",
    types: [],
    skipLibCheck: skips,
    ...options,
  };
  await writeAll(root, {
    "main.ts": text,
    "tsconfig.json": JSON.stringify({ compilerOptions, files: ["main.ts"] }),
  });
  try {
    await run(program("tsc"), ["-p", "."], { cwd: root });
  } catch (error) {
    const { stdout, message } = /** @type {Error & {stdout?: string}} */ (error);
    assert.fail(stdout ?? message);
  }
}
