// Counts the programs that use one gateway, so that it does not end under another one.

import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

const LOOK_MS = 500;

/** @param {string} folder of the gateway's data */
export function enter(folder) {
  const users = join(folder, "users");
  mkdirSync(users, { recursive: true });
  const own = join(users, String(process.pid));
  writeFileSync(own, "");
  return {
    leave: () => rmSync(own, { force: true }),
    /** Resolves once no other program uses the gateway. @param {() => void} onWait called if one does */
    alone: async (onWait) => {
      for (let waited = false; others(users) > 0; waited = true) {
        if (!waited) onWait();
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
    },
  };
}

/** @param {string} users a folder @returns {number} how many other processes use the gateway */
function others(users) {
  const isAlive = (/** @type {string} */ pid) => {
    try {
      return process.kill(Number(pid), 0);
    } catch {
      rmSync(join(users, pid), { force: true });
      return false;
    }
  };
  return readdirSync(users).filter((pid) => pid !== String(process.pid) && isAlive(pid)).length;
}
