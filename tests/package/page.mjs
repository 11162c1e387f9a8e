// Opens a page that uses the package in Chromium; returns its decisions and the console's output.

/** @import { Decision } from "pointsman" */

import { launch } from "../hosts/browser.mjs";
import { POLICY, QUERY } from "./expected.mjs";

export const ASK = `(${JSON.stringify(QUERY)}, ${JSON.stringify(POLICY)})`;

/** A page that loads a module by a relative URL, so that it works under any path. */
export const html = (/** @type {string} */ script) => `<!doctype html>
<meta charset="utf-8">
<title>A consumer</title>
<link rel="icon" href="data:,">
<script type="module" src="${script}"></script>
`;

/**
 * A module that routes on the page and, with `thread`, in a thread, and stores the result in `globalThis.answer`.
 * @param {{thread?: boolean, imports?: string, load?: string, loadThread?: string}} parts code that
 *   differs between bundlers
 */
export const script = ({
  thread = true,
  imports = "",
  load = "Router.load()",
  loadThread = "RouterWorker.load()",
} = {}) => `
  import { Router } from "pointsman";
  ${thread ? 'import { RouterWorker } from "pointsman/worker";' : ""}
  ${imports}
  async function answer() {
    const router = await ${load};
    const decisions = [router.route${ASK}];
    ${thread ? `const worker = await ${loadThread}; decisions.push(await worker.route${ASK}); worker.free();` : ""}
    return { decisions };
  }
  globalThis.answer = await answer().catch(({ code, message }) => ({ code, message }));
`;

/**
 * What a page did: the console's output and page errors (`said`), and the requested paths.
 * @typedef {{answer: {decisions?: Decision[], code?: string, message?: string}, said: string[],
 *   requests: string[]}} Opened
 */

/**
 * Starts a browser for a test file.
 * @param {(close: () => Promise<void>) => void} after node:test's `after`
 */
export async function browserForTests(after) {
  const browser = await launch();
  after(() => browser.close());
  return {
    /** @param {URL} url @returns {Promise<Opened>} */
    async open(url) {
      const page = await browser.newPage();
      /** @type {string[]} */
      const said = [];
      /** @type {string[]} */
      const requests = [];
      page.on("console", (message) => said.push(message.text()));
      page.on("pageerror", (error) => said.push(String(error)));
      page.on("request", (request) => requests.push(new URL(request.url()).pathname));
      try {
        await page.goto(url.href);
        await page.waitForFunction(() => "answer" in globalThis);
        const answer = await page.evaluate(
          () => /** @type {Pick<Opened, "answer">} */ (/** @type {unknown} */ (globalThis)).answer,
        );
        return { answer, said, requests };
      } catch (error) {
        throw new Error(`${url} gave no answer; it said: ${said.join("\n")}`, { cause: error });
      } finally {
        await page.close();
      }
    },
  };
}
