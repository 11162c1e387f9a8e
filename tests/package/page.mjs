// A page that uses the package, opened in Chromium: what it decided, and whatever it said on the console.

import { launch } from "../hosts/browser.mjs";
import { POLICY, QUERY } from "./expected.mjs";

export const ASK = `(${JSON.stringify(QUERY)}, ${JSON.stringify(POLICY)})`;

/** A page around a module, relative to it: it may lie under any path. */
export const html = (script) => `<!doctype html>
<meta charset="utf-8">
<title>A consumer</title>
<link rel="icon" href="data:,">
<script type="module" src="${script}"></script>
`;

/**
 * A module that routes on the page, and in a thread too, and leaves what it found in `globalThis.answer`.
 * @param {{thread?: boolean, imports?: string, load?: string, loadThread?: string}} parts what a bundler
 *   needs said
 */
export const script = ({ thread = true, imports = "", load = "Router.load()", loadThread = "RouterWorker.load()" } = {}) => `
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

/** One browser for a test file. */
export async function browserForTests(after) {
  const browser = await launch();
  after(() => browser.close());
  return {
    /**
     * @param {URL} url
     * @returns {Promise<{answer: object, said: string[], requests: string[]}>} `said`: what the console
     *   shows, faults included; `requests`: the paths asked for
     */
    async open(url) {
      const page = await browser.newPage();
      const said = [];
      const requests = [];
      page.on("console", (message) => said.push(message.text()));
      page.on("pageerror", (error) => said.push(String(error)));
      page.on("request", (request) => requests.push(new URL(request.url()).pathname));
      try {
        await page.goto(url.href);
        await page.waitForFunction(() => globalThis.answer !== undefined);
        return { answer: await page.evaluate(() => globalThis.answer), said, requests };
      } catch (error) {
        throw new Error(`${url} gave no answer; it said: ${said.join("\n")}`, { cause: error });
      } finally {
        await page.close();
      }
    },
  };
}
