// Records a page's own start, from before its first script on.

/**
 * @typedef Seen times in ms since the visit began
 * @property {number} origin when that was
 * @property {{at: number, value: number}[]} shifts
 * @property {{at: number, lasts: number}[]} tasks
 * @property {number} [fcp] first contentful paint
 * @property {number} [lcp] largest contentful paint
 * @property {number} [ready] when the page could route
 */

/** @typedef {PerformanceEntry & {value: number, hadRecentInput: boolean}} Entry the last two of a layout shift */

/**
 * Runs inside the page, where nothing else of this file exists. Leaves in `globalThis.seen` the times of
 * paints, shifts and long tasks, and of the moment when the page could route: ms since the visit began.
 */
export function watch() {
  /** @type {Seen} */
  const seen = { origin: performance.timeOrigin, shifts: [], tasks: [] };
  Object.assign(globalThis, { seen });
  const observe = (/** @type {string} */ type, /** @type {(entry: Entry) => void} */ take) => {
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) take(/** @type {Entry} */ (entry));
    }).observe({ type, buffered: true });
  };
  observe("paint", ({ name, startTime }) => {
    if (name === "first-contentful-paint") seen.fcp = startTime;
  });
  // The last is the largest.
  observe("largest-contentful-paint", ({ startTime }) => {
    seen.lcp = startTime;
  });
  observe("layout-shift", ({ startTime, value, hadRecentInput }) => {
    if (!hadRecentInput) seen.shifts.push({ at: startTime, value });
  });
  observe("longtask", ({ startTime, duration }) => seen.tasks.push({ at: startTime, lasts: duration }));
  new MutationObserver((_, observer) => {
    if (!document.documentElement?.dataset.ready) return;
    seen.ready = performance.now();
    observer.disconnect();
  }).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-ready"] });
}
