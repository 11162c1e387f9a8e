// A bundle's bytes from wherever they are: `{files: Map}` or `{tar: Uint8Array}`. Whether they are
// a bundle is the engine's to say.

import { RouterError, describe } from "./error.js";

const MANIFEST = "router.json";

/**
 * @param source what `Router.load` was given
 * @param host `{url(text), read?(url, signal)}`: how text becomes a URL here, and how a URL that is
 *   not fetched is read
 */
export async function bundleBytes(source, host, signal) {
  const archive = await bytesOf(source);
  if (archive) return { tar: archive };
  if (typeof source === "string" || source instanceof URL) {
    return fromUrl(await host.url(source), host, signal);
  }
  if (typeof source !== "object" || source === null || Array.isArray(source)) {
    const message = `Router.load() was given ${describe(source)}: expected a URL, the bytes of a .tar, or an object of the bundle's files by name`;
    throw new RouterError("argument_source", message);
  }
  const files = new Map();
  for (const [name, content] of Object.entries(source)) {
    const bytes = await bytesOf(content);
    if (!bytes) {
      const message = `bundle file "${name}" is ${describe(content)}: expected a Uint8Array, an ArrayBuffer or a Blob`;
      throw new RouterError("argument_source", message);
    }
    files.set(name, bytes);
  }
  return { files };
}

async function fromUrl(url, host, signal) {
  const read = async (at) => (await host.read?.(at, signal)) ?? fetched(at, signal);
  if (url.pathname.endsWith(".tar")) return { tar: await read(url) };
  if (!url.pathname.endsWith("/")) {
    const message = `Router.load() was given ${url}: expected a folder, ending in "/", or a file ending in ".tar"`;
    throw new RouterError("argument_source", message);
  }
  const manifest = await read(new URL(MANIFEST, url));
  const names = namesIn(manifest);
  const contents = await Promise.all(names.map((name) => read(new URL(encodeURIComponent(name), url))));
  return { files: new Map([[MANIFEST, manifest], ...names.map((name, i) => [name, contents[i]])]) };
}

/** The files that router.json lists. Where it cannot be read, none: the engine will say why. */
function namesIn(manifest) {
  let files;
  try {
    files = JSON.parse(new TextDecoder().decode(manifest)).files;
  } catch {
    return [];
  }
  if (!Array.isArray(files)) return [];
  const names = files.map((file) => file?.name).filter((name) => typeof name === "string");
  // A name with a folder in it would be fetched from somewhere else.
  return names.filter((name) => /^[^/\\]+$/.test(name) && name !== "." && name !== "..");
}

async function fetched(url, signal) {
  let response;
  try {
    response = await fetch(url, { signal });
    if (response.ok) return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    signal?.throwIfAborted();
    throw new RouterError("fetch_failed", `${url} could not be fetched: ${cause.message}`, { cause });
  }
  const message = `${url} could not be fetched: status ${response.status}. Check the bundle's address`;
  throw new RouterError("fetch_failed", message);
}

async function bytesOf(value) {
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  if (value instanceof Blob) return new Uint8Array(await value.arrayBuffer());
  return undefined;
}
