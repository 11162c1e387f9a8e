// Makes the page work offline. Files with a hash in their names come from the cache; the others come from
// the network while there is one, so that a new release shows at once.

const scope = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (globalThis));
const CACHE = "pointsman-__VERSION__";
const SHELL = __SHELL__;

scope.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(SHELL))
      .then(() => scope.skipWaiting()),
  );
});

scope.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      const names = (await caches.keys()).filter((name) => name.startsWith("pointsman-") && name !== CACHE);
      await Promise.all(names.map((name) => caches.delete(name)));
      await scope.clients.claim();
    })(),
  );
});

// Caches files that the page fetched before this worker started, such as the engine's module.
scope.addEventListener("message", (event) => {
  /** @type {string[]} */
  const addresses = event.data;
  const own = addresses.filter((address) => new URL(address).origin === location.origin);
  event.waitUntil(
    caches.open(CACHE).then((cache) =>
      Promise.allSettled(
        own.map(async (address) => {
          if (!(await cache.match(address))) await cache.add(address);
        }),
      ),
    ),
  );
});

scope.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  event.respondWith(url.pathname.includes("/assets/") ? cacheFirst(request) : networkFirst(request));
});

/** @param {Request} request */
async function cacheFirst(request) {
  return (await caches.match(request)) ?? kept(request, await fetch(request));
}

/** @param {Request} request */
async function networkFirst(request) {
  try {
    return await kept(request, await fetch(request));
  } catch (error) {
    const found = await caches.match(request, { ignoreSearch: request.mode === "navigate" });
    if (found) return found;
    throw error;
  }
}

/** @param {Request} request @param {Response} response */
async function kept(request, response) {
  if (response.ok) await (await caches.open(CACHE)).put(request, response.clone());
  return response;
}
