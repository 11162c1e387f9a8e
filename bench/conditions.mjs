// What a measurement was made with.

/** @import { Machine } from "./machine.mjs" */

import { described } from "./machine.mjs";

/**
 * @typedef {{before: number, after: number}} Load the load averages
 * @typedef {{machine: Machine, versions: Record<string, string>, made: string, revision?: string}} Origin of a report
 */

/**
 * Machine, versions, load, limits, date and commit of a report, as lines of one paragraph.
 * @param {Origin} origin
 * @param {Load} load
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
