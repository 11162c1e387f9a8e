#!/usr/bin/env node
// The command `pointsman`: prints the decision on a query, or on each line of a file.

import process from "node:process";

import { main } from "../command/main.js";

// A reader that closes the pipe early, such as `head`, is not an error.
process.stdout.on("error", (error) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

process.exitCode = await main(process.argv.slice(2), process);
