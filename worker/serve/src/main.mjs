// Runs a command and returns its exit code.

import { readFileSync } from "node:fs";
import process from "node:process";

import { argumentsOf, HELP } from "./arguments.mjs";
import { checkKeys, FILE, placesOf, readConfig } from "./config.mjs";
import { lineOf, summary } from "./decisions.mjs";
import { doctor } from "./doctor.mjs";
import { GatewayError, messageOf } from "./error.mjs";
import { startGateway } from "./gateway.mjs";
import { isYes, writeConfig } from "./init.mjs";
import { newKey } from "./new-key.mjs";
import { checkPort } from "./port.mjs";
import { clientLines } from "./programs.mjs";
import { runProgram } from "./run-program.mjs";

/** @import { Options } from "./arguments.mjs" */
/** @import { Config } from "./config.mjs" */
/** @import { Gateway } from "./gateway.mjs" */

const DONE = 0;
const FAULT = 1;
const USAGE = 2;
/**
 * How long a repeated signal means the first one: npx passes on what a terminal has sent to its whole group.
 */
const REPEATED_MS = 1000;
const STOPPING = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);

/** @param {string[]} words @returns {Promise<number>} the exit code */
export async function main(words) {
  try {
    const task = argumentsOf(words);
    switch (task.command) {
      case "help":
        console.log(HELP);
        return DONE;
      case "version":
        console.log(version());
        return DONE;
      case "new-key":
        console.log(newKey(task.name));
        return DONE;
      case "program":
        return await runProgram(task.program, task.args, await configuration({}), process.env);
      case "doctor":
        return (await doctor(placesOf(task.options.config, process.env), task.options, process.env)) ? DONE : FAULT;
      case "serve":
        return await serve(task.options);
    }
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    console.error(`pointsman: ${error.message} (${error.code})`);
    return error.code === "usage" ? USAGE : FAULT;
  }
}

/** @param {Options} options */
async function serve(options) {
  if (options.init) {
    const [path] = placesOf(options.config, process.env);
    await writeConfig(path, process.env, { input: process.stdin, output: process.stderr });
    console.log(`Wrote ${path}. Read it, then run: pointsman serve`);
    return DONE;
  }
  const config = await configuration(options);
  if (options.dryRun) return dryRun(config);
  const gateway = await startGateway(config, process.env, {
    onDecision: (point, saved) => console.log(lineOf(point, saved, new Date())),
    onLog: (line) => console.error(`worker: ${line}`),
  });
  console.log(opening(config, gateway, gateway.url));
  return untilStopped(gateway);
}

/**
 * Reads the configuration; on a terminal it is written first where there is none.
 * @param {Partial<Options>} options
 * @returns {Promise<Config>}
 */
async function configuration({ config: named, host, port, bundle }) {
  const places = placesOf(named, process.env);
  const overrides = { host, port, bundle };
  const config = readConfig(places, overrides);
  if (config) return config;
  const missing = new GatewayError(
    "config_missing",
    `there is no ${places.join(" and no ")}: run \`pointsman serve --init\`, which writes ${FILE} from the API keys in the environment, or name a file with --config FILE`,
  );
  if (!process.stdin.isTTY) throw missing;
  const [path] = places;
  if (
    !(await isYes(`There is no ${path}. Write it from the API keys in the environment?`, process.stdin, process.stderr))
  )
    throw missing;
  await writeConfig(path, process.env, { input: process.stdin, output: process.stderr });
  const written = readConfig([path], overrides);
  if (!written) throw missing;
  return written;
}

/** Checks all that `serve` needs, and lets the Worker check the configuration. @param {Config} config */
async function dryRun(config) {
  checkKeys(config, process.env);
  await checkPort(config.host, config.port);
  const gateway = await startGateway(config, process.env, { trial: true });
  await gateway.stop();
  console.log(opening(config, gateway, `http://${config.host}:${config.port}`));
  console.log("Nothing was served: --dry-run.");
  return DONE;
}

/** @param {Config} config @param {Gateway} gateway @param {string} url */
function opening(config, { bundle, strong }, url) {
  const models = Object.entries(config.upstreams).map(
    ([name, { model, baseUrl, keySecret, inputPrice, outputPrice }]) => {
      const prices = inputPrice === undefined ? "no price" : `$${inputPrice} / $${outputPrice}`;
      return `  ${name}${name === strong ? " (strong)" : ""}  ${model ?? name} at ${baseUrl}  ${prices}  ${keySecret ?? "no key"}`;
    },
  );
  const { budget } = /** @type {{budget?: {usd: number, period: string}}} */ (config.local);
  const spending = budget ? `  callers on this machine may spend $${budget.usd} a ${budget.period}\n` : "";
  const key = config.keys ? "pm-..." : "any";
  return `Pointsman gateway ${version()}, bundle ${bundle}, ${config.path}
${models.join("\n")}
${spending}
${clientLines(url, key).join("\n")}
`;
}

/** @param {Gateway} gateway @returns {Promise<number>} */
function untilStopped(gateway) {
  return new Promise((resolve) => {
    /** @type {number | undefined} */
    let stopping;
    const stop = async () => {
      if (stopping !== undefined && performance.now() - stopping < REPEATED_MS) return;
      if (stopping !== undefined) return void gateway.stop("SIGKILL");
      stopping = performance.now();
      console.error("pointsman: stopping once the requests in flight have ended; again stops at once");
      await gateway.stop();
      console.log(summary(gateway.totals, gateway.strong));
      resolve(DONE);
    };
    for (const signal of STOPPING) process.on(signal, stop);
    gateway.ended.then((code) => {
      if (stopping !== undefined) return;
      console.error(`pointsman: workerd ended by itself with code ${code} (workerd_failed). Start the gateway again`);
      resolve(FAULT);
    });
  });
}

function version() {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  try {
    return String(JSON.parse(text).version);
  } catch (error) {
    throw new Error(`the package's own package.json is damaged: ${messageOf(error)}`);
  }
}
