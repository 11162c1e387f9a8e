// Turns the Worker's own complaint about a variable into one about pointsman.toml: the field's whole name, and the
// nearest right word.

import { isTable, pathAt } from "./json-places.mjs";
import { nearest, suggestion } from "./nearest.mjs";

/** @import { Placed } from "./json-places.mjs" */

/** The variables as the Worker got them. @typedef {{UPSTREAMS: Placed, GATEWAY: Placed, KEYS: Placed}} Variables */

const INVALID = /\b(UPSTREAMS|GATEWAY|KEYS) is wrong: (.*?)(?:\. Correct the Worker's configuration)?$/;
const UNKNOWN = /^unknown (field|variant) `([^`]*)`, (?:expected one of |expected )?(.*)$/;
const COLUMN = / at line \d+ column (\d+)/;
const NOT_SERVED = /"([^"]+)",? (?:which is )?not served/;

/**
 * @param {string} line of the Worker's log
 * @param {Variables} variables
 * @param {{local: boolean, models: string[]}} context whether KEYS was made of the table local; the upstreams' names
 * @returns {string | undefined} undefined if the line is no such complaint
 */
export function faultIn(line, variables, { local, models }) {
  const found = INVALID.exec(line);
  if (!found) return undefined;
  const variable = /** @type {keyof Variables} */ (found[1]);
  const detail = found[2].replace(COLUMN, "");
  const placed = variables[variable];
  const column = COLUMN.exec(found[2])?.[1];
  const unknown = UNKNOWN.exec(detail);
  const isField = unknown?.[1] === "field";
  const path = column === undefined ? undefined : pathAt(placed, Number(column));
  const root = variable.toLowerCase();
  const place = !path
    ? root
    : local && root === "keys"
      ? ["local", ...path.slice(1)].join(".")
      : [root, ...path].join(".");
  if (unknown) {
    const stated = path === undefined ? unknown[2] : isField ? String(path.at(-1)) : textAt(placed, path);
    const listed = [...unknown[3].matchAll(/`([^`]+)`/g)].map(([, word]) => word);
    const remedy = suggestion(stated, listed);
    return isField ? `there is no field ${place}: ${remedy}` : `${place} is ${JSON.stringify(stated)}: ${remedy}`;
  }
  const model = NOT_SERVED.exec(detail)?.[1];
  const near = model === undefined ? undefined : nearest(model, models);
  return `${place}: ${detail}${near ? `. Did you mean ${near}?` : ""}`;
}

/** @param {Placed} placed @param {string[]} path */
function textAt({ text }, path) {
  let value = JSON.parse(text);
  for (const name of path) value = isTable(value) || Array.isArray(value) ? Reflect.get(value, name) : undefined;
  return String(value);
}
