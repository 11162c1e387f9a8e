// The parity suite on the npm package in Node.

import { inNode } from "./node.mjs";

await inNode("Node");
