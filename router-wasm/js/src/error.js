/** @import { RouterErrorCode } from "./types/error-code.js" */

/**
 * An error of this package. `cause` is the host's own error, where there is one.
 *
 * The message names the thing, what was found, what was expected and what to do; it may be reworded.
 * Branch on {@link RouterError.code}.
 *
 * @example
 * ```js
 * try {
 *   router.route(text);
 * } catch (error) {
 *   if (error instanceof RouterError && error.code === "query_empty") return undefined;
 *   throw error;
 * }
 * ```
 */
export class RouterError extends Error {
  /**
   * @override
   * @readonly
   * @type {"RouterError"}
   */
  name = "RouterError";

  /**
   * The error's name, which never changes.
   * @readonly
   * @type {RouterErrorCode}
   */
  code;

  /**
   * @param {RouterErrorCode} code
   * @param {string} message
   * @param {{cause?: unknown}} [options]
   */
  constructor(code, message, options) {
    super(message, options);
    this.code = code;
  }
}
