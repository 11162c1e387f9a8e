// Real programs against the gateway, without a terminal, by the steps of matrix.mjs.

import { existsSync } from "node:fs";
import { describe } from "node:test";

import { environmentOf, install, programsFolder } from "./install.mjs";
import { programOf } from "./matrix.mjs";
import { PROGRAMS } from "./programs.mjs";
import { tried } from "./tried.mjs";

const inCi = ![undefined, "", "false"].includes(process.env.CI);
const place = inCi ? install() : programsFolder();
const skip = existsSync(place) ? false : "the programs are not installed: run `node tests/clients/install.mjs`";

describe("programs", { concurrency: 2, skip }, () => {
  for (const program of PROGRAMS) tried(program, programOf(program, environmentOf(place)));
});
