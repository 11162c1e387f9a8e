// The errors that the commands report.

/**
 * @typedef {"usage" | "config_missing" | "config_unreadable" | "config_invalid" | "config_exists" | "key_missing" |
 *   "host_needs_keys" | "bundle_unreadable" | "port_taken" | "host_unknown" | "data_in_use" | "folder_unwritable" |
 *   "workerd_failed" | "workerd_missing" | "program_missing" | "alias_missing"} ErrorCode
 */

/** A fault that the user can mend; its message says how. */
export class GatewayError extends Error {
  /**
   * @param {ErrorCode} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.name = "GatewayError";
    this.code = code;
  }
}

/** The message of anything thrown. @param {unknown} error */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
