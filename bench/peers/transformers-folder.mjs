// A bundle laid out as transformers.js wants a model.

import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const NAME = "router";

/**
 * @param {{bundle: string, models: Record<string, string>}} job
 * @returns {import("./transformers.mjs").Place & {remove(): void}}
 */
export function transformersFolder({ bundle, models }) {
  const root = mkdtempSync(join(tmpdir(), "pointsman-transformers-"));
  const folder = join(root, NAME);
  mkdirSync(join(folder, "onnx"), { recursive: true });
  copyFileSync(join(bundle, "tokenizer.json"), join(folder, "tokenizer.json"));
  // Any kind that has no inputs but ids and mask will do; the graph says the rest.
  writeFileSync(join(folder, "config.json"), JSON.stringify({ model_type: "bert" }));
  writeFileSync(join(folder, "tokenizer_config.json"), JSON.stringify({ tokenizer_class: "BertTokenizer" }));
  // The file made for the peer comes last where there is one.
  const paths = Object.values(models);
  symlinkSync(paths[paths.length - 1], join(folder, "onnx/model.onnx"));
  const { encoder } = JSON.parse(readFileSync(join(bundle, "router.json"), "utf8"));
  return {
    models: `${root}/`,
    name: NAME,
    special: encoder.special_tokens,
    remove: () => rmSync(root, { recursive: true }),
  };
}
