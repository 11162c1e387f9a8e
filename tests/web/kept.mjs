// Waits for the service worker to control the page and to have cached its files.

const TRIES = 600;

/**
 * Waits until a reload needs no network.
 * @param {import("playwright-core").Page} page
 */
export async function kept(page) {
  const holdsAll = () =>
    page.evaluate(async () => {
      if (navigator.serviceWorker.controller?.state !== "activated") return false;
      const [name] = await caches.keys();
      const held = (await (await caches.open(name)).keys()).map(({ url }) => url);
      const fetched = performance
        .getEntriesByType("resource")
        .map(({ name }) => name)
        .filter((name) => name.startsWith(location.origin));
      return fetched.length > 5 && fetched.every((name) => held.includes(name));
    });
  for (let tries = 0; !(await holdsAll()); tries += 1) {
    if (tries >= TRIES) throw new Error("the service worker did not cache the page's files");
    await page.waitForTimeout(50);
  }
}
