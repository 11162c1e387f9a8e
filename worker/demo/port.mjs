// A port to listen on.

import { createServer } from "node:net";

/** `first`, or the next one that is free on this machine; with `exact`, `first` or an error. */
export async function freePort(first, { exact = false } = {}) {
  for (let port = first; port <= 65535; port += 1) {
    if (await isFree(port)) return port;
    if (exact) throw new Error(`port ${port} is taken: choose another, or leave it to the demo`);
  }
  throw new Error(`no port is free from ${first} on`);
}

function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
