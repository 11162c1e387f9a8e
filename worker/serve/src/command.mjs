#!/usr/bin/env node
// The command `pointsman-gateway`, which `npx pointsman serve` runs.

import process from "node:process";

import { main } from "./main.mjs";

// A reader that closes the pipe early, such as `head`, is not an error.
process.stdout.on("error", (error) => {
  if (error.code !== "EPIPE") throw error;
});

// The gateway's sockets and timers must not keep an ended command running.
process.exit(await main(process.argv.slice(2)));
