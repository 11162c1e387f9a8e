// Finds out whether a port can be listened on.

import { createServer } from "node:net";

import { GatewayError } from "./error.mjs";

const ASK_MS = 2000;

/**
 * @param {string} host
 * @param {number} port
 * @throws GatewayError `port_taken`, which says whether a gateway has it; `host_unknown`
 */
export async function checkPort(host, port) {
  const code = await codeOfListening(host, port);
  if (code === undefined) return;
  if (code === "EADDRINUSE") {
    const who = (await isGateway(host, port)) ? "another Pointsman gateway" : "another process";
    throw new GatewayError(
      "port_taken",
      `port ${port} of ${host} is taken by ${who}: stop it (${finder(port)} shows it), or choose another port with --port N or \`port\` in pointsman.toml; --port 0 takes a free one`,
    );
  }
  if (code === "EACCES") {
    const message = `port ${port} of ${host} is not for this user: choose one above 1023 with --port N`;
    throw new GatewayError("port_taken", message);
  }
  const message = `host is ${host}, on which this machine cannot listen (${code}): expected 127.0.0.1, or an address of this machine`;
  throw new GatewayError("host_unknown", message);
}

/** @param {number} port */
function finder(port) {
  return process.platform === "win32" ? `\`netstat -ano | findstr :${port}\`` : `\`lsof -i :${port}\``;
}

/** @param {string} host @param {number} port @returns {Promise<string | undefined>} */
function codeOfListening(host, port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", (error) => resolve(/** @type {NodeJS.ErrnoException} */ (error).code ?? error.message));
    probe.listen(port, host, () => probe.close(() => resolve(undefined)));
  });
}

/** @param {string} host @param {number} port */
async function isGateway(host, port) {
  try {
    const response = await fetch(`http://${inUrl(host)}:${port}/healthz`, { signal: AbortSignal.timeout(ASK_MS) });
    return "bundle" in (await response.json());
  } catch {
    return false;
  }
}

/** A host as it stands in a URL. @param {string} host */
export function inUrl(host) {
  if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}
