// Gives a request without a key of the gateway the local key, whose budget and sessions are then the caller's.
//
// Who reaches the port is on this machine, but a page in a browser reaches it too. So a request with the origin of
// a page gets the key only if GATEWAY.cors.origins has that origin; a page whose own name resolves to this machine
// (DNS rebinding) states that name as its host and gets none.

/**
 * @typedef {object} LocalCallers
 * @property {string[]} origins of GATEWAY.cors.origins
 * @property {boolean} callerKeys whether an upstream takes callers' own keys
 */

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i;
const UPSTREAM_KEY = "x-pointsman-upstream-key";

/**
 * @param {Request} request
 * @param {string} key the local key
 * @param {LocalCallers} callers
 * @returns {Request}
 */
export function withLocalKey(request, key, { origins, callerKeys }) {
  const { headers } = request;
  const origin = headers.get("origin");
  const fromPage = origin !== null && !origins.includes("*") && !origins.includes(origin);
  if (fromPage || !LOOPBACK.test(headers.get("host") ?? "")) return request;
  const changed = new Headers(headers);
  const own = /^bearer\s+(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  // What an open gateway does with it.
  if (own && callerKeys && !headers.has(UPSTREAM_KEY)) changed.set(UPSTREAM_KEY, own);
  changed.delete("x-api-key");
  changed.set("authorization", `Bearer ${key}`);
  return new Request(request, { headers: changed });
}
