// The module that a RouterWorker's Web Worker runs.

import { browser } from "./lib/host-browser.js";
import { answering } from "./lib/worker-thread.js";

const answer = answering(browser, (message) => self.postMessage(message));
self.addEventListener("message", ({ data }) => answer(data));
