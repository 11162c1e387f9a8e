// The client: one request after another over connections that stay open, each with another query, so
// that no contestant can answer from a cache.

import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";

const TEXT = readFileSync(new URL("../text.txt", import.meta.url), "utf8")
  .split(/\s+/)
  .filter(Boolean);
/** Words of a query, about forty tokens. */
const WORDS = 30;

/**
 * @param {import("./contestants.mjs").Target} target
 * @returns {{whole: () => Promise<number>, firstToken: () => Promise<number>}} milliseconds until
 *   the whole answer, and until the first piece of text of a stream
 */
export function clientOf({ url, model, headers }) {
  const agent = new Agent({ keepAlive: true });
  const options = { method: "POST", agent, headers: { "content-type": "application/json", ...headers } };
  let number = 0;
  const body = (/** @type {boolean} */ stream) => {
    number += 1;
    return JSON.stringify({ model, stream, max_tokens: 100, messages: [{ role: "user", content: query(number) }] });
  };
  return {
    whole: () => timed(url, options, body(false), (answer) => answer.includes('"finish_reason":"stop"')),
    firstToken: () => timed(url, options, body(true), (answer) => answer.includes('"content":"The '), "[DONE]"),
  };
}

/**
 * Words of the text, in an order that differs for every number.
 * @param {number} number
 */
function query(number) {
  const start = (number * 7) % TEXT.length;
  const words = Array.from({ length: WORDS }, (_, at) => TEXT[(start + at) % TEXT.length]);
  return `${words.join(" ")} ${number}`;
}

/**
 * Milliseconds until `there` is true of the text received so far; the answer is read to its end.
 * @param {string} url
 * @param {import("node:http").RequestOptions} options
 * @param {string} body
 * @param {(text: string) => boolean} there
 * @param {string} end what a whole answer holds
 * @returns {Promise<number>}
 */
function timed(url, options, body, there, end = "") {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    /** @type {number | undefined} */
    let time;
    let text = "";
    const sent = request(url, options, (response) => {
      response.setEncoding("utf8");
      response.on("data", (piece) => {
        text += piece;
        if (time === undefined && there(text)) time = performance.now() - start;
      });
      response.on("error", reject);
      response.on("end", () => {
        if (response.statusCode === 200 && time !== undefined && text.includes(end)) resolve(time);
        else reject(new Error(`${url} answered ${response.statusCode}: ${text.slice(0, 500)}`));
      });
    });
    // A server may have hung up on a connection that waited for its turn.
    const again = () => timed(url, options, body, there, end).then(resolve, reject);
    sent.on("error", (/** @type {NodeJS.ErrnoException} */ error) =>
      sent.reusedSocket && error.code === "ECONNRESET" ? again() : reject(error),
    );
    sent.end(body);
  });
}
