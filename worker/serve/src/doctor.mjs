// `pointsman doctor`: checks each thing that the gateway needs, and goes on after a fault.

import { mkdirSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { readConfig } from "./config.mjs";
import { GatewayError, messageOf } from "./error.mjs";
import { startGateway } from "./gateway.mjs";
import { holderOf } from "./lock.mjs";
import { checkPort } from "./port.mjs";
import { checkUpstream } from "./upstream-check.mjs";

/** @import { Config, Overrides } from "./config.mjs" */
/** @import { Finding } from "./upstream-check.mjs" */

/**
 * Prints a line for each check.
 * @param {string[]} places of the configuration
 * @param {Overrides} overrides
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<boolean>} whether there was no fault
 */
export async function doctor(places, { host, port, bundle }, env) {
  let sound = true;
  const report = (/** @type {string} */ what, /** @type {Finding} */ { ok, text }) => {
    sound &&= ok;
    console.log(`${ok ? "ok   " : "FAULT"}  ${what.padEnd(24)}  ${text}`);
  };
  /** @param {string} what @param {() => Promise<string> | string} check */
  const checked = async (what, check) => {
    try {
      report(what, { ok: true, text: await check() });
    } catch (error) {
      report(what, { ok: false, text: faultOf(error) });
    }
  };
  let config;
  try {
    config = readConfig(places, { host, port, bundle });
    if (!config)
      throw new GatewayError("config_missing", `there is no ${places.join(" and no ")}: run pointsman serve --init`);
    report("configuration", { ok: true, text: config.path });
  } catch (error) {
    report("configuration", { ok: false, text: faultOf(error) });
    return false;
  }
  const { upstreams, dataFolder, logFolder } = config;
  await checked("fields and bundle", () => trial(config, env));
  const findings = Object.entries(upstreams).map(async ([name, upstream]) => ({
    name,
    finding: await checkUpstream(name, upstream, env),
  }));
  for (const { name, finding } of await Promise.all(findings)) report(`upstream ${name}`, finding);
  const holder = holderOf(dataFolder);
  await checked(`port ${config.port}`, async () => {
    if (holder?.url && new URL(holder.url).port === String(config.port))
      return `this configuration's gateway serves it (process ${holder.pid})`;
    await checkPort(config.host, config.port);
    return "free";
  });
  await checked("data folder", () => writable(dataFolder));
  if (logFolder) await checked("log folder", () => writable(logFolder));
  return sound;
}

/** Lets the Worker check the configuration and load the bundle. @param {Config} config @param {NodeJS.ProcessEnv} env */
async function trial(config, env) {
  const gateway = await startGateway(config, env, { trial: true });
  await gateway.stop();
  const strong = gateway.strong ? `, strong model ${gateway.strong}` : "";
  return `the Worker takes them: bundle ${gateway.bundle}${strong}`;
}

/** @param {string} folder which is left as it was @returns {string} */
function writable(folder) {
  let made;
  try {
    made = mkdirSync(folder, { recursive: true });
    const probe = join(folder, `.probe-${process.pid}`);
    writeFileSync(probe, "");
    rmSync(probe);
  } catch (error) {
    throw new GatewayError("folder_unwritable", `${folder} cannot be written: ${messageOf(error)}. Set another one`);
  } finally {
    // The folders above it stay.
    if (made) rmdirSync(folder);
  }
  return `${folder} can be written`;
}

/** @param {unknown} error */
function faultOf(error) {
  return error instanceof GatewayError ? `${error.message} (${error.code})` : messageOf(error);
}
