// Runs code with the installed package in a page in Chromium, without a bundler.

/** @import { BrowserContext, Page } from "playwright-core" */
/** @import { Wrong } from "./server.mjs" */

import { join } from "node:path";

import { launch } from "../hosts/browser.mjs";
import { project } from "./packed.mjs";
import { startServer } from "./server.mjs";

/**
 * @typedef {{value?: any, typed?: boolean, code?: string, message?: string, said: string[]}} Answer the result of code
 *   in a page, or its error, and the console's output
 */

/**
 * Starts a browser and installs the package, for a test file.
 * @param {(close: () => Promise<void>) => void} after node:test's `after`
 */
export async function pagesForTests(after) {
  const browser = await launch();
  after(() => browser.close());
  const folder = join(await project({}), "node_modules/pointsman");

  /**
   * Runs `code` in a page; returns its result or error and the console's output.
   * @param {string} code the body of an async function, with `Router` and `RouterWorker`
   * @param {Wrong} [wrong]
   * @param {(parts: {context: BrowserContext, page: Page}) => unknown} [prepare]
   * @returns {Promise<Answer>}
   */
  async function inPage(code, wrong = {}, prepare = () => {}) {
    const server = await startServer(folder, wrong);
    const context = await browser.newContext();
    const page = await context.newPage();
    /** @type {string[]} */
    const said = [];
    page.on("console", (message) => said.push(message.text()));
    page.on("pageerror", (error) => said.push(String(error)));
    try {
      await page.goto(server.url.href);
      await page.evaluate(async () => {
        const [{ Router, RouterError }, { RouterWorker }] = await Promise.all([
          import("/package/src/entry/browser/index.js"),
          import("/package/src/entry/browser/worker.js"),
        ]);
        Object.assign(globalThis, { Router, RouterError, RouterWorker });
      });
      await prepare({ context, page });
      const answer = await page.evaluate(async (code) => {
        // As a module of its own, since a policy that forbids eval still allows a script.
        const settled = new Promise((settle) => {
          Object.assign(globalThis, { settle });
        });
        const text = `globalThis.settle((async () => { ${code} })());`;
        const src = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
        document.head.append(Object.assign(document.createElement("script"), { type: "module", src }));
        try {
          return { value: await settled };
        } catch (error) {
          const { RouterError } = /** @type {{RouterError: typeof import("pointsman").RouterError}} */ (
            /** @type {unknown} */ (globalThis)
          );
          const { code: found, message } = /** @type {Error & {code?: string}} */ (error);
          return { typed: error instanceof RouterError, code: found, message };
        }
      }, code);
      return { ...answer, said };
    } finally {
      await context.close();
      await server.close();
    }
  }

  return { folder, inPage };
}
