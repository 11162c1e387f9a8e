// Requests per second, with a fixed number of requests under way at once.

import { quantile } from "../statistics.mjs";

/**
 * @typedef {{name: string, rate: number, all: number[]}} Rate requests per second: the median, and each round's
 * @typedef {{whole: () => Promise<unknown>}} Client
 */

/**
 * Contestants in turns, for some seconds each.
 * @param {({name: string} & Client)[]} clients
 * @param {{concurrency: number, rounds: number, seconds: number}} limits
 * @returns {Promise<Rate[]>}
 */
export async function throughput(clients, { concurrency, rounds, seconds }) {
  const rates = clients.map(({ name }) => ({ name, all: /** @type {number[]} */ ([]) }));
  for (const client of clients) await rate(client, concurrency, seconds / 4);
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < clients.length; turn += 1) {
      const at = (round + turn) % clients.length;
      rates[at].all.push(await rate(clients[at], concurrency, seconds));
    }
  }
  return rates.map((one) => ({
    ...one,
    rate: quantile(
      one.all.toSorted((a, b) => a - b),
      0.5,
    ),
  }));
}

/** @param {Client} client @param {number} concurrency @param {number} seconds */
async function rate({ whole }, concurrency, seconds) {
  const start = performance.now();
  const end = start + seconds * 1000;
  let done = 0;
  const oneAfterAnother = async () => {
    while (performance.now() < end) {
      await whole();
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, oneAfterAnother));
  return (done * 1000) / (performance.now() - start);
}
