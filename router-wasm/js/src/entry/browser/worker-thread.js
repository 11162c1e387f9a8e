// The module that a RouterWorker's Web Worker runs.

import { answering } from "../../thread/answering.js";
import { browser } from "./host.js";

const answer = answering(browser, (message) => self.postMessage(message));
self.addEventListener("message", ({ data }) => answer(data));
