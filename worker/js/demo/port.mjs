// Finds a free port.

import { createServer } from "node:net";

/**
 * `first`, or the next one that is free on this machine; with `exact`, `first` or an error.
 * @param {number} first
 */
export async function freePort(first, { exact = false } = {}) {
  for (let port = first; port <= 65535; port += 1) {
    if (await isFree(port)) return port;
    if (exact) throw new Error(`port ${port} is in use: choose another, or leave the option out`);
  }
  throw new Error(`no port from ${first} on is free`);
}

/** @param {number} port @returns {Promise<boolean>} */
function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
