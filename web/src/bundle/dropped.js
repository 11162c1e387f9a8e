// A bundle from the reader's own machine: a folder or files dropped on the page or chosen in a dialogue, or
// one uncompressed tar.

/** @import { BundleSource } from "pointsman" */

import { RouterError } from "pointsman";

/**
 * The files of a drop, also those in its folders. Call it in the event's handler: the data is gone afterwards.
 * @param {DataTransfer} transfer
 * @returns {Promise<File[]>}
 */
export async function droppedFiles(transfer) {
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry?.() ?? []);
  if (entries.length === 0) return [...transfer.files];
  return (await Promise.all(entries.map(filesOf))).flat();
}

/**
 * The files as a source of `loadBundle`; the engine checks whether they are a bundle.
 * @param {File[]} files
 * @returns {BundleSource}
 */
export function sourceOf(files) {
  const [first, ...others] = files;
  if (!first)
    throw new RouterError("argument_source", "nothing was dropped: expected a bundle's files, its folder or its .tar");
  if (others.length === 0 && /\.(tar|bin)$/i.test(first.name)) return first;
  return Object.fromEntries(files.map((file) => [file.name, file]));
}

/**
 * @param {FileSystemEntry} entry
 * @returns {Promise<File[]>}
 */
async function filesOf(entry) {
  if (entry.isFile) {
    return [await new Promise((found, failed) => /** @type {FileSystemFileEntry} */ (entry).file(found, failed))];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  const found = [];
  for (;;) {
    // The directory reader gives at most a hundred entries at a time.
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((read, failed) => reader.readEntries(read, failed));
    if (some.length === 0) return found;
    for (const inner of some) if (inner.isFile) found.push(...(await filesOf(inner)));
  }
}
