// Records a page's own start, from before its first script on.

/**
 * Runs inside the page, where nothing else of this file exists. Leaves in `globalThis.seen` the times of
 * paints, shifts and long tasks, and of the moment when the page could route: ms since the visit began.
 */
export function watch() {
  const seen = { origin: performance.timeOrigin, shifts: [], tasks: [] };
  globalThis.seen = seen;
  const observe = (type, take) => {
    new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true });
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
