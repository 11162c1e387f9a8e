// Starts the service worker, and sends it the URLs that the page fetched before.

import { faultFrom } from "./model/fault.js";

export async function keepOffline() {
  if (!navigator.serviceWorker) return;
  try {
    await navigator.serviceWorker.register(new URL("./service-worker.js", document.baseURI), { scope: "./" });
    const { active } = await navigator.serviceWorker.ready;
    const tell = (/** @type {PerformanceEntryList} */ entries) => active?.postMessage(entries.map(({ name }) => name));
    tell(performance.getEntriesByType("resource"));
    new PerformanceObserver((list) => tell(list.getEntries())).observe({ type: "resource" });
  } catch (error) {
    // A page from a file or in a private window has no service worker; it works only online.
    console.info(`The page is not kept for use without a network: ${faultFrom(error).message}`);
  }
}
