// A bundle of kind `difficulty` for tests: the fixture `tiny`, whose two scores are read as two demands.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { bundleFiles, TINY } from "./paths.mjs";

const SMALL = { intercept: -0.5, slopes: [1.5, 0] };
const MEDIUM = { intercept: 0.5, slopes: [1, 0] };
const LARGE = { intercept: 1.5, slopes: [0.5, 0] };

/** The bundle's files, with the candidates `small` and `large`. */
export function difficultyFiles() {
  const files = bundleFiles(TINY);
  const manifest = JSON.parse(Buffer.from(files["router.json"]).toString());
  const demands = Array.from({ length: 41 }, (_, i) => [i / 10 - 2, 0]);
  const changed = {
    ...manifest,
    name: "tiny-difficulty",
    kind: "difficulty",
    curves: [],
    candidates: [
      { id: "small", ability: SMALL },
      { id: "large", ability: LARGE },
    ],
    head: {
      strong: "large",
      weak: "small",
      default_strong_share: 0.5,
      demands: ["difficulty", "pair"],
      abilities: { small: SMALL, medium: MEDIUM, large: LARGE },
    },
    calibration: { ...manifest.calibration, demands },
  };
  return { ...files, "router.json": new TextEncoder().encode(JSON.stringify(changed)) };
}

/**
 * Writes the bundle into a new folder.
 * @param {string} folder
 */
export async function writeDifficulty(folder) {
  await mkdir(folder);
  for (const [name, bytes] of Object.entries(difficultyFiles())) await writeFile(join(folder, name), bytes);
}
