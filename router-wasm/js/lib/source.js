// Reads a bundle's bytes from any source, as `{files: Map}` or `{tar: Uint8Array}`. The engine checks
// whether they are a bundle.

import { describe, RouterError } from "./error.js";
import { fetched } from "./fetched.js";

const MANIFEST = "router.json";
/** Protocols whose URLs always name one file. */
const ONE_FILE = ["data:", "blob:"];

/**
 * @param source what `Router.load` was given; undefined for the bundle that the package carries
 * @param host `{bundle(), url(text), read?(url, signal)}`: where that bundle is, how text becomes a
 *   URL here, and how a URL that is not fetched is read
 * @param {{signal?: AbortSignal, onProgress?: (progress: {loaded: number, total?: number}) => void}} options
 */
export async function bundleBytes(source = undefined, host, { signal, onProgress }) {
  const given = source === undefined ? await host.bundle() : source;
  const archive = await bytesOf(given);
  if (archive) return whole({ tar: archive }, onProgress);
  if (typeof given === "string" || given instanceof URL) {
    return fromUrl(await host.url(given), host, signal, onProgress);
  }
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    const message = `Router.load() was given ${describe(given)}: expected a URL, the bytes of a .tar, an object of the bundle's files by name, or nothing for the default bundle`;
    throw new RouterError("argument_source", message);
  }
  const files = new Map();
  for (const [name, content] of Object.entries(given)) {
    const bytes = await bytesOf(content);
    if (!bytes) {
      const message = `bundle file "${name}" is ${describe(content)}: expected a Uint8Array, an ArrayBuffer or a Blob`;
      throw new RouterError("argument_source", message);
    }
    files.set(name, bytes);
  }
  return whole({ files }, onProgress);
}

/** Reports bytes that the caller passed as loaded. */
function whole(bundle, onProgress) {
  const parts = bundle.tar ? [bundle.tar] : [...bundle.files.values()];
  const loaded = parts.reduce((sum, bytes) => sum + bytes.length, 0);
  onProgress?.({ loaded, total: loaded });
  return bundle;
}

async function fromUrl(url, host, signal, onProgress) {
  let loaded = 0;
  const tell = (more, total) => {
    loaded += more;
    onProgress?.({ loaded, total: total >= loaded ? total : undefined });
  };
  const read = async (at, onBytes) => {
    const bytes = await host.read?.(at, signal);
    if (bytes) onBytes?.(bytes.length, bytes.length);
    return bytes ?? fetched(at, signal, onProgress && onBytes);
  };
  if (/\.(tar|bin)$/.test(url.pathname) || ONE_FILE.includes(url.protocol)) {
    return { tar: await read(url, tell) };
  }
  if (!url.pathname.endsWith("/")) {
    const message = `Router.load() was given ${url}: expected a folder, ending in "/", or an archive, ending in ".tar" or ".bin"`;
    throw new RouterError("argument_source", message);
  }
  const manifest = await read(new URL(MANIFEST, url));
  const files = listedIn(manifest);
  const total = files.reduce((sum, { bytes }) => sum + Number(bytes), manifest.length);
  tell(manifest.length, total);
  const contents = await Promise.all(
    files.map(({ name }) => read(new URL(encodeURIComponent(name), url), (more) => tell(more, total))),
  );
  return { files: new Map([[MANIFEST, manifest], ...files.map(({ name }, i) => [name, contents[i]])]) };
}

/** The files that router.json lists; none where it cannot be parsed: the engine reports why. */
function listedIn(manifest) {
  let files;
  try {
    files = JSON.parse(new TextDecoder().decode(manifest)).files;
  } catch {
    return [];
  }
  if (!Array.isArray(files)) return [];
  // A name with a folder in it would be fetched from outside the bundle.
  const isName = (name) => typeof name === "string" && /^[^/\\]+$/.test(name) && name !== "." && name !== "..";
  return files.filter((file) => isName(file?.name));
}

async function bytesOf(value) {
  if (value instanceof Uint8Array) return value;
  // Compared by tag, not class: a test runner's sandbox has its own ArrayBuffer.
  if (Object.prototype.toString.call(value) === "[object ArrayBuffer]") return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  if (value instanceof Blob) return new Uint8Array(await value.arrayBuffer());
  return undefined;
}
