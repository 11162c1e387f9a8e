// The pinned versions of the clients.

import { readFileSync } from "node:fs";

const read = (/** @type {string} */ name) => readFileSync(new URL(name, import.meta.url), "utf8");
const programs = JSON.parse(read("programs/package.json")).dependencies;
const libraries = JSON.parse(read("../package.json")).dependencies;
const python = Object.fromEntries(
  read("programs/requirements.txt")
    .split("\n")
    .map((line) => line.split("==")),
);

/** @param {{from: string, registry?: "npm" | "pypi"}} client `registry` is absent for the libraries @returns {string} */
export const versionOf = ({ from, registry }) =>
  (registry ? (registry === "npm" ? programs : python) : libraries)[from];
