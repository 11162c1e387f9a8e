// Fetches a bundle's files from the page's `bundles/` folder.

import { RouterError } from "pointsman";

/**
 * @param {string} id a folder under `bundles/`
 * @param {(progress: {loaded: number, total: number}) => void} onProgress in bytes
 * @returns {Promise<Record<string, Uint8Array>>} the files by name
 */
export async function fetchedBundle(id, { signal, onProgress }) {
  const folder = new URL(`./bundles/${encodeURIComponent(id)}/`, document.baseURI);
  const manifestBytes = await bytesOf(new URL("router.json", folder), signal);
  const { files = [], map } = parsed(manifestBytes, folder);
  const wanted = [...files, ...(map ? [map] : [])];
  const total = wanted.reduce((sum, { bytes }) => sum + bytes, 0);
  let loaded = 0;
  const contents = await Promise.all(
    wanted.map(({ name }) =>
      bytesOf(new URL(encodeURIComponent(name), folder), signal, (more) => {
        loaded += more;
        onProgress({ loaded, total });
      }),
    ),
  );
  return { "router.json": manifestBytes, ...Object.fromEntries(wanted.map(({ name }, i) => [name, contents[i]])) };
}

function parsed(bytes, folder) {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new RouterError(
      "bundle_bad_manifest",
      `${folder.href}router.json is not JSON: expected a bundle's manifest. Check the bundle's address`,
    );
  }
}

async function bytesOf(url, signal, onBytes = () => {}) {
  let response;
  try {
    response = await fetch(url, { signal });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new RouterError("fetch_failed", `${url.href} could not be fetched: ${cause.message}`, { cause });
  }
  if (!response.ok) {
    throw new RouterError("fetch_failed", `${url.href} could not be fetched: status ${response.status}`);
  }
  const pieces = [];
  for await (const piece of response.body) {
    pieces.push(piece);
    onBytes(piece.length);
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}
