// Real programs against the gateway, by the task of matrix.mjs.

import { existsSync } from "node:fs";
import { describe, test } from "node:test";

import { environmentOf, install, programsFolder } from "./install.mjs";
import { task } from "./matrix.mjs";
import { PROGRAMS } from "./programs.mjs";
import { record } from "./results.mjs";

const inCi = ![undefined, "", "false"].includes(process.env.CI);
const place = inCi ? install() : programsFolder();
const skip = existsSync(place) ? false : "the programs are not installed: run `node tests/clients/install.mjs`";

describe("programs", { concurrency: 2, skip }, () => {
  for (const program of PROGRAMS) {
    for (const api of program.over) {
      test(`${program.name} with ${program.protocol} over an upstream of ${api}`, async (t) => {
        const { steps, close } = await task(program, api, environmentOf(place));
        t.after(close);
        for (const [name, step] of Object.entries(steps)) {
          await t.test(name, async () => {
            await step();
            record(program, api, name);
          });
        }
      });
    }
  }
});
