// Node: a fresh process for each measurement on a bundle.

import { inChild } from "./child.mjs";

const CHILD = new URL("node/child.mjs", import.meta.url);

export const node = {
  about: "Node",
  versions: async () => ({ node: process.versions.node, v8: process.versions.v8 }),
  /** Node's clock tells nanoseconds. */
  limits: { sample: 0 },
  turns: (job) => inChild(CHILD, { measure: "turns", ...job }),
  cold: (job) => inChild(CHILD, { measure: "cold", ...job }),
  memory: (job) => inChild(CHILD, { measure: "memory", ...job }),
};
