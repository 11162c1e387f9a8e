// A folder in the place of an R2 bucket, with the methods that the Worker calls. The folder is a disk service of
// workerd, which answers GET with a file and writes the body of PUT.

/** What the Worker reads of a file. @typedef {{size: number, body: ReadableStream | null, text: () => Promise<string>,
 *   arrayBuffer: () => Promise<ArrayBuffer>}} FileObject */

/** @typedef {{fetch: (url: string, init: {method: string, body?: string}) => Promise<Response>}} Folder */

export class FolderBucket {
  #folder;
  /** Names that are being written: a check for a file and its write are two steps. @type {Set<string>} */
  #pending = new Set();

  /** @param {Folder} folder */
  constructor(folder) {
    this.#folder = folder;
  }

  /**
   * @param {string} name
   * @returns {Promise<FileObject | null>} null without such a file
   */
  async get(name) {
    const response = await this.#call("GET", name);
    if (response.status === 404) return null;
    if (!response.ok) throw new Error(`${name} cannot be read: the log's folder answers ${response.status}`);
    return {
      size: Number(response.headers.get("content-length")),
      body: response.body,
      text: () => response.text(),
      arrayBuffer: () => response.arrayBuffer(),
    };
  }

  /**
   * @param {string} name
   * @param {string} text
   * @param {{onlyIf?: {etagDoesNotMatch?: string}}} options `*` writes only where no such file exists
   * @returns {Promise<{key: string} | null>} null if the condition did not hold
   */
  async put(name, text, { onlyIf } = {}) {
    if (onlyIf?.etagDoesNotMatch !== "*") return this.#write(name, text);
    if (this.#pending.has(name)) return null;
    this.#pending.add(name);
    try {
      return (await this.#has(name)) ? null : await this.#write(name, text);
    } finally {
      this.#pending.delete(name);
    }
  }

  /** @param {string} name @param {string} text */
  async #write(name, text) {
    const { ok, status } = await this.#call("PUT", name, text);
    if (!ok) throw new Error(`${name} cannot be written: the log's folder answers ${status}`);
    return { key: name };
  }

  /** @param {string} name */
  async #has(name) {
    const { status, body } = await this.#call("GET", name);
    await body?.cancel();
    return status !== 404;
  }

  /** @param {string} method @param {string} name @param {string} [body] */
  #call(method, name, body) {
    return this.#folder.fetch(`http://folder/${name}`, { method, body });
  }
}
