// Keeps two gateways from one folder of ledgers: two processes of workerd would each count a budget for themselves.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

import { GatewayError, messageOf } from "./error.mjs";

/** The gateway that uses a folder. @typedef {{pid: number, url?: string, hash: string}} Holder */

const FILE = "gateway.json";

/**
 * @param {string} folder which is made where it is missing
 * @param {string} hash of the configuration
 * @returns {{tell: (url: string) => void, release: () => void}}
 * @throws GatewayError `data_in_use`, `folder_unwritable`
 */
export function lock(folder, hash) {
  const path = join(folder, FILE);
  const own = { pid: process.pid, hash };
  try {
    mkdirSync(folder, { recursive: true });
    for (;;) {
      try {
        writeFileSync(path, JSON.stringify(own), { flag: "wx" });
        break;
      } catch (error) {
        if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EEXIST") throw error;
        const holder = holderOf(folder);
        if (holder) throw inUse(folder, holder);
        // What a gateway that was killed left behind.
        rmSync(path, { force: true });
      }
    }
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    const message = `the folder ${folder} cannot be written: ${messageOf(error)}. Set dataFolder to another one`;
    throw new GatewayError("folder_unwritable", message);
  }
  return {
    tell: (url) => writeFileSync(path, JSON.stringify({ ...own, url })),
    release: () => rmSync(path, { force: true }),
  };
}

/** The gateway that uses the folder now. @param {string} folder @returns {Holder | undefined} */
export function holderOf(folder) {
  /** @type {Holder} */
  let holder;
  try {
    holder = JSON.parse(readFileSync(join(folder, FILE), "utf8"));
    // In a container this process may have the number of the one that was killed.
    if (holder.pid === process.pid) return undefined;
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: it runs, as another user.
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EPERM") return undefined;
    return { pid: 0, hash: "" };
  }
  return holder;
}

/** @param {string} folder @param {Holder} holder */
function inUse(folder, { pid, url }) {
  const where = url ? ` at ${url}` : "";
  return new GatewayError(
    "data_in_use",
    `a gateway (process ${pid})${where} already uses ${folder}: use that one, stop it, or set dataFolder to another folder`,
  );
}
