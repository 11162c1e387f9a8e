// Whether the service worker has taken over, and holds what the page has fetched.

const TRIES = 600;

/** Waits until it does: from then on a reload needs no network. */
export async function kept(page) {
  const holdsAll = () => page.evaluate(async () => {
    if (navigator.serviceWorker.controller?.state !== "activated") return false;
    const [name] = await caches.keys();
    const held = (await (await caches.open(name)).keys()).map(({ url }) => url);
    const fetched = performance.getEntriesByType("resource").map(({ name }) => name).filter((name) => name.startsWith(location.origin));
    return fetched.length > 5 && fetched.every((name) => held.includes(name));
  });
  for (let tries = 0; !(await holdsAll()); tries += 1) {
    if (tries >= TRIES) throw new Error("the service worker never held what the page needs");
    await page.waitForTimeout(50);
  }
}
