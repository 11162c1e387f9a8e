// The devices of the visits: a desk, and the phone that Lighthouse has by default. `good` holds Lighthouse's
// limits, the tenth percentiles of its scoring curves.

/** @import { BrowserContextOptions } from "playwright-core" */
/** @import { Slowed } from "./slow.mjs" */

const SECOND = 1000;
const MEGABIT = 1e6 / 8;

/**
 * @typedef {{fcp: number, lcp: number, tbt: number, cls: number}} Good milliseconds, and a layout shift
 * @typedef {{about: string, context: BrowserContextOptions, slowed?: Slowed, good: Good}} Device
 */

/** @type {Record<string, Device>} */
export const DEVICES = {
  desk: {
    about: "1280 × 900, nothing slowed",
    context: { viewport: { width: 1280, height: 900 } },
    good: { fcp: 0.934 * SECOND, lcp: 1.2 * SECOND, tbt: 150, cls: 0.1 },
  },
  phone: {
    about: "412 × 823, CPU four times slower, 1.6 Mbit/s down, 750 kbit/s up, 150 ms there and back",
    context: { viewport: { width: 412, height: 823 }, deviceScaleFactor: 1.75, isMobile: true, hasTouch: true },
    slowed: {
      cpu: 4,
      network: { offline: false, latency: 150, downloadThroughput: 1.6 * MEGABIT, uploadThroughput: 0.75 * MEGABIT },
    },
    good: { fcp: 1.8 * SECOND, lcp: 2.5 * SECOND, tbt: 200, cls: 0.1 },
  },
};
