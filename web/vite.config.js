import { defineConfig } from "vite";

import { bundles } from "./build/bundles.js";
import { compressed } from "./build/compressed.js";
import { offline } from "./build/offline.js";

export default defineConfig({
  // Relative URLs, so that the page can be served under any path.
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2023",
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  worker: { format: "es" },
  plugins: [bundles(), offline(), compressed()],
});
