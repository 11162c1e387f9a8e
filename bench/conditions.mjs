// What a measurement was made with.

import { described } from "./machine.mjs";

/**
 * Machine, versions, load, limits, date and commit of a report, as lines of one paragraph.
 * @param {{before: number, after: number}} load the load averages
 * @param {string} limits what ended a measurement
 */
export function conditions({ machine, versions, made, revision }, load, limits) {
  const names = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `Machine: ${described(machine)}.`,
    `Versions: ${names.join(", ")}.`,
    `Load average ${load.before.toFixed(1)} before and ${load.after.toFixed(1)} after; ${limits}. Measured on ${made}, commit ${revision ?? "unknown"}.`,
  ];
}
