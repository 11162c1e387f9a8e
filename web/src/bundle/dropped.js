// A bundle's files from the reader's own machine: a folder or files dropped on the page or chosen in
// a dialogue, or one uncompressed tar.

import { RouterError } from "pointsman";

const BLOCK = 512;

/** The files of a drop, also those in its folders. Call it in the event's handler: the data is gone afterwards. */
export async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) return [...transfer.files];
  return (await Promise.all(entries.map(filesOf))).flat();
}

/**
 * @param {File[]} files
 * @returns {Promise<Record<string, Uint8Array>>} the files by name; the engine checks whether they are a
 *   bundle
 */
export async function bundleFrom(files) {
  if (files.length === 0)
    throw new RouterError("argument_source", "nothing was dropped: expected a bundle's files, its folder or its .tar");
  if (files.length === 1 && /\.(tar|bin)$/i.test(files[0].name)) return untarred(await bytes(files[0]));
  const named = await Promise.all(files.map(async (file) => [file.name, await bytes(file)]));
  return Object.fromEntries(named);
}

const bytes = async (file) => new Uint8Array(await file.arrayBuffer());

async function filesOf(entry) {
  if (entry.isFile) return [await new Promise((found, failed) => entry.file(found, failed))];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    // The directory reader gives at most a hundred entries at a time.
    const some = await new Promise((read, failed) => reader.readEntries(read, failed));
    if (some.length === 0) return found;
    for (const inner of some) if (inner.isFile) found.push(...(await filesOf(inner)));
  }
}

function untarred(archive) {
  const files = {};
  const text = (at, length) => new TextDecoder().decode(archive.subarray(at, at + length)).split("\0")[0];
  let at = 0;
  while (at + BLOCK <= archive.length && archive[at] !== 0) {
    const size = Number.parseInt(text(at + 124, 12), 8);
    const end = at + BLOCK + size;
    if (!Number.isSafeInteger(size) || end > archive.length || text(at + 257, 5) !== "ustar") {
      throw new RouterError(
        "bundle_bad_archive",
        "the file is not an uncompressed tar of a bundle, or it is truncated",
      );
    }
    const type = text(at + 156, 1);
    if (type === "0" || type === "") files[text(at, 100).replace(/^.*\//, "")] = archive.slice(at + BLOCK, end);
    at = Math.ceil(end / BLOCK) * BLOCK;
  }
  return files;
}
