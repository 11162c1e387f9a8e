// Finds the package's files and resolves URLs in a page or its Web Workers.

import { RouterError } from "../../error.js";
import { packageFiles } from "../package-files.js";

/** @import { Host } from "../../host.js" */

/** @type {Host} */
export const browser = {
  ...packageFiles,
  cache: 256,
  url: (source) => {
    try {
      return new URL(source, globalThis.document?.baseURI ?? globalThis.location?.href);
    } catch (cause) {
      throw new RouterError("argument_source", `"${source}" is not a valid URL`, { cause });
    }
  },
};
