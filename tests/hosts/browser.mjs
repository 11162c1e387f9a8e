// Starts Chromium without a window and without background network requests.

import { chromium } from "playwright-core";

import { CHROMIUM } from "./paths.mjs";

export function launch() {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}
