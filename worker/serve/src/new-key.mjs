// Makes a key of the gateway, for callers that are not on this machine.

import { createHash, randomBytes } from "node:crypto";

import { GatewayError } from "./error.mjs";

const NAME = /^(?!\.)[A-Za-z0-9._-]{1,64}$/;

/** @param {string} name of its holder @returns {string} the text to print */
export function newKey(name) {
  if (!NAME.test(name) || name === "open") {
    const message = `NAME is ${JSON.stringify(name)}: expected 1 to 64 characters of A-Z a-z 0-9 . _ - without a dot at its beginning, and not open`;
    throw new GatewayError("usage", message);
  }
  const key = `pm-${randomBytes(32).toString("base64url")}`;
  const sha256 = createHash("sha256").update(key).digest("hex");
  return `The key of ${name}. It is shown only once. Its holder uses it as the API key of a client:

${key}

Its entry for pointsman.toml, to which models and a budget may be added:

[[keys]]
name = "${name}"
sha256 = "${sha256}"
# models = ["auto"]
# budget = { usd = 50.0, period = "month" }`;
}
